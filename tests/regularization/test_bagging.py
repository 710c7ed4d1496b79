"""Bagging: what the mean of many models keeps of their errors (section 7.11)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion.regularization import bootstrap, ensemble_error, variance_and_covariance


@pytest.mark.parametrize("covariance, expected", [(1, 1), (0.5, 0.6), (0, 0.2), (-0.25, 0)])
def test_the_formula_is_what_correlated_errors_do(covariance, expected):
    """Five errors of variance 1: the mean square of their mean (equations 7.50, 7.51)."""
    np.testing.assert_allclose(ensemble_error(5, 1.0, covariance), expected, atol=1e-12)
    square = np.full((5, 5), float(covariance)) + (1 - covariance) * np.eye(5)
    draws = np.random.default_rng(0).multivariate_normal(np.zeros(5), square, 200_000)
    np.testing.assert_allclose((draws.mean(axis=1) ** 2).mean(), expected, atol=0.01)


def test_uncorrelated_errors_fall_like_one_over_k():
    """Not linearly: twice the members, half the error (equation 7.51)."""
    errors = jax.vmap(lambda k: ensemble_error(k, 1.0, 0.0))(jnp.array([1.0, 2, 4, 20]))
    np.testing.assert_allclose(errors, [1, 0.5, 0.25, 0.05])


def test_errors_that_agree_stay():
    """With c = v the mean is as wrong as one model; c is never undercut (equation 7.51)."""
    np.testing.assert_allclose(ensemble_error(50, 2.0, 2.0), 2)
    assert ensemble_error(10_000, 1.0, 0.3) > 0.3


def test_impossible_covariances_are_refused():
    """Five errors cannot all disagree more than -v / 4 (section 7.11)."""
    np.testing.assert_allclose(ensemble_error(5, 1.0, -0.25), 0, atol=1e-12)
    with pytest.raises(ValueError, match="covariance must be at least"):
        ensemble_error(5, 1.0, -0.3)


def test_measured_variance_and_covariance():
    """They reproduce the error of the mean exactly, whatever the errors (equation 7.50)."""
    errors = np.random.default_rng(1).normal(size=(4, 30)) + 0.5
    v, c = variance_and_covariance(errors)
    np.testing.assert_allclose(v, (errors**2).mean())
    pairs = [(errors[i] * errors[j]).mean() for i in range(4) for j in range(4) if i != j]
    np.testing.assert_allclose(c, np.mean(pairs))
    np.testing.assert_allclose(ensemble_error(4, v, c), (errors.mean(axis=0) ** 2).mean())


def test_the_mean_beats_the_average_member_but_not_every_member():
    """Convexity gives the first; unequal members refute the second (section 7.11)."""
    errors = np.random.default_rng(2).normal(size=(3, 100_000)) * np.array([[0.1], [1], [1]])
    mean = (errors.mean(axis=0) ** 2).mean()
    assert mean <= (errors**2).mean()
    assert mean > (errors[0] ** 2).mean()


@pytest.mark.parametrize("m, share", [(2, 0.75), (10, 0.6513), (1000, 0.6323)])
def test_two_of_three_examples_are_in_a_resampled_set(m, share):
    """Distinct examples make up 1 - (1 - 1/m)^m of them (section 7.11, Figure 7.5)."""
    bags = np.asarray(bootstrap(jax.random.key(0), m, 20_000 // m + 200))
    assert bags.min() >= 0 and bags.max() == m - 1
    distinct = np.mean([len(np.unique(bag)) / m for bag in bags])
    np.testing.assert_allclose(distinct, share, atol=0.02)
    np.testing.assert_allclose(1 - (1 - 1 / m) ** m, share, atol=1e-4)
