"""Hidden units: what a layer does to z = W^T x + b, elementwise but for three (section 6.3)."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite, check_positive, check_shape


def relu(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return max(0, z); the derivative at the kink is the left one, 0 (sections 6.3, 6.3.1)."""
    z = check_shape("z", z, jnp.shape(z))
    return jnp.where(z > 0, z, 0)


def parametric_relu(
    z: Real[ArrayLike, "*shape"], alpha: Real[ArrayLike, "..."]
) -> Float[Array, "*shape"]:
    """Return max(0, z) + alpha min(0, z), whose slope below zero is learned (section 6.3.1)."""
    z = check_shape("z", z, jnp.shape(z))
    return jnp.where(z > 0, z, check_finite("alpha", alpha, jnp.shape(alpha)).astype(z.dtype) * z)


def leaky_relu(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return the case alpha = 0.01: a unit below zero still learns (section 6.3.1)."""
    return parametric_relu(z, 0.01)


def absolute_rectification(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return |z|, the case alpha = -1: a pattern and its negative count alike (section 6.3.1)."""
    return parametric_relu(z, -1.0)


def maxout(z: Real[ArrayLike, "*batch n"], num_pieces: int) -> Float[Array, "*batch p"]:
    """Return the largest of each group of k numbers in a row (equation 6.37).

    Raises:
        ValueError: if the groups do not come out even.
    """
    z, k = check_shape("z", z, jnp.shape(z)), check_count("num_pieces", num_pieces)
    if z.shape[-1] % k:
        raise ValueError(f"num_pieces must divide the size {z.shape[-1]} of z, got {k}")
    return z.reshape(*z.shape[:-1], -1, k).max(axis=-1)


def tanh(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return tanh z = 2 sigmoid(2 z) - 1, close to z around zero (equation 6.39)."""
    return jnp.tanh(check_shape("z", z, jnp.shape(z)))


def hard_tanh(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return max(-1, min(1, z)), tanh from three straight pieces (section 6.3.3)."""
    z = check_shape("z", z, jnp.shape(z))
    return jnp.where(jnp.abs(z) < 1, z, jnp.sign(z))


def identity(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return z: a layer that only factors the weights of the next (section 6.3.3)."""
    return check_shape("z", z, jnp.shape(z))


def cosine(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return cos z, which works although nobody would have guessed it (section 6.3.3)."""
    return jnp.cos(check_shape("z", z, jnp.shape(z)))


def radial_basis(
    x: Real[ArrayLike, "*batch n_in"], templates: Real[ArrayLike, "n_in n_out"], width: ScalarLike
) -> Float[Array, "*batch n_out"]:
    """Return exp(-|W_:,i - x|^2 / sigma^2): how near x is to each template (section 6.3.3)."""
    W = check_finite("templates", templates, ("n_in", "n_out"))
    x = check_shape("x", x, (*jnp.shape(x)[:-1], len(W)))
    distances = ((jnp.expand_dims(x, -1) - jnp.expand_dims(W, range(x.ndim - 1))) ** 2).sum(axis=-2)
    return jnp.exp(-distances / check_positive("width", width).astype(x.dtype) ** 2)
