"""Algorithm 4.1 and least squares in the unit ball."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from sklearn.linear_model import Ridge

from dlcompanion.numerical_computation import (
    LeastSquares,
    Status,
    critical_multiplier_rate,
    gradient_descent,
    least_squares_descent,
    least_squares_grad,
    least_squares_loss,
    multiplier_ascent,
    newton,
    penalized_solution,
    projected_gradient_descent,
)

A = np.array([[1.0, 2], [3, 4], [5, 6]])
B = np.array([7.0, 8, 9])
BOOKISH = LeastSquares(A, B)
STEEPEST = 90.735495  # the largest eigenvalue of A^T A
DEFICIENT = LeastSquares(np.array([[1.0, 2], [2, 4], [3, 6]]), np.array([1.0, 2, 4]))
IDENTITY = LeastSquares(np.eye(2), np.array([3.0, 4.0]))
SOLUTION, MULTIPLIER = [0.56703666, 0.82369255], 17.55728135
seeds = st.integers(0, 1000)


def random_loss(seed: int, scale: float = 3.0):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(4, 3))
    if seed % 3 == 0:
        matrix[:, 2] = matrix[:, 0] - matrix[:, 1]  # rank deficient
    return least_squares_loss(matrix, scale * random.normal(size=4))


def dual(loss, multiplier):
    x = penalized_solution(loss, multiplier)
    return loss(x) + multiplier * (x @ x - 1)


# Unconstrained


def test_loss_and_gradient():
    """f = 1/2 ||A x - b||^2 has gradient A^T (A x - b) (equations 4.21, 4.22)."""
    for x in np.random.default_rng(0).normal(size=(5, 2)):
        assert_allclose(BOOKISH(x), 0.5 * ((A @ x - B) ** 2).sum())
        assert_allclose(jax.grad(BOOKISH)(x), least_squares_grad(BOOKISH, x), rtol=1e-12)
    assert_allclose(least_squares_grad(BOOKISH, np.array([-6, 6.5])), 0, atol=1e-12)
    curvatures = jnp.linalg.eigvalsh(jax.hessian(BOOKISH)(jnp.zeros(2)))
    assert_allclose(curvatures, [0.264505, STEEPEST], rtol=1e-5)
    assert_allclose(curvatures[1] / curvatures[0], 343.04, rtol=1e-4)


@pytest.mark.parametrize(
    "learning_rate, num_steps", [(0.01, 7272), (0.02, 3631), (1.99 / STEEPEST, 3311)]
)
def test_descent_as_lstsq(learning_rate, num_steps):
    """It ends at the solution; a longer step needs fewer, up to 2 / lambda_max (Algorithm 4.1)."""
    run = least_squares_descent(BOOKISH, np.zeros(2), learning_rate, 1e-8, 20_000)
    assert run.status == Status.CONVERGED and run.grad_norm <= 1e-8
    assert_allclose(run.params, np.linalg.lstsq(A, B)[0], atol=1e-6)
    assert_allclose(run.num_steps, num_steps, rtol=0.02)


def test_descent_is_gradient_descent():
    """The loop makes the steps of equation 4.5, one by one (Algorithm 4.1, equation 4.5)."""
    path = gradient_descent(BOOKISH, np.ones(2), 0.01, 10)
    for num_steps in (1, 4, 10):
        run = least_squares_descent(BOOKISH, np.ones(2), 0.01, 1e-8, num_steps)
        assert_allclose(run.params, path.params[num_steps], rtol=1e-12)
        assert run.status == Status.MAX_STEPS and run.num_steps == num_steps


def books_loop(dtype, learning_rate, tolerance):
    """Run Algorithm 4.1 as printed, from zero; return x and the number of steps."""
    matrix, targets, x = A.astype(dtype), B.astype(dtype), np.zeros(2, dtype)
    num_steps = 0
    with np.errstate(all="ignore"):
        while np.linalg.norm(matrix.T @ matrix @ x - matrix.T @ targets) > tolerance:
            x = x - dtype(learning_rate) * (matrix.T @ matrix @ x - matrix.T @ targets)
            num_steps += 1
    return x, num_steps


def test_the_bare_loop_takes_nan_for_convergence():
    """With epsilon = 1 the book's loop ends holding NaN; ours says diverged (Algorithm 4.1)."""
    for dtype, tolerance, num_steps in ((np.float64, 1e-8, 159), (np.float32, 1e-3, 21)):
        x, taken = books_loop(dtype, 1.0, tolerance)
        assert np.isnan(x).any()
        assert abs(taken - num_steps) <= 3
    run = least_squares_descent(BOOKISH, np.zeros(2), 1.0, 1e-8, 20_000)
    assert run.status == Status.DIVERGED and np.isfinite(run.params).all()
    just_above = least_squares_descent(BOOKISH, np.zeros(2), 2.01 / STEEPEST, 1e-8, 20_000)
    assert just_above.status == Status.DIVERGED


def test_overflow_at_once_is_divergence():
    """A gradient that is not finite is not within any tolerance (Algorithm 4.1)."""
    run = least_squares_descent(BOOKISH, np.zeros(2), 1e308, 1e-8, 100)
    assert run.status == Status.DIVERGED


def test_a_tolerance_below_rounding_is_never_met():
    """In float32 the loop with delta = 1e-8 runs forever; ours gives up (Algorithm 4.1)."""
    with jax.enable_x64(False):
        loss = least_squares_loss(A.astype(np.float32), B.astype(np.float32))
        run = least_squares_descent(loss, np.zeros(2, np.float32), 0.01, 1e-8, 20_000)
    assert run.params.dtype == jnp.float32
    assert run.status == Status.MAX_STEPS
    assert 1e-7 < run.grad_norm < 1e-3
    assert_allclose(run.params, [-6, 6.5], atol=1e-3)


def test_rank_deficient_problems_remember_the_start():
    """The limit is A^+ b plus the part of the start in the null space (Algorithm 4.1)."""
    for start in ([0.0, 0.0], [2.0, -1.0], [3.0, 1.0]):
        run = least_squares_descent(DEFICIENT, np.array(start), 0.01, 1e-10, 10_000)
        null_part = np.array([2, -1]) * (np.array([2, -1]) @ start) / 5
        assert_allclose(run.params, np.array([0.242857, 0.485714]) + null_part, atol=1e-5)


def test_descent_does_not_compile_again(no_compilation):
    run = least_squares_descent(BOOKISH, np.zeros(2), 0.01, 1e-8, 10)
    with no_compilation():
        for learning_rate, max_steps in ((0.02, 20), (0.5, 50)):
            run = least_squares_descent(BOOKISH, np.zeros(2), learning_rate, 1e-8, max_steps)
    assert run.status == Status.DIVERGED


@given(seeds)
def test_newton_needs_one_step(seed):
    """The quadratic model of a quadratic is exact (section 4.5, equation 4.12)."""
    path = newton(BOOKISH, 10 * np.random.default_rng(seed).normal(size=2), 1, 1e-9)
    assert path.status == Status.CONVERGED
    assert_allclose(path.params[1], [-6, 6.5], rtol=1e-9)


def test_singular_systems_raise_in_numpy_only():
    """JAX answers a singular system with inf or NaN, and a run must say so (section 4.5)."""
    singular, b = np.array([[1.0, 2], [2, 4]]), np.array([1.0, 3])
    assert not jnp.isfinite(jnp.linalg.solve(singular, b)).all()
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.solve(singular, b)
    loss = least_squares_loss(np.array([[1.0, 2], [2, 4]]), np.array([1.0, 3]))
    assert newton(loss, np.ones(2), 1).status == Status.DIVERGED


# In the unit ball


@given(seeds)
def test_penalized_solution_is_ridge_regression(seed):
    """x(lambda) is ridge with the doubled weight 2 lambda (equation 4.26)."""
    loss, weight = random_loss(seed), 0.1 + seed / 100
    x = penalized_solution(loss, weight)
    ridge = Ridge(alpha=2 * weight, fit_intercept=False)
    expected = ridge.fit(loss.design_matrix, loss.targets).coef_
    assert_allclose(x, expected, rtol=1e-6, atol=1e-9)
    residual = least_squares_grad(loss, x) + 2 * weight * x
    assert_allclose(residual, 0, atol=1e-9)  # equation 4.25


@given(seeds)
def test_without_a_penalty_it_is_the_pseudoinverse(seed):
    """As lambda goes to 0, x(lambda) goes to A^+ b, of full rank or not (equation 4.26)."""
    loss = random_loss(seed)
    x = np.linalg.pinv(loss.design_matrix) @ loss.targets
    assert_allclose(penalized_solution(loss, 0.0), x, atol=1e-7)
    assert_allclose(penalized_solution(loss, 1e-9), x, atol=1e-4)


def test_the_slope_of_the_dual():
    """dL/dlambda = x^T x - 1 is the slope of q(lambda) = min_x L too (equations 4.23, 4.27)."""
    for multiplier in (0.1, 5.0, 20.0):
        x = penalized_solution(BOOKISH, multiplier)
        direct = jax.grad(lambda m, x=x: BOOKISH(x) + m * (x @ x - 1))(multiplier)
        difference = dual(BOOKISH, multiplier + 1e-4) - dual(BOOKISH, multiplier - 1e-4)
        assert_allclose([direct, difference / 2e-4], x @ x - 1, rtol=1e-4)


def test_norm_falls_and_the_dual_is_concave():
    """A larger lambda makes a shorter x; the best dual is the best f (equations 4.24, 4.26)."""
    multipliers = np.linspace(0.01, 20, 100)
    norms = jnp.array([jnp.linalg.norm(penalized_solution(BOOKISH, m)) for m in multipliers])
    duals = np.array([dual(BOOKISH, m) for m in multipliers])
    assert np.all(np.diff(norms) < 0)
    assert np.all(np.diff(norms**2, 2) > 0)
    assert np.all(np.diff(duals, 2) < 0)
    assert_allclose(dual(BOOKISH, MULTIPLIER), 16.710698, rtol=1e-6)
    assert_allclose(BOOKISH(np.array(SOLUTION)), 16.710698, rtol=1e-6)
    assert duals.max() <= 16.710698


def assert_as_brentq(loss, path):
    """Compare the end of an ascent with a root finder on ||x(lambda)||^2 - 1."""
    x, expected = np.linalg.pinv(loss.design_matrix) @ loss.targets, 0.0
    assert path.status == Status.CONVERGED
    if x @ x > 1:
        G = np.asarray(loss.design_matrix.T @ loss.design_matrix)
        c = np.asarray(loss.design_matrix.T @ loss.targets)

        def ridge(m):
            return np.linalg.solve(G + 2 * m * np.eye(len(c)), c)

        expected = brentq(lambda m: ridge(m) @ ridge(m) - 1, 1e-9, 1e4, xtol=1e-12)
        x = ridge(expected)
    assert_allclose(path.multiplier[-1], expected, rtol=1e-5, atol=1e-6)
    assert_allclose(path.params[-1], x, atol=1e-6)


@given(seeds)
def test_newton_on_the_dual_as_brentq(seed):
    """It finds the root finder's lambda, coming from below (equations 4.12, 4.24)."""
    loss = random_loss(seed, scale=1 + seed % 5)
    path = multiplier_ascent(loss, None, 40, 1e-10)
    assert_as_brentq(loss, path)
    assert np.all(np.diff(path.multiplier) >= -1e-9)


@given(seeds)
def test_ascent_as_brentq(seed):
    """With a third of the critical rate it settles from anywhere (equations 4.24, 4.27)."""
    loss = random_loss(seed, scale=1 + seed % 5)
    solved = multiplier_ascent(loss, None, 40, 1e-10).multiplier[-1]
    rate = critical_multiplier_rate(loss, solved) / 3
    assert rate >= critical_multiplier_rate(loss, 0.0) / 3  # the dual flattens as lambda grows
    assert_as_brentq(loss, multiplier_ascent(loss, rate, 5000, 1e-8))


def test_the_unit_ball_agrees_with_projected_gradient_descent():
    """x = [0.567, 0.824] and lambda = 17.557, where equation 4.25 holds (equations 4.24, 4.25)."""
    path = multiplier_ascent(BOOKISH, None, 30, 1e-12)
    x, multiplier = path.params[-1], path.multiplier[-1]
    assert_allclose(x, SOLUTION, atol=1e-6)
    assert_allclose(multiplier, MULTIPLIER, atol=1e-6)
    assert_allclose(jnp.linalg.norm(x), 1, rtol=1e-12)
    assert_allclose(least_squares_grad(BOOKISH, x) + 2 * multiplier * x, 0, atol=1e-9)
    projected = projected_gradient_descent(BOOKISH, np.zeros(2), 0.01, 3000)
    assert_allclose(projected.params[-1], x, atol=1e-6)
    assert_allclose(path.dual[-1], projected.loss[-1], rtol=1e-9)


def test_a_feasible_optimum_needs_no_multiplier():
    """With b / 10 the pseudoinverse's solution is in the ball, and lambda stays 0 (section 4.5)."""
    path = multiplier_ascent(least_squares_loss(A, B / 10), 1.0, 20)
    assert path.status == Status.CONVERGED
    assert np.all(path.multiplier == 0)
    assert_allclose(path.params[0], [-0.6, 0.65])
    nothing = multiplier_ascent(least_squares_loss(A, np.zeros(3)), None, 5)
    assert nothing.status == Status.CONVERGED
    assert_allclose(nothing.params, 0)


@pytest.mark.parametrize("rate", [0.05, 0.5, 1.0, 2.0, 2.4])
def test_ascent_below_the_limit(rate):
    """A = I, b = [3, 4]: x = [0.6, 0.8] and lambda = 2 for every eta below 2.5 (section 4.5)."""
    assert_allclose(critical_multiplier_rate(IDENTITY, 2.0), 2.5)
    path = multiplier_ascent(IDENTITY, rate, 2000)
    assert path.status == Status.CONVERGED
    assert_allclose(path.params[-1], [0.6, 0.8], atol=1e-6)
    assert_allclose(path.multiplier[-1], 2, atol=1e-5)


@pytest.mark.parametrize("rate", [2.6, 5.0])
def test_ascent_above_the_limit_oscillates(rate):
    """Beyond 2 / |q''| lambda jumps over the solution forever (section 4.5)."""
    path = multiplier_ascent(IDENTITY, rate, 2000)
    assert path.status == Status.MAX_STEPS
    late = path.multiplier[-100:]
    assert late.min() < 1.9 and late.max() > 2.1 and late.min() >= 0


# Bad arguments


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: least_squares_loss(A, np.ones(2)), "b must have shape (3,), got (2,)"),
        (lambda: least_squares_loss(B, B), "A must have shape (m, n), got (3,)"),
        (lambda: least_squares_descent(BOOKISH, B, 0.1, 1e-3, 5), "start must have shape (2,)"),
        (
            lambda: least_squares_descent(BOOKISH, np.ones(2), 0.1, 0.0, 5),
            "tolerance must be positive, got 0.0",
        ),
        (lambda: least_squares_descent(BOOKISH, np.ones(2), 0.1, 1, 0), "max_steps must be a"),
        (lambda: multiplier_ascent(BOOKISH, 0.0, 5), "learning_rate must be positive, got 0.0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
