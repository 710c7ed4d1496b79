"""The smallest input on which an answer still fails."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from dlcompanion.practice.comparing import is_number, weight
from dlcompanion.practice.running import convert, is_array

SECONDS = 3.0  # that the search may take

# What an input may promise (a distribution sums to one): whatever holds in all examples must hold
# in the smaller input too. The second function mends a change that broke the promise.
PROMISES = (
    (lambda x: np.isfinite(x).all(), lambda x: x),
    (lambda x: np.allclose(x.sum(-1), 1, atol=1e-4), lambda x: x / x.sum(-1, keepdims=True)),
    (lambda x: x.ndim == 2 and x.shape[0] == x.shape[1] and np.allclose(x, x.T, atol=1e-4),
     lambda x: (x + x.T) / 2),
    (lambda x: np.allclose(np.linalg.norm(x, axis=-1), 1, atol=1e-4),
     lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)),
    (lambda x: x.ndim == 2 and x.shape[0] == x.shape[1] and np.linalg.matrix_rank(x) == len(x),
     lambda x: x),
    (lambda x: np.linalg.eigvalsh(x).min() > 1e-6, lambda x: x),
    (lambda x: (x > 0).all(), lambda x: x),
    (lambda x: (x >= 0).all(), lambda x: x),
    (lambda x: (x <= 1).all(), lambda x: x),
    (lambda x: (x == np.round(x)).all(), lambda x: x),
)  # fmt: skip


def shrink(args: tuple, examples: Sequence[tuple], fails: Callable[[tuple], bool]) -> tuple:
    """Return an input that fails with fewer entries, and rounder and smaller numbers.

    Args:
        args: an input that fails.
        examples: valid inputs; what they have in common holds for the result too.
        fails: whether the answer fails on an input in the same way.
    """
    args, deadline = convert(args, np.asarray), time.monotonic() + SECONDS
    promises = _promises([*examples, args])
    found = True
    while found:
        found = False
        for candidate in filter(None, (_mend(c, promises) for c in _simpler(args))):
            if time.monotonic() > deadline:
                return args
            if weight(candidate) < weight(args) and fails(candidate):
                args, found = candidate, True
                break
    return args


def _promises(examples: Sequence[tuple]) -> list[list[tuple]]:
    """Return for each leaf the promises that all examples of its kind keep."""
    leaves = [jax.tree.leaves(example) for example in examples]
    same = [row for row in leaves if len(row) == len(leaves[-1])]
    return [
        [p for p in PROMISES if all(_holds(p, leaf) for leaf in column)]
        for column in zip(*same, strict=True)
    ]


def _holds(promise: tuple, leaf: Any) -> bool:
    try:
        return is_number(leaf) and bool(promise[0](np.asarray(leaf)))
    except (ValueError, np.linalg.LinAlgError):  # not for arrays of this shape
        return False


def _mend(args: tuple, promises: list[list[tuple]]) -> tuple | None:
    leaves, tree = jax.tree.flatten(args)
    with np.errstate(all="ignore"):
        for i, kept in enumerate(promises):
            for promise in kept:
                if not _holds(promise, leaves[i]):
                    leaves[i] = _like(promise[1](np.asarray(leaves[i])), leaves[i])
            if not all(_holds(promise, leaves[i]) for promise in kept):
                return None
    return jax.tree.unflatten(tree, leaves)


def _simpler(args: tuple) -> Iterator[tuple]:
    """Yield simpler inputs, the boldest first."""
    leaves, tree = jax.tree.flatten(args)
    sizes = {n for leaf in leaves for n in np.shape(leaf) if n > 1 and is_number(leaf)}
    for size in sorted(sizes, reverse=True):
        kept = [[k] for k in range(size)] if size > 2 else []
        for rows in [*kept, *(np.delete(range(size), k) for k in range(size))]:
            yield jax.tree.unflatten(tree, [_keep(leaf, size, rows) for leaf in leaves])
    for i, leaf in enumerate(leaves):
        if is_number(leaf):
            for value in _rounder(np.asarray(leaf)):
                new = [*leaves[:i], _like(value, leaf), *leaves[i + 1 :]]
                yield jax.tree.unflatten(tree, new)


def _keep(leaf: Any, size: int, rows: Any) -> Any:
    """Keep some indices of every axis of a size, in all arguments at once."""
    for axis, n in enumerate(np.shape(leaf)):
        if n == size:
            leaf = np.take(leaf, rows, axis)
    return leaf


def _rounder(x: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array with simpler numbers: all of them first, then one by one."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** np.floor(np.log10(np.where(x == 0, 1, np.abs(x))))
    simple = [0 * x, 0 * x + 1, np.round(x), np.round(x / scale) * scale, np.round(x, 1), abs(x)]
    simple = [np.asarray(y) for y in (*simple, x / 10, x / 2)]
    yield from simple
    if x.ndim:
        for index in np.ndindex(x.shape):
            for value in simple:
                new = np.array(x, float)
                new[index] = value[index]
                yield new


def _like(value: np.ndarray, leaf: Any) -> Any:
    """Give a new value the type that the old one had."""
    return value.astype(leaf.dtype) if is_array(leaf) else type(leaf)(value)
