"""The checkers: each is made with the right answer and judges a learner's."""

import inspect
import itertools
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from dlcompanion.practice import running
from dlcompanion.practice.causes import Trial, likely_cause
from dlcompanion.practice.comparing import (
    Trouble,
    as_numbers,
    compare,
    is_blank,
    kind_of,
    show,
    show_apart,
    weight,
)
from dlcompanion.practice.exercise import BLANK, SOLVED, WRONG, Verdict, Wrong
from dlcompanion.practice.shrinking import shrink

Checker = Callable[[Any, Sequence[Wrong]], Verdict]
NUM_KEYS = 8  # random inputs for each function


class Task(NamedTuple):
    """What a function is compared with, and on which inputs.

    Attributes:
        reference: the right function, or None where `judge` decides alone.
        judge: what is wrong with a returned value, given the expected one and the arguments.
        cases: edge cases, the simplest first.
        random: a key to arguments.
        by: how the expected value is computed, for the report.
    """

    reference: Callable | None
    judge: Callable[[Any, Any, tuple], Trouble | None]
    cases: Sequence[tuple]
    random: Callable | None
    by: str = ""


def function(reference, cases, random=None, rtol=1e-4, atol=1e-6) -> Checker:
    """Compare a function with a reference, on edge cases first, then on random inputs."""
    return _like(Task(reference, _compares(rtol, atol), cases, random))


def gradient(of, cases, random=None, rtol=1e-4, atol=1e-6) -> Checker:
    """Compare a function with the gradient of another in its first argument."""
    return _like(Task(jax.grad(of), _compares(rtol, atol), cases, random, " by jax.grad"))


def hessian(of, cases, random=None, rtol=1e-4, atol=1e-6) -> Checker:
    """Compare a function with the Hessian of another in its first argument."""
    return _like(Task(jax.hessian(of), _compares(rtol, atol), cases, random, " by jax.hessian"))


def satisfies(judge, cases, random=None) -> Checker:
    """Accept every function whose results `judge(returned, *args)` finds no fault with.

    The judge returns "" or one sentence that says what is wrong.
    """

    def wrapped(returned, _, args):
        try:
            sentence = judge(returned, *args)
        except Exception:
            sentence = f"Your function returned something else than it should: {kind_of(returned)}."
        return Trouble("judged", sentence[0].upper() + sentence[1:]) if sentence else None

    return _like(Task(None, wrapped, cases, random))


def array(value, rtol=1e-4, atol=1e-6) -> Checker:
    """Compare an array, or a tuple of arrays, with the right one."""
    return _value(lambda answer: compare(answer, value, rtol, atol))


def number(value, rtol=1e-2, atol=1e-9, unit="") -> Checker:
    """Compare one number with the right one."""

    def judge(answer):
        came = as_numbers(answer)
        if came is not None and came.shape == () and not np.isfinite(came):
            return Trouble("value", f"`{show(came)}` is not a number that can be compared.")
        trouble = compare(answer, value, rtol, atol)
        if trouble and trouble.kind == "value":
            side = "small" if came < value else "large"
            text = f"`{show(came)}`{f' {unit}' if unit else ''} is too {side}."
            return Trouble("value", text)
        return trouble

    return _value(judge)


def choice(correct: str, options: Mapping[str, str]) -> Checker:
    """Compare a choice with the right one; `options` holds the feedback for each choice."""

    def judge(answer):
        if isinstance(answer, str) and answer in (correct, *options):
            return None if answer == correct else Trouble("value", options[answer])
        offered = ", ".join(f'`"{option}"`' for option in dict.fromkeys([*options, correct]))
        return Trouble("type", f"Choose one of {offered}; {kind_of(answer)} came.")

    return _value(judge)


def shape(expected: tuple[int, ...]) -> Checker:
    """Compare a shape, given as a tuple or as an array that has it, with the right one."""

    def judge(answer):
        came = getattr(answer, "shape", answer)
        came = tuple(came) if isinstance(came, tuple | list) else (came,)
        right = came == tuple(expected)
        return None if right else Trouble("shape", f"The shape is not `{show(came)}`.")

    return _value(judge)


def _compares(rtol: float, atol: float) -> Callable:
    return lambda returned, expected, args: compare(returned, expected, rtol, atol)


def _value(judge: Callable[[Any], Trouble | None]) -> Checker:
    """Make a checker of values; the right one is not shown, since it is the whole answer."""

    def check(answer: Any, wrong: Sequence[Wrong]) -> Verdict:
        if is_blank(answer):
            return Verdict(BLANK)
        trouble = judge(answer)
        if trouble is None:
            return Verdict(SOLVED)
        known = [w.message for w in wrong if _equal(answer, w.answer)]
        return Verdict(WRONG, trouble.text, (), known[0] if known else "")

    return check


def _equal(a: Any, b: Any) -> bool:
    if as_numbers(b) is None:
        return type(a) is type(b) and a == b
    return compare(a, b, 1e-2, 1e-9) is None


def _like(task: Task) -> Checker:
    """Make the checker of functions."""

    def check(answer: Any, wrong: Sequence[Wrong]) -> Verdict:
        if is_blank(answer):
            return Verdict(BLANK)
        if not callable(answer):
            return Verdict(WRONG, f"A function is expected, {kind_of(answer)} came.")
        trials = []
        for args in _inputs(task):
            outcome = running.run(answer, args)
            if _untouched(answer, outcome):
                return Verdict(BLANK)
            trials.append(_trial(task, args, outcome))
            if outcome.error:
                return _raised(answer, trials[-1], likely_cause(trials, wrong))
        found = _failed(task, answer, trials, wrong) or _writes(task, answer, trials, wrong)
        return found or Verdict(SOLVED)

    return check


def _inputs(task: Task) -> Iterator[tuple]:
    yield from task.cases
    if task.random:
        yield from map(task.random, jax.random.split(jax.random.key(0), NUM_KEYS))


def _try(task: Task, answer: Callable, args: tuple) -> Trial:
    return _trial(task, args, running.run(answer, args))


def _trial(task: Task, args: tuple, outcome: running.Outcome) -> Trial:
    return Trial(args, outcome, task.reference(*args) if task.reference else None)


def _trouble(task: Task, trial: Trial) -> Trouble | None:
    return task.judge(trial.outcome.value, trial.expected, trial.args)


def _untouched(answer: Callable, outcome: running.Outcome) -> bool:
    if outcome.error:
        return "ellipsis" in str(outcome.error).lower()
    value = outcome.value
    return is_blank(value) or (value is None and running.is_stub(answer))


def _raised(answer: Callable, trial: Trial, cause: str) -> Verdict:
    """Tell an exception, a wrong number of arguments or an endless loop in the learner's lines."""
    error, line = trial.outcome.error, trial.outcome.line
    at = f", at `{line}`" if line else ""
    rows = [("input", _written(answer, trial.args))]
    if isinstance(error, running.TimeUp):
        text = (
            f"Your function was stopped after {running.SECONDS:g} seconds{at}. Does its loop end?"
        )
        return Verdict(WRONG, text, rows, cause)
    try:
        inspect.signature(answer).bind(*trial.args)
    except TypeError:
        count = len(trial.args)
        given = "1 argument" if count == 1 else f"{count} arguments"
        text = f"Your function is called with {given}, and does not take that: `{_first(answer)}`."
        return Verdict(WRONG, text, rows, cause)
    except ValueError:  # a function without a signature
        pass
    message = str(error).strip().partition("\n")[0][:200].replace("`", "'")
    told = f"`{type(error).__name__}: {message}`" if message else f"`{type(error).__name__}`"
    return Verdict(WRONG, f"Your function raised {told}{at}.", rows, cause)


def _failed(task, answer, trials: Sequence[Trial], wrong) -> Verdict | None:
    """Report the smallest input on which the answer fails as it did."""
    failed = [trial for trial in trials if _trouble(task, trial)]
    if not failed:
        return None
    first = min(failed, key=lambda trial: weight(trial.args))
    kind = _trouble(task, first).kind

    def fails(args: tuple) -> bool:
        try:
            trial = _try(task, answer, args)
            finite = task.reference is None or _is_finite(trial.expected)
            trouble = None if trial.outcome.error else _trouble(task, trial)
        except Exception:  # the reference does not take this input
            return False
        return trouble is not None and trouble.kind == kind and finite

    smallest = _try(task, answer, shrink(first.args, [t.args for t in trials], fails))
    trouble, value = _trouble(task, smallest), smallest.outcome.value
    rows = [("input", _written(answer, smallest.args)), ("returned", show(value))]
    if task.reference:
        returned, expected = show_apart(value, smallest.expected)
        rows[1:] = [("returned", returned), (f"expected{task.by}", expected)]
    if value is None:
        trouble = Trouble("type", "Your function returned nothing. Is its `return` missing?")
    return Verdict(WRONG, trouble.text, rows, likely_cause(trials, wrong))


def _writes(task, answer, trials, wrong) -> Verdict | None:
    """Report a right answer that spoils its arguments, which JAX arrays would have prevented."""
    for trial in trials[:: max(1, len(trials) - 1)]:
        outcome = running.run_in_numpy(answer, trial.args)
        if outcome.changed or running.run(answer, trial.args).changed:
            cause = likely_cause([trial._replace(outcome=outcome)], wrong)
            text = "The result is right, but your function changes the array that it is given."
            return Verdict(WRONG, text, [("input", _written(answer, trial.args))], cause)
    return None


def _is_finite(expected: Any) -> bool:
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(expected) if np.ndim(leaf) >= 0)


def _written(answer: Callable, args: tuple) -> str:
    """Write a call's arguments under the names that the learner gave them."""
    try:
        names = list(inspect.signature(answer).parameters)
    except ValueError:
        names = []
    pairs = itertools.zip_longest(names[: len(args)], args, fillvalue="")
    parts = [(f"{name} = " if name else "", show(arg)) for name, arg in pairs]
    return "\n".join(name + text.replace("\n", "\n" + " " * len(name)) for name, text in parts)


def _first(answer: Callable) -> str:
    """Return the line in which a function is defined."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    line = linecache.getline(code.co_filename, code.co_firstlineno).strip() if code else ""
    return line or getattr(answer, "__name__", "?")
