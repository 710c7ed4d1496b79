"""Mixtures of Gaussians."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from dlcompanion.probability import (
    bayes_rule,
    mixture,
    mixture_log_density,
    responsibilities,
    sample_mixture,
    sigmoid,
)
from dlcompanion.probability.divergences import Bells

KEY = jax.random.key(0)
X = np.linspace(-12, 14, 4001)


def on_the_line(weights, means, sds):
    weights, means, sds = np.array(weights), np.array(means), np.array(sds)
    return mixture(weights, means[:, None], sds[:, None, None] ** 2)


@pytest.fixture
def three():
    return on_the_line([0.2, 0.5, 0.3], [-3.0, 0.0, 4.0], [0.5, 1.0, 0.8])


@pytest.fixture
def two():
    return on_the_line([0.5, 0.5], [-2.0, 2.0], [1.0, 1.0])


def density(mixture, x=X):
    return jnp.exp(jax.vmap(lambda x: mixture_log_density(mixture, x[None]))(jnp.asarray(x)))


def test_density(three):
    """A weighted sum of SciPy's densities, of area 1 (equation 3.29)."""
    p = density(three)
    expected = sum(
        w * stats.norm.pdf(X, m, s)
        for w, m, s in zip([0.2, 0.5, 0.3], [-3, 0, 4], [0.5, 1, 0.8], strict=True)
    )
    assert_allclose(p, expected, atol=1e-12)
    assert_allclose(jnp.trapezoid(p, X), 1, atol=1e-9)
    mean = jnp.trapezoid(p * X, X)
    variance = jnp.trapezoid(p * (X - mean) ** 2, X)
    bells = Bells(three.weights, three.means[:, 0], three.covariances[:, 0, 0])
    assert_allclose(bells.moments(), (mean, variance), atol=1e-8)
    assert_allclose(mean, 0.6, atol=1e-8)
    assert_allclose(bells.log_density(X), jnp.log(p), atol=1e-9)


def test_ancestral_sampling(three):
    """First the component, then the point: both come as often as they should (Figure 3.2)."""
    sample = sample_mixture(KEY, three, 100_000)
    assert_allclose(jnp.bincount(sample.components) / 100_000, three.weights, atol=0.01)
    bells = Bells(three.weights, three.means[:, 0], three.covariances[:, 0, 0])
    mean, variance = bells.moments()
    assert abs(sample.points.mean() - mean) < 5 * (variance / 100_000) ** 0.5
    assert_allclose(sample.points.var(), variance, rtol=0.02)


def test_samples_in_the_plane():
    """Each component keeps its own covariance (Figure 3.2, section 3.9.6)."""
    covariances = jnp.array([[[0.6, 0], [0, 0.6]], [[0.3, 0], [0, 2.5]], [[1.5, 1.2], [1.2, 1.5]]])
    means = jnp.array([[-5.0, 0], [0, 0], [5, 0]])
    three = mixture(jnp.full(3, 1 / 3), means, covariances)
    sample = sample_mixture(KEY, three, 60_000)
    for i in range(3):
        points = sample.points[sample.components == i]
        assert_allclose(np.cov(points.T), covariances[i], atol=0.08)
        assert_allclose(points.mean(axis=0), three.means[i], atol=0.06)


def test_posterior_over_the_component(three, two):
    """Bayes' rule in logarithms, so that far away is no problem (equations 3.29, 3.42)."""
    assert_allclose(responsibilities(two, np.array([0.0])), [0.5, 0.5])
    assert_allclose(responsibilities(two, np.array([1.0]))[1], 0.982014, atol=1e-6)
    assert_allclose(responsibilities(two, np.array([1.0]))[1], sigmoid(4.0))
    likelihood = stats.norm.pdf(1.5, [-3, 0, 4], [0.5, 1, 0.8])
    expected = bayes_rule(three.weights, likelihood)
    assert_allclose(responsibilities(three, np.array([1.5])), expected.probabilities, rtol=1e-9)
    assert_allclose(mixture_log_density(three, np.array([1.5])), jnp.log(expected.evidence))
    with jax.enable_x64(False):
        two = on_the_line([0.5, 0.5], [-2.0, 2.0], [1.0, 1.0])
        assert_allclose(responsibilities(two, np.array([50.0])), [0, 1])
        assert_allclose(mixture_log_density(two, np.array([50.0])), -1153.612, atol=1e-3)
        naive = jnp.exp(-0.5 * jnp.array([52.0, 48]) ** 2)
        assert jnp.isnan(naive / naive.sum()).all()


def test_a_mixture_is_no_average():
    """Between two far components the mixture has nothing, the average its peak (section 3.9.6)."""
    far = on_the_line([0.5, 0.5], [-2.0, 2.0], [0.5, 0.5])
    assert density(far, jnp.zeros(1))[0] < 1e-3
    assert stats.norm.pdf(0, 0, 0.5 / 2**0.5) > 1.1  # (x + y) / 2 has variance (.25 + .25) / 4


def test_more_components_come_closer():
    """Gaussians as wide as their spacing approximate a smooth density (section 3.9.6)."""
    target, errors = stats.gumbel_r.pdf(X), []
    for K in (4, 8, 16, 32, 64):
        means = jnp.linspace(-4, 8, K)
        weights = stats.gumbel_r.pdf(means)
        bells = Bells(weights / weights.sum(), means, jnp.full(K, (12 / (K - 1)) ** 2))
        errors.append(np.trapezoid(np.abs(jnp.exp(bells.log_density(X)) - target), X))
    assert_allclose(errors, [1.077, 0.580, 0.218, 0.064, 0.017], atol=2e-3)


def test_what_is_no_mixture_is_refused():
    with pytest.raises(ValueError, match="sum to 1"):
        on_the_line([0.5, 0.6], [0.0, 1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="positive definite"):
        mixture(jnp.ones(1), jnp.zeros((1, 2)), jnp.array([[[1.0, 2], [2, 1]]]))
