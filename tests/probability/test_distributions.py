"""The common distributions, against SciPy and by their properties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from dlcompanion.probability import (
    bernoulli_log_probability,
    empirical_probabilities,
    entropy,
    exponential_log_density,
    gaussian_log_density,
    gaussian_log_density_from_precision,
    laplace_log_density,
    multinoulli_probabilities,
    multivariate_gaussian_log_density,
    multivariate_gaussian_log_density_from_precision,
    sample_empirical,
    sample_exponential,
    sample_gaussian,
    sample_laplace,
    sample_multinoulli,
)

KEY = jax.random.key(0)
X = np.linspace(-8, 8, 4001)
SIGMA = np.array([[2, 0.6], [0.6, 1]])
MU = np.array([1.0, -1])


@pytest.mark.parametrize("phi", [0.0, 0.25, 0.5, 1.0])
def test_bernoulli(phi):
    """Two outcomes, mean phi, variance phi (1 - phi) (equations 3.16-3.20)."""
    P = jnp.exp(bernoulli_log_probability(np.arange(2), phi))
    assert_allclose(P, [1 - phi, phi], atol=1e-15)
    assert_allclose(P[1], phi)
    assert_allclose(P @ (jnp.arange(2.0) - phi) ** 2, phi * (1 - phi), atol=1e-15)
    samples = sample_multinoulli(KEY, np.array([1 - phi, phi]), 100_000)
    assert abs(samples.mean() - phi) <= 5 * (phi * (1 - phi) / 100_000) ** 0.5
    assert phi * (1 - phi) <= 0.25
    assert jnp.isnan(0 * jnp.log(jnp.zeros(1)))[0]  # what typing it in would meet


def test_multinoulli():
    """k - 1 numbers fix k states, and the draws come as often (section 3.9.2)."""
    P = multinoulli_probabilities(np.array([0.2, 0.5]))
    assert_allclose(P, [0.2, 0.5, 0.3])
    samples = sample_multinoulli(KEY, P, 100_000)
    assert_allclose(empirical_probabilities(samples, np.arange(3)), P, atol=0.01)
    with pytest.raises(ValueError, match="sum to 1"):
        multinoulli_probabilities(np.array([0.7, 0.6]))


def test_multinomial_counts_are_another_distribution():
    """One draw is the multinomial with n = 1; counts of ten sum to ten (section 3.9.2)."""
    P = np.array([0.2, 0.5, 0.3])
    assert_allclose(stats.multinomial.pmf([0, 1, 0], 1, P), 0.5)
    draws = sample_multinoulli(KEY, P, 100_000).reshape(10_000, 10)
    counts = jax.nn.one_hot(draws, 3).sum(axis=1)
    assert_allclose(counts.sum(axis=1), 10)
    assert_allclose(counts.mean(axis=0), 10 * P, atol=0.1)


@pytest.mark.parametrize("mean, sd", [(0, 1), (2, 0.5), (-3, 4)])
def test_gaussian(mean, sd):
    """As in SciPy, in both parametrizations; the masses are the known ones (Figure 3.1)."""
    log_density = gaussian_log_density(X, mean, sd**2)
    assert_allclose(log_density, stats.norm.logpdf(X, mean, sd), rtol=1e-12)
    other = gaussian_log_density_from_precision(X, mean, 1 / sd**2)
    assert_allclose(other, log_density, rtol=1e-12)
    x = mean + sd * X
    density = jnp.exp(gaussian_log_density(x, mean, sd**2))
    moments = [jnp.trapezoid(density * f, x) for f in (x**0, x, (x - mean) ** 2)]
    assert_allclose(moments, [1, mean, sd**2], atol=1e-9)
    for k, mass in ((1, 0.682689), (2, 0.954500), (3, 0.997300)):
        inside = jnp.abs(X) <= k
        assert_allclose(jnp.trapezoid(density[inside], x[inside]), mass, atol=1e-5)


def test_the_bell_of_figure_3_1():
    """Peak .398942 at the mean, inflections one sigma away (equations 3.21, 3.22, Figure 3.1)."""

    def density(x):
        return jnp.exp(gaussian_log_density(x, 0.0, 1.0))

    assert_allclose(density(0.0), 0.398942, atol=1e-6)
    assert_allclose(density(1.0) / density(0.0), jnp.exp(-0.5))
    assert_allclose(jax.grad(jax.grad(density))(1.0), 0, atol=1e-12)
    assert jnp.exp(gaussian_log_density(0.0, 0.0, 0.01)) > 3.9  # a density may exceed one


def test_sums_of_many_variables_become_normal():
    """The largest gap between distribution functions halves as n grows fourfold (section 3.9.3)."""
    x = np.linspace(-1, 8, 90_001)
    for n, gap in ((1, 0.15866), (4, 0.06670), (16, 0.03328), (64, 0.01663), (256, 0.00831)):
        z = np.concatenate([np.linspace(-4, 4, 80_001), x])
        found = np.abs(stats.gamma.cdf(n + np.sqrt(n) * z, n) - stats.norm.cdf(z)).max()
        assert_allclose(found, gap, atol=2e-5)
    cauchy = jnp.tan(jnp.pi * (jax.random.uniform(KEY, (20_000, 400)) - 0.5)).mean(axis=1)
    low, high = jnp.quantile(cauchy, jnp.array([0.25, 0.75]))
    assert abs(high - low - 2) < 0.15  # without a variance nothing narrows


def test_largest_entropy_at_a_given_variance():
    """Among these with variance 1 the normal is the most uncertain (section 3.9.3)."""
    entropies = {
        "normal": stats.norm().entropy(),
        "logistic": stats.logistic(scale=3**0.5 / np.pi).entropy(),
        "triangular": stats.triang(0.5, scale=24**0.5).entropy(),
        "laplace": stats.laplace(scale=0.5**0.5).entropy(),
        "uniform": stats.uniform(scale=12**0.5).entropy(),
        "exponential": stats.expon().entropy(),
    }
    expected = [1.418939, 1.404576, 1.395880, 1.346574, 1.242453, 1]
    assert_allclose(list(entropies.values()), expected, atol=1e-6)


def test_multivariate_gaussian():
    """As in SciPy, from the covariance and from the precision (equations 3.23, 3.24)."""
    expected = stats.multivariate_normal(MU, SIGMA).logpdf([0, 0])
    beta = jnp.linalg.inv(SIGMA)
    assert_allclose(beta, [[0.609756, -0.365854], [-0.365854, 1.219512]], atol=1e-6)
    for log_density, shape in (
        (multivariate_gaussian_log_density, SIGMA),
        (multivariate_gaussian_log_density_from_precision, beta),
    ):
        assert_allclose(log_density(jnp.zeros(2), MU, shape), expected, rtol=1e-12)
        assert_allclose(jnp.exp(log_density(jnp.zeros(2), MU, shape)), 0.0345373825, atol=1e-10)
    samples = sample_gaussian(KEY, MU, SIGMA, 200_000)
    assert_allclose(samples.mean(axis=0), MU, atol=0.02)
    assert_allclose(np.cov(samples.T), SIGMA, atol=0.02)


def test_diagonal_and_isotropic():
    """Diagonal: a product; isotropic: the same in every direction (section 3.9.3)."""
    x, sd = jnp.array([0.3, -1]), jnp.array([0.5, 2])
    Q = jnp.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    diagonal = multivariate_gaussian_log_density(x, jnp.zeros(2), jnp.diag(sd**2))
    assert_allclose(diagonal, stats.norm.logpdf(x, 0, sd).sum())
    rotated = multivariate_gaussian_log_density(Q @ x, jnp.zeros(2), jnp.diag(sd**2))
    assert abs(rotated - diagonal) > 1e-3
    one, other = (
        multivariate_gaussian_log_density(y, jnp.zeros(2), 3 * jnp.eye(2)) for y in (x, Q @ x)
    )
    assert_allclose(one, other)


@pytest.mark.parametrize("bad", [[[1.0, 2], [2, 1]], [[1.0, 1], [1, 1]]])
def test_a_covariance_must_be_positive_definite(bad):
    """Neither a saddle nor a flat direction has a density (section 3.9.3)."""
    with pytest.raises(ValueError, match="positive definite"):
        multivariate_gaussian_log_density(MU, MU, np.array(bad))


def test_no_determinant_is_formed():
    """In 100 dimensions det underflows in float32, its logarithm does not (equation 3.23)."""
    with jax.enable_x64(False):
        covariance = 0.1 * jnp.eye(100)
        assert jnp.linalg.det(covariance) == 0
        mean = jnp.zeros(100)
        found = multivariate_gaussian_log_density(mean, mean, covariance)
        assert_allclose(found, 23.2354, atol=1e-3)
        beta = 10 * jnp.eye(100)
        found = multivariate_gaussian_log_density_from_precision(mean, mean, beta)
        assert_allclose(found, 23.2354, atol=1e-3)


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_exponential(rate):
    """Nothing below zero, then a straight fall on the log scale (equation 3.25)."""
    log_density = exponential_log_density(X, rate)
    assert_allclose(log_density, stats.expon.logpdf(X, scale=1 / rate), rtol=1e-12)
    assert jnp.exp(exponential_log_density(-1000.0, rate)) == 0
    total, _ = quad(lambda x: float(jnp.exp(exponential_log_density(x, rate))), 0, np.inf)
    assert_allclose(total, 1, atol=1e-7)
    samples = sample_exponential(KEY, rate, 100_000)
    assert_allclose([samples.mean(), samples.std()], 1 / rate, rtol=0.02)
    assert stats.kstest(samples, stats.expon(scale=1 / rate).cdf).pvalue > 1e-3


def test_laplace():
    """A sharp peak at mu, slopes of both signs beside it, variance 2 gamma^2 (equation 3.26)."""
    assert_allclose(laplace_log_density(X, 1, 0.5), stats.laplace.logpdf(X, 1, 0.5), rtol=1e-12)
    p = [jnp.exp(laplace_log_density(1 + h, 1.0, 0.5)) for h in (-1e-6, 0, 1e-6)]
    assert_allclose([p[1], (p[2] - p[1]) / 1e-6, (p[1] - p[0]) / 1e-6], [1, -2, 2], atol=1e-4)
    samples = sample_laplace(KEY, 1.0, 0.5, 200_000)
    assert_allclose(samples.var(), 0.5, rtol=0.02)
    assert stats.kstest(samples, stats.laplace(1, 0.5).cdf).pvalue > 1e-3


def test_dirac_as_a_limit():
    """A shrinking Gaussian averages cos to its value at the mean (equation 3.27)."""
    z = jnp.linspace(-9, 9, 2001)
    for width in (1, 0.5, 0.1, 0.01):
        density = jnp.exp(gaussian_log_density(1 + width * z, 1, width**2))
        mean = jnp.trapezoid(density * jnp.cos(1 + width * z), 1 + width * z)
        assert_allclose(mean, np.cos(1) * np.exp(-(width**2) / 2), atol=1e-8)
    assert abs(mean - np.cos(1)) < 3e-5
    density = jnp.exp(gaussian_log_density(np.array([1.0, 1.5]), 1, 1e-4))
    assert_allclose(density, [39.894, 0], atol=1e-3)


def test_empirical_distribution_maximises_the_likelihood():
    """No multinoulli makes the data a, a, b, c likelier than their shares (equation 3.28)."""
    counts = np.array([2, 1, 1])
    P = empirical_probabilities(np.array([0, 0, 1, 2]), np.arange(3))
    assert_allclose(P, [0.5, 0.25, 0.25])
    best = counts @ np.log(P)
    assert_allclose(best, -4.158883, atol=1e-6)
    assert_allclose(best, -4 * entropy(P))
    others = np.random.default_rng(0).dirichlet(np.ones(3), 10_000)
    assert (np.log(others) @ counts <= best).all()


def test_sampling_the_empirical_distribution():
    """Only the data come back, each as often as it is there (equation 3.28)."""
    samples = sample_empirical(KEY, jnp.array([[1.0], [2], [2], [7]]), 100_000)[:, 0]
    assert set(np.unique(samples)) == {1, 2, 7}
    assert abs((samples == 2).mean() - 0.5) < 0.01
    assert abs(samples.mean() - 3) < 5 * 2.35 / 100_000**0.5
