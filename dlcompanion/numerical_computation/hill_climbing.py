"""Hill climbing: going uphill where there is no derivative, only neighbours (section 4.3)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Int, Real

from dlcompanion.arguments import check_callable, check_count, check_finite
from dlcompanion.numerical_computation.descent import Status


class Climb(NamedTuple):
    """Every bit string of a climb, the start included, and how it ended (section 4.3)."""

    bits: Int[Array, "num_steps+1 n"]
    value: Real[Array, "num_steps+1"]
    status: Int[Array, ""]  # converged: no neighbour is better, so this is a local maximum


def hill_climb(
    objective_fn: Callable[[Int[Array, "n"]], Real[Array, ""]],
    start: Real[ArrayLike, "n"],
    num_steps: int,
) -> Climb:
    """Flip the one bit that helps most, until no flip helps (section 4.3).

    Args:
        objective_fn: the function to maximize, from zeros and ones to a number.
        start: zeros and ones.
        num_steps: how many flips to make at most.
    """
    check_callable("objective_fn", objective_fn)
    start = check_finite("start", start, ("n",)).astype(jnp.int32)
    return _climb(Partial(objective_fn), start, check_count("num_steps", num_steps))


@partial(jax.jit, static_argnames="num_steps")
def _climb(objective_fn: Partial, start: Int[Array, "n"], num_steps: int) -> Climb:
    flips = jnp.eye(start.size, dtype=jnp.int32)

    def step(bits, _):
        neighbours = bits[None] ^ flips
        values = jax.vmap(objective_fn)(neighbours)
        value, best = objective_fn(bits), jnp.argmax(values)
        is_top = values[best] <= value
        return jnp.where(is_top, bits, neighbours[best]), (bits, value, is_top)

    _, (bits, value, is_top) = jax.lax.scan(step, start, length=num_steps + 1)
    status = jnp.where(is_top[-1], Status.CONVERGED, Status.MAX_STEPS)
    return Climb(bits, value, status.astype(jnp.int32))
