"""Staying in the feasible set, the generalized Lagrangian and the KKT conditions."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from dlcompanion.numerical_computation import (
    Constrained,
    LeastSquares,
    Status,
    feasible_step,
    gradient_descent,
    inner_maximum,
    kkt_residuals,
    lagrangian,
    least_squares_loss,
    on_unit_circle,
    project_to_ball,
    projected_gradient_descent,
    projected_step,
    tangent_gradient,
    tangent_step,
)

BOOKISH = LeastSquares(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([7.0, 8, 9]))
ON_CIRCLE = np.array([0.56703666, 0.82369255])  # the best x of norm 1, from SciPy's root finder
seeds = st.integers(0, 1000)


def random_problem(seed: int, scale: float = 3.0):
    random = np.random.default_rng(seed)
    return least_squares_loss(random.normal(size=(4, 3)), scale * random.normal(size=4))


def square(x):
    return (x**2).sum()


def at_least(a: float) -> Constrained:
    """Minimize x^2 where x >= a."""
    return Constrained(square, inequalities_fn=lambda x: a - x)


def largest(residuals) -> float:
    return max(float(residual) for residual in residuals)


# Staying feasible


@given(seeds)
def test_projection_is_the_nearest_feasible_point(seed):
    """Nothing in the ball is nearer, and points of the ball stay (section 4.4)."""
    random = np.random.default_rng(seed)
    x, others = 2 * random.normal(size=3), random.normal(size=(500, 3))
    others /= np.maximum(1, np.linalg.norm(others, axis=1, keepdims=True))
    nearest = np.asarray(project_to_ball(x))
    distances = np.linalg.norm(others - x, axis=1)
    assert np.linalg.norm(nearest - x) <= distances.min()
    assert np.linalg.norm(nearest) <= 1 + 1e-15
    assert_allclose(project_to_ball(nearest), nearest, rtol=1e-15)
    assert_allclose(project_to_ball(np.zeros(3)), 0)


def test_tangent_gradient():
    """On the boundary only what points outward is removed, inside nothing (section 4.4)."""
    x = jnp.array([1.0, 0.0])
    assert_allclose(tangent_gradient(x, jnp.array([-2.0, 3.0])), [0, 3])
    assert_allclose(tangent_gradient(x, jnp.array([2.0, 3.0])), [2, 3])
    assert_allclose(tangent_gradient(0.9 * x, jnp.array([-2.0, 3.0])), [-2, 3])


@given(seeds)
def test_projected_gradient_descent_as_scipy(seed):
    """It ends at the optimum that SLSQP finds, in the ball or on its boundary (section 4.4)."""
    loss = random_problem(seed)
    rate = 1 / np.linalg.norm(loss.design_matrix, 2) ** 2
    path = projected_gradient_descent(loss, np.full(3, 5.0), rate, 3000, 1e-8)
    ball = {"type": "ineq", "fun": lambda x: 1 - x @ x, "jac": lambda x: -2 * x}
    found = minimize(
        lambda x: float(loss(x)), np.zeros(3), jac=lambda x: np.asarray(jax.grad(loss)(x)),
        constraints=[ball], method="SLSQP", options={"ftol": 1e-14},
    )  # fmt: skip
    assert path.status == Status.CONVERGED
    assert_allclose(path.loss[-1], found.fun, rtol=1e-8, atol=1e-8)
    assert np.all(np.linalg.norm(path.params, axis=1) <= 1 + 1e-12)
    assert np.all(np.diff(path.loss) <= 1e-12)


def test_unit_norm_three_ways():
    """Projection, an angle, and a grid of angles agree on the best unit vector (section 4.4)."""
    path = projected_gradient_descent(BOOKISH, np.zeros(2), 0.01, 3000, 1e-8)
    assert_allclose(path.params[-1], ON_CIRCLE, atol=1e-6)
    assert_allclose(path.loss[-1], 16.710698, atol=1e-6)
    reparametrized = gradient_descent(on_unit_circle(BOOKISH), np.zeros(1), 0.01, 1000)
    assert reparametrized.status == Status.CONVERGED
    angle = float(reparametrized.params[-1, 0])
    assert_allclose([np.cos(angle), np.sin(angle)], ON_CIRCLE, atol=1e-6)
    angles = np.linspace(0, 2 * np.pi, 3601)
    losses = jax.vmap(on_unit_circle(BOOKISH))(angles[:, None])
    assert_allclose(losses.min(), 16.7107, atol=1e-3)
    assert_allclose(angles[losses.argmin()], angle, atol=1e-3)


def test_an_angle_may_end_elsewhere():
    """On the circle f can have several minima; the start decides (section 4.4)."""
    f = on_unit_circle(lambda x: -(x[0] ** 2) - 0.1 * x[0])
    ends = [gradient_descent(f, np.array([a]), 0.2, 300).params[-1, 0] for a in (1.0, 2.0)]
    assert_allclose(ends, [0, np.pi], atol=1e-6)


@pytest.fixture
def rates():
    return jnp.logspace(-4, 0, 60)


def test_a_feasible_line_search_gets_stuck_on_the_boundary(rates):
    """Where the gradient leads outward no step is feasible; projecting moves on (section 4.4)."""
    x = jnp.array([1.0, 0.0])
    assert BOOKISH(x) > 16.8
    assert_allclose(feasible_step(BOOKISH, x, rates), x)
    for step in (projected_step, tangent_step):
        assert BOOKISH(step(BOOKISH, x, rates)) < BOOKISH(x) - 1
    inside = jnp.zeros(2)
    moved = feasible_step(BOOKISH, inside, rates)
    assert BOOKISH(moved) < BOOKISH(inside) and moved @ moved <= 1


@pytest.mark.parametrize("step", [projected_step, tangent_step])
def test_line_search_variants_reach_the_optimum(step, rates):
    """Projecting every point of the line, or the gradient first, ends alike (section 4.4)."""
    move = jax.jit(lambda x: step(BOOKISH, x, rates))
    x = jnp.array([1.0, 0.0])
    for _ in range(200):
        x = move(x)
    assert_allclose(x, ON_CIRCLE, atol=1e-3)
    assert_allclose(move(jnp.asarray(ON_CIRCLE)), ON_CIRCLE, atol=1e-6)


def test_too_long_a_step_never_settles_but_stays_feasible():
    """The ball bounds the run, so that it bounces instead of diverging (section 4.4)."""
    path = projected_gradient_descent(lambda x: 5 * (x @ x), np.array([0.9, 0.1]), 0.3, 200)
    assert path.status != Status.CONVERGED
    assert np.all(np.isfinite(path.params)) and np.linalg.norm(path.params, axis=1).max() <= 1.0001


# The generalized Lagrangian


def test_lagrangian_prices_every_constraint():
    """L = f + lambda . g + alpha . h; at a feasible x with alpha h = 0 it is f (equation 4.14)."""
    problem = Constrained(square, lambda x: jnp.stack([x[0] - 1, -x[1]]), lambda x: x.sum() - x[:1])
    x = jnp.array([0.5, 0.25])
    value = lagrangian(problem, x, jnp.array([2.0, 3.0]), jnp.array([-1.0]))
    assert_allclose(value, 0.3125 + 2 * (-0.5) + 3 * (-0.25) - 0.25)
    feasible = jnp.array([1.0, 0.0])
    assert_allclose(lagrangian(problem, feasible, jnp.array([7.0, 5.0]), jnp.array([9.0])), 1)


@given(st.floats(0, 1e6))
def test_adversary_gains_nothing_at_a_feasible_point(bound):
    """At x = 2 the inner maximum of x^2 with 1 - x <= 0 is 4 (equation 4.17)."""
    assert inner_maximum(at_least(1.0), jnp.array([2.0]), bound) == 4


@given(st.floats(0, 1e6))
def test_adversary_charges_without_limit(bound):
    """At the infeasible x = 0.5 the inner maximum is 0.25 + 0.5 B (equation 4.18)."""
    assert_allclose(inner_maximum(at_least(1.0), jnp.array([0.5]), bound), 0.25 + 0.5 * bound)


def test_inner_maximum_is_the_best_of_a_box_of_multipliers():
    """No multipliers in the box give a larger L (equations 4.17, 4.18)."""
    problem = Constrained(square, lambda x: x[:1] - 0.5, lambda x: x.sum() - jnp.ones(1))
    for x in jnp.array([[0.2, 0.8], [0.9, 0.1], [0.9, 0.9], [0.1, 0.1]]):
        alphas, lambdas = jnp.linspace(0, 3, 7), jnp.linspace(-3, 3, 13)
        values = [[lagrangian(problem, x, a[None], b[None]) for a in alphas] for b in lambdas]
        assert_allclose(inner_maximum(problem, x, 3.0), np.max(values), rtol=1e-12)


GRID = np.linspace(-3, 3, 3001)


def minimum_on_grid(problem, bound=1e3):
    """Minimize the inner maximum over the grid."""
    values = jax.vmap(lambda x: inner_maximum(problem, x[None], bound))(GRID)
    return float(GRID[values.argmin()]), float(values.min())


def test_the_game_has_the_solution_of_the_constrained_problem():
    """min max L over all x is min f over the feasible x (equations 4.15, 4.16)."""
    x, value = minimum_on_grid(at_least(1.0))
    feasible = GRID[GRID >= 1]
    assert_allclose([x, value], [1, 1], atol=0.002)
    assert_allclose(value, (feasible**2).min(), atol=1e-12)


def test_without_a_feasible_point_the_game_has_no_value():
    """The smallest inner maximum grows with the bound forever (equations 4.15, 4.18)."""
    impossible = Constrained(square, lambda x: jnp.stack([1 - x[0], x[0] + 1]))
    values = [minimum_on_grid(impossible, bound)[1] for bound in (1e2, 1e4, 1e6)]
    assert_allclose(np.array(values[1:]) / values[:-1], 100, rtol=1e-2)


def test_constrained_maximization():
    """Maximize -(x - 2)^2 where x <= 1, as a minimum or as a maximum (equations 4.19, 4.20)."""

    def f(x):
        return -(((x - 2) ** 2).sum())

    problem = Constrained(lambda x: -f(x), inequalities_fn=lambda x: x - 1)
    assert_allclose(minimum_on_grid(problem), [1, 1], atol=0.002)

    def worst(x, sign):  # the adversary now minimizes f + sign alpha h over 0 <= alpha <= B
        return f(x) + jnp.minimum(0, sign * 1e3 * (x[0] - 1))

    outside = jax.vmap(lambda x: worst(x[None], -1))(GRID)
    assert_allclose([GRID[outside.argmax()], outside.max()], [1, -1], atol=0.002)
    wrong_sign = jax.vmap(lambda x: worst(x[None], +1))(GRID)
    assert_allclose(GRID[wrong_sign.argmax()], 2, atol=0.002)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_of_an_equality_is_free(sign):
    """x^2 + y^2 with x + y = 1: the same point, with the other sign of lambda (equation 4.20)."""
    problem = Constrained(square, equalities_fn=lambda x: sign * (x.sum() - jnp.ones(1)))
    residuals = kkt_residuals(
        problem, np.array([0.5, 0.5]), equality_multipliers=np.array([-1.0 * sign])
    )
    assert largest(residuals) == 0


# The KKT conditions


@pytest.mark.parametrize("a, x, alpha", [(-1.0, 0.0, 0.0), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0)])
def test_active_or_without_a_price(a, x, alpha):
    """min x^2 where x >= a: either alpha or h is zero, at a = 0 both (section 4.4)."""
    assert largest(kkt_residuals(at_least(a), np.array([x]), np.array([alpha]))) == 0


def test_each_residual_names_what_is_violated():
    """Five conditions, each broken alone or with its consequences (section 4.4)."""
    problem = Constrained(lambda x: (x[0] - 2) ** 2, inequalities_fn=lambda x: x - 1)

    def residuals(x, alpha):
        return np.array(kkt_residuals(problem, np.array([x]), np.array([alpha])))

    assert_allclose(residuals(1.0, 2.0), 0)
    assert_allclose(residuals(1.0, 0.0), [2, 0, 0, 0, 0])  # prices nothing
    assert_allclose(residuals(2.0, 0.0), [0, 0, 1, 0, 0])  # the unconstrained minimum
    assert_allclose(residuals(0.0, 4.0), [0, 0, 0, 0, 4])  # charges for a slack constraint
    assert_allclose(residuals(3.0, -2.0), [0, 0, 2, 2, 4])
    equality = Constrained(square, equalities_fn=lambda x: x - 1)
    assert_allclose(
        kkt_residuals(equality, np.array([0.75]), equality_multipliers=np.ones(1))[1], 0.25
    )


def test_kkt_conditions_do_not_suffice():
    """min -x^2 where x^2 <= 1: x = 0 passes, and it is the worst feasible point (section 4.4)."""
    problem = Constrained(lambda x: -square(x), inequalities_fn=lambda x: x**2 - 1)
    assert largest(kkt_residuals(problem, np.zeros(1), np.zeros(1))) == 0
    for best in (-1.0, 1.0):
        assert largest(kkt_residuals(problem, np.array([best]), np.ones(1))) == 0
        assert problem.loss_fn(np.array([best])) < problem.loss_fn(np.zeros(1))


@given(st.floats(0, 1e9))
def test_kkt_conditions_need_a_regularity_condition(alpha):
    """min x where x^2 <= 0: the optimum 0 fails for every alpha (section 4.4)."""
    problem = Constrained(lambda x: x.sum(), inequalities_fn=lambda x: x**2)
    residuals = kkt_residuals(problem, np.zeros(1), np.array([alpha]))
    assert residuals.stationarity == 1 and largest(residuals[1:]) == 0


def test_an_inactive_constraint_can_exclude_better_points():
    """(x^2 - 1)^2 + 0.3 x where x >= 0: alpha = 0 and yet the constraint matters (section 4.4)."""

    def f(x):
        return ((x**2 - 1) ** 2 + 0.3 * x).sum()

    constrained = Constrained(f, inequalities_fn=lambda x: -x)
    x, value = minimum_on_grid(constrained)
    assert_allclose([x, value], [0.9602, 0.2941], atol=2e-3)
    polished = gradient_descent(f, np.array([x]), 0.05, 500)  # no constraint: it stays there
    assert_allclose(polished.params[-1], 0.9602, atol=1e-4)
    assert largest(kkt_residuals(constrained, polished.params[-1], np.zeros(1))) < 1e-6
    free = minimum_on_grid(Constrained(f))
    assert_allclose(free, [-1.0356, -0.3054], atol=2e-3)


def test_kkt_of_the_unit_ball():
    """The optimum in the ball passes with the root finder's lambda (equations 4.23, 4.25)."""
    problem = Constrained(BOOKISH, inequalities_fn=lambda x: x @ x - jnp.ones(1))
    assert largest(kkt_residuals(problem, ON_CIRCLE, np.array([17.55728135]))) < 1e-5
    grad = jax.grad(lambda x: lagrangian(problem, x, np.array([3.0])))(jnp.ones(2))
    A, b = BOOKISH
    assert_allclose(grad, A.T @ A @ jnp.ones(2) - A.T @ b + 2 * 3.0 * jnp.ones(2))


# Bad arguments


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: project_to_ball(np.eye(2)), "x must have shape (n,), got (2, 2)"),
        (
            lambda: projected_gradient_descent(square, [1.0], -1, 5),
            "learning_rate must be positive",
        ),
        (lambda: projected_gradient_descent(square, [1.0], 1, 0), "num_steps must be a positive"),
        (
            lambda: kkt_residuals(at_least(1.0), [1.0]),
            "inequality_multipliers must have shape (1,)",
        ),
        (lambda: lagrangian(at_least(1.0), [1.0], [1.0], [1.0]), "equality_multipliers must have"),
        (lambda: inner_maximum(at_least(1.0), [1.0], -1), "bound must be at least 0, got -1"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
