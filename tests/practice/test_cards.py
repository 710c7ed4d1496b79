"""Cards driven as a reader would drive them, without a browser."""

import base64
import datetime
import json
import re
import subprocess
import sys

import ipywidgets
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion import practice
from dlcompanion.practice import markup, memory, registry
from tests.live.small import wave
from tests.practice import toys

HTML = ipywidgets.HTML | ipywidgets.HTMLMath


@pytest.fixture(autouse=True)
def only_toys(monkeypatch):
    known = toys.by_id()
    for module in ("registry", "overview"):
        monkeypatch.setattr(f"dlcompanion.practice.{module}.exercises", lambda chapter=None: known)


def text(card) -> str:
    """Return all HTML of a card's widgets."""
    return "".join(w.value for w in walk(card.widget) if isinstance(w, HTML))


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def state(card) -> str:
    """Return everything that a front end, and so a stored notebook, could get to see."""
    return json.dumps([w.get_state() for w in walk(card.widget)], default=str)


def bundle(card) -> dict:
    return card._repr_mimebundle_()


# The registry.
def test_exercises_are_found_by_their_annotation():
    assert list(toys.by_id()) == ["2.1-count", "4.3-slope"]


def test_an_unknown_id_names_its_neighbours():
    with pytest.raises(ValueError, match=r"no exercise '4\.3-slop'; near it are 4\.3-slope"):
        practice.check("4.3-slop", 1)
    with pytest.raises(ValueError, match="near it are"):
        practice.hint("something else")


def test_an_exercise_is_found_without_loading_other_chapters():
    code = """
import sys
from dlcompanion.practice.registry import find_exercise
print(find_exercise("8.3.2-top-speed").section, "dlcompanion.probability.exercises" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "8.3.2 False\n"


def test_ids_are_ordered_as_the_book_is():
    ids = ["8.10-a", "4.3.1-b", "4.3-a", "8.2-a"]
    assert sorted(ids, key=registry.place) == ["4.3-a", "4.3.1-b", "8.2-a", "8.10-a"]


# Check.
def test_an_untouched_stub_shows_a_quiet_card_and_leaves_no_trace():
    card = practice.check("4.3-slope", ...)
    assert bundle(card)["text/plain"] == "4.3-slope: not attempted yet"
    assert "not attempted yet" in bundle(card)["text/html"]
    assert memory.load() == {}


def test_a_wrong_answer_shows_input_returned_expected_and_cause():
    card = practice.check("4.3-slope", lambda x: 2 * x)
    assert bundle(card)["text/plain"] == "4.3-slope: not yet"
    for html in (text(card), bundle(card)["text/html"]):
        found = re.sub("<[^>]+>", "|", html)
        for part in ("x = [1]", "returned", "[2]", "expected by jax.grad", "Likely cause:"):
            assert part in found
        assert r"the $\tfrac{1}{2}$ is forgotten" in html  # MathJax typesets it
    assert "application/vnd.jupyter.widget-view+json" in bundle(card)
    assert memory.load()["4.3-slope"] == {"attempts": 1, "solved": 0, "hints": 0, "solution": 0}


def test_a_right_answer_is_remembered_and_explained():
    practice.check("2.1-count", 3)
    card = practice.check("2.1-count", 2)
    assert card.verdict.solved and card.title == "2.1-count: solved"
    practice.check("2.1-count", 1)
    entry = memory.load()["2.1-count"]
    assert entry["solved"] == 1 and entry["attempts"] == 3


def test_the_stored_form_does_not_depend_on_what_the_reader_has_done():
    def stored(card):
        data = bundle(card)
        return data["text/plain"], data["text/html"]

    before = stored(practice.check("4.3-slope", ...)), stored(practice.progress())
    practice.check("4.3-slope", lambda x: x)
    practice.hint("4.3-slope")
    assert before == (stored(practice.check("4.3-slope", ...)), stored(practice.progress()))


def test_a_learners_text_cannot_become_markup():
    card = practice.check("2.1-count", "<script>alert(1)</script> $x$")
    assert "<script>" not in text(card)
    assert "<code>'&lt;script" in text(card)


# Hints and the solution.
def test_hints_come_one_by_one_and_are_remembered():
    card = practice.check("4.3-slope", ...)
    assert card.hint_button.description == "Hint 1 of 3" and "slope?" not in text(card)
    card.hint_button.click()
    assert "What is $x^2$'s slope?" in text(card) and "cancels" not in text(card)
    again = practice.hint("4.3-slope")
    assert "slope?" in text(again) and "cancels" in text(again)
    assert again.hint_button.description == "Hint 3 of 3"
    again.hint_button.click()
    assert "<code>return x</code>" in text(again) and again.hint_button.disabled
    assert "<code>return x</code>" in text(practice.hint("4.3-slope"))
    assert memory.load()["4.3-slope"]["hints"] == 3
    assert bundle(again)["text/plain"] == "4.3-slope: hint"


def test_the_solution_asks_first():
    card = practice.solution("4.3-slope")
    assert card.confirm_button.layout.display is None
    assert "1.0 * x" not in state(card)
    card.confirm_button.click()
    assert "return 1.0 * x" in text(card) and "cancels the 2" in text(card)
    assert memory.load()["4.3-slope"]["solution"] == 1


def test_the_solution_button_can_be_taken_back():
    card = practice.check("4.3-slope", ...)
    assert card.confirm_button.layout.display == "none"
    card.solution_button.click()
    assert card.confirm_button.layout.display is None
    card.solution_button.click()
    assert card.confirm_button.layout.display == "none"


# Predictions.
def choice(**options):
    return practice.predict(
        "How many?", "choice", "350", id="4.3-many", options=("10", "35", "350"), **options
    )


def test_an_unanswered_prediction_does_not_tell_the_truth():
    card = practice.predict("How long?", "number", 0.4321, id="4.3-q", because="Because so.")
    for shown in (state(card), json.dumps(bundle(card))):
        assert "4321" not in shown and "Because" not in shown
    assert bundle(card)["text/plain"] == "4.3-q: prediction"
    assert state(choice()).replace("350", "10").count('"10"') >= 2  # no option stands out
    assert memory.load() == {}


def test_a_commitment_is_asked_for():
    card = choice()
    card.commit_button.click()
    assert card.right is None and "Choose one" in text(card)
    assert memory.load() == {}


def test_a_choice_is_scored_and_the_explorer_moves():
    explorer = wave()
    card = choice(explorer=explorer, settings={"frequency": 7.5}, because="It is $7.5$.")
    card.answer.value = "35"
    card.commit_button.click()
    assert card.right is False and explorer.values["frequency"] == 7.5
    assert "You said <strong>35</strong>; it is <strong>350</strong>. It is $7.5$." in text(card)
    assert card.answer.disabled and card.commit_button.disabled
    assert memory.load()["4.3-many"] == {"attempts": 1, "solved": 0, "hints": 0, "solution": 0}
    right = choice()
    right.answer.value = "350"
    right.commit_button.click()
    assert right.right is True and memory.load()["4.3-many"]["solved"] == 1


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("0.4", True),
        ("0.41", True),
        ("0,4", True),
        ("0.5", False),
        ("-0.4", False),
        ("−0.4", False),
    ],
)
def test_a_number_is_scored_within_its_tolerance(typed, right):
    card = practice.predict("?", "number", jnp.array(0.4), id="4.3-n", tolerance=0.05)
    card.answer.value = typed
    card.commit_button.click()
    assert card.right is right


@pytest.mark.parametrize("typed", ["", "much", "nan", "inf"])
def test_what_is_no_number_is_asked_for_again(typed):
    card = practice.predict("?", "number", 0.4, id="4.3-n")
    card.answer.value = typed
    card.commit_button.click()
    assert card.right is None and "Type a number first" in text(card)


def test_a_point_is_dragged_committed_and_moved_to_the_truth():
    explorer = wave()
    card = practice.predict(
        "Where?", "point", (0.5, 1.0), id="4.3-p", explorer=explorer, point="anchor", tolerance=0.2
    )
    explorer.set(anchor=(0.45, 1.1))
    card.commit_button.click()
    assert card.right is True
    np.testing.assert_allclose(explorer.points["anchor"], [0.5, 1.0])


@pytest.mark.parametrize("kind", ["choice", "point", "colour"])
def test_parts_that_do_not_fit_are_refused(kind):
    with pytest.raises(ValueError, match="kind must be"):
        practice.predict("?", kind, "c", id="4.3-x", options=("a", "b"))


# Progress.
def test_progress_says_what_is_done_and_what_comes_next():
    practice.check("4.3-slope", lambda x: 2 * x)
    found = text(practice.progress())
    assert "0 of 2 exercises are solved" in found and "4.3</b> 0 of 1, 1 tried" in found
    assert "Next: <code>4.3-slope</code>" in found
    practice.check("4.3-slope", lambda x: x)
    assert "Next: <code>2.1-count</code>" in text(practice.progress())
    practice.check("2.1-count", 2)
    choice().answer.value = "35"
    found = text(practice.progress())
    assert "2 of 2 exercises are solved" in found and "Everything is solved" in found


def test_progress_goes_to_another_computer_and_back(monkeypatch, tmp_path):
    practice.check("2.1-count", 2)
    link = re.search("base64,([^']+)'", text(practice.progress()))[1]
    monkeypatch.setenv("DLCOMPANION_DATA", str(tmp_path / "elsewhere"))
    card = practice.progress()
    assert "0 of 2" in text(card)
    file = {"name": "p.json", "content": memoryview(base64.b64decode(link)), "size": 1}
    file |= {"type": "", "last_modified": datetime.datetime.now(datetime.UTC)}
    card.upload.value = (file,)
    assert "1 of 2" in text(card) and "p.json was added to your progress" in text(card)
    card.upload.value = (file | {"content": memoryview(b"rubbish")},)
    assert "no progress file" in text(card)


def test_all_cards_are_reached_by_the_keyboard():
    """Nothing but buttons, native inputs and links takes part."""
    for card in (practice.check("4.3-slope", ...), choice(), practice.progress()):
        for widget in walk(card.widget):
            assert isinstance(
                widget,
                ipywidgets.Button
                | HTML
                | ipywidgets.Box
                | ipywidgets.ToggleButtons
                | ipywidgets.FileUpload,
            )


# Markdown.
@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("one\n\ntwo", "<p>one</p><p>two</p>"),
        (
            "`a<b` and **bold** and *it*",
            "<p><code>a&lt;b</code> and <strong>bold</strong> and <em>it</em></p>",
        ),
        (r"$a_1 * b * c < d$", r"<p>$a_1 * b * c &lt; d$</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("**Say $x$**", "<p><strong>Say $x$</strong></p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
    ],
)
def test_markdown(markdown, expected):
    assert markup.render(markdown) == expected
