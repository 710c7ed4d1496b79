"""Eigenvectors and eigenvalues: a matrix seen from its own axes (section 2.7)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Inexact, Real

from dlcompanion.arguments import check_finite, check_symmetric


class Eigendecomposition(NamedTuple):
    """Eigenvalues, and an eigenvector for each in a column (section 2.7)."""

    eigenvalues: Inexact[Array, "n"]
    eigenvectors: Inexact[Array, "n n"]


def eigendecomposition(matrix: Real[ArrayLike, "n n"]) -> Eigendecomposition:
    """Take a square matrix apart into V diag(lambda) V^-1 (equations 2.39, 2.40).

    The results are complex arrays where an eigenvalue is complex, real ones otherwise.

    Args:
        matrix: A, of known value. It need not be symmetric.

    Raises:
        ValueError: if the matrix is not square and finite, or has too few independent
            eigenvectors: if what was found does not multiply back to the matrix.
    """
    matrix = check_finite("matrix", matrix, ("n", "n"))
    found = Eigendecomposition(*jnp.linalg.eig(matrix))
    if not found.eigenvalues.imag.any():
        found = Eigendecomposition(*(part.real for part in found))
    tolerance = jnp.sqrt(jnp.finfo(matrix.dtype).eps) * jnp.abs(matrix).max()
    if not (jnp.abs(recompose(found) - matrix) <= tolerance).all():
        raise ValueError("matrix has no eigendecomposition: too few independent eigenvectors")
    return found


@jax.jit
def recompose(decomposition: Eigendecomposition) -> Inexact[Array, "n n"]:
    """Multiply V diag(lambda) V^-1 back together (equation 2.40).

    A matrix V without an inverse gives infinities or NaN.
    """
    eigenvalues, V = decomposition
    return jnp.linalg.solve(V.T, (V * eigenvalues[None]).T).T


def symmetric_eigendecomposition(matrix: Real[ArrayLike, "n n"]) -> Eigendecomposition:
    """Take a symmetric matrix apart into Q diag(lambda) Q^T, largest lambda first (equation 2.41).

    Everything is real and Q is orthogonal. Equal eigenvalues leave Q free to turn, and the sign
    of every column is arbitrary.

    Raises:
        ValueError: if the matrix is not square, finite and symmetric.
    """
    eigenvalues, Q = jnp.linalg.eigh(check_symmetric("matrix", matrix))
    return Eigendecomposition(eigenvalues[::-1], Q[:, ::-1])


def quadratic_form(matrix: Real[ArrayLike, "n n"], x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return x^T A x (section 2.7).

    Over unit vectors and for a symmetric A it lies between the smallest and the largest
    eigenvalue, which it takes at their eigenvectors.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    x = check_finite("x", x, ("n",))
    return x @ check_finite("matrix", matrix, (x.size, x.size)) @ x


def definiteness(matrix: Real[ArrayLike, "n n"]) -> str:
    """Say what the signs of the eigenvalues make of a symmetric matrix (section 2.7).

    Eigenvalues within rounding of zero count as zero; the zero matrix is called positive
    semidefinite, although it is negative semidefinite as well.

    Returns:
        "positive definite", "positive semidefinite", "negative definite",
        "negative semidefinite" or "indefinite".

    Raises:
        ValueError: if the matrix is not symmetric. For x^T A x take (A + A^T) / 2.
    """
    eigenvalues = symmetric_eigendecomposition(matrix).eigenvalues
    rounding = eigenvalues.size * jnp.finfo(eigenvalues.dtype).eps * jnp.abs(eigenvalues).max()
    largest, smallest = eigenvalues[0], eigenvalues[-1]
    if smallest < -rounding and largest > rounding:
        return "indefinite"
    if smallest >= -rounding:
        return "positive definite" if smallest > rounding else "positive semidefinite"
    return "negative definite" if largest < -rounding else "negative semidefinite"
