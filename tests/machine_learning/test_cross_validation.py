"""Validation sets and k-fold cross-validation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.model_selection import KFold

from dlcompanion.machine_learning import (
    cross_validation,
    fold_of,
    normal_equations,
    selected_error,
    train_validation_split,
)

NUMBERS = np.arange(1.0, 7.0)


def squared(prediction, example):
    return (prediction - example) ** 2


@pytest.mark.parametrize(
    "num_folds, errors",
    [
        (3, [12.25, 6.25, 0.25, 0.25, 6.25, 12.25]),
        (6, [((6 * x - 21) / 5) ** 2 for x in range(1, 7)]),
    ],
)
def test_predicting_the_mean(num_folds, errors):
    """Each number is predicted by the mean of the other folds (Algorithm 5.1)."""
    e = cross_validation(NUMBERS, jnp.mean, squared, num_folds)
    np.testing.assert_allclose(e, errors)


@given(m=st.integers(2, 30), k=st.integers(2, 30), seed=st.integers(0, 10))
def test_folds_share_out_the_examples(m, k, seed):
    """Every example is in one fold, and sizes differ by at most one (Algorithm 5.1)."""
    if k > m:
        with pytest.raises(ValueError, match="num_folds must be from 2 to"):
            fold_of(m, k)
        return
    sizes = np.bincount(fold_of(m, k, jax.random.key(seed)), minlength=k)
    assert sizes.sum() == m and sizes.min() >= 1 and sizes.max() - sizes.min() <= 1
    by_scikit_learn = [len(test) for _, test in KFold(k).split(np.zeros(m))]
    assert sorted(sizes) == sorted(by_scikit_learn)


def test_errors_come_in_the_datasets_order_whatever_the_shuffle():
    """With k = m the key does not matter (Algorithm 5.1)."""
    once = cross_validation(NUMBERS, jnp.mean, squared, 6)
    np.testing.assert_array_equal(
        once, cross_validation(NUMBERS, jnp.mean, squared, 6, jax.random.key(7))
    )


def test_sorted_labels_are_a_trap():
    """Consecutive folds train on one class and test on the other (section 5.3.1)."""
    labels = jnp.repeat(jnp.array([0.0, 1.0]), 10)

    def majority(labels):
        return jnp.round(labels.mean())

    def is_wrong(prediction, label):
        return (prediction != label).astype(float)

    assert cross_validation(labels, majority, is_wrong, 2).mean() == 1
    shuffled = cross_validation(labels, majority, is_wrong, 5, jax.random.key(0))
    assert shuffled.mean() < 1


def test_leave_one_out_has_a_shortcut_for_linear_regression():
    """Its errors are (y - y-hat) / (1 - h_ii), squared (section 5.3.1)."""
    keys = jax.random.split(jax.random.key(1), 2)
    X, y = jax.random.normal(keys[0], (12, 3)), jax.random.normal(keys[1], (12,))
    e = cross_validation(
        (X, y), lambda d: normal_equations(*d), lambda w, d: (d[0] @ w - d[1]) ** 2, 12
    )
    hat = X @ jnp.linalg.pinv(X)
    np.testing.assert_allclose(e, ((y - hat @ y) / (1 - jnp.diag(hat))) ** 2, rtol=1e-8)


def test_training_error_chooses_the_largest_degree():
    """Validation error does not (section 5.3)."""
    rng = np.random.default_rng(0)
    by_training, by_validation = [], []
    for _ in range(30):
        x = rng.uniform(-1, 1, 25)
        y = 0.5 * x**2 - 0.5 * x + 1 + 0.2 * rng.normal(size=25)
        fits = [np.polynomial.Legendre.fit(x[:15], y[:15], d, domain=[-1, 1]) for d in range(14)]
        by_training.append(np.argmin([np.mean((f(x[:15]) - y[:15]) ** 2) for f in fits]))
        by_validation.append(np.argmin([np.mean((f(x[15:]) - y[15:]) ** 2) for f in fits]))
    assert set(by_training) == {13}
    assert 1 <= np.median(by_validation) <= 5


@pytest.mark.parametrize("num_models, error", [(1, 0.5), (5, 0.4180), (20, 0.3687), (100, 0.3244)])
def test_the_best_of_many_coins_looks_good(num_models, error):
    """The smallest of many validation errors is optimistic (section 5.3)."""
    np.testing.assert_allclose(selected_error(num_models, 50, 0.5), error, atol=1e-4)
    survival = binom.sf(np.arange(50), 50, 0.5) ** num_models
    np.testing.assert_allclose(selected_error(num_models, 50, 0.5), survival.sum() / 50)


def test_a_split_uses_every_example_once():
    """Training and validation set are disjoint and complete (section 5.3)."""
    train, validation = train_validation_split(jax.random.key(0), 10, 2)
    assert validation.shape == (2,)
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(10))


@pytest.mark.parametrize("num_folds", [0, 1, 7])
def test_bad_number_of_folds(num_folds, unchecked_signatures):
    with pytest.raises(ValueError, match="num_folds must be"):
        cross_validation(NUMBERS, jnp.mean, squared, num_folds)


def test_bad_split(unchecked_signatures):
    with pytest.raises(ValueError, match="num_validation must be less than num_samples = 5"):
        train_validation_split(jax.random.key(0), 5, 5)
    with pytest.raises(ValueError, match="error_rate must lie in"):
        selected_error(1, 5, 2.0)
