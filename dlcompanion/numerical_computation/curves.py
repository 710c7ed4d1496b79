"""Curves to walk down, one for each thing that can happen (section 4.3, Figures 4.1-4.3).

All work on numbers and on arrays, entry by entry.
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Float


def bowl(x: Float[ArrayLike, "..."]) -> Float[ArrayLike, "..."]:
    """Return x^2 / 2: one minimum, and the derivative is x itself (Figure 4.1)."""
    return 0.5 * x**2


def hilltop(x: Float[ArrayLike, "..."]) -> Float[ArrayLike, "..."]:
    """Return -x^2 / 2: the derivative is zero on the top as well (Figure 4.2)."""
    return -0.5 * x**2


def inflection(x: Float[ArrayLike, "..."]) -> Float[ArrayLike, "..."]:
    """Return x^3 / 3: at zero it is flat, and neither a minimum nor a maximum (Figure 4.2)."""
    return x**3 / 3


def valleys(x: Float[ArrayLike, "..."]) -> Float[ArrayLike, "..."]:
    """Return a cost with three minima, at -3 (poor), 0 (good), 3 (the best) (Figure 4.3).

    Between them and outside them lie plateaus, where the derivative is all but zero.
    """
    poor, good, best = -0.4 * _well(4, x + 3), -_well(2, x), -1.1 * _well(4, x - 3)
    return poor + good + best


def _well(sharpness: float, x: Float[ArrayLike, "..."]) -> Float[ArrayLike, "..."]:
    return jnp.exp(-sharpness * x**2)
