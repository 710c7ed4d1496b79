"""Dropout: one network that stands for all its sub-networks (section 7.12).

A mask has one number for each input and each hidden unit, in this order, layer after layer; the
outputs are never dropped. Weights are trained as they are and scaled for the test, as in the book.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite, check_positive, check_shape
from dlcompanion.feedforward_networks.hidden_units import relu
from dlcompanion.feedforward_networks.mlp import Layer, Unit, affine

Layers = Sequence[Layer]


class Ensemble(NamedTuple):
    """What all sub-networks say together, in two ways (section 7.12)."""

    arithmetic: Float[Array, "k"]  # equation 7.53
    geometric: Float[Array, "k"]  # equation 7.55


def all_masks(num_units: int) -> Float[Array, "masks d"]:
    """Return every mask of d units, a row each, all-kept last (section 7.12, Figure 7.6).

    Raises:
        ValueError: if there are more than 20 units, which have over a million masks.
    """
    d = check_count("num_units", num_units)
    if d > 20:
        raise ValueError(f"num_units must be at most 20, got {d}")
    bits = (np.arange(2**d)[:, None] >> np.arange(d)[::-1]) & 1
    return jnp.asarray(bits.astype(float))


def count_units(layers: Layers) -> int:
    """Return how many units can be dropped: the inputs and the hidden ones (section 7.12)."""
    return sum(len(layer.weights) for layer in layers)


def keep_probabilities(
    layers: Layers, keep_input: ScalarLike = 0.8, keep_hidden: ScalarLike = 0.5
) -> Float[Array, "d"]:
    """Return each unit's probability of staying; the defaults are the book's (section 7.12)."""
    num_inputs = len(layers[0].weights)
    keep_input, keep_hidden = jnp.asarray(keep_input), jnp.asarray(keep_hidden)
    return jnp.where(jnp.arange(count_units(layers)) < num_inputs, keep_input, keep_hidden)


def masked_mlp(
    layers: Layers, x: Real[ArrayLike, "n_in"], mask: Real[ArrayLike, "d"], unit: Unit = relu
) -> Float[Array, "n_out"]:
    """Return the outputs of one sub-network: every unit times its mask (equation 7.57, Figure 7.7).

    A mask is 0 or 1 for dropout. Noise with mean 1 works as well, and needs no scaling later.
    """
    h = check_shape("x", x, (len(layers[0].weights),))
    mask = check_shape("mask", mask, (count_units(layers),)).astype(h.dtype)
    at = 0
    for layer in layers:
        if at:
            h = unit(h)
        h = affine(layer, h * mask[at : at + len(layer.weights)])
        at += len(layer.weights)
    return h


def scale_weights(layers: Layers, keep: Real[ArrayLike, "d"]) -> tuple[Layer, ...]:
    """Multiply each unit's outgoing weights by its keep probability (equations 7.56, 7.60-7.66).

    The biases stay: nothing that was dropped passes through them.
    """
    keep = check_shape("keep", keep, (count_units(layers),))
    ends = np.cumsum([len(layer.weights) for layer in layers])[:-1]
    parts = jnp.split(keep, ends)
    return tuple(
        Layer(layer.weights * part[:, None].astype(layer.weights.dtype), layer.bias)
        for layer, part in zip(layers, parts, strict=True)
    )


def mask_probability(
    masks: Real[ArrayLike, "masks d"], keep: Real[ArrayLike, "d"]
) -> Float[Array, "masks"]:
    """Return p(mu): units are kept or dropped independently (equation 7.53)."""
    masks, keep = check_shape("masks", masks, ("masks", "d")), jnp.asarray(keep)
    return jnp.where(masks > 0, keep[None], 1 - keep[None]).prod(axis=1)


def combine(
    log_probabilities: Real[ArrayLike, "masks k"], weights: Real[ArrayLike, "masks"]
) -> Ensemble:
    """Average sub-networks, weighted by their probability (equations 7.52-7.55, 7.58, 7.59).

    The geometric mean is taken of logarithms and renormalized: the exponential of their mean. An
    outcome that one possible sub-network rules out is ruled out by their geometric mean.
    """
    log_p = check_shape("log_probabilities", log_probabilities, ("masks", "k"))
    weights = check_shape("weights", weights, log_p.shape[:1]).astype(log_p.dtype)[:, None]
    arithmetic = (weights * jnp.exp(log_p)).sum(axis=0)
    mean_log = jnp.where(weights > 0, weights * log_p, 0).sum(axis=0)
    return Ensemble(arithmetic, jax.nn.softmax(mean_log))


def sample_masks(
    key: Key[Array, ""], keep: Real[ArrayLike, "d"], num_masks: int
) -> Float[Array, "masks d"]:
    """Draw masks, one for each example or each forward pass (section 7.12)."""
    keep = check_finite("keep", keep, ("d",))
    shape = check_count("num_masks", num_masks), keep.size
    return jax.random.bernoulli(key, keep[None], shape).astype(keep.dtype)


def dropout_cost(
    layers: Layers,
    key: Key[Array, ""],
    X: Real[ArrayLike, "m n_in"],
    labels: Int[ArrayLike, "m"],
    keep: Real[ArrayLike, "d"],
) -> Float[Array, ""]:
    """Return the mean of -log p(y | x, mu), with a fresh mask for every example (section 7.12)."""
    X = check_finite("X", X, ("m", "n_in"))
    masks = sample_masks(key, keep, len(X))
    logits = jax.vmap(masked_mlp, in_axes=(None, 0, 0))(layers, X, masks)
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, jnp.asarray(labels)[:, None], axis=1).mean()


def noise_cost(
    X: Real[ArrayLike, "m n"], y: Real[ArrayLike, "m"], w: Real[ArrayLike, "n"], keep: ScalarLike
) -> Float[Array, ""]:
    """Return the expected squared error of a linear model whose inputs are dropped (section 7.12).

    It is the error of p X w plus p (1 - p) sum_j w_j^2 sum_i X_ij^2: weight decay with a
    coefficient for each feature.
    """
    X = check_finite("X", X, ("m", "n"))
    y, w = check_finite("y", y, X.shape[:1]), check_finite("w", w, X.shape[1:])
    p = check_positive("keep", keep)
    return ((y - p * (X @ w)) ** 2).sum() + p * (1 - p) * (w**2 * (X**2).sum(axis=0)).sum()
