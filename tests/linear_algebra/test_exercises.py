"""The exercises of chapter 2: solutions pass, known mistakes do not."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion.linear_algebra import exercises
from dlcompanion.practice import Exercise

EXERCISES = [
    build()
    for _, build in inspect.getmembers(exercises, inspect.isfunction)
    if build.__module__ == exercises.__name__ and not build.__name__.startswith("_")
]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_the_solution_passes_and_mistakes_are_told(exercise: Exercise):
    """A right answer is accepted, a wrong one recognized, a stub left alone (section 2.12)."""
    names = {"jax": jax, "jnp": jnp, "np": np}
    exec(exercise.solution, names)
    wanted = exercise.stub.split("(")[0].removeprefix("def ").split(" =")[0]
    verdict = exercise.checker(names[wanted], exercise.wrong)
    assert verdict.solved, verdict
    exec(exercise.stub, names)
    assert exercise.checker(names[wanted], exercise.wrong).outcome == "not attempted yet"
    for wrong in exercise.wrong:
        verdict = exercise.checker(wrong.answer, exercise.wrong)
        assert verdict.outcome == "not yet"
        assert wrong.message in f"{verdict.text} {verdict.cause}"
