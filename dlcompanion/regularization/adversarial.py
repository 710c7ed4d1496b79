"""Adversarial examples, and training on them (section 7.13)."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_finite
from dlcompanion.feedforward_networks.mlp import Layer, mlp


def cross_entropy(
    layers: Sequence[Layer], X: Real[ArrayLike, "m n_in"], labels: Int[ArrayLike, "m"]
) -> Float[Array, ""]:
    """Return the mean of -log p(y | x) of a network that ends in a softmax (section 7.13)."""
    log_p = jax.nn.log_softmax(mlp(layers, X))
    return -jnp.take_along_axis(log_p, jnp.asarray(labels)[:, None], axis=1).mean()


def fast_gradient_sign(
    cost_fn: Callable[[Float[Array, "*shape"]], Float[Array, ""]],
    x: Real[ArrayLike, "*shape"],
    epsilon: ScalarLike,
) -> Float[Array, "*shape"]:
    """Return x + epsilon sign(grad J), the worst small step for a linear cost (Figure 7.8).

    An input with zero gradient stays as it is: behind a dead unit there is nothing to attack.

    Args:
        cost_fn: J, as a function of the input alone.
        x: the input, or a batch whose costs do not depend on each other.
        epsilon: how far each entry may move, at least 0.
    """
    x = check_finite("x", x, jnp.shape(x))
    epsilon = check_at_least("epsilon", epsilon, 0).astype(x.dtype)
    return x + epsilon * jnp.sign(jax.grad(cost_fn)(x))


def linear_change(w: Real[ArrayLike, "n"], epsilon: ScalarLike) -> Float[Array, ""]:
    """Return epsilon ||w||_1, by which the sign step moves w^T x (section 7.13).

    It grows with the number of inputs, while no single input moves by more than epsilon.
    """
    w = check_finite("w", w, ("n",))
    return check_at_least("epsilon", epsilon, 0).astype(w.dtype) * jnp.abs(w).sum()


def attack(
    layers: Sequence[Layer],
    X: Real[ArrayLike, "m n_in"],
    labels: Int[ArrayLike, "m"],
    epsilon: ScalarLike,
) -> Float[Array, "m n_in"]:
    """Move every example by the fast gradient sign method, inside 0 to 1 (section 7.13)."""
    moved = fast_gradient_sign(lambda X: cross_entropy(layers, X, labels), X, epsilon)
    return jnp.clip(moved, 0, 1)


def adversarial_cost(
    layers: Sequence[Layer],
    X: Real[ArrayLike, "m n_in"],
    labels: Int[ArrayLike, "m"],
    epsilon: ScalarLike,
) -> Float[Array, ""]:
    """Return half the cost of the examples and half that of attacked ones (section 7.13)."""
    attacked = jax.lax.stop_gradient(attack(layers, X, labels, epsilon))
    return (cross_entropy(layers, X, labels) + cross_entropy(layers, attacked, labels)) / 2


def error_rate(
    layers: Sequence[Layer], X: Real[ArrayLike, "m n_in"], labels: Int[ArrayLike, "m"]
) -> Float[Array, ""]:
    """Return the share of examples whose likeliest class is the wrong one (section 7.13)."""
    return jnp.mean(mlp(layers, X).argmax(axis=1) != jnp.asarray(labels))
