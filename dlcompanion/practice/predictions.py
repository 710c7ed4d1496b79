"""Predict, then reveal: the reader commits to an answer before the explorer shows it."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np

from dlcompanion.practice import markup, memory
from dlcompanion.practice.cards import Card, button, head
from dlcompanion.practice.comparing import show


class Prediction(Card):
    """The card of `predict`; until the commitment nothing in it tells the truth.

    Attributes:
        answer: the widget that takes a choice or a number; None where a point is dragged.
        commit_button: scores the answer, once.
        right: None until then.
    """

    def __init__(self, question, answer, read: Callable[[], Any], score: Callable, id: str):
        self.answer, self.right, self.id = answer, None, id
        self._read, self._score = read, score
        self.commit_button = button("Commit", self.commit)
        self.feedback = ipywidgets.HTMLMath()
        options = "".join(f"<li>{markup.inline(o)}</li>" for o in getattr(answer, "options", ()))
        stored = head(f"Predict: {question}")
        text = ipywidgets.HTMLMath(markup.STYLE + stored)
        row = ipywidgets.HBox([*([answer] if answer else []), self.commit_button])
        stored += f"<ul>{options}</ul>" if options else ""
        super().__init__(f"{id}: prediction", stored, [text, row, self.feedback])

    def commit(self) -> None:
        """Score what the reader has chosen; an empty answer is asked for again."""
        if self.right is not None:
            return
        try:
            said = self._read()
        except ValueError as error:
            self.feedback.value = markup.render(str(error))
            return
        for widget in filter(None, (self.answer, self.commit_button)):
            widget.disabled = True
        self.right, text = self._score(said)
        note = memory.merge({self.id: {"solved": self.right}}, add={"attempts": 1})
        self.feedback.value = text + markup.notice(note)


def predict(  # noqa: PLR0913
    question: str,
    kind: str,
    truth: Any,
    *,
    id: str,
    options: Sequence[str] = (),
    tolerance: float = 0.05,
    explorer: Any = None,
    settings: Mapping[str, Any] | None = None,
    point: str | None = None,
    because: str = "",
) -> Prediction:
    """Ask for a commitment, then move the explorer there and score the answer.

    Args:
        question: Markdown.
        kind: "choice" among `options`; "number"; or "point", a draggable point of the explorer.
        truth: the right option, number or position; nothing shows it before the commitment.
        id: the book's section and a short name, such as `"4.3.1-steps-at-100"`.
        options: what can be chosen.
        tolerance: how far off counts as right: relative for a number, in data units for a point.
        explorer: what moves after the commitment.
        settings: where it goes; for a point, the truth if nothing else is said.
        point: the name of the point that the reader drags.
        because: Markdown; why the truth is what it is.

    Raises:
        ValueError: if the parts do not fit together.
    """
    answer, read = _input(kind, truth, options, explorer, point)
    if kind == "point" and settings is None:
        settings = {point: truth}

    def score(said) -> tuple[bool, str]:
        right = _is_right(kind, said, truth, tolerance)
        if explorer is not None and settings:
            explorer.set(**settings)
        mark = "✓ As you said" if right else "✗ It turns out otherwise"
        told = f"You said {_say(said)}; it is {_say(truth)}."
        verdict = head(mark, "solved" if right else "not yet")
        return right, verdict + markup.render(f"{told} {because}".strip())

    return Prediction(question, answer, read, score, id)


def _input(kind, truth, options, explorer, point) -> tuple[ipywidgets.Widget | None, Callable]:
    """Return the widget that takes the answer, and the function that reads it."""
    if kind == "choice" and truth in options:
        # Not radio buttons: JupyterLab's shortcuts take their arrow keys away.
        choice = ipywidgets.ToggleButtons(
            options=list(options), value=None, style={"button_width": "auto"}
        )
        return choice, lambda: _given(choice.value, "Choose one of the answers first.")
    if kind == "number":
        text = ipywidgets.Text(placeholder="a number", continuous_update=True)
        return text, lambda: _number(text.value)
    if kind == "point" and explorer is not None and point in explorer.points:
        return None, lambda: np.array(explorer.points[point])
    raise ValueError(
        f"kind must be 'number', 'choice' with the truth among the options, or 'point' with an "
        f"explorer that has it, got {kind!r} with options {tuple(options)} and point {point!r}"
    )


def _given(value: Any, otherwise: str) -> Any:
    if value is None:
        raise ValueError(otherwise)
    return value


def _number(text: str) -> float:
    try:
        value = float(text.strip().replace("−", "-").replace(",", "."))
    except ValueError:
        value = math.nan
    return _given(value if math.isfinite(value) else None, "Type a number first, such as `0.25`.")


def _is_right(kind: str, said: Any, truth: Any, tolerance: float) -> bool:
    if kind == "choice":
        return said == truth
    if kind == "number":
        return bool(abs(said - float(truth)) <= tolerance * abs(float(truth)) + 1e-12)
    return bool(np.linalg.norm(said - np.asarray(truth), axis=-1).max() <= tolerance)


def _say(value: Any) -> str:
    return f"**{value}**" if isinstance(value, str) else f"`{show(np.asarray(value, float), 3)}`"
