"""Gradient descent, exact line search and Newton's method."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.tree_util import Partial
from numpy.testing import assert_allclose
from scipy.optimize import rosen, rosen_der, rosen_hess

from dlcompanion.numerical_computation import (
    Status,
    Trajectory,
    best_learning_rate,
    candidate_descent,
    converged_at,
    critical_learning_rate,
    diverged_at,
    gradient_descent,
    line_search_descent,
    newton,
    quadratic,
    quadratic_from_hessian,
    status_of,
)
from tests.problems import PROBLEMS, canyon, quartic, rosenbrock, saddle, shifted, smooth_absolute

CANYON = np.array([[3.0, 2.0], [2.0, 3.0]])
START = np.array([10.0, 5.0])
BANANA = np.array([-1.2, 1.0])  # where Rosenbrock started


def descend(loss_fn, start, num_steps, **options):
    return gradient_descent(loss_fn, start, 1e-3, num_steps, **options)


METHODS = [descend, line_search_descent, newton]


def vector(*entries: float) -> jax.Array:
    return jnp.array(entries, dtype=float)


def same(one: Trajectory, other: Trajectory, rtol=1e-9) -> None:
    for a, b in zip(one, other, strict=True):
        assert_allclose(a, b, rtol=rtol, atol=1e-12)


# What a trajectory holds


@pytest.mark.parametrize("method", METHODS)
def test_trajectory_starts_at_the_start(method):
    """Every iterate is kept, with its loss and gradient norm (equation 4.5)."""
    path = method(rosenbrock, BANANA, 7)
    assert path.params.shape == (8, 2)
    assert path.loss.shape == path.grad_norm.shape == (8,)
    assert path.status.shape == ()
    assert_allclose(path.params[0], BANANA)
    for x, loss, grad_norm in zip(*path[:3], strict=True):
        assert_allclose(loss, rosen(x), atol=1e-12)
        assert_allclose(grad_norm, np.linalg.norm(rosen_der(x)), atol=1e-9)


@pytest.mark.parametrize("name", PROBLEMS)
def test_gradient_descent_reaches_the_minimum(name):
    """With a small enough learning rate it converges to the known minimum (equation 4.5)."""
    loss_fn, start, minimizer, learning_rate = PROBLEMS[name]
    path = gradient_descent(
        loss_fn, np.array(start), learning_rate, 60_000 if name == "rosenbrock" else 500
    )
    assert path.status == Status.CONVERGED
    assert_allclose(path.params[-1], minimizer, atol=1e-5)
    assert (jnp.diff(path.loss) <= 1e-12).all()


@pytest.mark.parametrize("name", PROBLEMS)
def test_newton_reaches_the_minimum(name):
    """Near enough, it converges to the known minimum in a few jumps (equation 4.12)."""
    loss_fn, start, minimizer, _ = PROBLEMS[name]
    path = newton(loss_fn, np.array(start), 15)
    assert path.status == Status.CONVERGED
    assert_allclose(path.params[-1], minimizer, atol=1e-8)


# Step by step as in NumPy


def test_gradient_descent_as_in_numpy():
    """Every iterate equals that of a plain loop with SciPy's gradient (equation 4.5)."""
    x, path = BANANA, gradient_descent(rosenbrock, BANANA, 1e-3, 1000)
    for iterate in path.params:
        assert_allclose(iterate, x, rtol=1e-9)
        x = x - 1e-3 * rosen_der(x)


def test_line_search_as_in_numpy():
    """Every iterate equals that of a plain loop with the formed Hessian (equation 4.10)."""
    b = np.array([1.0, 2, 3])
    H = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
    x, path = np.array([5.0, -3, 1]), line_search_descent(shifted, vector(5, -3, 1), 30)
    for iterate in path.params:
        assert_allclose(iterate, x, rtol=1e-8)
        g = H @ x - b
        x = x - (g @ g) / (g @ H @ g) * g


def test_newton_as_in_numpy():
    """Every iterate equals that of a plain loop with SciPy's Hessian (equation 4.12)."""
    x, path = BANANA, newton(rosenbrock, BANANA, 6)
    for iterate in path.params:
        assert_allclose(iterate, x, rtol=1e-8)
        x = x - np.linalg.solve(rosen_hess(x), rosen_der(x))


# Gradient descent


def test_small_steps_descend():
    """A small enough step lowers the function wherever the gradient is not zero (section 4.3)."""
    starts = np.random.default_rng(0).uniform(-1, 1, size=(100, 2))
    losses = jax.vmap(lambda x: gradient_descent(rosenbrock, x, 1e-3, 1).loss)(starts)
    assert (losses[:, 1] < losses[:, 0]).all()


def test_gradient_descent_in_one_dimension():
    """On f = 1/2 x^2 the first step from 2 goes to 1.8, the 50th to 2 * 0.9^50 (equation 4.5)."""
    path = gradient_descent(lambda x: 0.5 * x @ x, vector(2.0), 0.1, 50)
    assert_allclose(path.params[[1, 50], 0], [1.8, 2 * 0.9**50])


@given(
    st.floats(1, 100),
    st.floats(0.01, 0.44),
    st.floats(-np.pi, np.pi),
    st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
)
def test_each_step_multiplies_each_error_by_its_own_factor(
    condition_number, learning_rate, angle, start
):
    """In the eigenbasis coordinate i is multiplied by 1 - epsilon lambda_i (section 4.3.1)."""
    bowl = quadratic(condition_number, 5.0, angle)
    path = gradient_descent(bowl, vector(*start), learning_rate, 20)
    coordinates = path.params @ bowl.eigenvectors
    factors = 1 - learning_rate * bowl.eigenvalues
    expected = coordinates[:1] * factors[None] ** np.arange(21)[:, None]
    assert_allclose(coordinates, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "learning_rate, steps", [(0.1, 144), (0.2, 68), (1 / 3, 44), (0.35, 62), (0.39, 347)]
)
def test_steps_through_the_canyon(learning_rate, steps):
    """From (10, 5) to a gradient norm of 1e-6 (Figure 4.6)."""
    path = gradient_descent(quadratic(5), START, learning_rate, 400)
    assert path.status == Status.CONVERGED
    assert abs(converged_at(path) - steps) <= 1
    assert diverged_at(path) == -1


def test_bouncing_forever():
    """At 2 / lambda_max the wall error keeps its size, and there is no verdict (Figure 4.6)."""
    for x64 in (True, False):
        with jax.enable_x64(x64):
            bowl = quadratic(5)
            path = gradient_descent(bowl, START, critical_learning_rate(bowl), 1000)
            assert_allclose(np.linalg.norm(path.params[-100:], axis=1), 10.6066, atol=2e-3)
            assert path.status == Status.MAX_STEPS
            assert converged_at(path) == diverged_at(path) == -1


@pytest.mark.parametrize("learning_rate, step", [(0.405, 95), (0.41, 49), (0.44, 14)])
def test_divergence_in_the_canyon(learning_rate, step):
    """Beyond 2 / lambda_max the walls win: the steps grow by 5 epsilon - 1 (Figure 4.6)."""
    path = gradient_descent(quadratic(5), START, learning_rate, 100)
    assert path.status == Status.DIVERGED
    assert diverged_at(path) == step
    wall, floor = 15 / np.sqrt(2) * 5, 5 / np.sqrt(2)
    by_hand = np.log(10 * np.hypot(wall, floor) / wall) / np.log(5 * learning_rate - 1)
    assert np.ceil(by_hand) + 1 == step  # the step arriving there is the first one that long


@given(st.floats(1, 200), st.tuples(st.floats(-20, 20), st.floats(-20, 20)), st.floats(0.05, 0.99))
def test_below_the_critical_learning_rate_nothing_diverges(condition_number, start, fraction):
    """The limit is 2 / lambda_max, however long the canyon (section 4.3.1)."""
    bowl = quadratic(condition_number)
    path = gradient_descent(bowl, vector(*start), fraction * critical_learning_rate(bowl), 100)
    assert path.status != Status.DIVERGED
    assert (jnp.diff(path.loss) <= 1e-12).all()


@given(st.floats(1, 200), st.floats(1.03, 2))
def test_beyond_the_critical_learning_rate_every_canyon_diverges(condition_number, multiple):
    """The limit is 2 / lambda_max, however long the canyon (section 4.3.1)."""
    bowl = quadratic(condition_number)
    path = gradient_descent(bowl, START, multiple * critical_learning_rate(bowl), 100)
    assert path.status == Status.DIVERGED


def test_patience_in_a_long_canyon():
    """kappa = 100 needs about 345 best constant steps for a thousandfold drop (section 4.3.1)."""
    bowl = quadratic(100)
    start = bowl.eigenvectors.sum(axis=1)  # the same error along the floor and the walls
    path = gradient_descent(bowl, start, best_learning_rate(bowl), 400)
    error = np.linalg.norm(path.params, axis=1) / np.linalg.norm(start)
    assert abs(np.argmax(error < 1e-3) - 345) <= 1


def test_best_learning_rate_is_the_fastest():
    """1/3 beats its neighbours where floor and walls are equally steep (Figure 4.6)."""
    bowl = quadratic(5)
    start = bowl.eigenvectors @ (10 / bowl.eigenvalues)
    rates = 1 / 3 + jnp.array([-0.02, 0, 0.02])
    steps = jax.vmap(lambda e: converged_at(gradient_descent(bowl, start, e, 200)))(rates)
    assert_allclose(best_learning_rate(bowl), 1 / 3)
    assert jnp.argmin(steps) == 1


def test_scaling_the_function_scales_the_learning_rate():
    """Ten times f with a tenth of the learning rate walks the same path (section 4.3)."""
    path = gradient_descent(quadratic_from_hessian(CANYON), START, 0.35, 50)
    scaled = gradient_descent(quadratic_from_hessian(10 * CANYON), START, 0.035, 50)
    assert_allclose(scaled.params, path.params, atol=1e-12)


def test_every_start_ends_equally_low():
    """On a convex quadratic it does not matter where you start, even a flat one (section 4.3.1)."""
    A = jnp.asarray(np.random.default_rng(0).normal(size=(3, 5)))  # A^T A is singular

    def loss_fn(x):
        return 0.5 * ((A @ x - 1) ** 2).sum() + 2

    starts = 10 * np.random.default_rng(1).normal(size=(20, 5))
    ends = jax.vmap(lambda x: gradient_descent(loss_fn, x, 0.05, 2000).loss[-1])(starts)
    assert_allclose(ends, 2, rtol=1e-4)


def test_gradient_descent_leaves_a_saddle():
    """x2 grows by 1.2 a step unless it is exactly zero (Figure 4.5)."""
    path = gradient_descent(saddle, vector(1, 0.01), 0.1, 50)
    assert_allclose(path.params[-1, 1], 0.01 * 1.2**50)
    assert path.status == Status.MAX_STEPS  # still falling
    assert_allclose(gradient_descent(saddle, vector(1, 0), 0.1, 50).params[-1], [0.8**50, 0])


# Line search


def test_line_search_over_candidates():
    """Every step is the best of those offered, as a plain loop finds it (section 4.3)."""
    rates = np.array([1e-4, 1e-3, 1e-2])
    x, path = BANANA, candidate_descent(rosenbrock, BANANA, rates, 200)
    for iterate in path.params:
        assert_allclose(iterate, x, rtol=1e-7)
        offered = [x] + [x - rate * rosen_der(x) for rate in rates]
        x = min(offered, key=rosen)
    slow = gradient_descent(rosenbrock, BANANA, 1e-3, 200)
    assert (jnp.diff(path.loss) <= 0).all() and path.loss[-1] < slow.loss[-1]


def test_line_search_stays_where_no_candidate_descends():
    """A step that would climb, or leave the domain, is not made (section 4.3)."""
    path = candidate_descent(canyon, START, np.array([0.5, 0.9]), 5)
    assert (np.asarray(path.params) == START).all() and path.status == Status.MAX_STEPS
    path = candidate_descent(lambda x: jnp.log(x).sum(), vector(1.0), np.array([2.0, 0.5]), 1)
    assert_allclose(path.params[1], 0.5)  # 2 leads to the logarithm of -1


@pytest.mark.parametrize("condition_number, steps", [(2, 15), (5, 41), (20, 165), (100, 824)])
def test_line_search_from_the_worst_start(condition_number, steps):
    """Each loss is the last times ((kappa - 1) / (kappa + 1))^2 (section 4.3.1, equation 4.10)."""
    bowl = quadratic(condition_number, steepest=condition_number)
    worst = bowl.eigenvectors @ jnp.array([1, 1 / condition_number])
    path = line_search_descent(bowl, worst, 10)
    rate = (condition_number - 1) / (condition_number + 1)
    assert_allclose(path.loss[1:] / path.loss[:-1], rate**2, rtol=1e-6)
    g = path.params @ bowl.hessian
    cosines = (g[1:] * g[:-1]).sum(axis=1) / (path.grad_norm[1:] * path.grad_norm[:-1])
    assert (jnp.abs(cosines) < 1e-5).all()
    scaled = line_search_descent(bowl, 10 * worst, 1000)
    assert abs(converged_at(scaled) - steps) <= 2


def test_line_search_on_a_round_bowl():
    """With condition number 1 the first step ends at the bottom (section 4.3.1)."""
    path = line_search_descent(quadratic(1), START, 5)
    assert converged_at(path) == 1
    assert_allclose(path.params[1:], 0, atol=1e-14)


def test_line_search_without_a_lowest_point():
    """Where the model falls forever the step is infinite, and the run says so (equation 4.10)."""
    path = line_search_descent(saddle, vector(0.5, 1.0), 5)
    assert path.status == Status.DIVERGED
    assert diverged_at(path) == 1


# Newton's method


@given(st.tuples(*[st.floats(-100, 100)] * 3))
def test_newton_solves_a_quadratic_in_one_step(start):
    """From any start the first jump lands on H^-1 b = [2, 1, 13] / 9 (equation 4.12)."""
    path = newton(shifted, vector(*start), 2)
    assert_allclose(path.params[1:], [[2 / 9, 1 / 9, 13 / 9]] * 2, atol=1e-10)
    assert path.status == Status.CONVERGED
    assert converged_at(path) <= 1


@given(st.floats(1, 1e4))
def test_newton_ignores_the_condition_number(condition_number):
    """One step, however long the canyon (section 4.3.1)."""
    assert converged_at(newton(quadratic(condition_number), START, 3)) == 1


def test_newton_on_rosenbrock():
    """Newton needs 6 steps where gradient descent has not arrived after 10,000 (section 4.3.1)."""
    path = newton(rosenbrock, BANANA, 10, tolerance=1e-8)
    assert path.status == Status.CONVERGED
    assert converged_at(path, tolerance=1e-8) == 6
    slow = gradient_descent(rosenbrock, BANANA, 1e-3, 10_000, tolerance=1e-8)
    assert slow.status == Status.MAX_STEPS
    assert_allclose(slow.grad_norm[-1], 6.9e-3, rtol=0.02)
    eigenvalues = np.linalg.eigvalsh(jax.hessian(rosenbrock)(jnp.ones(2)))
    assert_allclose(eigenvalues, [0.39936, 1001.60], rtol=1e-3)


def test_newton_goes_to_the_nearest_critical_point():
    """A saddle or a maximum attracts it as a minimum does (section 4.3.1)."""
    assert_allclose(newton(saddle, vector(1.0, 0.5), 1).params[1], 0, atol=1e-14)
    path = newton(lambda x: jnp.cos(x).sum(), vector(0.3), 10)
    assert_allclose(path.params[-1], 0, atol=1e-12)
    assert path.status == Status.CONVERGED
    assert path.loss[-1] > path.loss[0]


def test_newton_may_diverge_on_a_convex_function():
    """On sqrt(1 + x^2) it maps x to -x^3; gradient descent converges (section 4.3.1)."""
    assert newton(smooth_absolute, vector(0.9), 10).status == Status.CONVERGED
    assert_allclose(newton(smooth_absolute, vector(1.0), 3).params[:, 0], [1, -1, 1, -1])
    exploding = newton(smooth_absolute, vector(1.1), 12)
    assert jnp.abs(exploding.params[5, 0]) > 1e6
    assert exploding.status == Status.DIVERGED
    assert gradient_descent(smooth_absolute, vector(1.1), 1.0, 50).status == Status.CONVERGED


def test_newton_is_slow_without_curvature():
    """On x^4 each step keeps two thirds of the error (section 4.3.1)."""
    assert_allclose(newton(quartic, vector(1.0), 10).params[-1], (2 / 3) ** 10, rtol=1e-9)


def test_newton_with_a_singular_hessian():
    """Where the Hessian cannot be inverted the run is reported as diverged (equation 4.12)."""
    path = newton(lambda x: x[0] ** 2 + x[1], vector(1.0, 1.0), 3)
    assert path.status == Status.DIVERGED
    assert diverged_at(path) == 1


# The verdict


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("loss_fn", [canyon, quartic, saddle, lambda x: 0 * x.sum()])
def test_zero_gradient_stays_put(method, loss_fn):
    """A critical point is the end of the road, never NaN (section 4.3)."""
    path = method(loss_fn, jnp.zeros(2), 5)
    np.testing.assert_array_equal(path.params, np.zeros((6, 2)))
    assert path.status == Status.CONVERGED
    assert converged_at(path) == 0


@pytest.mark.parametrize("method", METHODS)
def test_nothing_breaks_long_after_convergence(method):
    """Gradients that underflow do not turn into infinite steps (section 4.1)."""
    with jax.enable_x64(False):
        path = method(quadratic(3, steepest=500.0), START, 3000)
        assert jnp.isfinite(path.params).all()
        assert path.status == Status.CONVERGED


def test_divergence_is_a_result():
    """Overflow is reported, at the step where it happens (section 4.1)."""
    with jax.enable_x64(False):
        path = gradient_descent(rosenbrock, BANANA, 0.1, 20)
    assert not jnp.isfinite(path.params[-1]).all()
    assert path.status == Status.DIVERGED
    assert 0 < diverged_at(path) < 10
    assert converged_at(path) == -1


def test_function_undefined_at_the_start():
    path = gradient_descent(lambda x: jnp.log(x).sum(), vector(-1.0), 0.1, 3)
    assert path.status == Status.DIVERGED
    assert diverged_at(path) == 0


def judge(xs, losses, grad_norms) -> tuple[Status, int, int]:
    path = [vector(*part) for part in (xs, losses, grad_norms)]
    path[0] = path[0][:, None]
    run = Trajectory(*path, status_of(*path, 1e-6))
    return Status(int(run.status)), int(converged_at(run)), int(diverged_at(run))


@pytest.mark.parametrize(
    "xs, losses, grad_norms, verdict",
    [
        ([0, 1, 2], [3, 1, 0], [1, 0.1, 1e-7], (Status.CONVERGED, 2, -1)),
        ([0, 1, 2], [3, 0, 0], [1, 1e-7, 1e-6], (Status.CONVERGED, 1, -1)),  # tolerance included
        ([0, 1, 2], [3, 1, 0], [1, 1e-7, 0.1], (Status.MAX_STEPS, -1, -1)),  # passed a saddle
        ([0, 1, 11], [3, 4, 5], [1, 2, 9], (Status.MAX_STEPS, -1, -1)),  # not yet over ten times
        ([0, 1, 12, 24], [3, 4, 5, 6], [1] * 4, (Status.DIVERGED, -1, 2)),
        ([0, 1, 12, 24], [3, 2, 1, 0], [1, 20, 30, 40], (Status.MAX_STEPS, -1, -1)),  # falling
        ([0, 1, 31, 1, 31], [3, 4, 9, 2, 9], [1] * 5, (Status.DIVERGED, -1, 4)),  # fell in between
        ([0, 1, 31, 0], [3, 4, 9, 0], [1, 1, 50, 1e-9], (Status.CONVERGED, 3, -1)),  # a detour
        ([0, 1, 20], [3, 4, 4], [1e-9, 1, 1e-7], (Status.CONVERGED, 2, -1)),
        ([0, 1, 2], [3, np.inf, np.inf], [1, 2, 3], (Status.DIVERGED, -1, 1)),
        ([0, np.nan, np.nan], [3, np.nan, np.nan], [1, np.nan, np.nan], (Status.DIVERGED, -1, 1)),
        ([0, 1, 2], [3, 1, -np.inf], [1, 1, 0], (Status.DIVERGED, -1, 2)),  # flat, at infinity
        ([0, 1, np.inf], [3, 1, 0], [1, 1, 0], (Status.DIVERGED, -1, 2)),
    ],
)
def test_verdicts(xs, losses, grad_norms, verdict):
    """The end of a run decides, and the step is the one from which it lasts (section 4.3)."""
    assert judge(xs, losses, grad_norms) == verdict


def rescaled(scale, shift, x):
    return scale * canyon(x) + shift


@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_verdict_does_not_depend_on_units(scale, shift):
    """Scaling f and shifting it changes nothing about the path (section 4.3)."""

    path = gradient_descent(Partial(rescaled, scale, shift), START, 0.41 / scale, 100)
    assert path.status == Status.DIVERGED
    assert diverged_at(path) == 49


# Compiled once, batched, nested


def test_sweeping_recompiles_nothing(no_compilation):
    """Learning rates, starts, bowls and tolerances are data (equation 4.5)."""

    def sweep(learning_rate, condition_number, start, tolerance):
        bowl = quadratic(condition_number)
        for loss_fn in (bowl, canyon):
            converged_at(gradient_descent(loss_fn, start, learning_rate, 20, tolerance))
            diverged_at(line_search_descent(loss_fn, start, 20, tolerance))
            newton(loss_fn, start, 20, tolerance)

    sweep(0.1, 5.0, START, 1e-6)
    with no_compilation():
        sweep(0.41, 7, START + 1, 1e-3)
        sweep(np.float64(0.3), 100.0, np.array([3, 4]), 1)


def test_every_way_to_write_a_number_meets_the_same_compilation():
    """Python, NumPy and JAX numbers, whole and weakly typed ones too (equation 4.5)."""
    traced = []

    def loss_fn(x):
        traced.append(x)
        return canyon(x)

    gradient_descent(loss_fn, START, 0.1, 5)
    times = len(traced)
    for number in (1, 0.2, np.float32(0.2), np.float64(0.2), jnp.array(1), jnp.asarray(0.2)):
        for start in (START, START.astype(int), jnp.array([1, 2]), jnp.array([0.1, 0.2])):
            gradient_descent(loss_fn, start, number, 5, number)
    assert len(traced) == times > 0


def test_a_fresh_function_is_noticed(no_compilation):
    """The counter of the test above does count."""
    gradient_descent(lambda x: x @ x, START, 0.1, 20)
    with pytest.raises(AssertionError, match="traced or compiled again"), no_compilation():
        gradient_descent(lambda x: x @ x, START, 0.1, 20)


@pytest.mark.parametrize("method", METHODS)
def test_batched_equals_one_by_one(method):
    """A family of bowls and starts under `vmap` and `jit` equals the loop (equation 4.5)."""
    ks = jnp.array([1.0, 3, 50])
    starts = jnp.asarray(np.random.default_rng(0).normal(size=(3, 2)))
    batch = jax.jit(jax.vmap(lambda k, x: method(quadratic(k), x, 30)))(ks, starts)
    for i in range(3):
        one = Trajectory(*(part[i] for part in batch))
        same(one, method(quadratic(ks[i]), starts[i], 30))


def test_grid_of_learning_rates_and_condition_numbers():
    """Every pair of a slider's positions at once equals every pair alone (section 4.3.1)."""
    rates, ks = jnp.linspace(0.01, 0.44, 5), jnp.array([1.0, 5, 100])

    def run(learning_rate, condition_number):
        path = gradient_descent(quadratic(condition_number), START, learning_rate, 100)
        return path, converged_at(path), diverged_at(path)

    grid = jax.vmap(jax.vmap(run, (None, 0)), (0, None))(rates, ks)
    for i, learning_rate in enumerate(rates):
        for j, k in enumerate(ks):
            path, converged, diverged = run(learning_rate, k)
            same(Trajectory(*(part[i, j] for part in grid[0])), path)
            assert (grid[1][i, j], grid[2][i, j]) == (converged, diverged)


def test_a_function_may_close_over_what_is_traced():
    """A loss written inside a batched function is a family of losses (equation 4.5)."""

    def end(k):
        return gradient_descent(lambda x: 0.5 * k * x @ x, vector(2), 0.1, 50).params[-1, 0]

    ks = jnp.array([1.0, 2.0, 3.0])
    assert_allclose(jax.jit(jax.vmap(end))(ks), 2 * (1 - 0.1 * ks) ** 50)
    assert_allclose(jax.grad(end)(1.0), -2 * 50 * 0.1 * 0.9**49)


def test_learning_rate_can_be_differentiated():
    """The derivative of the final loss agrees with a central difference (equation 4.5)."""

    def final_loss(learning_rate):
        return gradient_descent(canyon, START, learning_rate, 5).loss[-1]

    h = 1e-6
    difference = (final_loss(0.2 + h) - final_loss(0.2 - h)) / (2 * h)
    assert_allclose(jax.grad(final_loss)(0.2), difference, rtol=1e-6)


def test_float32_is_enough():
    """In JAX's default precision the canyon takes as many steps (Figure 4.6)."""
    with jax.enable_x64(False):
        path = gradient_descent(quadratic(5), START, 0.1, 200)
        assert path.params.dtype == path.loss.dtype == jnp.float32
        assert abs(converged_at(path) - 144) <= 1
        assert converged_at(newton(rosenbrock, BANANA, 10, 1e-2), 1e-2) <= 10


def test_single_precision_start_among_doubles():
    path = gradient_descent(quadratic(5), np.float32(START), 0.1, 10)
    assert path.params.dtype == jnp.float32


# Bad arguments


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "learning_rate, message",
    [
        (-0.1, "learning_rate must be positive, got -0.1"),
        (0, "learning_rate must be positive, got 0"),
        (np.nan, "learning_rate must be finite, got nan"),
        (jnp.ones(2), "learning_rate must have shape (), got (2,)"),
        ("fast", "learning_rate must hold real numbers, got <U4"),
    ],
)
def test_bad_learning_rates_are_named(learning_rate, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        gradient_descent(canyon, START, learning_rate, 5)


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "change, message",
    [
        ({"num_steps": 0}, "num_steps must be a positive integer, got 0"),
        ({"num_steps": -3}, "num_steps must be a positive integer, got -3"),
        ({"num_steps": 10.0}, "num_steps must be a positive integer, got 10.0"),
        ({"num_steps": None}, "num_steps must be a positive integer, got None"),
        ({"start": [np.nan, 1.0]}, "start must be finite, got [nan  1.]"),
        ({"start": np.ones((2, 2))}, "start must have shape (n,), got (2, 2)"),
        ({"start": 1.0}, "start must have shape (n,), got ()"),
        ({"start": np.ones(3)}, "x must have shape (2,), got (3,)"),
        ({"start": [1j, 0]}, "start must hold real numbers, got complex128"),
        ({"tolerance": 0.0}, "tolerance must be positive, got 0.0"),
        ({"loss_fn": 3.0}, "loss_fn must be a function, got 3.0"),
        ({"loss_fn": lambda x: x}, "loss_fn must return one real number, got"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_bad_arguments_are_named(method, change, message):
    arguments = {"loss_fn": quadratic(5), "start": START, "num_steps": 5} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        method(**arguments)


def test_start_may_be_whole_numbers():
    same(descend(canyon, jnp.array([10, 5]), 5), descend(canyon, START, 5))
