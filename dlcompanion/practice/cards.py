"""The card of an exercise: the verdict, hints one by one, and the solution when asked twice."""

from collections.abc import Callable
from typing import Any

import ipywidgets

from dlcompanion.practice import markup, memory
from dlcompanion.practice.exercise import BLANK, SOLVED, WRONG, Exercise, Verdict
from dlcompanion.practice.registry import find_exercise

MARKS = {SOLVED: "✓", BLANK: "○", WRONG: "✗"}


class Card:
    """What a cell shows: widgets while the kernel runs, the same as HTML when it does not.

    Attributes:
        title: all that is printed; it is the same on every run.
        widget: the card as one ipywidget.
    """

    def __init__(self, title: str, stored: str, parts: list[ipywidgets.Widget]):
        self.title, self._stored = title, stored
        self.widget = ipywidgets.VBox(parts).add_class("dlc-practice")

    def _repr_mimebundle_(self, **_):
        data = self.widget._repr_mimebundle_()
        return data | {"text/html": self._stored, "text/plain": self.title}


class Report(Card):
    """The card that `check`, `hint` and `solution` show.

    Attributes:
        verdict: what the checker found, if there was an answer.
    """

    def __init__(self, exercise: Exercise, title: str, verdict: Verdict | None = None, note=""):
        self.exercise, self.verdict = exercise, verdict
        outcome = verdict.outcome if verdict else ""
        stored = head(f"{MARKS.get(outcome, '')} {title}", outcome) + (
            _told(verdict) if verdict else ""
        )
        self.hint_button = button(f"Hint {min(self._hints() + 1, 3)} of 3", self.next_hint)
        self.solution_button = button("Solution", self.ask)
        self.confirm_button = button("Yes, show me the solution", self.show_solution)
        self.confirm_button.layout.display = "none"
        self.shown = ipywidgets.HTMLMath()
        if outcome == SOLVED:
            self.shown.value = markup.render(exercise.explanation)
        buttons = [self.hint_button, self.solution_button, self.confirm_button]
        text = ipywidgets.HTMLMath(markup.STYLE + stored + markup.notice(note))
        super().__init__(title, stored, [text, ipywidgets.HBox(buttons), self.shown])

    def next_hint(self) -> None:
        """Show one hint more, under those seen before."""
        count = min(self._hints() + 1, 3)
        note = memory.merge({self.exercise.id: {"hints": count}})
        hints = "".join(f"<li>{markup.inline(hint)}</li>" for hint in self.exercise.hints[:count])
        self.shown.value = f"<ol class='dlc-hints'>{hints}</ol>{markup.notice(note)}"
        self.hint_button.description = f"Hint {count + 1} of 3" if count < 3 else "That is all"
        self.hint_button.disabled = count == 3

    def ask(self) -> None:
        """Offer the button that shows the solution, or take it away again."""
        layout = self.confirm_button.layout
        layout.display = None if layout.display else "none"

    def show_solution(self) -> None:
        """Show the worked solution, and why it works."""
        note = memory.merge({self.exercise.id: {"solution": 1}})
        code, why = markup.code(self.exercise.solution), markup.render(self.exercise.explanation)
        self.shown.value = code + why + markup.notice(note)
        self.confirm_button.layout.display = "none"

    def _hints(self) -> int:
        return memory.load().get(self.exercise.id, {}).get("hints", 0)


def check(id: str, answer: Any) -> Report:
    """Check an answer to an exercise; an untouched stub is "not attempted yet"."""
    exercise = find_exercise(id)
    verdict = exercise.checker(answer, exercise.wrong)
    note = ""
    if verdict.outcome != BLANK:
        note = memory.merge({id: {"solved": verdict.solved}}, add={"attempts": 1})
    return Report(exercise, f"{id}: {verdict.outcome}", verdict, note)


def hint(id: str) -> Report:
    """Show one hint more to an exercise."""
    report = Report(find_exercise(id), f"{id}: hint")
    report.next_hint()
    return report


def solution(id: str) -> Report:
    """Show the solution of an exercise, after a question."""
    report = Report(find_exercise(id), f"{id}: solution")
    report.ask()
    return report


def button(text: str, act: Callable[[], None]) -> ipywidgets.Button:
    """Return a button that calls a function without arguments."""
    result = ipywidgets.Button(description=text)
    result.on_click(lambda _: act())
    return result


def head(text: str, outcome: str = "") -> str:
    """Return the first line of a card, a coloured word for its outcome."""
    return f"<p class='dlc-head' data-outcome='{outcome}'><b>{markup.inline(text)}</b></p>"


def _told(verdict: Verdict) -> str:
    cause = verdict.cause and markup.render(f"**Likely cause:** {verdict.cause.rstrip('.')}.")
    return (
        (markup.render(verdict.text) if verdict.text else "") + markup.table(verdict.rows) + cause
    )
