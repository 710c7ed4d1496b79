"""What holds for every exercise of the companion."""

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion import practice
from dlcompanion.book import builders
from dlcompanion.practice.exercise import BLANK, SOLVED, WRONG
from dlcompanion.practice.registry import exercises, place

EXERCISES = exercises()
MADE = builders("exercises", practice.Exercise).values()
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MOST_LINES = 12  # of a solution: it has to fit into a cell


@pytest.fixture(params=EXERCISES)
def exercise(request):
    return EXERCISES[request.param]


def answer_of(source: str):
    """Run a stub or a solution and return what it defines last."""
    space = before = {"jax": jax, "jnp": jnp, "np": np}
    space = dict(before)
    exec(source, space)
    return [value for name, value in space.items() if name not in before | {"__builtins__": 0}][-1]


def test_there_are_exercises():
    assert EXERCISES


def test_the_id_is_in_the_books_order_and_says_its_section(exercise):
    assert re.fullmatch(r"[2-8]\.\d+(\.\d+)?-[a-z0-9-]+", exercise.id)
    (make,) = (f for f in MADE if f().id == exercise.id)
    first = make.__doc__.splitlines()[0]
    assert re.search(rf"\(.*\bsections? [^)]*\b{re.escape(exercise.section)}\b.*\)\.$", first), (
        first
    )


def test_it_has_all_its_parts(exercise):
    assert exercise.prompt.strip() and exercise.explanation.strip()
    assert len(exercise.hints) == 3 and all(hint.strip() for hint in exercise.hints)
    assert len(exercise.wrong) >= 2 and len({w.message for w in exercise.wrong}) > 1
    assert "..." in exercise.stub and exercise.stub.endswith("\n")
    assert len(exercise.solution.splitlines()) <= MOST_LINES
    text = " ".join([exercise.prompt, *exercise.hints, exercise.explanation])
    assert text.count("$") % 2 == 0 and text.count("`") % 2 == 0


def test_the_stub_is_not_attempted_yet(exercise):
    assert exercise.checker(answer_of(exercise.stub), exercise.wrong).outcome == BLANK
    assert practice.check(exercise.id, ...).title == f"{exercise.id}: not attempted yet"


def test_the_solution_is_solved(exercise):
    verdict = exercise.checker(answer_of(exercise.solution), exercise.wrong)
    assert verdict.outcome == SOLVED, verdict


def test_every_wrong_answer_is_told_what_is_wrong(exercise):
    for wrong in exercise.wrong:
        verdict = exercise.checker(wrong.answer, exercise.wrong)
        assert verdict.outcome == WRONG, wrong.message
        assert wrong.message in f"{verdict.text} {verdict.cause}", verdict


def test_the_notebook_holds_prompt_and_stub_word_for_word(exercise):
    path = next(NOTEBOOKS.glob(f"{place(exercise.id)[0]:02}-*.ipynb"), None)
    if path is None:
        pytest.skip("its notebook is not written yet")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    check = f'practice.check("{exercise.id}", '
    at = [k for k, source in enumerate(sources) if check in source]
    if not at:
        pytest.skip(f"{path.name} does not have it yet")
    (at,) = at
    assert sources[at].startswith(exercise.stub)
    assert sources[at].removeprefix(exercise.stub).lstrip().startswith(check)
    assert "exercise" in cells[at]["metadata"].get("tags", [])
    assert exercise.prompt.strip() in sources[at - 1]
