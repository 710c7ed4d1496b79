"""Choosing what training cannot choose: validation sets and folds (sections 5.3, 5.3.1)."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import binom
from jaxtyping import Array, Float, Int, PyTree

from dlcompanion.arguments import check_count


def train_validation_split(
    key: Array, num_samples: int, num_validation: int
) -> tuple[Int[Array, "num_train"], Int[Array, "num_validation"]]:
    """Shuffle the indices of the examples and cut off a validation set (section 5.3).

    Raises:
        ValueError: unless both parts get at least one example.
    """
    num_samples = check_count("num_samples", num_samples)
    num_validation = check_count("num_validation", num_validation)
    if num_validation >= num_samples:
        raise ValueError(
            f"num_validation must be less than num_samples = {num_samples}, got {num_validation}"
        )
    shuffled = jax.random.permutation(key, num_samples)
    return shuffled[num_validation:], shuffled[:num_validation]


def fold_of(num_samples: int, num_folds: int, key: Array | None = None) -> Int[Array, "m"]:
    """Return the number of the fold that each example belongs to (Algorithm 5.1).

    The sizes of the folds differ by at most one. Without a key the folds are consecutive
    examples, which is a trap when the examples are sorted.

    Raises:
        ValueError: unless there are from 2 to `num_samples` folds.
    """
    num_samples = check_count("num_samples", num_samples)
    num_folds = check_count("num_folds", num_folds)
    if not 2 <= num_folds <= num_samples:
        raise ValueError(
            f"num_folds must be from 2 to num_samples = {num_samples}, got {num_folds}"
        )
    folds = jnp.sort(jnp.arange(num_samples) % num_folds)
    return folds if key is None else jax.random.permutation(key, folds)


def cross_validation(
    dataset: PyTree,
    learner_fn: Callable[[PyTree], PyTree],
    loss_fn: Callable[[PyTree, PyTree], Float[Array, ""]],
    num_folds: int,
    key: Array | None = None,
) -> Float[Array, "m"]:
    """Estimate the generalization error of a learner when data are few (Algorithm 5.1).

    Every example is tested once, by a model that was trained on the other folds. The mean of the
    errors estimates the generalization error.

    Args:
        dataset: D: an array, or a tuple of arrays, with an example in each row.
        learner_fn: A: trains on some rows of the dataset, returns the learned function's weights.
        loss_fn: L: the loss of the learned weights on one example.
        num_folds: k, from 2 to m; with k = m it is called leave-one-out.
        key: shuffles the examples into folds; without it the folds are consecutive.

    Returns:
        e: the loss on each example, in the dataset's order.

    Raises:
        ValueError: unless the number of folds is from 2 to m.
    """
    num_samples = len(jax.tree.leaves(dataset)[0])
    folds = np.asarray(fold_of(num_samples, num_folds, key))
    errors = np.zeros(num_samples)
    for fold in range(num_folds):
        rest, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        learned = learner_fn(jax.tree.map(lambda rows, rest=rest: rows[rest], dataset))
        tested = jax.tree.map(lambda rows, held_out=held_out: rows[held_out], dataset)
        errors[held_out] = jax.vmap(loss_fn, in_axes=(None, 0))(learned, tested)
    return jnp.asarray(errors)


def selected_error(num_models: int, num_validation: int, error_rate: float) -> Float[Array, ""]:
    """Return the expected validation error of the best of several equal models (section 5.3).

    Each model errs with the same probability on every example. The smallest of their validation
    errors is lower than that, so the validation error of a model that was selected by it is
    optimistic, and only a test set that chose nothing tells the truth.

        E[min] = sum_c P(each of the K error counts exceeds c) / m,  c = 0, ..., m - 1

    Args:
        num_models: K, how many models were tried.
        num_validation: m, the number of validation examples.
        error_rate: the true probability of an error.

    Raises:
        ValueError: if a count is not a positive integer or the rate not in [0, 1].
    """
    num_models = check_count("num_models", num_models)
    num_validation = check_count("num_validation", num_validation)
    if not 0 <= error_rate <= 1:
        raise ValueError(f"error_rate must lie in [0, 1], got {error_rate}")
    return _expected_minimum(num_models, num_validation, error_rate)


@partial(jax.jit, static_argnames="num_validation")
def _expected_minimum(num_models, num_validation, error_rate):
    exceeds = 1 - jnp.cumsum(binom.pmf(jnp.arange(num_validation), num_validation, error_rate))
    return jnp.sum(jnp.clip(exceeds, 0, 1) ** num_models) / num_validation
