"""Steps that know the curvature: Newton, conjugate gradients and BFGS (section 8.6)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_count, check_finite
from dlcompanion.numerical_computation.descent import LossFn

CANDIDATES = 2.0 ** np.arange(-20, 4)  # steps that a line search tries, in those of its model


class Search(NamedTuple):
    """Every iterate of a search, the start included, and where each went next (section 8.6)."""

    params: Float[Array, "num_steps+1 n"]
    loss: Float[Array, "num_steps+1"]
    grad: Float[Array, "num_steps+1 n"]
    direction: Float[Array, "num_steps+1 n"]


def line_search(
    loss_fn: LossFn, params: Float[Array, "n"], direction: Float[Array, "n"]
) -> Float[Array, ""]:
    """Return how far to go along a direction, which is exact on a quadratic (section 8.6.2).

    The parabola along the line suggests a step; the best of its multiples, and of none at all, is
    improved by three Newton steps in one dimension. It never climbs.
    """

    def along(step):
        return loss_fn(params + step * direction)

    def newton_step(step):
        slope, curvature = jax.jvp(jax.grad(along), (step,), (jnp.ones_like(step),))
        return -slope / jnp.where(curvature == 0, 1, curvature)

    def improve(_, step):
        better = step + newton_step(step)
        return jnp.where(along(better) < along(step), better, step)

    guess = jnp.abs(newton_step(jnp.zeros_like(params[0])))
    steps = jnp.append(guess * jnp.asarray(CANDIDATES, guess.dtype), 0)
    step = steps[jnp.nanargmin(jax.vmap(along)(steps))]
    return jax.lax.fori_loop(0, 3, improve, step)


def damped_newton(
    loss_fn: LossFn, start: Real[ArrayLike, "n"], damping: ScalarLike, num_steps: int
) -> Search:
    """Jump to the minimum of a regularized quadratic model (Algorithm 8.8, equations 8.26-8.28).

        theta <- theta - (H + alpha I)^-1 g        (8.28)

    Without damping this is Algorithm 8.8, and `newton` of chapter 4 (equation 8.27). A direction
    of negative curvature needs alpha > -lambda_min; a little less, and the step is long and uphill.

    Args:
        loss_fn: J in the book, from a vector to a number (the book prints f in equation 8.28).
        start: theta at first.
        damping: alpha in the book, at least 0.
        num_steps: how many steps to make.
    """
    start, damping = check_finite("start", start, ("n",)), check_at_least("damping", damping, 0)
    rule = Partial(_newton_direction, damping.astype(start.dtype))
    return _search(loss_fn, rule, (start, ()), num_steps, _full_step)[0]


def fletcher_reeves(grad: Real[ArrayLike, "n"], previous: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return how much of the previous direction to keep, 0 at first (equation 8.31)."""
    return _over_square(grad @ grad, previous)


def polak_ribiere(grad: Real[ArrayLike, "n"], previous: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return the same, from the change of the gradient (equation 8.32)."""
    return _over_square((grad - previous) @ grad, previous)


def conjugate_gradients(
    loss_fn: LossFn,
    start: Real[ArrayLike, "n"],
    num_steps: int,
    beta_fn: Callable = polak_ribiere,
    search_fn: Callable = line_search,
) -> Search:
    """Search along directions that do not undo each other (Algorithm 8.9, equations 8.29, 8.30).

        d_t = -g_t + beta_t d_{t-1},  so that  d_t^T H d_{t-1} = 0

    Equation 8.29 prints +g, which climbs; the algorithm has -g. With the algorithm's g_0 = 0 the
    first beta would be 0/0; here it is 0, a steepest descent step.

    Args:
        loss_fn: J in the book, from a vector to a number.
        start: theta at first.
        num_steps: how many line searches.
        beta_fn: `polak_ribiere` or `fletcher_reeves`, or your own function of both gradients.
        search_fn: maps (loss, parameters, direction) to the length of the step.
    """
    start = check_finite("start", start, ("n",))
    rule, memory = Partial(_conjugate_direction, Partial(beta_fn)), (0 * start, 0 * start)
    return _search(loss_fn, rule, (start, memory), num_steps, search_fn)[0]


def bfgs(
    loss_fn: LossFn,
    start: Real[ArrayLike, "n"],
    num_steps: int,
    search_fn: Callable = line_search,
) -> tuple[Search, Float[Array, "{num_steps}+1 n n"]]:
    """Learn the inverse Hessian from gradients on the way (section 8.6.3, equations 8.33, 8.34).

        rho_t = -M_t g_t,  theta <- theta + epsilon* rho_t        (8.34)

    M_t takes the place of the inverse Hessian in Newton's step (8.33). (The book prints
    rho_t = M_t g_t, which climbs.) Arguments are those of `conjugate_gradients`.

    Returns:
        the search, and M_t at every iterate.
    """
    start = check_finite("start", start, ("n",))
    memory = (start, 0 * start, jnp.eye(start.size, dtype=start.dtype))
    path, memories = _search(
        loss_fn, Partial(_bfgs_direction), (start, memory), num_steps, search_fn
    )
    return path, memories[2]


def update_inverse(
    inverse: Real[ArrayLike, "n n"], step: Real[ArrayLike, "n"], grad_change: Real[ArrayLike, "n"]
) -> Float[Array, "n n"]:
    """Correct an approximate inverse Hessian, so that M y = s (section 8.6.3).

        M <- (I - s y^T / y^T s) M (I - y s^T / y^T s) + s s^T / y^T s

    Nothing changes unless y^T s > 0, which keeps M positive definite. (The book leaves the
    formula to others.)

    Args:
        inverse: M.
        step: s, the change of theta.
        grad_change: y, the change of the gradient.
    """
    s, y, bend = step, grad_change, step @ grad_change
    safe = jnp.where(bend > 0, bend, 1)
    left = jnp.eye(s.size, dtype=s.dtype) - jnp.outer(s, y) / safe
    return jnp.where(bend > 0, left @ inverse @ left.T + jnp.outer(s, s) / safe, inverse)


def _search(loss_fn, rule, start, num_steps, search_fn) -> tuple[Search, tuple]:
    """Run the compiled loop from (parameters, memory); a loss may be a pytree."""
    if jax.tree_util.all_leaves([loss_fn]):
        loss_fn = Partial(loss_fn)
    return _run(loss_fn, rule, start, check_count("num_steps", num_steps), search_fn)


@partial(jax.jit, static_argnames=("num_steps", "search_fn"))
def _run(loss_fn, rule, start, num_steps, search_fn) -> tuple[Search, tuple]:
    def step(carry, _):
        params, memory = carry
        loss, grad = jax.value_and_grad(loss_fn)(params)
        direction, memory = rule(loss_fn, params, grad, memory)
        length = search_fn(loss_fn, params, direction)
        here = Search(params, loss, grad, direction)
        return (params + length * direction, memory), (here, memory)

    return jax.lax.scan(step, start, length=num_steps + 1)[1]


def _newton_direction(damping, loss_fn, params, grad, memory) -> tuple:
    H = jax.hessian(loss_fn)(params) + damping * jnp.eye(grad.size, dtype=grad.dtype)
    return -jnp.linalg.solve(H, grad), memory


def _conjugate_direction(beta_fn, loss_fn, params, grad, memory) -> tuple:
    previous, direction = memory
    direction = -grad + beta_fn(grad, previous) * direction
    return direction, (grad, direction)


def _bfgs_direction(loss_fn, params, grad, memory) -> tuple:
    previous, previous_grad, inverse = memory
    inverse = update_inverse(inverse, params - previous, grad - previous_grad)
    return -inverse @ grad, (params, grad, inverse)


def _full_step(loss_fn, params, direction) -> Float[Array, ""]:
    return jnp.ones_like(params[0])


def _over_square(numerator, previous) -> Float[Array, ""]:
    square = previous @ previous
    return jnp.where(square > 0, numerator / jnp.where(square > 0, square, 1), 0)
