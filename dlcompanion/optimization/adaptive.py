"""A learning rate for every parameter, from the gradients it has seen (section 8.5)."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int, ScalarLike

from dlcompanion.arguments import check_at_least, check_positive, check_probability
from dlcompanion.optimization.sgd import Optimizer, first_step


class Moments(NamedTuple):
    """What Adam remembers; both averages start at zero, and lean towards it (section 8.5.3)."""

    first: Float[Array, "n"]  # s
    second: Float[Array, "n"]  # r
    t: Int[Array, ""]


def adagrad(learning_rate: ScalarLike, delta: ScalarLike = 1e-7) -> Optimizer:
    """Divide by the root of the sum of all squared gradients (section 8.5.1, Algorithm 8.4).

        r <- r + g * g
        theta <- theta - epsilon / (delta + sqrt(r)) * g

    The rates only ever fall. (The book's text says squared values; these are gradients.)

    Args:
        learning_rate: epsilon in the book, positive: the size of the first step.
        delta: keeps the division safe, at least 0.
    """
    settings = _settings(learning_rate, delta)
    return Optimizer(Partial(jnp.zeros_like), Partial(_adagrad, settings))


def rmsprop(
    learning_rate: ScalarLike, decay_rate: ScalarLike = 0.9, delta: ScalarLike = 1e-6
) -> Optimizer:
    """Divide by the root of an average of squared gradients (section 8.5.2, Algorithm 8.5).

        r <- rho r + (1 - rho) g * g
        theta <- theta - epsilon / sqrt(delta + r) * g

    The average starts at zero, so the first step is 1 / sqrt(1 - rho) times epsilon.

    Args:
        learning_rate: epsilon in the book, positive.
        decay_rate: rho, from 0 to 1; the book suggests none.
        delta: keeps the division safe, at least 0; it stands inside the root.
    """
    return rmsprop_nesterov(learning_rate, decay_rate, 0.0, delta)


def rmsprop_nesterov(
    learning_rate: ScalarLike,
    decay_rate: ScalarLike = 0.9,
    momentum: ScalarLike = 0.9,
    delta: ScalarLike = 1e-6,
) -> Optimizer:
    """Give RMSProp a velocity, and look where it leads (Algorithm 8.6).

        r <- rho r + (1 - rho) g * g,  g at theta + alpha v
        v <- alpha v - epsilon / sqrt(delta + r) * g
        theta <- theta + v

    The printed algorithm has no delta: a first gradient of exactly 0 then makes 0/0. `momentum`
    is alpha, from 0 to 1; other arguments are those of `rmsprop`.
    """
    rates = check_probability("decay_rate", decay_rate), check_probability("momentum", momentum)
    settings = (*_settings(learning_rate, delta), *rates)
    return Optimizer(Partial(_two_zeros), Partial(_rmsprop, settings))


def adam(
    learning_rate: ScalarLike = 0.001,
    beta1: ScalarLike = 0.9,
    beta2: ScalarLike = 0.999,
    delta: ScalarLike = 1e-8,
) -> Optimizer:
    """Step by the mean gradient over the root of the mean square (Algorithm 8.7).

        s <- rho_1 s + (1 - rho_1) g,      s_hat = s / (1 - rho_1^t)
        r <- rho_2 r + (1 - rho_2) g * g,  r_hat = r / (1 - rho_2^t)
        theta <- theta - epsilon s_hat / (sqrt(r_hat) + delta)

    The corrections undo that both averages start at zero; t counts from 1.

    Args:
        learning_rate: epsilon in the book, positive: about the size of a step.
        beta1: rho_1, at least 0, below 1.
        beta2: rho_2, at least 0, below 1.
        delta: keeps the division safe, at least 0; it stands outside the root.
    """
    rates = check_probability("beta1", beta1), check_probability("beta2", beta2)
    return Optimizer(
        Partial(_no_moments), Partial(_adam, (*_settings(learning_rate, delta), *rates))
    )


def _settings(learning_rate: ScalarLike, delta: ScalarLike) -> tuple:
    return check_positive("learning_rate", learning_rate), check_at_least("delta", delta, 0)


def _two_zeros(params) -> tuple:
    return jnp.zeros_like(params), jnp.zeros_like(params)


def _no_moments(params) -> Moments:
    return Moments(*_two_zeros(params), first_step(params))


def _adagrad(settings, grad_fn, params, squares) -> tuple:
    learning_rate, delta = settings
    g = grad_fn(params)
    squares = squares + g * g
    return params - learning_rate / (delta + jnp.sqrt(squares)) * g, squares


def _rmsprop(settings, grad_fn, params, state) -> tuple:
    learning_rate, delta, decay_rate, momentum = settings
    squares, velocity = state
    g = grad_fn(params + momentum * velocity)
    squares = decay_rate * squares + (1 - decay_rate) * g * g
    velocity = momentum * velocity - learning_rate / jnp.sqrt(delta + squares) * g
    return params + velocity, (squares, velocity)


def _adam(settings, grad_fn, params, moments) -> tuple:
    learning_rate, delta, beta1, beta2 = settings
    g, t = grad_fn(params), moments.t + 1
    first = beta1 * moments.first + (1 - beta1) * g
    second = beta2 * moments.second + (1 - beta2) * g * g
    mean, square = first / (1 - beta1**t), second / (1 - beta2**t)
    step = learning_rate * mean / (jnp.sqrt(square) + delta)
    return params - step, Moments(first, second, t)
