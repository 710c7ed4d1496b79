"""The Moore-Penrose pseudoinverse: what an inverse can be where there is none (section 2.9)."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_finite, check_positive
from dlcompanion.linear_algebra.svd import SVD, svd


def pseudoinverse(
    matrix: Real[ArrayLike, "m n"], cutoff: ScalarLike | None = None
) -> Float[Array, "n m"]:
    """Return A^+ = V D^+ U^T (equations 2.44, 2.45, 2.47).

    D^+ is D transposed, with the reciprocals of its non-zero entries. In floating point a
    singular value that should be zero comes out as rounding, and its reciprocal would be huge,
    so everything below a cut-off counts as zero.

    Args:
        matrix: A, of any shape.
        cutoff: as a fraction of the largest singular value; max(m, n) times the rounding unit
            if it is not given, as in NumPy.

    Raises:
        ValueError: if the matrix is not finite or the cut-off negative.
    """
    matrix = check_finite("matrix", matrix, ("m", "n"))
    if cutoff is None:
        cutoff = max(matrix.shape) * float(jnp.finfo(matrix.dtype).eps)
    return _invert(svd(matrix), check_at_least("cutoff", cutoff, 0).astype(matrix.dtype))


@jax.jit
def _invert(factors: SVD, cutoff: Float[Array, ""]) -> Float[Array, "n m"]:
    U, D, V = factors
    is_kept = D > cutoff * D.max()
    return V @ jnp.where(is_kept, 1 / jnp.where(is_kept, D, 1), 0).T @ U.T


def pseudoinverse_limit(matrix: Real[ArrayLike, "m n"], alpha: ScalarLike) -> Float[Array, "n m"]:
    """Return (A^T A + alpha I)^-1 A^T, which tends to A^+ as alpha falls to 0 (equation 2.46).

    It explains the pseudoinverse; it is no way to compute it, for the rounding errors of A^T A
    are divided by alpha where a singular value is zero.

    Raises:
        ValueError: if the matrix is not finite or alpha not positive.
    """
    A = check_finite("matrix", matrix, ("m", "n"))
    alpha = check_positive("alpha", alpha).astype(A.dtype)
    return jnp.linalg.solve(A.T @ A + alpha * jnp.eye(A.shape[1], dtype=A.dtype), A.T)
