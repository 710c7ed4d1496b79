"""Bias, variance and standard error of estimators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import gammaln
from scipy.stats import norm

from dlcompanion.machine_learning import (
    bernoulli_study,
    confidence_interval,
    sample_mean,
    sample_variance,
    sampled_study,
    standard_error,
    study_estimates,
    unbiased_sample_variance,
)

COINS = [(theta, m) for theta in (0.1, 0.3, 0.5) for m in (2, 3, 5)]


@pytest.mark.parametrize("theta, m", COINS)
def test_the_frequency_of_a_coin_is_unbiased(theta, m):
    """And its variance is theta (1 - theta) / m (equations 5.21-5.28, 5.48-5.52)."""
    study = bernoulli_study(sample_mean, theta, theta, m)
    np.testing.assert_allclose(study.bias, 0, atol=1e-12)
    np.testing.assert_allclose(study.variance, theta * (1 - theta) / m, atol=1e-12)


@pytest.mark.parametrize("theta, m", COINS)
def test_the_sample_variance_of_a_coin_is_biased(theta, m):
    """By the factor (m - 1) / m; dividing by m - 1 mends it (equations 5.37-5.39, 5.41-5.44)."""
    variance = theta * (1 - theta)
    biased = bernoulli_study(sample_variance, theta, variance, m)
    np.testing.assert_allclose(biased.bias, -variance / m, atol=1e-12)
    unbiased = bernoulli_study(unbiased_sample_variance, theta, variance, m)
    np.testing.assert_allclose(unbiased.bias, 0, atol=1e-12)


@given(arrays(float, st.integers(2, 20), elements=st.floats(-100, 100)))
def test_estimates_against_numpy(sample):
    """They are NumPy's mean, var with ddof 0 and 1 (equations 5.30, 5.36, 5.40, 5.46)."""
    np.testing.assert_allclose(sample_mean(sample), np.mean(sample), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(sample_variance(sample), np.var(sample), rtol=1e-9, atol=1e-9)
    one = np.var(sample, ddof=1)
    np.testing.assert_allclose(unbiased_sample_variance(sample), one, rtol=1e-9, atol=1e-9)
    error = np.sqrt(one / sample.size)
    np.testing.assert_allclose(standard_error(sample), error, rtol=1e-9, atol=1e-9)


@given(arrays(float, st.integers(1, 20), elements=st.floats(-100, 100)), st.floats(-100, 100))
def test_error_is_squared_bias_plus_variance(estimates, truth):
    """For any estimates whatever (equations 5.53, 5.54)."""
    study = study_estimates(estimates, truth)
    total = study.bias**2 + study.variance
    np.testing.assert_allclose(study.mean_squared_error, total, rtol=1e-9, atol=1e-9)


def gaussian(m):
    return lambda key: jax.random.normal(key, (m,))


def test_the_mean_of_gaussians_is_unbiased():
    """Within five standard errors of the simulation (equations 5.29, 5.31-5.35)."""
    study = sampled_study(jax.random.key(0), gaussian(5), sample_mean, 0.0, 20_000)
    assert abs(study.bias) < 5 / np.sqrt(5 * 20_000)


@pytest.mark.parametrize("m", [4, 16, 64])
def test_the_standard_error_falls_with_the_root_of_m(m):
    """The standard deviation of the mean is sigma / sqrt(m) (equations 5.45, 5.46)."""
    study = sampled_study(jax.random.key(1), gaussian(m), sample_mean, 0.0, 5000)
    np.testing.assert_allclose(jnp.sqrt(study.variance), 1 / np.sqrt(m), rtol=0.04)


@pytest.mark.parametrize("m, ratio", [(2, 0.79788), (5, 0.93999), (10, 0.97266), (100, 0.99748)])
def test_the_standard_deviation_stays_biased(m, ratio):
    """A root of an unbiased estimate is too small on average (section 5.4.3)."""
    exact = np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) * np.sqrt(2 / (m - 1))
    np.testing.assert_allclose(exact, ratio, atol=1e-4)
    study = sampled_study(
        jax.random.key(2), gaussian(m), lambda x: jnp.sqrt(unbiased_sample_variance(x)), 1, 20_000
    )
    np.testing.assert_allclose(1 + study.bias, ratio, rtol=0.015)


def test_unbiased_is_not_best():
    """Dividing by m + 1 has the least mean squared error for Gaussians (section 5.4.4)."""
    m = 5

    def divided_by(c):
        def estimator(x):
            return ((x - x.mean()) ** 2).sum() / c

        return sampled_study(jax.random.key(3), gaussian(m), estimator, 1.0, 40_000)

    errors = [float(divided_by(c).mean_squared_error) for c in (m - 1, m, m + 1, m + 2)]
    np.testing.assert_allclose(errors[:3], [0.5, 0.36, 1 / 3], rtol=0.05)
    assert np.argmin(errors) == 2


@pytest.mark.parametrize("m, coverage", [(2, 0.6997), (5, 0.8784), (30, 0.9403), (100, 0.9472)])
def test_the_interval_covers_less_often_when_the_error_is_estimated(m, coverage):
    """95% holds for a known standard error and for long samples (equation 5.47)."""
    samples = jax.random.normal(jax.random.key(4), (20_000, m))
    low, high = jax.vmap(confidence_interval)(samples)
    np.testing.assert_allclose(jnp.mean((low < 0) & (0 < high)), coverage, atol=0.01)
    mean, width = samples.mean(axis=1), 1.96 / np.sqrt(m)
    np.testing.assert_allclose(jnp.mean(abs(mean) < width), 0.95, atol=0.01)


def test_overlap_is_a_cautious_rule():
    """Intervals of two equal algorithms are apart in 6 of 1000 comparisons (section 5.4.3)."""
    np.testing.assert_allclose(2 * norm.sf(2 * 1.96 / np.sqrt(2)), 0.00557, atol=1e-5)


@pytest.mark.parametrize("m, chance", [(1, 0.6171), (10, 0.1138), (100, 5.7e-7)])
def test_the_mean_is_consistent(m, chance):
    """The chance of an error above sigma / 2 falls to zero (equation 5.55)."""
    np.testing.assert_allclose(2 * norm.sf(0.5 * np.sqrt(m)), chance, rtol=0.01)
    means = jax.random.normal(jax.random.key(5), (20_000, m)).mean(axis=1)
    np.testing.assert_allclose(jnp.mean(abs(means) > 0.5), chance, atol=0.012)


def test_unbiased_does_not_mean_consistent():
    """The first example alone has no bias, and never improves (section 5.4.5)."""
    for m in (1, 10, 1000):
        first = jax.random.normal(jax.random.key(6), (5000, m))[:, 0]
        np.testing.assert_allclose(jnp.mean(abs(first) > 0.5), 0.6171, atol=0.025)


def test_consistent_does_not_mean_unbiased():
    """Theta plus m times a coin of chance 1 / m has bias 1 for every m (section 5.4.5)."""
    for m in (10, 1000):
        study = study_estimates(np.array([0.0, m]), 0.0, np.array([1 - 1 / m, 1 / m]))
        np.testing.assert_allclose(study.bias, 1)


def test_bad_input(unchecked_signatures):
    with pytest.raises(ValueError, match="at least 2 members"):
        unbiased_sample_variance([1.0])
    with pytest.raises(ValueError, match="probability must lie in"):
        bernoulli_study(sample_mean, 1.5, 0.0, 3)
    with pytest.raises(ValueError, match="num_samples must be at most 16"):
        bernoulli_study(sample_mean, 0.5, 0.5, 20)
