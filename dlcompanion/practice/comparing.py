"""Comparing what came with what should have come, and writing both down for the learner."""

from typing import Any, NamedTuple

import jax
import numpy as np

from dlcompanion.practice.running import is_array

LONGEST = 240  # characters of a value in a report


class Trouble(NamedTuple):
    """What is wrong with a returned value: its kind in one word, and a sentence (Markdown)."""

    kind: str
    text: str


def compare(returned: Any, expected: Any, rtol: float, atol: float) -> Trouble | None:
    """Return what distinguishes a value from the expected one, or None."""
    if isinstance(expected, tuple | list):
        if not isinstance(returned, tuple | list) or len(returned) != len(expected):
            return Trouble(
                "shape", f"{len(expected)} results are expected, {kind_of(returned)} came."
            )
        parts = zip(returned, expected, strict=True)
        return next(filter(None, (compare(a, b, rtol, atol) for a, b in parts)), None)
    if isinstance(expected, str):
        same = isinstance(returned, str) and returned.strip().lower() == expected.lower()
        return None if same else Trouble("value", f"{kind_of(returned)} came.")
    expected = np.asarray(expected)
    array = as_numbers(returned)
    if array is None:
        return Trouble("type", f"Numbers are expected, {kind_of(returned)} came.")
    if array.shape != expected.shape:
        wanted = f"{_shape(expected.shape)} is expected, {_shape(array.shape)} came."
        return Trouble("shape", wanted[0].upper() + wanted[1:])
    if not (np.isfinite(array) == np.isfinite(expected)).all():
        return Trouble("value", "Your answer is not finite where it should be, or the reverse.")
    close = np.allclose(array, expected, rtol, atol, equal_nan=True)
    return None if close else Trouble("value", "Your answer and the right one differ.")


def as_numbers(value: Any) -> np.ndarray | None:
    """Return plain Python, NumPy or JAX numbers as an array, or None."""
    try:
        array = np.asarray(value)
    except Exception:  # ragged lists, and whatever a strange object does
        return None
    return array if array.dtype.kind in "biufc" else None


def is_blank(answer: Any) -> bool:
    """Tell whether an answer, or a part of it, is still the stub's ellipsis."""
    return answer is ... or (isinstance(answer, tuple | list) and any(map(is_blank, answer)))


def kind_of(value: Any) -> str:
    """Say what a value is, in Markdown: "`None`", "the text `'hello'`", "a list"."""
    if value is None:
        return "`None`"
    if callable(value):
        return "a function"
    name = "the text" if isinstance(value, str) else f"a value of type `{type(value).__name__}`,"
    return f"{name} `{show(value)}`"


def show(value: Any, digits: int = 4) -> str:
    """Write a value as one would type it, shortened; plain text."""
    if isinstance(value, tuple) and type(value) is tuple:
        return f"({', '.join(show(part, digits) for part in value)})"
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    array = as_numbers(value) if is_array(value) or not isinstance(value, str) else None
    if array is None:
        text = f"{value!r:.{LONGEST}}"
    elif array.size > 64:
        text = f"an array of shape {array.shape}"
    else:
        text = np.array2string(
            array, separator=", ", formatter={"float_kind": lambda x: f"{x + 0.0:.{digits}g}"}
        )
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def show_apart(returned: Any, expected: Any) -> tuple[str, str]:
    """Write two values with as many digits as it takes to tell them apart."""
    for digits in (4, 9, 17):
        pair = show(returned, digits), show(expected, digits)
        if pair[0] != pair[1]:
            break
    return pair


def weight(args: tuple) -> tuple:
    """Return how hard an input is to read: entries, those not zero, digits, signs, size.

    Of two sizes the one nearer to 1 is easier.
    """
    arrays = [np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(args) if is_number(leaf)]
    sizes = np.abs(np.concatenate([np.zeros(0), *arrays]))
    some = sizes[sizes > 0]
    digits = sum(len(f"{x:.6e}".partition("e")[0].replace(".", "").rstrip("0")) for x in some)
    negative = sum((x < 0).sum() for x in arrays)
    return sizes.size, some.size, digits, negative, np.abs(np.log10(some)).sum()


def is_number(leaf: Any) -> bool:
    """Tell whether a leaf of an input is an array of real numbers or one Python number."""
    if is_array(leaf):
        return leaf.dtype.kind in "iuf"
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


def _shape(shape: tuple[int, ...]) -> str:
    return f"shape `{shape}`" if shape else "a single number"
