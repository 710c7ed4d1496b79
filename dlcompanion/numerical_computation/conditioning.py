"""How much a matrix can magnify an error of its input, whoever solves (section 4.2)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from dlcompanion.arguments import check_count, check_finite, check_symmetric


def condition_number(matrix: Real[ArrayLike, "n n"]) -> Float[Array, ""]:
    """Return the largest eigenvalue over the smallest, both in size (equation 4.2).

    It is infinite for a singular matrix. The matrix must be symmetric: for others the eigenvalues
    do not tell, and the ratio of singular values, `jnp.linalg.cond`, takes their place.

    Raises:
        ValueError: if the matrix is not square, finite and symmetric.
    """
    return _ratio_of_eigenvalues(check_symmetric("matrix", matrix))


@jax.jit
def _ratio_of_eigenvalues(matrix):
    sizes = jnp.abs(jnp.linalg.eigvalsh(matrix))
    return jnp.where(sizes.min() == 0, jnp.inf, sizes.max() / sizes.min())


def amplification(
    matrix: Real[ArrayLike, "n n"], x: Real[ArrayLike, "n"], perturbation: Real[ArrayLike, "n"]
) -> Float[Array, ""]:
    """Return the relative change of A^-1 x over the relative change of x (section 4.2).

    It is at most the condition number, whatever x and its perturbation.

    Raises:
        ValueError: if the shapes do not fit together or an entry is not finite.
    """
    A = check_finite("matrix", matrix, ("n", "n"))
    x = check_finite("x", x, (len(A),))
    return _amplify(A, x, check_finite("perturbation", perturbation, (len(A),)))


@jax.jit
def _amplify(A, x, perturbation):
    y, change = jnp.linalg.solve(A, jnp.stack([x, perturbation], axis=1)).T
    norm = jnp.linalg.norm
    return (norm(change) / norm(y)) / (norm(perturbation) / norm(x))


def worst_case(matrix: Real[ArrayLike, "n n"]) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Return unit x and perturbation whose amplification is the condition number (equation 4.2).

    The inverse shrinks x most if x is the eigenvector of the largest eigenvalue in size, and
    stretches the perturbation most if that is the eigenvector of the smallest.
    """
    return _extreme_eigenvectors(check_symmetric("matrix", matrix))


@jax.jit
def _extreme_eigenvectors(matrix):
    eigenvalues, eigenvectors = jnp.linalg.eigh(matrix)
    sizes = jnp.abs(eigenvalues)
    return eigenvectors[:, sizes.argmax()], eigenvectors[:, sizes.argmin()]


def hilbert(size: int) -> Float[Array, "n n"]:
    """Return the matrix of 1 / (i + j - 1), hardly any two rows of which differ (section 4.2)."""
    count = np.arange(1.0, check_count("size", size) + 1)
    return jnp.asarray(1 / (count[:, None] + count[None] - 1))
