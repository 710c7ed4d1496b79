"""Norms: how large a vector or a matrix is (section 2.5)."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_finite


def lp_norm(x: Real[ArrayLike, "n"], p: ScalarLike = 2) -> Float[Array, ""]:
    """Return the p-th root of the sum of |x_i|^p (section 2.5, equations 2.30, 2.31).

    The entries are divided by the largest before they are raised to the power, so that a large p
    does not overflow. Like JAX's own norm it has no gradient at x = 0, where it answers NaN.

    Args:
        x: any vector.
        p: at least 1, or the triangle inequality fails; 2 is the Euclidean norm. Inside `jit`
            smaller values pass, and the result is not a norm.

    Raises:
        ValueError: if x is not a finite vector, or p not a finite number from 1 on.
    """
    return _lp_norm(check_finite("x", x, ("n",)), check_at_least("p", p, 1))


@jax.jit
def _lp_norm(x: Float[Array, "n"], p: Float[Array, ""]) -> Float[Array, ""]:
    size = jnp.abs(x)
    # The norm of a multiple is the multiple of the norm, so the scale counts as a constant.
    scale = jax.lax.stop_gradient(jnp.where(size.max() == 0, 1, size.max()))
    p = p.astype(x.dtype)
    return scale * ((size / scale) ** p).sum() ** (1 / p)


def max_norm(x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return the largest |x_i|, what the L^p norm tends to as p grows (equation 2.32).

    Raises:
        ValueError: if x is not a finite vector.
    """
    return jnp.abs(check_finite("x", x, ("n",))).max()


def frobenius_norm(matrix: Real[ArrayLike, "m n"]) -> Float[Array, ""]:
    """Return the L2 norm of all entries of a matrix (equation 2.33).

    Raises:
        ValueError: if A is not a finite matrix.
    """
    return lp_norm(check_finite("matrix", matrix, ("m", "n")).ravel())


def angle(x: Real[ArrayLike, "n"], y: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return the angle between two vectors, from 0 to pi (equation 2.34).

        x^T y = ||x|| ||y|| cos(theta)        (2.34)

    Rounding can push the cosine of parallel vectors a little beyond 1; it is cut off there.

    Raises:
        ValueError: if the vectors differ in length, or one is zero and so has no direction.
    """
    x = check_finite("x", x, ("n",))
    y = check_finite("y", y, x.shape)
    check_nonzero("x", x)
    check_nonzero("y", y)
    return jnp.arccos(jnp.clip((x / lp_norm(x)) @ (y / lp_norm(y)), -1, 1))


def check_nonzero(name: str, x: Float[Array, "n"]) -> None:
    """Check that a vector has a direction, where its value is known (equation 2.34)."""
    if not isinstance(x, jax.core.Tracer) and not x.any():
        raise ValueError(f"{name} must not be zero: it has no direction")
