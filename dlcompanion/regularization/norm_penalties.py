"""Penalties on the size of the weights, and what they do to a minimum (section 7.1)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import (
    check_at_least,
    check_count,
    check_finite,
    check_shape,
    check_symmetric,
)
from dlcompanion.machine_learning.linear_regression import ridge_regression
from dlcompanion.numerical_computation.descent import LossFn
from dlcompanion.probability.distributions import laplace_log_density

Weights = Float[Array, "n"]


class QuadraticModel(NamedTuple):
    """A cost near its minimum w*, less the cost there (equations 7.6, 7.7, 7.21, 7.33, 7.34).

        J(w) - J(w*) = 1/2 (w - w*)^T H (w - w*)        (7.6)

    Its gradient is H (w - w*). For linear regression it is the cost itself. Made by
    `quadratic_model`; a function of w and a pytree of arrays.
    """

    hessian: Float[Array, "n n"]
    optimum: Weights  # w*

    def __call__(self, weights: Real[ArrayLike, "n"]) -> Float[Array, ""]:
        """Return by how much the cost is above its minimum (equation 7.6)."""
        change = check_shape("weights", weights, self.optimum.shape) - self.optimum
        return 0.5 * change @ self.hessian @ change


def quadratic_model(
    hessian: Real[ArrayLike, "n n"], optimum: Real[ArrayLike, "n"]
) -> QuadraticModel:
    """Make the model of a cost from its Hessian and its minimum w* (equation 7.6).

    Raises:
        ValueError: if an argument is not finite, H not symmetric, or the sizes do not fit.
    """
    hessian = check_symmetric("hessian", hessian)
    return QuadraticModel(hessian, check_finite("optimum", optimum, hessian.shape[:1]))


def l2_penalty(weights: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return 1/2 ||w||^2, the penalty of weight decay (equation 7.2)."""
    w = check_shape("weights", weights, ("n",))
    return 0.5 * w @ w


def l1_penalty(weights: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return the sum of |w_i| (equation 7.18)."""
    return jnp.abs(check_shape("weights", weights, ("n",))).sum()


def penalized(loss_fn: LossFn, penalty_fn: Callable, alpha: ScalarLike) -> LossFn:
    """Return the cost J + alpha Omega as a function (equations 7.1, 7.2, 7.3, 7.19, 7.20, 7.25).

    Its gradient is that of J plus alpha w, or alpha sign(w). Biases are usually left out: let
    `penalty_fn` look at the weights alone.
    """
    alpha = check_at_least("alpha", alpha, 0)
    return lambda weights: loss_fn(weights) + alpha.astype(weights.dtype) * penalty_fn(weights)


def weight_decay_step(
    weights: Real[ArrayLike, "n"],
    grad: Real[ArrayLike, "n"],
    learning_rate: ScalarLike,
    alpha: ScalarLike,
) -> Weights:
    """Shrink the weights, then make the usual gradient step (equations 7.4, 7.5).

    w <- (1 - epsilon alpha) w - epsilon g        (7.5)
    """
    w, grad = check_shape("weights", weights, ("n",)), check_shape("grad", grad, ("n",))
    epsilon = check_at_least("learning_rate", learning_rate, 0).astype(w.dtype)
    shrink = 1 - epsilon * check_at_least("alpha", alpha, 0).astype(w.dtype)
    return shrink * w - epsilon * grad


def kept_share(eigenvalues: Real[ArrayLike, "n"], alpha: ScalarLike) -> Weights:
    """Return lambda / (lambda + alpha), what weight decay keeps (equations 7.13, 7.41, 7.42).

    It is 1 - alpha / (lambda + alpha). Where lambda is 0 nothing holds the weight, and nothing is
    kept, not even in the limit alpha = 0.
    """
    curvature = jnp.maximum(check_finite("eigenvalues", eigenvalues, ("n",)), 0)
    alpha = check_at_least("alpha", alpha, 0).astype(curvature.dtype)
    is_flat = curvature == 0
    return jnp.where(is_flat, 0, curvature / jnp.where(is_flat, 1, curvature + alpha))


def l2_solution(
    model: QuadraticModel, alpha: ScalarLike, toward: Real[ArrayLike, "n"] | None = None
) -> Weights:
    """Return the minimum of J + alpha/2 ||w||^2, component by component (equations 7.8-7.13).

        w = Q (Lambda + alpha I)^-1 Lambda Q^T w*        (7.13)

    The weights are drawn to 0, or `toward` w^(o) as in the book's footnotes.
    """
    eigenvalues, Q = jnp.linalg.eigh(model.hessian)
    origin = jnp.zeros_like(model.optimum)
    origin = origin if toward is None else check_finite("toward", toward, origin.shape)
    kept = kept_share(eigenvalues, alpha)
    return origin + Q @ (kept * (Q.T @ (model.optimum - origin)))


def ridge(
    design_matrix: Real[ArrayLike, "m n"], targets: Real[ArrayLike, "m"], alpha: ScalarLike
) -> Weights:
    """Return the minimum of 1/2 ||X w - y||^2 + alpha/2 ||w||^2 (equations 7.14-7.17).

        w = (X^T X + alpha I)^-1 X^T y        (7.17)

    Equation 7.15 is printed without the half in front of the squares; its minimum has alpha / 2
    where 7.17 has alpha. At alpha = 0 these are the normal equations (7.16).
    """
    alpha = check_at_least("alpha", alpha, 0)
    return ridge_regression(design_matrix, targets, alpha / len(targets))


def soft_threshold(x: Real[ArrayLike, "n"], threshold: Real[ArrayLike, "..."]) -> Weights:
    """Move every number towards 0 by the threshold, and stop at 0 (equation 7.23)."""
    x = check_shape("x", x, ("n",))
    return jnp.sign(x) * jnp.maximum(jnp.abs(x) - threshold, 0)


def l1_solution_diagonal(
    curvatures: Real[ArrayLike, "n"], optimum: Real[ArrayLike, "n"], alpha: ScalarLike
) -> Weights:
    """Return the minimum of J + alpha ||w||_1 for a diagonal Hessian (equations 7.22, 7.23).

        w_i = sign(w*_i) max(|w*_i| - alpha / H_ii, 0)        (7.23)

    `curvatures` is the diagonal of H, all positive. With correlated inputs H is not diagonal:
    use `l1_solution`.
    """
    optimum = check_finite("optimum", optimum, ("n",))
    curvatures = check_finite("curvatures", curvatures, optimum.shape)
    alpha = check_at_least("alpha", alpha, 0).astype(optimum.dtype)
    return soft_threshold(optimum, alpha / curvatures)


def l1_solution(model: QuadraticModel, alpha: ScalarLike, num_steps: int = 1000) -> Weights:
    """Return the minimum of J + alpha ||w||_1 for any Hessian (equations 7.19, 7.22).

    A gradient step on J, then a soft threshold: proximal gradient descent. (Not in the book.) Its
    zeros are exact; steps along alpha sign(w), equation 7.20, would hover around them. The error
    shrinks by at least 1 - lambda_min / lambda_max a step.
    """
    alpha = check_at_least("alpha", alpha, 0).astype(model.optimum.dtype)
    return _descend_proximally(model, alpha, check_count("num_steps", num_steps))


@partial(jax.jit, static_argnames="num_steps")
def _descend_proximally(model: QuadraticModel, alpha: Float[Array, ""], num_steps: int) -> Weights:
    steepest = jnp.linalg.eigvalsh(model.hessian)[-1]
    length = 1 / jnp.where(steepest > 0, steepest, 1)

    def step(_, w):
        moved = w - length * (model.hessian @ (w - model.optimum))
        return soft_threshold(moved, length * alpha)

    return jax.lax.fori_loop(0, num_steps, step, jnp.zeros_like(model.optimum))


def laplace_log_prior(weights: Real[ArrayLike, "n"], alpha: ScalarLike) -> Float[Array, ""]:
    """Return the logarithm of n Laplace densities of scale 1/alpha (equation 7.24).

        log p(w) = -alpha ||w||_1 + n log alpha - n log 2        (7.24)

    Its maximum beside a likelihood is the L1 penalty's minimum.
    """
    w = check_shape("weights", weights, ("n",))
    return laplace_log_density(w, 0.0, 1 / check_at_least("alpha", alpha, 0)).sum()
