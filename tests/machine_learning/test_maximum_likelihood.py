"""Maximum likelihood."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from dlcompanion.machine_learning import (
    fit_bernoulli,
    fit_gaussian,
    fit_gaussian_regression,
    likelihood,
    log_likelihood,
    mean_negative_log_likelihood,
    mean_squared_error,
    regression_log_likelihood,
)

HALF = np.array([0.5])
COIN = np.array([1.0, 1, 1, 0, 1, 0, 1])


def coin(x, theta):
    return x * jnp.log(theta[0]) + (1 - x) * jnp.log1p(-theta[0])


def gaussian(x, theta):
    """A Gaussian by its mean and the logarithm of its standard deviation."""
    mean, log_deviation = theta
    z = (x - mean) * jnp.exp(-log_deviation)
    return -log_deviation - jnp.log(2 * jnp.pi) / 2 - z**2 / 2


def test_four_criteria_one_answer():
    """Product, sum, mean and divergence are best at one theta (equations 5.56-5.61)."""
    grid = jnp.linspace(0.001, 0.999, 999)[:, None]
    criteria = [
        jax.vmap(lambda t: likelihood(coin, t, COIN))(grid),
        jax.vmap(lambda t: log_likelihood(coin, t, COIN))(grid),
        jax.vmap(lambda t: -mean_negative_log_likelihood(coin, t, COIN))(grid),
    ]
    best = [int(c.argmax()) for c in criteria]
    assert len(set(best)) == 1
    np.testing.assert_allclose(grid[best[0], 0], 5 / 7, atol=1e-3)
    np.testing.assert_allclose(fit_bernoulli(COIN), 5 / 7)

    p = COIN.mean()
    entropy = -(p * jnp.log(p) + (1 - p) * jnp.log(1 - p))
    theta = 0.3
    divergence = p * jnp.log(p / theta) + (1 - p) * jnp.log((1 - p) / (1 - theta))
    cross_entropy = mean_negative_log_likelihood(coin, jnp.array([theta]), COIN)
    np.testing.assert_allclose(cross_entropy - divergence, entropy, rtol=1e-12)


def test_the_product_underflows_and_the_sum_does_not():
    """1100 halves are zero as a product (equations 5.57, 5.58)."""
    halves = jnp.ones(1100)
    assert likelihood(coin, HALF, halves) == 0
    assert likelihood(coin, HALF, halves[:1000]) > 0
    np.testing.assert_allclose(log_likelihood(coin, HALF, halves), -762.4619, atol=1e-3)


def test_a_density_can_make_the_cross_entropy_negative():
    """A narrow Gaussian has a density above one (equation 5.61)."""
    narrow = mean_negative_log_likelihood(gaussian, np.log([1.0, 0.01]), jnp.zeros(1))
    np.testing.assert_allclose(narrow, -3.68623, atol=1e-5)


def test_the_gaussian_fit_is_a_maximum():
    """The gradient vanishes at the mean and the biased variance (equations 5.30, 5.36, 5.56)."""
    sample = jax.random.normal(jax.random.key(0), (50,)) * 2 + 1
    mean, variance = fit_gaussian(sample)
    reference = norm.fit(sample)
    np.testing.assert_allclose([mean, jnp.sqrt(variance)], reference, rtol=1e-10)
    theta = jnp.array([mean, jnp.log(variance) / 2])
    gradient = jax.grad(lambda t: log_likelihood(gaussian, t, sample))(theta)
    np.testing.assert_allclose(gradient, 0, atol=1e-9)


def regression():
    keys = jax.random.split(jax.random.key(1), 2)
    X = jax.random.normal(keys[0], (30, 3))
    return X, X @ jnp.array([1.0, -2, 3]) + jax.random.normal(keys[1], (30,))


def test_regression_likelihood_against_scipy():
    """It is the sum of the Gaussian log-densities (equations 5.64, 5.65)."""
    X, y = regression()
    w = jnp.array([0.5, -1.5, 2])
    expected = norm.logpdf(y, X @ w, 0.7).sum()
    np.testing.assert_allclose(regression_log_likelihood(w, X, y, 0.7), expected, rtol=1e-10)


@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
def test_least_squares_is_most_likely_for_every_noise(noise):
    """Only the squared error depends on the weights (equations 5.62, 5.63, 5.65, 5.66)."""
    X, y = regression()
    weights, variance = fit_gaussian_regression(X, y)
    gradient = jax.grad(regression_log_likelihood)(weights, X, y, noise)
    np.testing.assert_allclose(gradient, 0, atol=1e-9 / noise**2)
    np.testing.assert_allclose(variance, mean_squared_error(X @ weights, y))
    per_noise = jax.grad(regression_log_likelihood, argnums=3)(weights, X, y, jnp.sqrt(variance))
    np.testing.assert_allclose(per_noise, 0, atol=1e-9)


def test_the_median_is_less_efficient_than_the_mean():
    """For Gaussians its variance is pi / 2 times as large (section 5.5.2)."""
    samples = jax.random.normal(jax.random.key(2), (20_000, 101))
    ratio = jnp.median(samples, axis=1).var() / samples.mean(axis=1).var()
    np.testing.assert_allclose(ratio, 1.568, atol=0.06)


def test_the_frequency_of_a_coin_attains_the_cramer_rao_bound():
    """Its variance is one over m times the Fisher information (section 5.5.2)."""
    theta = 0.3
    second = jax.hessian(lambda t: theta * coin(1.0, t) + (1 - theta) * coin(0.0, t))
    information = -second(jnp.array(jnp.array([theta])))[0, 0]
    np.testing.assert_allclose(1 / information, theta * (1 - theta), rtol=1e-10)


def test_two_means_that_only_add_up_cannot_be_told_apart():
    """The likelihood has a flat direction (section 5.5.2)."""

    def model(x, theta):
        return gaussian(x, jnp.stack([theta.sum(), 0 * theta[0]]))

    hessian = jax.hessian(lambda t: mean_negative_log_likelihood(model, t, COIN))
    eigenvalues = jnp.linalg.eigvalsh(hessian(jnp.array([0.3, 0.1])))
    np.testing.assert_allclose(eigenvalues, [0, 2], atol=1e-12)


def test_hodges_beats_the_mean_at_one_point_and_pays_near_it():
    """No consistent estimator is better everywhere, at points some are (section 5.5.2)."""
    m = 10_000

    def error(mu):
        mean = mu + jax.random.normal(jax.random.key(3), (20_000,)) / np.sqrt(m)
        hodges = jnp.where(abs(mean) < m**-0.25, 0, mean)
        return m * jnp.mean((hodges - mu) ** 2)

    assert error(0.0) < 0.01
    np.testing.assert_allclose(error(0.1), 50, rtol=0.1)


def test_bad_input(unchecked_signatures):
    X, y = regression()
    with pytest.raises(ValueError, match="noise must be positive"):
        regression_log_likelihood(jnp.zeros(3), X, y, 0)
    with pytest.raises(ValueError, match="sample must be finite"):
        log_likelihood(coin, HALF, jnp.array([jnp.nan]))
