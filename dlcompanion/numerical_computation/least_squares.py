"""Linear least squares three ways, and with the solution kept in the unit ball (section 4.5)."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Real, ScalarLike

from dlcompanion.arguments import (
    check_at_least,
    check_count,
    check_finite,
    check_positive,
    check_shape,
)
from dlcompanion.linear_algebra.pseudoinverse import pseudoinverse
from dlcompanion.numerical_computation.descent import Status


class LeastSquares(NamedTuple):
    """The loss f(x) = 1/2 ||A x - b||^2, a function of x and a pytree of arrays (equation 4.21)."""

    design_matrix: Float[Array, "m n"]  # A
    targets: Float[Array, "m"]  # b

    def __call__(self, x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
        """Return half the squared length of the residual (equation 4.21)."""
        x = check_shape("x", x, self.design_matrix.shape[1:])
        residual = self.design_matrix @ x - self.targets
        return 0.5 * residual @ residual


class LeastSquaresRun(NamedTuple):
    """Where a descent stopped, after how many steps, and why (Algorithm 4.1)."""

    params: Float[Array, "n"]
    grad_norm: Float[Array, ""]
    num_steps: Int[Array, ""]
    status: Int[Array, ""]


class MultiplierPath(NamedTuple):
    """Every multiplier of an ascent, the solution x(lambda) and the dual there (section 4.5)."""

    multiplier: Float[Array, "num_steps+1"]
    params: Float[Array, "num_steps+1 n"]
    dual: Float[Array, "num_steps+1"]  # the smallest value of L over x
    status: Int[Array, ""]


def least_squares_loss(A: Real[ArrayLike, "m n"], b: Real[ArrayLike, "m"]) -> LeastSquares:
    """Make the loss 1/2 ||A x - b||^2 of a matrix and a vector that fit (equation 4.21)."""
    A = check_finite("A", A, ("m", "n"))
    return LeastSquares(A, check_finite("b", b, A.shape[:1]).astype(A.dtype))


def least_squares_grad(loss: LeastSquares, x: Real[ArrayLike, "n"]) -> Float[Array, "n"]:
    """Return A^T (A x - b) (equation 4.22)."""
    x = check_shape("x", x, loss.design_matrix.shape[1:])
    return loss.design_matrix.T @ (loss.design_matrix @ x - loss.targets)


def least_squares_descent(
    loss: LeastSquares,
    start: Real[ArrayLike, "n"],
    learning_rate: ScalarLike,
    tolerance: ScalarLike,
    max_steps: int,
) -> LeastSquaresRun:
    """Minimize ||A x - b||^2 by gradient descent (Algorithm 4.1).

    The book's loop names no start and no limit, and NaN ends it as if it had converged. This one
    says `MAX_STEPS` or `DIVERGED`: with steps below 2 / lambda_max the gradient never gets longer.

    Args:
        loss: made by `least_squares_loss`.
        start: zero leads to the solution of smallest norm.
        learning_rate: epsilon in the book, positive.
        tolerance: delta in the book: the gradient norm that counts as converged, positive.
        max_steps: when to give up.
    """
    start = check_finite("start", start, loss.design_matrix.shape[1:])
    epsilon = check_positive("learning_rate", learning_rate).astype(start.dtype)
    delta = check_positive("tolerance", tolerance).astype(start.dtype)
    return _descend(loss, start, epsilon, delta, check_count("max_steps", max_steps))


@jax.jit
def _descend(loss, start, epsilon, delta, max_steps) -> LeastSquaresRun:
    first = least_squares_grad(loss, start)
    escape = 10 * jnp.linalg.norm(first)

    def goes_on(state):
        _, grad, num_steps = state
        norm = jnp.linalg.norm(grad)  # NaN fails both comparisons
        return (norm > delta) & (norm <= escape) & (num_steps < max_steps)

    def step(state):
        x, grad, num_steps = state
        x = x - epsilon * grad
        return x, least_squares_grad(loss, x), num_steps + 1

    x, grad, num_steps = jax.lax.while_loop(goes_on, step, (start, first, 0))
    norm = jnp.linalg.norm(grad)
    ended = jnp.where(norm <= escape, Status.MAX_STEPS, Status.DIVERGED)
    return LeastSquaresRun(x, norm, num_steps, jnp.where(norm <= delta, Status.CONVERGED, ended))


@jax.jit
def penalized_solution(loss: LeastSquares, multiplier: ScalarLike) -> Float[Array, "n"]:
    """Return x(lambda), which minimizes the Lagrangian of the unit ball (equations 4.23, 4.26).

        x = (A^T A + 2 lambda I)^-1 A^T b        (4.26)

    At lambda = 0 the inverse is the pseudoinverse, and x is A^+ b.
    """
    multiplier = check_at_least("multiplier", multiplier, 0)
    return _inverse(loss, multiplier) @ (loss.design_matrix.T @ loss.targets)


@jax.jit
def critical_multiplier_rate(loss: LeastSquares, multiplier: ScalarLike) -> Float[Array, ""]:
    """Return 2 / |q''|, the edge of stability of an ascent near lambda (section 4.5).

    The dual q(lambda) = min_x L has the slope x^T x - 1 of equation 4.27. (Not in the book.)
    """
    x = penalized_solution(loss, multiplier)
    return 2 / (4 * x @ _inverse(loss, multiplier) @ x)


def multiplier_ascent(
    loss: LeastSquares,
    learning_rate: ScalarLike | None,
    num_steps: int,
    tolerance: ScalarLike = 1e-6,
) -> MultiplierPath:
    """Find the least-squares solution in the unit ball by climbing the dual (equations 4.24, 4.27).

        lambda <- max(0, lambda + eta (x^T x - 1))  with x = x(lambda)

    It begins at lambda = 0, and stays there if A^+ b is feasible. Too large a learning rate
    oscillates forever, which `status` reports as `MAX_STEPS`.

    Args:
        loss: made by `least_squares_loss`.
        learning_rate: eta, positive; None makes Newton's step (equation 4.12), which comes from
            below and never overshoots, because x^T x is convex in lambda.
        num_steps: how many steps to make; the run does not end early.
        tolerance: how near to 1 x^T x must be, positive.
    """
    rate = None if learning_rate is None else check_positive("learning_rate", learning_rate)
    tolerance = check_positive("tolerance", tolerance)
    return _climb(loss, rate, tolerance, check_count("num_steps", num_steps))


@partial(jax.jit, static_argnames="num_steps")
def _climb(loss, learning_rate, tolerance, num_steps) -> MultiplierPath:
    def step(multiplier, _):
        x = penalized_solution(loss, multiplier)
        slope = x @ x - 1
        newton_rate = critical_multiplier_rate(loss, multiplier) / 2
        rate = newton_rate if learning_rate is None else learning_rate.astype(x.dtype)
        row = (multiplier, x, loss(x) + multiplier * slope)
        return jnp.maximum(0, multiplier + rate * slope), row

    start = jnp.zeros((), loss.targets.dtype)
    _, path = jax.lax.scan(step, start, length=num_steps + 1)
    multiplier, x = path[0][-1], path[1][-1]
    slope = x @ x - 1
    is_solved = (jnp.abs(slope) <= tolerance) | ((multiplier == 0) & (slope <= 0))
    return MultiplierPath(*path, jnp.where(is_solved, Status.CONVERGED, Status.MAX_STEPS))


def _inverse(loss: LeastSquares, multiplier: ScalarLike) -> Float[Array, "n n"]:
    """Invert A^T A + 2 lambda I, or what of it can be inverted (equation 4.26).

    It is M^T M, if M is A with sqrt(2 lambda) I below it, and M is the better conditioned.
    """
    A = loss.design_matrix
    root = jnp.sqrt(2 * jnp.asarray(multiplier, A.dtype))
    M_plus = pseudoinverse(jnp.append(A, root * jnp.eye(A.shape[1], dtype=A.dtype), axis=0))
    return M_plus @ M_plus.T
