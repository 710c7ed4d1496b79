"""What an exercise is, and what a checker says about an answer to it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Verdict(NamedTuple):
    """What a checker found; all texts are Markdown with LaTeX between dollar signs.

    Attributes:
        outcome: `SOLVED`, `BLANK` or `WRONG`.
        text: one paragraph for the learner.
        rows: what was put in, what came out, what should have: pairs of a label and plain text.
        cause: the likely cause, where it is a known one.
    """

    outcome: str
    text: str = ""
    rows: Sequence[tuple[str, str]] = ()
    cause: str = ""

    @property
    def solved(self) -> bool:
        """Whether the answer is right."""
        return self.outcome == SOLVED


SOLVED, BLANK, WRONG = "solved", "not attempted yet", "not yet"


class Wrong(NamedTuple):
    """A wrong answer that learners give, and what is wrong with it."""

    answer: Any
    message: str


class Exercise(NamedTuple):
    """One exercise, as data.

    Attributes:
        id: the book's section and a short name, such as `"4.1-log-softmax"`; unique.
        prompt: Markdown; the notebook's cell before the exercise holds it word for word.
        stub: what the learner completes; the exercise cell begins with it.
        checker: takes an answer and the known wrong ones, returns a `Verdict`.
        hints: three: a question, an idea, nearly the code.
        solution: source that replaces the stub.
        explanation: Markdown; why the solution works.
        wrong: known wrong answers, at least two.
    """

    id: str
    prompt: str
    stub: str
    checker: Callable[[Any, Sequence[Wrong]], Verdict]
    hints: tuple[str, str, str]
    solution: str
    explanation: str
    wrong: Sequence[Wrong] = ()

    @property
    def section(self) -> str:
        """The book's section that the exercise belongs to, such as `"4.1"`."""
        return self.id.partition("-")[0]
