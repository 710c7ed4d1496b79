"""A multilayer perceptron of any depth and width, as pure functions (sections 6.3, 6.5.7)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite, check_shape
from dlcompanion.feedforward_networks.hidden_units import relu

Unit = Callable[[Float[Array, "*batch n"]], Float[Array, "*batch n"]]


class Layer(NamedTuple):
    """The affine map x -> W^T x + b of one layer (equation 6.36)."""

    weights: Float[Array, "n_in n_out"]
    bias: Float[Array, "n_out"]


class Training(NamedTuple):
    """A network on its way down, stored now and then (section 6.2)."""

    layers: tuple[Layer, ...]  # every leaf with a leading axis of the stored steps
    costs: Float[Array, "stored"]


def init_mlp(
    key: Key[Array, ""], sizes: Sequence[int], bias: ScalarLike = 0.0
) -> tuple[Layer, ...]:
    """Draw the layers of a network with small random weights (sections 6.2, 6.3.1).

    Weights are Gaussian with variance 2 / n_in, so that rectified layers neither grow nor fade.

    Args:
        key: of the random numbers.
        sizes: of the input, of each hidden layer and of the output; at least two.
        bias: of every unit; a small positive one, such as 0.1, starts rectifiers active.

    Raises:
        ValueError: if a size is not a positive integer, or fewer than two are given.
    """
    sizes = [check_count("sizes", size) for size in sizes]
    if len(sizes) < 2:
        raise ValueError(f"sizes must hold those of the input and the output, got {sizes}")
    return _draw_layers(key, tuple(sizes), check_finite("bias", bias, ()))


@partial(jax.jit, static_argnames="sizes")
def _draw_layers(key, sizes, bias) -> tuple[Layer, ...]:
    keys = jax.random.split(key, len(sizes) - 1)
    shapes = zip(keys, sizes[:-1], sizes[1:], strict=True)
    return tuple(
        Layer(jax.random.normal(k, (m, n)) * (2 / m) ** 0.5, jnp.full(n, bias))
        for k, m, n in shapes
    )


def mlp(
    layers: Sequence[Layer], X: Real[ArrayLike, "*batch n_in"], unit: Unit = relu
) -> Float[Array, "*batch n_out"]:
    """Return the outputs of a network before any output unit (equations 6.36, 6.40, 6.41).

    Args:
        layers: one or more; `unit` stands between them, not behind the last.
        X: one example, or one in each row.
        unit: g, the hidden unit.

    Raises:
        ValueError: if the examples do not have the size of the first layer's inputs.
    """
    H = check_shape("X", X, (*jnp.shape(X)[:-1], len(layers[0].weights)))
    for layer in layers[:-1]:
        H = unit(affine(layer, H))
    return affine(layers[-1], H)


def affine(layer: Layer, H: Float[Array, "*batch n_in"]) -> Float[Array, "*batch n_out"]:
    """Return H W + b for examples in rows, that is W^T h + b for one (equation 6.36)."""
    outputs = H @ layer.weights
    return outputs + jnp.expand_dims(layer.bias, range(outputs.ndim - 1))


@partial(jax.jit, static_argnames=("cost_fn", "num_stored", "stride"))
def descend(
    cost_fn: Callable[[Sequence[Layer], Int[Array, ""]], Float[Array, ""]],
    layers: Sequence[Layer],
    learning_rate: ScalarLike,
    num_stored: int,
    stride: int,
) -> Training:
    """Follow the gradient of a cost, and store every `stride`-th network (section 6.2).

    Args:
        cost_fn: of the layers and the number of the step, which can make a fresh random key.
        layers: where to start; the first that is stored.
        learning_rate: of every step.
        num_stored: how many networks to store.
        stride: the steps from one of them to the next.
    """

    def step(number, layers):
        grads = jax.grad(cost_fn)(layers, number)
        return jax.tree.map(lambda p, g: p - learning_rate * g, layers, grads)

    def advance(layers, number):
        stored = layers, cost_fn(layers, number)
        return jax.lax.fori_loop(number, number + stride, step, layers), stored

    return Training(*jax.lax.scan(advance, tuple(layers), stride * jnp.arange(num_stored))[1])
