"""Momentum: steps that remember the steps before them (sections 8.3.2, 8.3.3)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite, check_positive, check_probability
from dlcompanion.optimization.sgd import Optimizer, Schedule, as_schedule, first_step


class MomentumState(NamedTuple):
    """What momentum remembers between steps (section 8.3.2)."""

    velocity: Float[Array, "n"]
    k: Int[Array, ""]  # the steps made so far


class Motion(NamedTuple):
    """The way of a particle, its start included (section 8.3.2)."""

    position: Float[Array, "num_steps+1 n"]
    velocity: Float[Array, "num_steps+1 n"]


def momentum(
    learning_rate: ScalarLike | Schedule, momentum: ScalarLike | Schedule = 0.9
) -> Optimizer:
    """Step by a velocity that gradients change (Algorithm 8.2, equations 8.15-8.17).

        v <- alpha v - epsilon g        (8.15)
        theta <- theta + v              (8.16)

    The velocity is a decaying sum of past gradients, not an average: the weights add up to
    1 / (1 - alpha), and under one gradient g its length grows to

        epsilon ||g|| / (1 - alpha)        (8.17)

    Args:
        learning_rate: epsilon in the book, positive, or a function of the step k, from 0.
        momentum: alpha in the book, from 0 (gradient descent) to 1 (nothing is forgotten), or a
            function of k.
    """
    return Optimizer(Partial(_at_rest), Partial(_momentum, *_schedules(learning_rate, momentum)))


def nesterov_momentum(
    learning_rate: ScalarLike | Schedule, momentum: ScalarLike | Schedule = 0.9
) -> Optimizer:
    """Look at the gradient where the velocity leads (Algorithm 8.3, equations 8.21, 8.22).

        v <- alpha v - epsilon g(theta + alpha v)        (8.21)
        theta <- theta + v                               (8.22)

    Arguments are those of `momentum`.
    """
    return Optimizer(Partial(_at_rest), Partial(_nesterov, *_schedules(learning_rate, momentum)))


def stability_limits(momentum: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
    """Return the largest stable epsilon lambda of both kinds of momentum (sections 8.3.2, 8.3.3).

    On a bowl, momentum converges below 2 (1 + alpha) and Nesterov momentum below
    (2 + 2 alpha) / (1 + 2 alpha), which is less. (Not in the book.)
    """
    return 2 * (1 + momentum), (2 + 2 * momentum) / (1 + 2 * momentum)


def move_particle(
    force_fn: Callable[[Float[Array, "n"], Float[Array, "n"]], Float[Array, "n"]],
    start: Real[ArrayLike, "n"],
    velocity: Real[ArrayLike, "n"],
    time_step: ScalarLike,
    num_steps: int,
) -> Motion:
    """Follow Newton's law for a particle of unit mass (equations 8.18, 8.19, 8.20).

        v(t) = dtheta/dt        (8.19)
        f(t) = dv/dt            (8.20)

    by Euler's method, the velocity first. Under the force -grad J - c v it makes the steps of
    momentum with alpha = 1 - c dt and epsilon = dt^2. `force_fn` maps position and velocity to f.
    """
    start = check_finite("start", start, ("n",))
    dt = check_positive("time_step", time_step)

    def step(motion, _):
        velocity = motion.velocity + dt * force_fn(*motion)
        return Motion(motion.position + dt * velocity, velocity), motion

    motion = Motion(start, check_finite("velocity", velocity, start.shape))
    return jax.lax.scan(step, motion, length=check_count("num_steps", num_steps) + 1)[1]


def _schedules(learning_rate, momentum) -> tuple[Partial, Partial]:
    rate_fn = as_schedule("learning_rate", learning_rate, check_positive)
    return rate_fn, as_schedule("momentum", momentum, check_probability)


def _at_rest(params) -> MomentumState:
    return MomentumState(jnp.zeros_like(params), first_step(params))


def _momentum(rate_fn, momentum_fn, grad_fn, params, state) -> tuple:
    velocity = momentum_fn(state.k) * state.velocity - rate_fn(state.k) * grad_fn(params)
    return params + velocity, MomentumState(velocity, state.k + 1)


def _nesterov(rate_fn, momentum_fn, grad_fn, params, state) -> tuple:
    carried = momentum_fn(state.k) * state.velocity
    velocity = carried - rate_fn(state.k) * grad_fn(params + carried)
    return params + velocity, MomentumState(velocity, state.k + 1)
