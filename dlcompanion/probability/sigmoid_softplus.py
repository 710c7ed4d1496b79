"""The sigmoid, the softplus and their inverses, right for every float (section 3.10).

Each function works elementwise and, with its derivatives, survives arguments at which the
formula of the book, typed in as it stands, overflows or cancels.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from dlcompanion.arguments import check_shape


@jax.jit
def sigmoid(x: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Squash real numbers into (0, 1): 1 / (1 + exp(-x)) (equations 3.30, 3.33-3.35).

    Only exp of a number below zero is ever taken: with exp(-x) in one half (3.30), with exp(x) in
    the other (3.33).
    """
    x = check_shape("x", x, jnp.shape(x))
    small = jnp.exp(jnp.where(x >= 0, -x, x))  # not abs(x): its derivative at 0 is 0
    return jnp.where(x >= 0, 1, small) / (1 + small)


@jax.jit
def softplus(x: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return log(1 + exp(x)), the smooth version of max(0, x) (equations 3.31, 3.37, 3.40)."""
    x = check_shape("x", x, jnp.shape(x))
    return jnp.logaddexp(jnp.zeros_like(x), x)


@jax.jit
def log_sigmoid(x: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return log sigmoid(x) = -softplus(-x), which never takes log of zero (equation 3.36)."""
    return -softplus(-check_shape("x", x, jnp.shape(x)))


@jax.jit
def logit(probability: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return the x whose sigmoid is given: log(p / (1 - p)) (equation 3.38).

    It is -inf at 0, inf at 1 and NaN outside [0, 1].
    """
    p = check_shape("probability", probability, jnp.shape(probability))
    return jnp.log(p) - jnp.log1p(-p)


@jax.jit
def inverse_softplus(y: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return the x whose softplus is y: log(exp(y) - 1) (equation 3.39).

    Written as y + log(1 - exp(-y)) it overflows nowhere and keeps its digits near zero. It is
    -inf at 0 and NaN below.
    """
    y = check_shape("y", y, jnp.shape(y))
    return y + jnp.log(-jnp.expm1(-y))


@jax.jit
def positive_part(x: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return max(0, x), the kink that the softplus smooths (equations 3.32, 3.41)."""
    x = check_shape("x", x, jnp.shape(x))
    return jnp.maximum(0, x)
