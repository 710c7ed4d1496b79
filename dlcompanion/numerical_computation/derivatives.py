"""Slopes: along one direction, the steepest one, and of many outputs (sections 4.3, 4.3.1)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_finite, check_positive, check_shape

VectorFn = Callable[[Float[Array, "n"]], Float[Array, "*outputs"]]


class Direction(NamedTuple):
    """A unit vector, and how fast the function falls along it (equation 4.3)."""

    unit: Float[Array, "n"]
    slope: Float[Array, ""]


def directional_derivative(
    loss_fn: VectorFn, x: Real[ArrayLike, "n"], direction: Real[ArrayLike, "n"]
) -> Float[Array, ""]:
    """Return u^T grad f, the slope met on leaving x along u (section 4.3)."""
    x = check_finite("x", x, ("n",))
    u = check_finite("direction", direction, x.shape).astype(x.dtype)
    return jax.jvp(loss_fn, (x,), (u,))[1]


@jax.jit
def steepest_direction(grad: Real[ArrayLike, "n"]) -> Direction:
    """Return the unit vector u with the smallest slope u^T g (equations 4.3, 4.4).

    The slope is |u| |g| cos(theta), and u may only choose theta: the smallest cosine is -1, so u
    points against g and the slope is -|g|. At g = 0 no direction is steepest, and u is zero.
    """
    grad = check_shape("grad", grad, ("n",))
    largest = jnp.abs(grad).max()
    is_flat = largest == 0
    g = grad / jnp.where(is_flat, 1, largest)  # of moderate size, so that its square is too
    norm = jnp.linalg.norm(jnp.where(is_flat, 1, g))
    return Direction(jnp.where(is_flat, 0, -g / norm), jnp.where(is_flat, 0, -largest * norm))


def central_difference(
    fn: VectorFn, x: Real[ArrayLike, "n"], step: ScalarLike
) -> Float[Array, "*outputs n"]:
    """Approximate a Jacobian from the values of a function alone (section 4.3.1).

    Entry i, j is (f_i(x + h e_j) - f_i(x - h e_j)) / 2h; for a scalar f it is the gradient, and
    for the gradient of f the Hessian of equation 4.6.

    Args:
        fn: from a vector to an array.
        x: where.
        step: h, positive; too long and the curve bends away, too short and rounding takes over.
    """
    x = check_finite("x", x, ("n",))
    return _divide_rise(fn, x, check_positive("step", step).astype(x.dtype))


@partial(jax.jit, static_argnames="fn")
def _divide_rise(fn, x, h):
    changes = h * jnp.eye(x.size, dtype=x.dtype)
    rise = jax.vmap(fn)(x[None] + changes) - jax.vmap(fn)(x[None] - changes)
    return jnp.moveaxis(rise / (2 * h), 0, -1)


def steepest_secant(
    fn: VectorFn, xs: Real[ArrayLike, "pairs n"], ys: Real[ArrayLike, "pairs n"]
) -> Float[Array, ""]:
    """Return the largest |f(x) - f(y)| / |x - y| over some pairs (equation 4.13).

    No Lipschitz constant is smaller. Sampling can refute a constant, never prove one.
    """
    xs, ys = check_finite("xs", xs, ("pairs", "n")), check_finite("ys", ys, ("pairs", "n"))
    return _largest_secant(fn, xs, ys)


@partial(jax.jit, static_argnames="fn")
def _largest_secant(fn, xs, ys):
    rise = jnp.abs(jax.vmap(fn)(xs) - jax.vmap(fn)(ys))
    run = jnp.linalg.norm(xs - ys, axis=1)
    return jnp.where(run == 0, 0, rise / jnp.where(run == 0, 1, run)).max()


def midpoint_excess(
    fn: VectorFn, xs: Real[ArrayLike, "pairs n"], ys: Real[ArrayLike, "pairs n"]
) -> Float[Array, ""]:
    """Return how far f rises above the middle of its own chords, at most (section 4.3.1).

    A convex function never does, smooth or not; more than rounding error refutes convexity.
    """
    xs, ys = check_finite("xs", xs, ("pairs", "n")), check_finite("ys", ys, ("pairs", "n"))
    return _largest_excess(fn, xs, ys)


@partial(jax.jit, static_argnames="fn")
def _largest_excess(fn, xs, ys):
    values = jax.vmap(fn)
    return (values((xs + ys) / 2) - (values(xs) + values(ys)) / 2).max()
