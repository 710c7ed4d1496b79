"""Constrained optimization: stay feasible, or let an adversary charge for leaving (section 4.4)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_count, check_finite, check_positive
from dlcompanion.numerical_computation.descent import LossFn, Trajectory, status_of

Point = Float[Array, "n"]
Rates = Float[Array, "k"]
NONE = np.zeros(0)  # the multipliers of no constraints


@jax.jit
def project_to_ball(x: Real[ArrayLike, "n"]) -> Point:
    """Return the point of the unit ball nearest to x (section 4.4)."""
    x = check_finite("x", x, ("n",))
    return x / jnp.maximum(1, jnp.linalg.norm(x))


def tangent_gradient(x: Point, grad: Point) -> Point:
    """Return the gradient without the part that would push x out of the unit ball (section 4.4).

    Its norm says how far a descent in the ball still has to go.
    """
    is_on_boundary = x @ x >= 1 - 10 * jnp.finfo(x.dtype).eps
    return grad - jnp.where(is_on_boundary, jnp.minimum(x @ grad, 0), 0) * x


def projected_step(loss_fn: LossFn, x: Point, learning_rates: Rates) -> Point:
    """Project each point of a line search into the unit ball; keep the lowest (section 4.4)."""
    line = x[None] - learning_rates[:, None] * jax.grad(loss_fn)(x)[None]
    return _lowest(loss_fn, jax.vmap(project_to_ball)(line))


def feasible_step(loss_fn: LossFn, x: Point, learning_rates: Rates) -> Point:
    """Keep the lowest feasible point of a line search, or stay (section 4.4)."""
    line = x[None] - learning_rates[:, None] * jax.grad(loss_fn)(x)[None]
    is_feasible = jnp.linalg.norm(line, axis=1, keepdims=True) <= 1
    return _lowest(loss_fn, jnp.append(jnp.where(is_feasible, line, x[None]), x[None], axis=0))


def tangent_step(loss_fn: LossFn, x: Point, learning_rates: Rates) -> Point:
    """Project the gradient first, then search as `projected_step` does (section 4.4)."""
    grad = tangent_gradient(x, jax.grad(loss_fn)(x))
    line = x[None] - learning_rates[:, None] * grad[None]
    return _lowest(loss_fn, jax.vmap(project_to_ball)(line))


def _lowest(loss_fn: LossFn, candidates: Float[Array, "k n"]) -> Point:
    return candidates[jnp.argmin(jax.vmap(loss_fn)(candidates))]


def projected_gradient_descent(
    loss_fn: LossFn,
    start: Real[ArrayLike, "n"],
    learning_rate: ScalarLike,
    num_steps: int,
    tolerance: ScalarLike = 1e-6,
) -> Trajectory:
    """Make a gradient step, project the result into the unit ball, repeat (section 4.4).

    The arguments are those of `gradient_descent`; the start is projected first, and `grad_norm`
    is the norm of `tangent_gradient`.
    """
    start = check_finite("start", start, ("n",))
    learning_rate = check_positive("learning_rate", learning_rate).astype(start.dtype)
    tolerance = check_positive("tolerance", tolerance).astype(start.dtype)
    if jax.tree_util.all_leaves([loss_fn]):
        loss_fn = Partial(loss_fn)
    return _run(loss_fn, start, learning_rate, tolerance, check_count("num_steps", num_steps))


@partial(jax.jit, static_argnames="num_steps")
def _run(loss_fn, start, learning_rate, tolerance, num_steps) -> Trajectory:
    def step(x, _):
        loss, grad = jax.value_and_grad(loss_fn)(x)
        grad_norm = jnp.linalg.norm(tangent_gradient(x, grad))
        return projected_step(loss_fn, x, learning_rate[None]), (x, loss, grad_norm)

    _, path = jax.lax.scan(step, project_to_ball(start), length=num_steps + 1)
    return Trajectory(*path, status_of(*path, tolerance))


def on_unit_circle(loss_fn: LossFn) -> Callable[[Float[Array, "1"]], Float[Array, ""]]:
    """Return f([cos, sin]) as a function of the angle, an array of one number (section 4.4)."""
    return lambda angle: loss_fn(jnp.append(jnp.cos(angle), jnp.sin(angle)))


class Constrained(NamedTuple):
    """Minimize f among the x where every h_j(x) <= 0 and every g_i(x) = 0 (equation 4.16)."""

    loss_fn: LossFn
    inequalities_fn: Callable = lambda x: x[:0]  # all h_j(x) as one vector
    equalities_fn: Callable = lambda x: x[:0]  # all g_i(x) as one vector


class KKTResiduals(NamedTuple):
    """By how much a point violates each of the KKT conditions (section 4.4)."""

    stationarity: Float[Array, ""]  # the norm of the gradient of L
    equality: Float[Array, ""]  # the largest |g_i|
    inequality: Float[Array, ""]  # the largest positive h_j
    sign: Float[Array, ""]  # the largest -alpha_j
    slackness: Float[Array, ""]  # the largest |alpha_j h_j|


def lagrangian(
    problem: Constrained,
    x: Real[ArrayLike, "n"],
    inequality_multipliers: Real[ArrayLike, "j"] = NONE,
    equality_multipliers: Real[ArrayLike, "i"] = NONE,
) -> Float[Array, ""]:
    """Return f(x) with a price on every constraint (equation 4.14).

    L(x, lambda, alpha) = f(x) + sum_i lambda_i g_i(x) + sum_j alpha_j h_j(x)        (4.14)
    """
    x = check_finite("x", x, ("n",))
    g, h = problem.equalities_fn(x), problem.inequalities_fn(x)
    alpha = _one_for_each("inequality_multipliers", inequality_multipliers, h)
    lambda_ = _one_for_each("equality_multipliers", equality_multipliers, g)
    return problem.loss_fn(x) + lambda_ @ g + alpha @ h


def inner_maximum(
    problem: Constrained, x: Real[ArrayLike, "n"], bound: ScalarLike
) -> Float[Array, ""]:
    """Return the most an adversary makes of L with bounded multipliers (equations 4.17-4.20).

    L is linear in the multipliers, so the best ones are 0 or as large as the bound. At a feasible
    x the answer is f(x) whatever the bound; elsewhere it grows with the bound without limit.
    To maximize f give -f as the loss (4.19); minus the answer is what equation 4.20 maximizes.
    """
    x, bound = check_finite("x", x, ("n",)), check_at_least("bound", bound, 0)
    violation = jnp.abs(problem.equalities_fn(x)).sum()
    violation += jnp.maximum(problem.inequalities_fn(x), 0).sum()
    return problem.loss_fn(x) + bound.astype(x.dtype) * violation


def kkt_residuals(
    problem: Constrained,
    x: Real[ArrayLike, "n"],
    inequality_multipliers: Real[ArrayLike, "j"] = NONE,
    equality_multipliers: Real[ArrayLike, "i"] = NONE,
) -> KKTResiduals:
    """Measure how far a point and its multipliers are from the KKT conditions (section 4.4).

    All are zero at an optimum if a regularity condition holds, such as linearly independent
    gradients of the active constraints. The converse fails: a maximum can pass too.
    """
    x = check_finite("x", x, ("n",))
    g, h = problem.equalities_fn(x), problem.inequalities_fn(x)
    alpha = _one_for_each("inequality_multipliers", inequality_multipliers, h)
    grad = jax.grad(lambda x: lagrangian(problem, x, alpha, equality_multipliers))(x)
    return KKTResiduals(
        stationarity=jnp.linalg.norm(grad),
        equality=jnp.abs(g).max(initial=0),
        inequality=h.max(initial=0),
        sign=(-alpha).max(initial=0),
        slackness=jnp.abs(alpha * h).max(initial=0),
    )


def _one_for_each(name: str, multipliers: ArrayLike, constraints: Rates) -> Rates:
    """Return one finite multiplier for each constraint."""
    if constraints.size == 0 and np.size(multipliers) == 0:
        return constraints
    return check_finite(name, multipliers, constraints.shape)
