"""The singular value decomposition, and what is left of it after a cut (section 2.8)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_finite


class SVD(NamedTuple):
    """The three factors of A = U D V^T (equation 2.43)."""

    U: Float[Array, "m m"]  # left-singular vectors in its columns
    D: Float[Array, "m n"]  # singular values on its diagonal, the largest first
    V: Float[Array, "n n"]  # right-singular vectors in its columns


def svd(matrix: Real[ArrayLike, "m n"]) -> SVD:
    """Take any real matrix apart into U D V^T (equations 2.42, 2.43).

    Unlike `jnp.linalg.svd` it returns D as a matrix, and V rather than its transpose.

    Raises:
        ValueError: if the matrix is not finite.
    """
    return _svd(check_finite("matrix", matrix, ("m", "n")))


@jax.jit
def _svd(matrix: Float[Array, "m n"]) -> SVD:
    U, singular_values, V_transposed = jnp.linalg.svd(matrix)
    D = jnp.zeros_like(matrix).at[jnp.diag_indices(singular_values.size)].set(singular_values)
    return SVD(U, D, V_transposed.T)


@jax.jit
def truncate(factors: SVD, rank: ScalarLike) -> Float[Array, "m n"]:
    """Multiply the factors back with all but the first singular values cut (section 2.8).

    No matrix of that rank is closer to the original in the Frobenius norm. (Not in the book.)

    Args:
        factors: what `svd` returns.
        rank: how many singular values are kept, from 0 on.
    """
    U, D, V = factors
    return U @ jnp.where(jnp.arange(len(D))[:, None] < rank, D, 0) @ V.T


@jax.jit
def truncation_error(factors: SVD, rank: ScalarLike) -> Float[Array, ""]:
    """Return the root of the sum of the squared singular values that are cut (section 2.8).

    It is the Frobenius norm of what `truncate` leaves out. (Not in the book.)
    """
    singular_values = jnp.diagonal(factors.D)
    cut = jnp.where(jnp.arange(singular_values.size) < rank, 0, singular_values)
    return jnp.sqrt((cut**2).sum())
