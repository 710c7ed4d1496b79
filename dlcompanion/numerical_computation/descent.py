"""Descent: follow the gradient, and report honestly where it led (sections 4.3, 4.3.1)."""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int, Real, ScalarLike

from dlcompanion.arguments import (
    check_callable,
    check_count,
    check_finite,
    check_loss,
    check_positive,
)
from dlcompanion.numerical_computation.curvature import hessian_times
from dlcompanion.numerical_computation.quadratics import matrix_free_optimal_step

LossFn = Callable[[Float[Array, "n"]], Float[Array, ""]]


class Status(IntEnum):
    """How a run ended; the book's loops do not say (section 4.3)."""

    MAX_STEPS = 0  # neither of the others: still on its way, or bouncing forever
    CONVERGED = 1  # the last gradient norm is within the tolerance
    DIVERGED = 2  # not finite, or higher than the start on steps over ten times the first


class Trajectory(NamedTuple):
    """Every iterate of a descent, the start included, and how it ended (section 4.3)."""

    params: Float[Array, "num_steps+1 n"]
    loss: Float[Array, "num_steps+1"]
    grad_norm: Float[Array, "num_steps+1"]
    status: Int[Array, ""]


def gradient_descent(
    loss_fn: LossFn,
    start: Real[ArrayLike, "n"],
    learning_rate: ScalarLike,
    num_steps: int,
    tolerance: ScalarLike = 1e-6,
) -> Trajectory:
    """Step against the gradient, every step with the same learning rate (equation 4.5).

        x <- x - epsilon g        (4.5)

    A run of another length compiles again, and so does another plain function (keep one, do not
    write a fresh lambda in each call); another start, learning rate or `Quadratic` does not.

    Args:
        loss_fn: the function f to minimize, from a vector to a number.
        start: where to begin.
        learning_rate: epsilon in the book, positive.
        num_steps: how many steps to make; the run does not end early.
        tolerance: delta in the book: the gradient norm that counts as converged, positive.

    Raises:
        ValueError: if an argument has the wrong shape or type or is out of its range. Divergence
            raises nothing: it is a result, and `status` says so.
    """
    start = check_finite("start", start, ("n",))
    learning_rate = check_positive("learning_rate", learning_rate).astype(start.dtype)
    change_fn = Partial(_gradient_change, learning_rate)
    return _descend(loss_fn, change_fn, start, num_steps, tolerance)


def sign_descent(
    loss_fn: LossFn,
    start: Real[ArrayLike, "n"],
    learning_rate: ScalarLike,
    num_steps: int,
    tolerance: ScalarLike = 1e-6,
) -> Trajectory:
    """Step by a fixed length against the sign of each derivative (section 4.3).

    The sign tells which way is down and nothing else, so the steps do not shrink near a minimum:
    the run bounces around it forever. Arguments and errors are those of `gradient_descent`.
    """
    start = check_finite("start", start, ("n",))
    learning_rate = check_positive("learning_rate", learning_rate).astype(start.dtype)
    return _descend(loss_fn, Partial(_sign_change, learning_rate), start, num_steps, tolerance)


def candidate_descent(
    loss_fn: LossFn,
    start: Real[ArrayLike, "n"],
    learning_rates: Real[ArrayLike, "k"],
    num_steps: int,
    tolerance: ScalarLike = 1e-6,
) -> Trajectory:
    """Try several learning rates at every step and keep the one that ends lowest (section 4.3).

    This is line search as the book describes it first. Where none of them descends the run stays
    where it is: offer it smaller ones. Other arguments are those of `gradient_descent`.
    """
    start = check_finite("start", start, ("n",))
    candidates = check_finite("learning_rates", learning_rates, ("k",)).astype(start.dtype)
    return _descend(loss_fn, Partial(_candidate_change, candidates), start, num_steps, tolerance)


def line_search_descent(
    loss_fn: LossFn, start: Real[ArrayLike, "n"], num_steps: int, tolerance: ScalarLike = 1e-6
) -> Trajectory:
    """Step against the gradient, as far as the quadratic model is best (equation 4.10).

    On a quadratic this is exact line search: every step ends at the lowest point of its line.
    Where the curvature along the gradient is not positive the model has no lowest point, the
    step is infinite, and the run is reported as diverged.

    Args:
        loss_fn: the function f to minimize, from a vector to a number.
        start: where to begin.
        num_steps: how many steps to make; the run does not end early.
        tolerance: the gradient norm that counts as converged, positive.

    Raises:
        ValueError: if an argument has the wrong shape or type or is out of its range.
    """
    start = check_finite("start", start, ("n",))
    return _descend(loss_fn, Partial(_line_search_change), start, num_steps, tolerance)


def newton(
    loss_fn: LossFn, start: Real[ArrayLike, "n"], num_steps: int, tolerance: ScalarLike = 1e-6
) -> Trajectory:
    """Jump to the critical point of the quadratic model, again and again (equation 4.12).

        x <- x - H^-1 g        (4.12)

    The critical point may be a saddle or a maximum. A singular Hessian sends the run to infinity
    or NaN, and it is reported as diverged.

    Args:
        loss_fn: the function f to minimize, from a vector to a number.
        start: where to begin.
        num_steps: how many steps to make; the run does not end early.
        tolerance: the gradient norm that counts as converged, positive.

    Raises:
        ValueError: if an argument has the wrong shape or type or is out of its range.
    """
    start = check_finite("start", start, ("n",))
    return _descend(loss_fn, Partial(_newton_change), start, num_steps, tolerance)


@jax.jit
def converged_at(trajectory: Trajectory, tolerance: ScalarLike = 1e-6) -> Int[Array, ""]:
    """Return the step from which the gradient norm stays within a tolerance (section 4.3).

    It is -1 for a run that does not end within it.
    """
    return _lasting_from(_is_finite(*trajectory[:3]) & (trajectory.grad_norm <= tolerance))


@jax.jit
def diverged_at(trajectory: Trajectory) -> Int[Array, ""]:
    """Return the step from which the rule of `Status.DIVERGED` holds (section 4.3).

    It is -1 for a run that did not diverge.
    """
    escaped_at = _lasting_from(_has_escaped(*trajectory[:3]))
    return jnp.where(trajectory.status == Status.DIVERGED, escaped_at, -1)


def status_of(
    params: Float[Array, "steps n"],
    loss: Float[Array, "steps"],
    grad_norm: Float[Array, "steps"],
    tolerance: ScalarLike,
) -> Int[Array, ""]:
    """Judge a run by where it ended (section 4.3).

    It converged if its last gradient norm is within the tolerance. It diverged if it ended
    outside the finite numbers, or higher than its start with a step more than ten times as long
    as its first. A descent with steps short enough never climbs above its start; the length of
    the step leaves alone what bounces forever, such as gradient descent on a bowl at exactly
    `critical_learning_rate`. The units of f and of x do not matter.

    Args:
        params: every iterate, the start first.
        loss: f at every iterate.
        grad_norm: the norm of the gradient at every iterate.
        tolerance: the gradient norm that counts as converged.
    """
    converged = _is_finite(params, loss, grad_norm)[-1] & (grad_norm[-1] <= tolerance)
    escaped = _has_escaped(params, loss, grad_norm)[-1]
    status = jnp.where(escaped, Status.DIVERGED, Status.MAX_STEPS)
    return jnp.where(converged, Status.CONVERGED, status).astype(jnp.int32)


def _descend(
    loss_fn: LossFn,
    change_fn: Partial,
    start: Float[Array, "n"],
    num_steps: int,
    tolerance: ScalarLike,
) -> Trajectory:
    """Check what the methods share and run the compiled loop.

    A loss that is a pytree, such as a `Quadratic`, enters as its arrays; a plain function as
    a `Partial`, compiled once for each function.
    """
    num_steps = check_count("num_steps", num_steps)
    tolerance = check_positive("tolerance", tolerance).astype(start.dtype)
    check_callable("loss_fn", loss_fn)
    if jax.tree_util.all_leaves([loss_fn]):
        loss_fn = Partial(loss_fn)
    return _run(loss_fn, change_fn, start, tolerance, num_steps)


@partial(jax.jit, static_argnames="num_steps")
def _run(
    loss_fn: LossFn,
    change_fn: Partial,
    start: Float[Array, "n"],
    tolerance: Float[Array, ""],
    num_steps: int,
) -> Trajectory:
    """Add `change_fn(loss_fn, x, gradient)` to x, `num_steps` times, and keep every x."""
    check_loss("loss_fn", loss_fn, start)

    def step(x, _):
        loss, grad = jax.value_and_grad(loss_fn)(x)
        return x + change_fn(loss_fn, x, grad), (x, loss, jnp.linalg.norm(grad))

    _, path = jax.lax.scan(step, start, length=num_steps + 1)
    return Trajectory(*path, status_of(*path, tolerance))


def _gradient_change(
    learning_rate: Float[Array, ""], loss_fn: LossFn, x: Float[Array, "n"], grad: Float[Array, "n"]
) -> Float[Array, "n"]:
    """Take equation 4.5's step."""
    return -learning_rate * grad


def _sign_change(
    learning_rate: Float[Array, ""], loss_fn: LossFn, x: Float[Array, "n"], grad: Float[Array, "n"]
) -> Float[Array, "n"]:
    """Take a step of fixed length along every axis that has a slope."""
    return -learning_rate * jnp.sign(grad)


def _candidate_change(
    candidates: Float[Array, "k"], loss_fn: LossFn, x: Float[Array, "n"], grad: Float[Array, "n"]
) -> Float[Array, "n"]:
    """Take the best of equation 4.5's steps, or none."""
    changes = -jnp.outer(candidates, grad)
    losses = jax.vmap(lambda change: loss_fn(x + change))(changes)
    best = jnp.nanargmin(losses)
    return jnp.where(losses[best] < loss_fn(x), changes[best], 0)


def _line_search_change(
    loss_fn: LossFn, x: Float[Array, "n"], grad: Float[Array, "n"]
) -> Float[Array, "n"]:
    """Take equation 4.5's step with the learning rate of equation 4.10."""
    return -matrix_free_optimal_step(grad, partial(hessian_times, loss_fn, x)) * grad


def _newton_change(
    loss_fn: LossFn, x: Float[Array, "n"], grad: Float[Array, "n"]
) -> Float[Array, "n"]:
    """Take equation 4.12's step; stay where the gradient is zero, whatever the Hessian."""
    is_critical = (grad == 0).all()
    hessian = jnp.where(is_critical, jnp.eye(x.size, dtype=x.dtype), jax.hessian(loss_fn)(x))
    return -jnp.linalg.solve(hessian, grad)


def _is_finite(
    params: Float[Array, "steps n"], loss: Float[Array, "steps"], grad_norm: Float[Array, "steps"]
) -> Bool[Array, "steps"]:
    """Tell for every iterate whether all its numbers are finite."""
    return jnp.isfinite(params).all(axis=1) & jnp.isfinite(loss) & jnp.isfinite(grad_norm)


def _has_escaped(
    params: Float[Array, "steps n"], loss: Float[Array, "steps"], grad_norm: Float[Array, "steps"]
) -> Bool[Array, "steps"]:
    """Tell for every iterate whether it is not finite, or higher and reached by a longer step."""
    step_length = jnp.linalg.norm(jnp.diff(params, axis=0), axis=1)
    is_longer = jnp.append(False, step_length > 10 * step_length[0])
    return (is_longer & (loss > loss[0])) | ~_is_finite(params, loss, grad_norm)


def _lasting_from(holds: Bool[Array, "steps"]) -> Int[Array, ""]:
    """Return the first index from which a condition holds to the end, or -1."""
    last_failure = jnp.max(jnp.where(holds, -1, jnp.arange(holds.size)))
    return jnp.where(holds[-1], last_failure + 1, -1)
