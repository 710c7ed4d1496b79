"""Norm penalties as norm constraints: a price on size, or a wall (section 7.2)."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.tree_util import Partial, all_leaves
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_finite, check_positive
from dlcompanion.numerical_computation.constrained import (
    Constrained,
    projected_gradient_descent,
)
from dlcompanion.numerical_computation.descent import LossFn, Trajectory
from dlcompanion.numerical_computation.least_squares import (
    LeastSquares,
    MultiplierPath,
    multiplier_ascent,
)
from dlcompanion.regularization.norm_penalties import QuadraticModel


def penalty_constraint(loss_fn: LossFn, penalty_fn: Callable, bound: ScalarLike) -> Constrained:
    """Return the problem: minimize J where Omega(w) - k is not above 0 (equations 7.26, 7.27).

    Chapter 4's `lagrangian` of it, with one multiplier, is J + alpha (Omega - k), equation 7.26;
    its `inner_maximum` is the inner part of equation 7.27. The bound itself is allowed: among the
    points with Omega strictly below k there may be no best one.
    """
    bound = check_positive("bound", bound)
    return Constrained(loss_fn, lambda w: (penalty_fn(w) - bound.astype(w.dtype))[None])


def multiplier_path(
    model: QuadraticModel,
    radius: ScalarLike,
    num_steps: int = 40,
    learning_rate: ScalarLike | None = None,
) -> MultiplierPath:
    """Find the alpha that keeps ||w|| within a radius (equations 7.26, 7.27, 7.28).

        alpha <- max(0, alpha + eta (1/2 ||w||^2 - 1/2 r^2))  with w the L2 solution at alpha

    alpha rises while w is outside the ball and falls while it is inside. Where it settles the
    penalty and the constraint have the same solution; it is 0 if w* is inside. Without a learning
    rate the steps are Newton's. This is chapter 4's ascent for the unit ball, in other units.
    """
    radius = check_positive("radius", radius).astype(model.optimum.dtype)
    eigenvalues, Q = jnp.linalg.eigh(model.hessian)
    A = jnp.sqrt(jnp.maximum(eigenvalues, 0))[:, None] * Q.T  # A^T A is the Hessian
    rate = None
    if learning_rate is not None:
        rate = check_positive("learning_rate", learning_rate).astype(radius.dtype) * radius**4 / 4
    unit = LeastSquares(radius * A, A @ model.optimum)
    path = multiplier_ascent(unit, rate, num_steps)
    return path._replace(multiplier=2 * path.multiplier / radius**2, params=radius * path.params)


def project_to_norm(weights: Real[ArrayLike, "n"], radius: ScalarLike) -> Float[Array, "n"]:
    """Return the nearest w with ||w|| <= r (section 7.2).

    A w that is within it comes back bit for bit.
    """
    w = check_finite("weights", weights, ("n",))
    radius = check_positive("radius", radius).astype(w.dtype)
    return w * (radius / jnp.maximum(jnp.linalg.norm(w), radius))


def project_columns(weights: Real[ArrayLike, "m n"], radius: ScalarLike) -> Float[Array, "m n"]:
    """Project every column, the weights into one hidden unit, to its own ball (section 7.2).

    So no unit's weights become very large. A limit on the norm of the whole matrix would shrink
    all columns alike.
    """
    W = check_finite("weights", weights, ("m", "n"))
    return jax.vmap(partial(project_to_norm, radius=radius), in_axes=1, out_axes=1)(W)


def norm_constrained_descent(
    loss_fn: LossFn,
    start: Real[ArrayLike, "n"],
    learning_rate: ScalarLike,
    radius: ScalarLike,
    num_steps: int,
) -> Trajectory:
    """Step downhill on J alone, project back into the ball, repeat (section 7.2).

    Nothing pulls at the weights inside the ball, and nothing lets them leave it, however high the
    learning rate. This is chapter 4's `projected_gradient_descent`, in other units.
    """
    start = check_finite("start", start, ("n",))
    radius = check_positive("radius", radius).astype(start.dtype)
    rate = check_positive("learning_rate", learning_rate).astype(start.dtype) / radius**2
    loss_fn = Partial(loss_fn) if all_leaves([loss_fn]) else loss_fn
    scaled = Partial(_in_units_of, radius, loss_fn)
    path = projected_gradient_descent(scaled, start / radius, rate, num_steps)
    return path._replace(params=radius * path.params, grad_norm=path.grad_norm / radius)


def _in_units_of(
    radius: Float[Array, ""], loss_fn: LossFn, x: Float[Array, "n"]
) -> Float[Array, ""]:
    return loss_fn(radius * x)
