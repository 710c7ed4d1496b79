"""Slopes along a direction, the steepest direction, differences, Lipschitz and convex functions."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime, rosen_der

from dlcompanion.numerical_computation import (
    central_difference,
    directional_derivative,
    midpoint_excess,
    steepest_direction,
    steepest_secant,
)
from tests.problems import rosenbrock, saddle

CANYON = np.array([[3.0, 2.0], [2.0, 3.0]])
BANANA = np.array([-1.2, 1.0])


def wavy(x):
    return jnp.sin(x[0]) * jnp.exp(0.3 * x).sum() + (x**2).sum() ** 1.5


def pairs(low, high, seed=0, n=1):
    random = np.random.default_rng(seed)
    return random.uniform(low, high, (2, 1000, n))


# Directions


@given(st.integers(0, 1000))
def test_slope_along_a_direction(seed):
    """u^T grad f is the derivative of alpha -> f(x + alpha u) at 0 (section 4.3)."""
    x, u = np.random.default_rng(seed).normal(size=(2, 3))
    slope = directional_derivative(wavy, x, u)
    assert_allclose(slope, u @ jax.grad(wavy)(jnp.asarray(x)), rtol=1e-10)
    h = 1e-5
    assert_allclose(slope, (wavy(x + h * u) - wavy(x - h * u)) / (2 * h), rtol=1e-5, atol=1e-8)


@given(st.tuples(st.floats(-10, 10), st.floats(0.1, 10)))
def test_no_direction_is_steeper(g):
    """Of 3600 unit vectors none falls faster than -g / |g|, which falls by |g| (equation 4.3)."""
    angles = np.linspace(0, 2 * np.pi, 3600, endpoint=False)
    slopes = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ np.array(g)
    unit, slope = steepest_direction(np.array(g))
    assert_allclose(slopes.min(), slope, rtol=1e-5)
    assert_allclose(slope, -np.hypot(*g))
    found = np.arctan2(unit[1], unit[0])
    assert np.cos(angles[slopes.argmin()] - found) > np.cos(np.radians(0.1))
    assert_allclose(np.array([-g[1], g[0]]) @ unit, 0, atol=1e-12)


@given(st.integers(0, 1000))
def test_slope_is_a_cosine(seed):
    """u^T g = |u| |g| cos(theta), smallest where theta is pi (equation 4.4)."""
    g, u = np.random.default_rng(seed).normal(size=(2, 2))
    u /= np.linalg.norm(u)
    theta = np.arctan2(g[1], g[0]) - np.arctan2(u[1], u[0])
    slope = directional_derivative(lambda x: x @ g, np.zeros(2), u)
    assert_allclose(slope, np.linalg.norm(g) * np.cos(theta), atol=1e-12)
    assert slope >= steepest_direction(g).slope - 1e-12


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1.0, 1e200])
def test_steepest_direction_of_any_length(scale):
    """Only the direction of the gradient counts, however small or large it is (equation 4.3)."""
    unit, slope = steepest_direction(scale * np.array([3.0, -4.0]))
    assert_allclose(unit, [-0.6, 0.8])
    assert_allclose(slope, -5 * scale)


def test_a_critical_point_has_no_steepest_direction():
    """At g = 0 every direction is level; nothing is divided by zero (section 4.3)."""
    unit, slope = steepest_direction(np.zeros(2))
    assert (unit == 0).all() and slope == 0
    assert not jnp.isnan(jax.jacobian(lambda g: steepest_direction(g).unit)(jnp.zeros(2))).any()


# Differences


def test_differences_as_scipy_and_autodiff_have_them():
    """2n values of f give the gradient (section 4.3)."""
    found = central_difference(rosenbrock, BANANA, 1e-6)
    assert_allclose(found, rosen_der(BANANA), rtol=1e-6)
    assert_allclose(found, approx_fprime(BANANA, rosenbrock, 1e-8), rtol=1e-4)


def test_jacobian_has_a_row_for_each_output():
    """J_ij is the derivative of output i by input j: R^3 -> R^2 gives 2 x 3 (section 4.3.1)."""

    def fn(x):
        return jnp.stack([x[0] * x[1], jnp.sin(x[2]) + x[0]])

    x = np.array([1.0, 2.0, 0.5])
    found = central_difference(fn, x, 1e-5)
    assert found.shape == (2, 3)
    assert_allclose(found, jax.jacobian(fn)(jnp.asarray(x)), atol=1e-9)
    assert_allclose(found, [[2, 1, 0], [1, 0, np.cos(0.5)]], atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_hessian_is_the_jacobian_of_the_gradient(seed):
    """And it is symmetric, because the second derivatives are continuous (equations 4.6, 4.7)."""
    x = jnp.asarray(np.random.default_rng(seed).normal(size=5))
    H = jax.hessian(wavy)(x)
    assert_allclose(H, jax.jacobian(jax.grad(wavy))(x), atol=1e-10)
    assert_allclose(H, central_difference(jax.grad(wavy), x, 1e-5), rtol=1e-6, atol=1e-6)
    assert jnp.abs(H - H.T).max() < 1e-10


def test_order_matters_where_second_derivatives_jump():
    """xy (x^2 - y^2) / (x^2 + y^2) has -1 one way round and 1 the other (equation 4.7)."""

    def f(x):
        square = x @ x
        return x[0] * x[1] * (x[0] ** 2 - x[1] ** 2) / jnp.where(square == 0, 1, square)

    def grad(x):
        return central_difference(f, x, 1e-7)

    mixed = central_difference(grad, np.zeros(2), 1e-3)
    assert_allclose(mixed, [[0, -1], [1, 0]], atol=1e-6)


def test_a_difference_has_a_best_step():
    """In float32 5e-3 is good for exp at 1, and 1e-8 sees no change at all (section 4.3)."""
    with jax.enable_x64(False):
        good, short = (
            central_difference(lambda x: jnp.exp(x[0]), np.ones(1), h) for h in (5e-3, 1e-8)
        )
        assert abs(good[0] - np.e) < 1e-4
        assert short[0] == 0


# Lipschitz continuity


@pytest.mark.parametrize(
    "fn, bound", [(jnp.sin, 1), (lambda x: jnp.maximum(x, 0), 1), (jax.nn.sigmoid, 0.25)]
)
def test_secants_stay_below_the_lipschitz_constant(fn, bound):
    """|f(x) - f(y)| <= L |x - y| for every pair (equation 4.13)."""
    slope = steepest_secant(lambda x: fn(x[0]), *pairs(-3, 3))
    assert 0.9 * bound < slope <= bound + 1e-6


def test_functions_without_a_lipschitz_constant():
    """x^2 grows steeper forever; sqrt is infinitely steep at 0 (equation 4.13)."""

    def square(x):
        return x @ x

    for far in (10.0, 1e4):
        assert_allclose(steepest_secant(square, np.zeros((1, 1)), np.array([[far]])), far)
    assert steepest_secant(lambda x: jax.grad(square)(x)[0], *pairs(-9, 9)) <= 2 + 1e-6
    for near, slope in ((1e-6, 1e3), (1e-8, 1e4)):
        found = steepest_secant(lambda x: jnp.sqrt(x[0]), np.zeros((1, 1)), np.array([[near]]))
        assert_allclose(found, slope)


def test_equal_points_have_no_secant():
    """A pair of equal points says nothing about the slope (equation 4.13)."""
    assert steepest_secant(saddle, np.ones((2, 2)), np.ones((2, 2))) == 0


# Convexity


def test_convex_functions_pass_the_midpoint_test():
    """A convex f lies below its chords: |x| without a Hessian at 0 too (section 4.3.1)."""
    bowl = [lambda x: x @ CANYON @ x, lambda x: jnp.abs(x).sum(), lambda x: (x**4).sum()]
    for fn in bowl:
        assert midpoint_excess(fn, *pairs(-2, 2, n=2)) <= 1e-12
    for fn in (saddle, rosenbrock, lambda x: jnp.sin(x).sum()):
        assert midpoint_excess(fn, *pairs(-2, 2, n=2)) > 0.1
    assert jax.hessian(bowl[2])(jnp.zeros(2)).max() == 0  # convex, and no curvature at its minimum


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: steepest_direction(1.0), "grad must have shape (n,), got ()"),
        (lambda: central_difference(saddle, BANANA, 0.0), "step must be positive, got 0.0"),
        (lambda: central_difference(saddle, [np.nan, 0.0], 0.1), "x must be finite, got [nan"),
        (lambda: directional_derivative(saddle, BANANA, np.ones(3)), "direction must have shape"),
        (lambda: steepest_secant(saddle, np.ones(2), np.ones(2)), "xs must have shape (pairs, n)"),
        (lambda: midpoint_excess(saddle, np.ones(2), np.ones(2)), "xs must have shape (pairs, n)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
