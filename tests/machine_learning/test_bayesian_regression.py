"""Bayesian statistics and maximum a posteriori."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, multivariate_normal

from dlcompanion.machine_learning import (
    BetaPosterior,
    GaussianPosterior,
    bayesian_linear_regression,
    map_regression,
    normal_equations,
    predict_coin,
    predict_regression,
    ridge_regression,
    update_coin,
)

X = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
Y = np.array([2.0, 2.8, 4.1])
ALPHA = 0.5
PRIOR = GaussianPosterior(np.zeros(2), np.eye(2) / ALPHA)
UNIFORM = BetaPosterior(np.array(1.0), np.array(1.0))


def test_three_heads_do_not_make_a_tail_impossible():
    """Maximum likelihood says 0, the uniform prior one fifth (equations 5.67, 5.68)."""
    posterior = update_coin(UNIFORM, jnp.ones(3))
    np.testing.assert_allclose(1 - predict_coin(posterior), 0.2)
    predictive, _ = quad(lambda t: t * beta.pdf(t, *map(float, posterior)), 0, 1)
    np.testing.assert_allclose(predict_coin(posterior), predictive, atol=1e-9)


def test_a_surprise_can_widen_the_posterior():
    """Usually an observation lowers its entropy, not always (section 5.6)."""
    entropies = [beta.entropy(1, 1), beta.entropy(4, 1), beta.entropy(10, 1), beta.entropy(10, 2)]
    np.testing.assert_allclose(entropies, [0, -0.6363, -1.4026, -0.9624], atol=1e-4)
    assert entropies[1] < entropies[0] and entropies[3] > entropies[2]


def test_posterior_of_three_examples():
    """Mean and covariance, worked out by hand (equation 5.78)."""
    mean, covariance = bayesian_linear_regression(X, Y, PRIOR)
    np.testing.assert_allclose(mean, [0.654237, 1.101695], atol=1e-6)
    np.testing.assert_allclose(
        covariance, [[0.983051, -0.406780], [-0.406780, 0.237288]], atol=1e-6
    )


def test_the_completed_square():
    """Likelihood times prior is the Gaussian, up to a constant (equations 5.71-5.77)."""
    posterior = bayesian_linear_regression(X, Y, PRIOR)

    def unnormalized(w):
        log_likelihood = multivariate_normal.logpdf(Y, X @ w, np.eye(3))
        return log_likelihood + multivariate_normal.logpdf(w, PRIOR.mean, PRIOR.covariance)

    def gaussian(w):
        return multivariate_normal.logpdf(w, posterior.mean, posterior.covariance)

    weights = np.asarray(jax.random.normal(jax.random.key(0), (20, 2))) * 3
    differences = [unnormalized(w) - gaussian(w) for w in weights]
    np.testing.assert_allclose(differences, differences[0], atol=1e-10)


def test_one_by_one_equals_all_at_once():
    """A posterior is the prior of the next example, in any order (equation 5.78)."""
    whole = bayesian_linear_regression(X, Y, PRIOR)
    for order in (np.array([0, 1, 2]), np.array([2, 0, 1])):
        posterior = PRIOR
        for i in order:
            posterior = bayesian_linear_regression(X[i : i + 1], Y[i : i + 1], posterior)
        np.testing.assert_allclose(posterior.mean, whole.mean, atol=1e-9)
        np.testing.assert_allclose(posterior.covariance, whole.covariance, atol=1e-9)


@pytest.mark.parametrize("x, variance", [(2, 1.305), (4, 2.525), (10, 17.576)])
def test_uncertainty_grows_away_from_the_data(x, variance):
    """The variance of a prediction is 1 + x^T Lambda x (equations 5.68, 5.80)."""
    posterior = bayesian_linear_regression(X, Y, PRIOR)
    prediction = predict_regression(posterior, jnp.array([1.0, x]))
    np.testing.assert_allclose(prediction.variance, variance, atol=1e-3)
    keys = jax.random.split(jax.random.key(1), 2)
    w = jax.random.multivariate_normal(keys[0], *posterior, (50_000,))
    y = w @ jnp.array([1.0, x]) + jax.random.normal(keys[1], (50_000,))
    np.testing.assert_allclose([y.mean(), y.var()], prediction, rtol=0.03)


def test_maximum_a_posteriori_is_weight_decay():
    """The gradient of the log-posterior vanishes at the ridge solution (equation 5.79)."""
    w = map_regression(X, Y, ALPHA)
    np.testing.assert_allclose(w, ridge_regression(X, Y, ALPHA / 3), rtol=1e-8)
    np.testing.assert_allclose(w, bayesian_linear_regression(X, Y, PRIOR).mean)
    gradient = jax.grad(lambda w: jnp.sum((X @ w - Y) ** 2) / 2 + ALPHA / 2 * w @ w)(w)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


def test_a_wide_prior_gives_least_squares():
    """As the precision goes to zero (section 5.6.1)."""
    np.testing.assert_allclose(map_regression(X, Y, 1e-10), normal_equations(X, Y), atol=1e-6)


def test_the_prior_has_a_covariance_not_a_precision():
    """Mixing them up changes the answer, and a prior mean pulls (equation 5.73)."""
    mixed_up = GaussianPosterior(jnp.zeros(2), jnp.eye(2) * ALPHA)
    difference = bayesian_linear_regression(X, Y, mixed_up).mean - map_regression(X, Y, ALPHA)
    assert abs(difference).max() > 0.1
    pulled = GaussianPosterior(jnp.array([5.0, 5.0]), jnp.eye(2) * 1e-8)
    np.testing.assert_allclose(bayesian_linear_regression(X, Y, pulled).mean, 5, atol=1e-5)


def test_more_bias_less_variance():
    """Some weight decay beats none, for X^T X = diag(10, 0.1) (section 5.6.1)."""
    G, w = jnp.diag(jnp.array([10.0, 0.1])), jnp.ones(2)
    rows = []
    for alpha in (0, 0.05, 0.5, 0.9, 2):
        shrink = jnp.linalg.inv(G + alpha * jnp.eye(2)) @ G
        squared_bias = jnp.sum((shrink @ w - w) ** 2)
        variance = jnp.trace(shrink @ jnp.linalg.inv(G) @ shrink.T)
        rows.append([squared_bias, variance, squared_bias + variance])
    expected = [[0, 10.1, 10.1], [0.1111, 4.5435, 4.6546], [0.6967, 0.3685, 1.0652],
                [0.8168, 0.1842, 1.0010], [0.9348, 0.0921, 1.0269]]  # fmt: skip
    np.testing.assert_allclose(rows, expected, rtol=1e-3, atol=1e-12)


def test_bad_input(unchecked_signatures):
    with pytest.raises(ValueError, match="prior_precision must be positive"):
        map_regression(X, Y, 0)
    with pytest.raises(ValueError, match="prior.covariance must be positive definite"):
        bayesian_linear_regression(X, Y, GaussianPosterior(jnp.zeros(2), -jnp.eye(2)))
    with pytest.raises(ValueError, match="zeros and ones"):
        update_coin(UNIFORM, jnp.array([0.5]))
