"""Mixture density networks: a whole distribution of y for every x (section 6.2.2.4)."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Key, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite, check_shape
from dlcompanion.feedforward_networks.hidden_units import tanh
from dlcompanion.feedforward_networks.mlp import Layer, init_mlp, mlp
from dlcompanion.probability import softplus

FLOOR = 1e-3  # of a precision, so that its logarithm exists
HIDDEN, RATE, NUM_STEPS = 32, 0.02, 800


class Components(NamedTuple):
    """What a network says of each example: n Gaussians in d dimensions (equation 6.35)."""

    log_weights: Float[Array, "*batch n"]  # log p(c = i | x)
    means: Float[Array, "*batch n d"]
    precisions: Float[Array, "*batch n d"]  # diagonals of the inverse covariances


class Bands(NamedTuple):
    """Examples of three strands around a wave (Figure 6.4)."""

    x: Float[Array, "m 1"]
    y: Float[Array, "m 1"]


def split_outputs(outputs: Real[ArrayLike, "*batch size"], num_components: int) -> Components:
    """Turn the outputs of a network into weights, means and precisions (equation 6.35).

    Args:
        outputs: n logits, then n d means, then n d numbers whose softplus is a precision.
        num_components: n.

    Raises:
        ValueError: if the size is not n (1 + 2 d).
    """
    outputs = check_shape("outputs", outputs, jnp.shape(outputs))
    n = check_count("num_components", num_components)
    d, rest = divmod(outputs.shape[-1] - n, 2 * n)
    if rest or d < 1:
        raise ValueError(f"outputs must have n (1 + 2 d) columns, got {outputs.shape[-1]}")
    parts = outputs[..., n:].reshape(*outputs.shape[:-1], 2, n, d)
    log_weights = jax.nn.log_softmax(outputs[..., :n])
    return Components(log_weights, parts[..., 0, :, :], softplus(parts[..., 1, :, :]) + FLOOR)


def log_joint(
    components: Components, targets: Real[ArrayLike, "*batch d"]
) -> Float[Array, "*batch n"]:
    """Return log p(c = i | x) + log N(y; mu_i, Sigma_i) for each component (equation 6.35)."""
    log_weights, means, beta = components
    y = check_finite("targets", targets, (*means.shape[:-2], means.shape[-1])).astype(means.dtype)
    errors = 0.5 * beta * (y[..., None, :] - means) ** 2
    return log_weights + (0.5 * jnp.log(beta / (2 * jnp.pi)) - errors).sum(axis=-1)


def mixture_loss(
    components: Components, targets: Real[ArrayLike, "*batch d"]
) -> Float[Array, "*batch"]:
    """Return -log p(y | x), summed over the components in logarithms (equation 6.35)."""
    return -jax.nn.logsumexp(log_joint(components, targets), axis=-1)


def responsibilities_of(
    components: Components, targets: Real[ArrayLike, "*batch d"]
) -> Float[Array, "*batch n"]:
    """Return p(c = i | x, y): how much each component is trained by a point (section 6.2.2.4)."""
    return jax.nn.softmax(log_joint(components, targets), axis=-1)


def sample_bands(key: Key[Array, ""], num_samples: int) -> Bands:
    """Draw y = c (0.4 + 0.6 x) + 0.3 sin 2 pi x with noise, c one of -1, 0, 1 (Figure 6.4)."""
    keys = jax.random.split(key, 3)
    shape = (check_count("num_samples", num_samples), 1)
    x = jax.random.uniform(keys[0], shape)
    c = jax.random.randint(keys[1], shape, -1, 2)
    wave = c * (0.4 + 0.6 * x) + 0.3 * jnp.sin(2 * jnp.pi * x)
    return Bands(x, wave + (0.05 + 0.1 * x) * jax.random.normal(keys[2], shape))


def bands_log_density(
    x: Real[ArrayLike, "*batch"], y: Real[ArrayLike, "*batch"]
) -> Float[Array, "*batch"]:
    """Return log p(y | x) of the strands themselves (Figure 6.4)."""
    x, y = check_finite("x", x, jnp.shape(x)), check_finite("y", y, jnp.shape(x))
    c = jnp.array([-1.0, 0.0, 1.0], x.dtype)
    shape = (*x.shape, 3)
    waves = jnp.expand_dims(0.3 * jnp.sin(2 * jnp.pi * x), -1)
    centres = jnp.expand_dims(0.4 + 0.6 * x, -1) * jnp.broadcast_to(c, shape) + waves
    beta = jnp.expand_dims((0.05 + 0.1 * x) ** -2, -1)
    errors = 0.5 * beta * (jnp.expand_dims(y, -1) - centres) ** 2
    return jax.nn.logsumexp(0.5 * jnp.log(beta / (2 * jnp.pi)) - errors, axis=-1) - jnp.log(3)


@partial(jax.jit, static_argnames="num_starts")
def fit_mixture(
    key: Key[Array, ""], bands: Bands, num_components: ScalarLike, num_starts: int = 6
) -> tuple[tuple[Layer, ...], Float[Array, ""]]:
    """Train networks of 32 tanh units by maximum likelihood; keep the best (Figure 6.4).

    Some starts lose a component for good, hence several. Components that begin with equal means
    would have equal gradients and stay together, so the means begin apart.

    Args:
        key: of the starts.
        bands: the examples.
        num_components: n, from 1 to 3. Every network has outputs for three; the others begin with
            a weight of zero, and all n share the compiled code.
        num_starts: networks trained side by side.

    Returns:
        the layers of the best, and its mean loss on the examples.
    """
    k = jnp.arange(3)
    bias = jnp.where(k < num_components, 0, -1e4), (2 * k + 1) / num_components - 1, jnp.zeros(3)

    def cost_of(layers):
        return mixture_loss(split_outputs(mlp(layers, bands.x, tanh), 3), bands.y).mean()

    def fit(key):
        hidden, last = init_mlp(key, (1, HIDDEN, 9))
        start = hidden, Layer(0.1 * last.weights, jnp.concatenate(bias).astype(last.bias.dtype))
        theta, as_layers = ravel_pytree(start)
        theta = _adam(jax.grad(lambda theta: cost_of(as_layers(theta))), theta)
        return as_layers(theta), cost_of(as_layers(theta))

    layers, costs = jax.vmap(fit)(jax.random.split(key, num_starts))
    return jax.tree.map(lambda leaf: leaf[jnp.nanargmin(costs)], layers), jnp.nanmin(costs)


def _adam(grad_fn, theta: Float[Array, "n"]) -> Float[Array, "n"]:
    """Step by a running mean of the gradients over the root of that of their squares."""

    def step(k, carry):
        theta, s, r = carry
        g = grad_fn(theta)
        s, r = 0.9 * s + 0.1 * g, 0.99 * r + 0.01 * g**2
        k = jnp.asarray(k + 1, theta.dtype)
        rate = RATE * jnp.sqrt(1 - 0.99**k) / (1 - 0.9**k)
        return theta - rate * s / (jnp.sqrt(r) + 1e-8), s, r

    start = theta, jnp.zeros_like(theta), jnp.zeros_like(theta)
    return jax.lax.fori_loop(0, NUM_STEPS, step, start)[0]
