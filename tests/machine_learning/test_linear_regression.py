"""Linear regression and weight decay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, Ridge

from dlcompanion.machine_learning import (
    add_bias_column,
    mean_squared_error,
    normal_equations,
    predict,
    regularized_cost,
    ridge_regression,
)

X = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
Y = np.array([2.0, 2.8, 4.1])


def problem(seed: int, m: int = 20, n: int = 4):
    keys = jax.random.split(jax.random.key(seed), 2)
    return jax.random.normal(keys[0], (m, n)), jax.random.normal(keys[1], (m,))


def test_the_two_forms_of_the_error_agree():
    """A mean of squares is a squared distance over m (equations 5.4, 5.5)."""
    predictions, targets = problem(0, m=7)[1], problem(1, m=7)[1]
    by_hand = sum((p - t) ** 2 for p, t in zip(predictions, targets, strict=True)) / 7
    distance = jnp.linalg.norm(predictions - targets) ** 2 / 7
    np.testing.assert_allclose(mean_squared_error(predictions, targets), by_hand)
    np.testing.assert_allclose(by_hand, distance)


def test_predictions_are_inner_products():
    """Every prediction is w^T x (equations 5.3, 5.69, 5.70)."""
    X, _ = problem(0)
    w = jnp.arange(4.0)
    np.testing.assert_allclose(predict(X, w), [x @ w for x in X], rtol=1e-12)


@pytest.mark.parametrize(
    "inputs, targets, weights",
    [
        ([[1, 2], [3, 4], [5, 6]], [7, 8, 9], [-6, 6.5]),
        ([[1], [2], [3]], [2, 4, 5], [25 / 14]),
        ([[1, 1], [2, 1], [3, 1]], [2, 4, 5], [1.5, 2 / 3]),
    ],
)
def test_known_solutions(inputs, targets, weights):
    """Three systems solved by hand (equation 5.12)."""
    solution = normal_equations(np.array(inputs), np.array(targets))
    np.testing.assert_allclose(solution, weights, rtol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_normal_equations_against_scikit_learn(seed):
    """They agree with an independent solver (equations 5.10, 5.12)."""
    X, y = problem(seed)
    reference = LinearRegression(fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(normal_equations(X, y), reference.coef_, rtol=1e-9)


def test_the_gradient_of_the_training_error_vanishes():
    """That is how the solution was found (equations 5.6, 5.7, 5.8, 5.9, 5.11)."""
    X, y = problem(0)
    w = normal_equations(X, y)
    gradient = jax.grad(lambda w: mean_squared_error(predict(X, w), y))
    np.testing.assert_allclose(gradient(w), 0, atol=1e-12)
    np.testing.assert_allclose(X.T @ (X @ w - y), 0, atol=1e-12)
    v = jnp.ones(4)
    np.testing.assert_allclose(20 * gradient(v), 2 * X.T @ X @ v - 2 * X.T @ y, rtol=1e-10)
    expanded = v @ X.T @ X @ v - 2 * v @ X.T @ y + y @ y
    np.testing.assert_allclose(expanded, jnp.sum((X @ v - y) ** 2), rtol=1e-10)


def test_a_column_of_ones_is_a_bias():
    """Same predictions as with a separate b, and residuals that sum to zero (equation 5.13)."""
    X, y = problem(1)
    weights = normal_equations(add_bias_column(X), y)
    reference = LinearRegression().fit(X, y)
    np.testing.assert_allclose(weights[:-1], reference.coef_, rtol=1e-8)
    np.testing.assert_allclose(weights[-1], reference.intercept_, rtol=1e-8)
    residuals = y - predict(add_bias_column(X), weights)
    np.testing.assert_allclose(residuals.sum(), 0, atol=1e-10)
    assert abs((y - predict(X, normal_equations(X, y))).sum()) > 0.1


def test_a_repeated_column_shares_the_weight():
    """Of all minimizers the shortest is returned (section 5.1.4)."""
    X, y = problem(2, n=1)
    once, twice = normal_equations(X, y), normal_equations(jnp.hstack([X, X]), y)
    np.testing.assert_allclose(twice, jnp.full(2, once[0] / 2), rtol=1e-9)


def test_three_conventions_for_lambda():
    """One precision alpha, three costs, three lambdas (equations 5.18, 5.79, 5.101)."""
    alpha, m = 0.5, 3
    w = jnp.array([0.6542372881, 1.1016949153])
    np.testing.assert_allclose(ridge_regression(X, Y, alpha / m), w, rtol=1e-8)
    not_divided = ridge_regression(X, Y, alpha)
    np.testing.assert_allclose(not_divided, [0.5496, 1.0711], atol=1e-4)

    def sum_of_squares(w):
        return jnp.sum((X @ w - Y) ** 2) + alpha * w @ w

    def negative_log_likelihood(w):
        return alpha / (2 * m) * w @ w + mean_squared_error(X @ w, Y) / 2

    for cost in (sum_of_squares, negative_log_likelihood):
        np.testing.assert_allclose(jax.grad(cost)(w), 0, atol=1e-8)


@given(seed=st.integers(0, 100), exponent=st.floats(-6, 4))
def test_ridge_minimizes_its_cost(seed, exponent):
    """The gradient of J is zero there (equation 5.18)."""
    X, y = problem(seed, m=6, n=3)
    weight_decay = 10.0**exponent
    w = ridge_regression(X, y, weight_decay)
    gradient = jax.grad(regularized_cost)(w, X, y, weight_decay)
    np.testing.assert_allclose(gradient, 0, atol=1e-9 * (1 + weight_decay))


def test_ridge_against_scikit_learn():
    """Scikit-learn's alpha is m lambda (equation 5.18)."""
    X, y = problem(3)
    reference = Ridge(alpha=20 * 0.3, fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(ridge_regression(X, y, 0.3), reference.coef_, rtol=1e-8)


def test_weight_decay_trades_fit_for_short_weights():
    """The training error rises with lambda, the length of w falls to zero (section 5.2.2)."""
    X, y = problem(4)
    weights = [ridge_regression(X, y, decay) for decay in np.logspace(-6, 4, 60)]
    errors = np.array([mean_squared_error(X @ w, y) for w in weights])
    lengths = np.array([w @ w for w in weights])
    assert (np.diff(errors) > 0).all() and (np.diff(lengths) < 0).all()
    assert lengths[-1] < 1e-6
    np.testing.assert_allclose(ridge_regression(X, y, 0.0), normal_equations(X, y), rtol=1e-8)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((X, Y[:2], 1.0), "targets must have shape"),
        ((X, Y, -1.0), "weight_decay must be at least 0"),
        ((X * np.nan, Y, 1.0), "design_matrix must be finite"),
    ],
)
def test_bad_input(arguments, message, unchecked_signatures):
    with pytest.raises(ValueError, match=message):
        ridge_regression(*arguments)
