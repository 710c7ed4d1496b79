"""The likely cause of a failure, when it is one that many learners meet."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dlcompanion.practice.comparing import as_numbers, compare
from dlcompanion.practice.exercise import Wrong
from dlcompanion.practice.running import Outcome, run


class Trial(NamedTuple):
    """One input, what the answer made of it, and what the reference did."""

    args: tuple
    outcome: Outcome
    expected: Any


def likely_cause(trials: Sequence[Trial], wrong: Sequence[Wrong]) -> str:
    """Return what is probably wrong (Markdown), or ""."""
    known = [w.message for w in wrong if callable(w.answer) and _agrees(w.answer, trials)]
    if known:
        return "; or: ".join(dict.fromkeys(known))
    if any(trial.outcome.changed for trial in trials):
        return "it writes into its argument, which whoever called it still needs"
    pairs = [(as_numbers(trial.outcome.value), as_numbers(trial.expected)) for trial in trials]
    if any(a is None or b is None for a, b in pairs):
        return ""
    if all(a.shape != b.shape for a, b in pairs):
        sizes = {n for arg in _numbers(trials[-1].args) for n in np.shape(arg)}
        return _misshapen(*pairs[-1], sizes)
    found = (cause for holds, cause in GENERIC if _holds(holds, pairs))
    return next(found, "") or _not_finite(pairs, trials)


def _agrees(known: Callable, trials: Sequence[Trial]) -> bool:
    """Tell whether a known wrong answer does what the learner's does, everywhere tried."""
    for trial in trials:
        other, ours = run(known, trial.args), trial.outcome
        if ours.error or other.error:
            if type(other.error) is not type(ours.error):
                return False
        elif ours.changed != other.changed or not _same(ours.value, other.value):
            return False
    return True


def _same(a: Any, b: Any) -> bool:
    numbers = as_numbers(b) is not None or isinstance(b, tuple | list | str)
    return compare(a, b, 1e-4, 1e-6) is None if numbers else type(a) is type(b)


def _holds(rule: Callable, pairs: Sequence[tuple]) -> bool:
    """Tell whether a rule explains every input, and by more than zeros."""
    with np.errstate(all="ignore"):
        return any(b.any() for _, b in pairs) and all(map(bool, (rule(a, b) for a, b in pairs)))


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, 1e-3, 1e-6)


def _proportional(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape or b.size < 2 or not b.any() or not np.isfinite(a).all():
        return False
    factor = (a * b).sum() / (b * b).sum()
    unit = np.isclose(b.sum(), 1, atol=1e-4) or np.isclose((b * b).sum(), 1, atol=1e-4)
    return bool(unit and factor > 0 and _close(a, factor * b))


GENERIC = (
    (lambda a, b: _close(a, -b), "the sign is flipped"),
    (lambda a, b: _close(a, 2 * b), r"a factor $\tfrac{1}{2}$ is missing"),
    (lambda a, b: _close(2 * a, b), "a factor 2 is missing"),
    (lambda a, b: _close(a, -2 * b) or _close(-2 * a, b), "the sign and a factor 2 are wrong"),
    (lambda a, b: a.ndim == 2 and _close(a.T, b), "it is transposed"),
    (_proportional, "it is not normalized"),
)


def _misshapen(a: np.ndarray, b: np.ndarray, sizes: set[int]) -> str:
    """Return what a wrong shape says, given the sizes of the arguments' axes."""
    if a.ndim != b.ndim:
        lost = "an axis is lost: is there a sum or a mean too many?"
        return lost if a.ndim < b.ndim else "an axis is left over: is a sum or a mean missing?"
    if a.ndim == 2 and a.shape == b.shape[::-1]:
        return "it is transposed"
    return "it works along the wrong axis" if {*a.shape} <= sizes else ""


def _not_finite(pairs: Sequence[tuple], trials: Sequence[Trial]) -> str:
    """Tell an overflow from a division by zero, by the size of the input."""
    bad = [
        np.abs(np.concatenate([np.ravel(leaf) for leaf in _numbers(trial.args)])).max(initial=0)
        for (a, b), trial in zip(pairs, trials, strict=True)
        if np.isfinite(b).all() and not np.isfinite(a).all()
    ]
    if not bad:
        return ""
    if min(bad) > 20:
        return "it overflows: an intermediate result is too large, or too small, for a float"
    return r"it meets $0/0$, $\log 0$ or the root of a negative number on the way"


def _numbers(args: tuple) -> list[np.ndarray]:
    found = [as_numbers(arg) for arg in args]
    return [np.asarray(x, float) for x in found if x is not None] or [np.zeros(1)]
