"""Learning XOR: what no affine model can do, and two rectified units can (section 6.1)."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Key, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite, check_positive, check_shape
from dlcompanion.feedforward_networks.hidden_units import relu
from dlcompanion.feedforward_networks.mlp import (
    Layer,
    Training,
    affine,
    descend,
    init_mlp,
    mlp,
)

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # X of equation 6.7
TARGETS = np.array([0.0, 1.0, 1.0, 0.0])
PLATEAUS = (1 / 4, 1 / 6, 1 / 8)  # where descent with two hidden units may end, beside 0


class HandSolution(NamedTuple):
    """Every step of the network that is solved by hand, for the four inputs (section 6.1)."""

    products: Float[Array, "4 2"]  # X W, equation 6.8
    shifted: Float[Array, "4 2"]  # X W + c, equation 6.9
    hidden: Float[Array, "4 2"]  # rectified, equation 6.10
    outputs: Float[Array, "4"]  # equation 6.11


def book_network() -> tuple[Layer, Layer]:
    """Return W, c and w, b that solve XOR exactly (equations 6.4, 6.5, 6.6)."""
    hidden = Layer(jnp.ones((2, 2)), jnp.array([0.0, -1.0]))
    return hidden, Layer(jnp.array([[1.0], [-2.0]]), jnp.zeros(1))


def solve_by_hand() -> HandSolution:
    """Send the four inputs through the book's network, step by step (equations 6.3, 6.7-6.11)."""
    (W, c), (w, b) = book_network()
    products = jnp.asarray(INPUTS, W.dtype) @ W
    shifted = products + c[None]
    hidden = relu(shifted)
    return HandSolution(products, shifted, hidden, (hidden @ w + b[None])[:, 0])


def affine_fit(
    X: Real[ArrayLike, "m n"], y: Real[ArrayLike, "m"]
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """Return w and b of the affine model x^T w + b with the least cost (equation 6.2).

    For XOR it is w = 0 and b = 1/2, an output of 1/2 everywhere.
    """
    X = check_finite("X", X, ("m", "n"))
    y = check_finite("y", y, X.shape[:1]).astype(X.dtype)
    ones = jnp.ones((len(X), 1), X.dtype)
    solution = jnp.linalg.lstsq(jnp.concatenate([X, ones], axis=1), y)[0]
    return solution[:-1], solution[-1]


def xor_outputs(layers: tuple[Layer, Layer]) -> Float[Array, "4"]:
    """Return f(x; W, c, w, b) at the four points (equation 6.3)."""
    return mlp(layers, jnp.asarray(INPUTS, layers[0].bias.dtype))[:, 0]


def xor_cost(layers: tuple[Layer, Layer]) -> Float[Array, ""]:
    """Return the mean squared error over the four points (equation 6.1)."""
    return ((xor_outputs(layers) - jnp.asarray(TARGETS, layers[0].bias.dtype)) ** 2).mean()


def interaction(outputs: Real[ArrayLike, "4"]) -> Float[Array, ""]:
    """Return f(1,1) - f(1,0) - f(0,1) + f(0,0), zero for every affine f (section 6.1).

    For XOR it is -2: one number that proves the affine model helpless.
    """
    outputs = check_shape("outputs", outputs, (4,))
    return outputs @ jnp.array([1, -1, -1, 1], outputs.dtype)


def train_xor(
    layers: tuple[Layer, Layer], learning_rate: ScalarLike, num_steps: int, stride: int = 1
) -> Training:
    """Follow the gradient of the cost, and store every `stride`-th network (section 6.1).

    Args:
        layers: where to start.
        learning_rate: positive.
        num_steps: how far, a multiple of `stride`.
        stride: the steps from one stored network to the next; the first stored is the start.
    """
    rate = check_positive("learning_rate", learning_rate).astype(layers[0].bias.dtype)
    num_steps, stride = check_count("num_steps", num_steps), check_count("stride", stride)
    return descend(_cost, layers, rate, num_steps // stride + 1, stride)


def _cost(layers, _step):
    return xor_cost(layers)


@partial(jax.jit, static_argnames=("num_starts", "num_hidden", "num_steps"))
def train_from_starts(
    key: Key[Array, ""],
    num_starts: int,
    num_hidden: int = 2,
    num_steps: int = 10_000,
    learning_rate: ScalarLike = 0.1,
) -> tuple[tuple[Layer, Layer], Float[Array, "starts"]]:
    """Train from many random starts at once; return the starts and their last costs (section 6.2).

    Hidden weights start standard normal, biases at 0.1.
    """
    keys = jax.random.split(key, num_starts)
    starts = jax.vmap(lambda key: init_mlp(key, (2, num_hidden, 1), bias=0.1))(keys)
    ends = jax.vmap(lambda start: train_xor(start, learning_rate, num_steps, num_steps))(starts)
    return starts, ends.costs[:, -1]


def plateau_of(costs: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return which of 0, 1/8, 1/6 and 1/4 a last cost has reached, NaN for none (section 6.2)."""
    costs = check_shape("costs", costs, jnp.shape(costs))
    known = jnp.array([0.0, *PLATEAUS], costs.dtype)
    distances = jnp.abs(jnp.expand_dims(costs, -1) - jnp.expand_dims(known, range(costs.ndim)))
    return jnp.where(distances.min(axis=-1) < 0.002, known[distances.argmin(axis=-1)], jnp.nan)


def hidden_features(layers: tuple[Layer, Layer], X: Real[ArrayLike, "m 2"]) -> Float[Array, "m n"]:
    """Return h = max(0, W^T x + c), the space in which XOR is linear (Figure 6.1)."""
    return relu(affine(layers[0], check_shape("X", X, ("m", 2)).astype(layers[0].bias.dtype)))
