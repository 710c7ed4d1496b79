"""Small exercises for the tests of practice, and learners' answers to them."""

import sys

import jax
import jax.numpy as jnp

from dlcompanion.book import builders_of
from dlcompanion.practice import Exercise, Wrong, checks

CURVATURES = jnp.array([1.0, 2.0, 3.0])


def by_id() -> dict[str, Exercise]:
    made = [make() for make in builders_of(sys.modules[__name__], Exercise).values()]
    return {exercise.id: exercise for exercise in made}


def loss(x):
    return 0.5 * (CURVATURES[: x.size] * x**2).sum() + x[0] * x[-1]


def vector(key):
    return (jax.random.normal(key, (3,)),)


def slope() -> Exercise:
    """The gradient of a bowl."""
    return Exercise(
        id="4.3-slope",
        prompt=r"Write the gradient of $f$.",
        stub="def slope(x):\n    ...\n",
        checker=checks.gradient(lambda x: 0.5 * (x @ x), [(jnp.zeros(1),)], vector),
        hints=("What is $x^2$'s slope?", "The factor cancels.", "`return x`"),
        solution="def slope(x):\n    return 1.0 * x\n",
        explanation=r"The $\tfrac{1}{2}$ cancels the 2.",
        wrong=(
            Wrong(lambda x: 2 * x, r"the $\tfrac{1}{2}$ is forgotten"),
            Wrong(lambda x: x * x, "that is $x^2$, not its slope"),
        ),
    )


def count() -> Exercise:
    """How many directions a plane has."""
    return Exercise(
        id="2.1-count",
        prompt="How many?",
        stub="count = ...\n",
        checker=checks.number(2),
        hints=("a", "b", "c"),
        solution="count = 2\n",
        explanation="Two.",
        wrong=(Wrong(1, "that is a line"), Wrong(3, "that is space")),
    )


def _private() -> Exercise:
    raise AssertionError("not an exercise")
