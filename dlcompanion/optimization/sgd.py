"""Stochastic gradient descent, and the loop that all optimizers share (sections 8.3, 8.3.1)."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Real, ScalarLike

from dlcompanion import arguments
from dlcompanion.numerical_computation.descent import LossFn, Trajectory, status_of

Schedule = Callable[[Int[Array, ""]], ScalarLike]  # of the step k = 0, 1, 2, ...


class Optimizer(NamedTuple):
    """A rule that moves parameters: what it remembers, and one turn of its loop (section 8.3).

    Both parts are pytrees that carry the hyperparameters: one compiled run serves all learning
    rates, and `vmap` can make a family of optimizers.

    Attributes:
        init: maps the parameters to the first state.
        update: maps (gradient function, parameters, state) to the next parameters and state. It
            is given the function, not a gradient, because Nesterov evaluates it elsewhere.
    """

    init: Partial
    update: Partial


def sgd(learning_rate: ScalarLike | Schedule) -> Optimizer:
    """Step against the gradient, by the rate of step k (Algorithm 8.1, equations 8.12, 8.13).

        theta <- theta - epsilon_k g

    It is sure to converge if the rates sum to infinity (8.12) and their squares do not (8.13).
    (The printed loop requires epsilon_k, then writes epsilon and never counts k.)

    Args:
        learning_rate: epsilon in the book, positive, or a function of the step k, from 0.
    """
    rate_fn = as_schedule("learning_rate", learning_rate, arguments.check_positive)
    return Optimizer(Partial(first_step), Partial(_sgd, rate_fn))


def linear_decay(
    initial: ScalarLike, final: ScalarLike, num_decay_steps: ScalarLike
) -> Callable[[ArrayLike], Float[Array, "..."]]:
    """Return the learning rate that falls linearly until step tau (equation 8.14).

        epsilon_k = (1 - alpha) epsilon_0 + alpha epsilon_tau,  alpha = k / tau        (8.14)

    From tau on it is constant: the formula itself would go on, and soon below zero. All three
    are positive; the book suggests a hundredth of the first for the last.
    """
    given = {"initial": initial, "final": final, "num_decay_steps": num_decay_steps}
    return Partial(_interpolate, *(arguments.check_positive(*item) for item in given.items()))


def sample_batches(
    key: Key[Array, ""], num_examples: int, batch_size: int, num_steps: int
) -> Int[Array, "num_steps batch_size"]:
    """Draw the indices of a minibatch for every step, independently (Algorithm 8.1)."""
    given = {"num_steps": num_steps, "batch_size": batch_size, "num_examples": num_examples}
    *shape, count = [arguments.check_count(*item) for item in given.items()]
    return jax.random.randint(key, shape, 0, count)


def minimize(
    loss_fn: LossFn, optimizer: Optimizer, start: Real[ArrayLike, "n"], num_steps: int
) -> Trajectory:
    """Run an optimizer on a function, and keep every iterate, the start included (section 8.3).

    Args:
        loss_fn: the function J to minimize, from a vector to a number.
        optimizer: such as `sgd(0.1)`; another learning rate does not compile again.
        start: theta at first.
        num_steps: how many steps to make; the run does not end early.

    Raises:
        ValueError: if an argument has the wrong shape or type.
    """
    num_steps = arguments.check_count("num_steps", num_steps)
    start = arguments.check_finite("start", start, ("n",))
    loss_fn = _as_pytree(arguments.check_callable("loss_fn", loss_fn))
    return _minimize(loss_fn, optimizer, start, num_steps)


def train(
    loss_fn: Callable[[Float[Array, "n"], Any], Float[Array, ""]],
    data: Any,
    optimizer: Optimizer,
    start: Real[ArrayLike, "n"],
    batches: Int[Array, "num_steps batch_size"],
) -> Trajectory:
    """Run an optimizer on the gradients of minibatches (Algorithms 8.1, 8.2, 8.3).

    Only the gradients that it follows are those of minibatches: the trajectory holds the loss
    and the gradient norm of all examples, to look at.

    Args:
        loss_fn: maps parameters and examples to the mean loss of those examples.
        data: a pytree of arrays with one row for each example.
        optimizer: such as `sgd(0.1)`.
        start: theta at first.
        batches: the rows that each step sees, such as `sample_batches` draws.
    """
    start = arguments.check_finite("start", start, ("n",))
    loss_fn = _as_pytree(arguments.check_callable("loss_fn", loss_fn))
    return _train(loss_fn, data, optimizer, start, batches)


def walk(
    optimizer: Optimizer, grad_fn: Callable, start: Float[Array, "n"], batches: Any
) -> Float[Array, "iterates n"]:
    """Let an optimizer follow `grad_fn(batch, params)` through all batches (section 8.3)."""

    def step(carry, batch):
        new = optimizer.update(partial(grad_fn, batch), *carry)
        new = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), new, carry)
        return new, new[0]

    _, path = jax.lax.scan(step, (start, optimizer.init(start)), batches)
    return jnp.concatenate([start[None], path])


@jax.jit
def steps_for(
    optimizer: Optimizer, grads: Float[Array, "num_steps n"]
) -> Float[Array, "num_steps n"]:
    """Return the steps that an optimizer makes of given gradients (section 8.5)."""
    start = jnp.zeros_like(grads[0])
    return jnp.diff(walk(optimizer, lambda grad, _: grad, start, grads), axis=0)


def as_schedule(name: str, value: ScalarLike | Schedule, check: Callable) -> Partial:
    """Return a hyperparameter as a function of the step k (section 8.3.1)."""
    return _as_pytree(value) if callable(value) else Partial(_constant, check(name, value))


def first_step(params: Float[Array, "n"]) -> Int[Array, ""]:
    """Return k = 0, all that SGD has to remember (Algorithm 8.1)."""
    return jnp.zeros((), int)


def _sgd(rate_fn, grad_fn, params, k) -> tuple:
    return params - rate_fn(k) * grad_fn(params), k + 1


def _constant(value, k) -> Float[Array, ""]:
    return value


def _interpolate(initial, final, num_decay_steps, k) -> Float[Array, "..."]:
    alpha = jnp.minimum(k / num_decay_steps, 1)
    return (1 - alpha) * initial + alpha * final


def _as_pytree(function: Callable) -> Callable:
    """Return a function that may be an argument of a compiled one, as a `Quadratic` may."""
    return Partial(function) if jax.tree_util.all_leaves([function]) else function


def _judge(loss_fn: LossFn, path: Float[Array, "steps n"]) -> Trajectory:
    """Evaluate the loss along a path, and how it ended."""
    loss, grad = jax.vmap(jax.value_and_grad(loss_fn))(path)
    parts = path, loss, jnp.linalg.norm(grad, axis=1)
    return Trajectory(*parts, status_of(*parts, tolerance=1e-6))


@partial(jax.jit, static_argnames="num_steps")
def _minimize(loss_fn, optimizer, start, num_steps) -> Trajectory:
    arguments.check_loss("loss_fn", loss_fn, start)
    grad_fn = jax.grad(loss_fn)
    path = walk(optimizer, lambda _, params: grad_fn(params), start, jnp.arange(num_steps))
    return _judge(loss_fn, path)


@jax.jit
def _train(loss_fn, data, optimizer, start, batches) -> Trajectory:
    def grad_fn(batch, params):
        examples = jax.tree.map(lambda part: part[batch], data)
        return jax.grad(loss_fn)(params, examples)

    return _judge(lambda params: loss_fn(params, data), walk(optimizer, grad_fn, start, batches))
