"""Capacity, over- and underfitting, no free lunch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion.machine_learning import (
    count_separable,
    expected_errors,
    nearest_neighbor_regression,
    no_free_lunch,
    polynomial_features,
    polynomial_regression,
)

INPUTS = np.array([-2.7, -1.6, -1.3, -0.8, 0.1, 0.6, 2.7])
HULL = np.linspace(-2.7, 2.7, 2001)


def truth(x):
    return 0.5 * x**2 - 0.5 * x + 1


def fit(degree, x=INPUTS, y=None):
    return polynomial_regression(x, truth(x) if y is None else y, degree)


def hull_error(degree):
    fitted = polynomial_features(HULL, degree) @ fit(degree)
    return float(np.mean((fitted - truth(HULL)) ** 2))


def test_features_are_powers():
    """A degree-d polynomial has d + 1 features (equations 5.15, 5.16, 5.17)."""
    np.testing.assert_allclose(polynomial_features(INPUTS, 9), np.vander(INPUTS, 10, True))


def test_the_right_capacity_recovers_the_truth():
    """Degree 1 underfits, degree 2 is exact, degree 9 interpolates and is worse (Figure 5.2)."""
    np.testing.assert_allclose(hull_error(1), 1.24, atol=1e-2)
    np.testing.assert_allclose(fit(2), [1, -0.5, 0.5], atol=1e-8)
    np.testing.assert_allclose(hull_error(9), 2.23, atol=1e-2)
    train = polynomial_features(INPUTS, 9) @ fit(9) - truth(INPUTS)
    assert (train**2).mean() < 1e-15
    fitted = np.asarray(polynomial_features(HULL, 9) @ fit(9))
    np.testing.assert_allclose(fitted.min(), -2.137, atol=1e-2)
    np.testing.assert_allclose(HULL[fitted.argmin()], 2.349, atol=1e-2)


def test_interpolating_does_not_always_overfit():
    """On short inputs the shortest interpolant is harmless, on long ones not (section 5.2)."""

    def error(key, scale):
        x = np.asarray(jax.random.uniform(key, (8,), minval=-scale, maxval=scale))
        grid = np.linspace(x.min(), x.max(), 200)
        fitted = polynomial_features(grid, 9) @ fit(9, x)
        return float(np.mean((fitted - truth(grid)) ** 2))

    keys = jax.random.split(jax.random.key(0), 40)
    short, long = (np.median([error(key, scale) for key in keys]) for scale in (1.0, 5.0))
    assert short < 1e-3 and long > 100 * short and long > 0.1


def test_training_error_never_rises_with_the_degree():
    """A larger family fits at least as well, but the test error turns (Figure 5.3)."""
    keys = jax.random.split(jax.random.key(1), 2)
    x = np.linspace(-1, 1, 15)
    y = truth(x) + 0.2 * np.asarray(jax.random.normal(keys[0], (15,)))
    new = truth(x) + 0.2 * np.asarray(jax.random.normal(keys[1], (15,)))
    fits = [np.asarray(polynomial_features(x, d) @ fit(d, x, y)) for d in range(12)]
    train = [np.mean((f - y) ** 2) for f in fits]
    test = [np.mean((f - new) ** 2) for f in fits]
    assert (np.diff(train) < 1e-10).all()
    assert np.argmin(test) == 2


def test_expected_errors_of_the_sine():
    """Bias falls, variance rises, their sum is least at degree 3 (Figures 5.3, 5.6)."""
    x = np.linspace(-1, 1, 30)
    errors = [expected_errors(polynomial_features(x, d), np.sin(np.pi * x), 0.5) for d in range(6)]
    test = [0.7417, 0.4864, 0.4947, 0.2889, 0.2972, 0.3000]
    train = [0.7250, 0.4530, 0.4447, 0.2222, 0.2139, 0.2000]
    bias = [0.4833, 0.2197, 0.2197, 0.0056, 0.0056, 2.5e-5]
    np.testing.assert_allclose([e.test for e in errors], test, atol=1e-4)
    np.testing.assert_allclose([e.train for e in errors], train, atol=1e-4)
    np.testing.assert_allclose([e.squared_bias for e in errors], bias, atol=1e-4)
    np.testing.assert_allclose([e.variance for e in errors], 0.25 * np.arange(1, 7) / 30)
    for p, error in enumerate(errors, 1):
        np.testing.assert_allclose(error.test - error.train, 2 * 0.25 * p / 30, rtol=1e-9)
    assert np.argmin([e.test for e in errors]) == 3


def test_expected_errors_against_simulation():
    """They are what many noisy training sets give on average (section 5.4.4)."""
    x = np.linspace(-1, 1, 12)
    X, f = np.vander(x, 3), np.sin(np.pi * x)
    noise = 0.5 * np.asarray(jax.random.normal(jax.random.key(2), (2, 20_000, 12)))
    fits = (f + noise[0]) @ (X @ np.linalg.pinv(X)).T
    expected = expected_errors(X, f, 0.5)
    np.testing.assert_allclose(((fits - f - noise[0]) ** 2).mean(), expected.train, rtol=0.01)
    np.testing.assert_allclose(((fits - f - noise[1]) ** 2).mean(), expected.test, rtol=0.01)
    np.testing.assert_allclose(fits.var(axis=0).mean(), expected.variance, rtol=0.02)


def test_more_examples_help_on_average_but_not_every_learner():
    """Unregularized least squares is worst where m = n (section 5.2)."""

    def error(key, m):
        keys = jax.random.split(key, 2)
        X = jax.random.normal(keys[0], (m, 20))
        w = jnp.full(20, 20**-0.5)
        y = X @ w + 0.5 * jax.random.normal(keys[1], (m,))
        return jnp.sum((jnp.linalg.lstsq(X, y)[0] - w) ** 2) + 0.25

    keys = jax.random.split(jax.random.key(3), 200)
    medians = [np.median(jax.vmap(lambda k, m=m: error(k, m))(keys)) for m in (10, 20, 100)]
    assert medians[1] > 3 * medians[0] and medians[2] < 0.4


def test_nearest_neighbor_averages_ties():
    """That gives the least training error any function can have (section 5.2)."""
    X, y = np.array([[0.0], [0.0], [1.0]]), np.array([0.0, 2.0, 5.0])
    predictions = [float(nearest_neighbor_regression(X, y, x)) for x in X]
    assert predictions == [1, 1, 5]
    np.testing.assert_allclose(np.mean((predictions - y) ** 2), 2 / 3)
    assert nearest_neighbor_regression(X, y, np.array([0.6])) == 5


@pytest.mark.parametrize(
    "points, count",
    [
        ([[0, 0], [1, 0], [0, 1]], 8),
        ([[0, 0], [1, 1], [2, 2]], 6),
        ([[0, 0], [1, 0], [0, 1], [1, 1]], 14),
        ([[0, 0], [4, 0], [0, 4], [1, 1]], 14),
        ([[0, 0], [4, 1], [5, 4], [1, 5], [2, 2]], 22),
    ],
)
def test_a_line_shatters_three_points_never_four(points, count):
    """The Vapnik-Chervonenkis dimension of lines in the plane is 3 (section 5.2)."""
    assert count_separable(np.array(points, float)) == count


def majority(_, labels):
    return np.full(8, int(labels.sum() * 2 > labels.size))


def anti_majority(_, labels):
    return 1 - majority(_, labels)


def constant(_, __):
    return np.zeros(8, int)


def nearest(seen, labels):
    bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
    distances = np.abs(bits[:, None] - bits[seen]).sum(axis=2)
    return labels[distances.argmin(axis=1)]


SEEN = np.array([0, 3, 5, 6])
LEARNERS = (majority, nearest, anti_majority, constant)


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_learner_is_better_on_average(learner):
    """Over all 256 targets every learner is wrong half the time (section 5.2.1)."""
    assert no_free_lunch(learner, SEEN) == 0.5


def test_an_assumption_makes_the_difference():
    """Over linearly separable targets the same learners differ (section 5.2.1)."""
    targets = (np.arange(256)[:, None] >> np.arange(8)) & 1
    bits = np.column_stack([(np.arange(8)[:, None] >> np.arange(3)) & 1, np.ones(8)])
    w = np.array(jax.random.normal(jax.random.key(0), (20_000, 4)))
    w[:, 3] *= 2
    linear = np.unique((w @ bits.T > 0).astype(int), axis=0)
    assert len(linear) == 104 and all((row == targets).all(axis=1).any() for row in linear)
    errors = [no_free_lunch(learner, SEEN, linear) for learner in LEARNERS]
    np.testing.assert_allclose(errors, [0.3942, 0.3654, 0.6058, 0.5], atol=1e-4)


def test_bad_input(unchecked_signatures):
    with pytest.raises(ValueError, match="degree must be at least 0, got -1"):
        polynomial_features(INPUTS, -1)
    with pytest.raises(ValueError, match="seen must hold some, not all"):
        no_free_lunch(constant, np.arange(8))
    with pytest.raises(ValueError, match="noise must be at least 0"):
        expected_errors(np.eye(2), np.ones(2), -1)
