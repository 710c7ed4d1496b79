"""Norm constraints, and the penalties that do the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize

from dlcompanion.numerical_computation import (
    Status,
    gradient_descent,
    inner_maximum,
    kkt_residuals,
    lagrangian,
)
from dlcompanion.regularization import (
    l2_penalty,
    l2_solution,
    multiplier_path,
    norm_constrained_descent,
    penalized,
    penalty_constraint,
    project_columns,
    project_to_norm,
    quadratic_model,
)

TURN = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
OPTIMUM = np.array([2.0, 1.0])
HESSIAN = TURN @ np.diag([1.0, 10.0]) @ TURN.T


def turned():
    return quadratic_model(HESSIAN, OPTIMUM)


def radius_of(alpha):
    return float(jnp.linalg.norm(l2_solution(turned(), alpha)))


def product(w):
    """A chain of three weights that should multiply to 1: no gradient where all are small."""
    return 0.5 * (1 - w[0] * w[1] * w[2]) ** 2


# A penalty is a constraint


def test_projection_ends_where_the_penalty_does():
    """In the ball of the L2 solution's norm both problems have one solution (equation 7.28)."""
    path = norm_constrained_descent(turned(), np.zeros(2), 0.05, radius_of(1.0), 2000)
    assert_allclose(path.params[-1], l2_solution(turned(), 1.0), atol=1e-10)
    assert path.status == Status.CONVERGED


@pytest.mark.parametrize("alpha", [0.05, 1.0, 30.0, 1000.0])
def test_the_multiplier_is_the_alpha_of_the_penalty(alpha):
    """For k = Omega(w(alpha)) the multiplier is alpha (equations 7.25, 7.28)."""
    path = multiplier_path(turned(), radius_of(alpha))
    assert_allclose(path.multiplier[-1], alpha, rtol=1e-8)
    assert_allclose(path.params[-1], l2_solution(turned(), alpha), rtol=1e-8)
    assert path.status == Status.CONVERGED


def test_dual_ascent_raises_alpha_outside_and_lowers_it_inside():
    """alpha follows Omega - k in small steps and settles at 1 (equations 7.26, 7.27)."""
    path = multiplier_path(turned(), radius_of(1.0), 400, 0.5)
    assert_allclose(path.multiplier[-1], 1, rtol=1e-8)
    size = 0.5 * (np.asarray(path.params) ** 2).sum(axis=1) - 0.5 * radius_of(1.0) ** 2
    assert_allclose(np.diff(path.multiplier), 0.5 * size[:-1], atol=1e-12)
    assert_allclose(path.params[3], l2_solution(turned(), path.multiplier[3]), rtol=1e-10)


def test_the_root_of_the_norm():
    """SciPy's root of ||w(alpha)|| - r is the same alpha (equation 7.28)."""
    for radius in (0.1, 0.7, 1.5, 2.1):
        root = brentq(lambda alpha, r=radius: radius_of(alpha) - r, 0, 1e4, xtol=1e-13)
        assert_allclose(multiplier_path(turned(), radius).multiplier[-1], root, rtol=1e-7)


def test_a_larger_alpha_is_a_smaller_ball():
    """The radius falls as alpha grows; how fast is a matter of J (section 7.2)."""
    radii = [radius_of(alpha) for alpha in np.logspace(-3, 3, 20)]
    assert (np.diff(radii) < 0).all()
    steep = quadratic_model(10 * HESSIAN, OPTIMUM)
    assert jnp.linalg.norm(l2_solution(steep, 1.0)) > 1.05 * radius_of(1.0)


def test_an_inactive_constraint_does_nothing():
    """In a ball that holds w* the multiplier is 0, where any penalty shrinks (section 7.2)."""
    path = multiplier_path(turned(), 10.0)
    assert path.multiplier[-1] == 0
    assert_allclose(path.params[-1], OPTIMUM, rtol=1e-12)
    descent = norm_constrained_descent(turned(), np.zeros(2), 0.05, 10.0, 2000)
    assert_allclose(descent.params[-1], OPTIMUM, rtol=1e-10)
    assert radius_of(0.1) < np.linalg.norm(OPTIMUM) - 0.05


def test_the_lagrangian_of_a_norm():
    """L is J + alpha (Omega - k), with slope Omega - k in alpha (equations 7.26, 7.27)."""
    bound = 0.5 * radius_of(1.0) ** 2
    problem = penalty_constraint(turned(), l2_penalty, bound)
    w = jnp.array([1.0, -0.5])
    value, slope = jax.value_and_grad(lambda alpha: lagrangian(problem, w, alpha[None]))(0.7)
    assert_allclose(value, turned()(w) + 0.7 * (0.5 * w @ w - bound), rtol=1e-12)
    assert_allclose(slope, 0.5 * w @ w - bound, rtol=1e-12)
    best = l2_solution(turned(), 1.0)
    assert max(kkt_residuals(problem, best, jnp.ones(1))) < 1e-9
    assert_allclose(inner_maximum(problem, best, 100.0), turned()(best), rtol=1e-8)
    found = minimize(lambda w: float(inner_maximum(problem, w, 100.0)), best + 0.01,
                     method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})  # fmt: skip
    assert_allclose(found.x, best, atol=1e-4)


# Projection


@given(arrays(float, 3, elements=st.floats(-5, 5)), st.floats(0.1, 4))
def test_the_nearest_point_of_the_ball(w, radius):
    """No other point of the ball is nearer, and 0 stays 0 (section 7.2)."""
    nearest = project_to_norm(w, radius)
    assert jnp.linalg.norm(nearest) <= radius * (1 + 1e-12)
    if np.linalg.norm(w) <= radius:
        assert (nearest == w).all()
    others = np.random.default_rng(0).normal(size=(50, 3))
    others *= radius / np.linalg.norm(others, axis=1, keepdims=True)
    assert np.linalg.norm(w - nearest) <= np.linalg.norm(others - w, axis=1).min() + 1e-12


def test_columns_have_a_limit_each():
    """Small columns stay bit for bit, large ones end at the limit (section 7.2)."""
    W = np.random.default_rng(0).normal(size=(4, 6))
    W[:, 0] *= 0.1
    limited, norms = project_columns(W, 1.5), np.linalg.norm(W, axis=0)
    assert (norms > 1.5).any() and (norms < 1.5).any()
    assert (limited[:, norms < 1.5] == W[:, norms < 1.5]).all()
    assert_allclose(np.linalg.norm(limited, axis=0)[norms > 1.5], 1.5, rtol=1e-12)
    whole = project_to_norm(W.ravel(), 1.5)
    assert (np.asarray(whole) != W.ravel()).all()


# Why one might prefer a wall


def test_a_wall_stops_what_feeds_itself():
    """On w^4/4 large weights make large steps until overflow; a ball ends that (section 7.2)."""

    def quartic(w):
        return (w**4).sum() / 4

    start = np.array([3.0])
    with jax.enable_x64(False):
        free = gradient_descent(quartic, start.astype(np.float32), 1.0, 8)
    assert free.status == Status.DIVERGED and not jnp.isfinite(free.params[6]).all()
    walled = norm_constrained_descent(quartic, start, 1.0, 1.3, 50)
    assert jnp.abs(walled.params).max() <= 1.3 * (1 + 1e-12)


def test_a_penalty_can_trap_small_weights_and_a_wall_cannot():
    """Near 0 decay is all there is, and units die; projection finds (1, 1, 1) (section 7.2)."""
    cost = penalized(product, l2_penalty, 0.1)
    assert_allclose(jax.hessian(cost)(jnp.zeros(3)), 0.1 * np.eye(3), atol=1e-12)
    assert cost(jnp.zeros(3)) == 0.5
    better = minimize(lambda x: float(cost(jnp.full(3, x[0]))), [1.0], tol=1e-12)
    assert_allclose([better.x[0], better.fun], [0.96416, 0.14482], atol=1e-4)
    small = np.full(3, 0.08)
    assert_allclose(gradient_descent(cost, small, 0.1, 2000).params[-1], 0, atol=1e-6)
    alive = gradient_descent(cost, np.full(3, 0.102), 0.1, 2000).params[-1]
    assert_allclose(alive, 0.96416, atol=1e-4)
    assert_allclose(gradient_descent(cost, np.full(3, 0.099), 0.1, 2000).params[-1], 0, atol=1e-6)
    walled = norm_constrained_descent(product, small, 0.1, 1.8, 3000)
    assert_allclose(walled.params[-1], 1, atol=1e-6)


def test_with_enough_decay_nothing_is_better_than_zero():
    """On the diagonal 0 becomes the best from alpha = 0.397 on (section 7.2)."""
    grid = np.linspace(0, 1.5, 3001)
    for alpha, zero_wins in ((0.39, False), (0.40, True)):
        costs = 0.5 * (1 - grid**3) ** 2 + 1.5 * alpha * grid**2
        assert (np.argmin(costs) == 0) == zero_wins


@pytest.mark.usefixtures("unchecked_signatures")
def test_bad_radii_are_named():
    for run in (
        lambda: project_to_norm(OPTIMUM, 0.0),
        lambda: multiplier_path(turned(), -1.0),
        lambda: norm_constrained_descent(turned(), OPTIMUM, 0.1, 0.0, 5),
    ):
        with pytest.raises(ValueError, match="radius must be positive"):
            run()


def test_other_numbers_compile_nothing(no_compilation):
    """Radius, model and learning rate are data (section 7.2)."""

    def sweep(radius, scale):
        model = quadratic_model(scale * HESSIAN, OPTIMUM)
        multiplier_path(model, radius, 5)
        norm_constrained_descent(model, OPTIMUM, 0.01, radius, 5)
        project_columns(HESSIAN, radius)

    sweep(1.0, 1.0)
    with no_compilation():
        sweep(0.5, 2.0)
