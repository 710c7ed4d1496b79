"""What penalties on the weights do to a minimum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.linear_model import Lasso, Ridge

from dlcompanion.machine_learning import normal_equations
from dlcompanion.numerical_computation import gradient_descent
from dlcompanion.regularization import (
    kept_share,
    l1_penalty,
    l1_solution,
    l1_solution_diagonal,
    l2_penalty,
    l2_solution,
    laplace_log_prior,
    penalized,
    quadratic_model,
    ridge,
    soft_threshold,
    weight_decay_step,
)

TURN = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
OPTIMUM = np.array([2.0, 1.0])
HESSIAN = TURN @ np.diag([1.0, 10.0]) @ TURN.T
CURVATURES = np.array([1.0, 2.0, 4.0, 0.5])
FOUR = np.array([0.3, -1.0, 0.1, 2.0])
alphas = st.floats(1e-3, 1e3)


def turned():
    return quadratic_model(HESSIAN, OPTIMUM)


def problem(m=50, n=5, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(m, n))
    return X, X @ random.normal(size=n) + random.normal(size=m)


# The model and the penalized cost


def test_the_model_is_the_cost_of_linear_regression():
    """For a squared error the quadratic model is exact (equations 7.6, 7.33)."""
    X, y = problem()
    best = normal_equations(X, y)
    model = quadratic_model(X.T @ X, best)
    w = jnp.array([1.0, -1.0, 0.5, 2.0, 0.0])
    cost, least = (0.5 * jnp.sum((X @ v - y) ** 2) for v in (w, best))
    assert_allclose(model(w), cost - least, rtol=1e-10)
    assert_allclose(jax.hessian(model)(w), X.T @ X, rtol=1e-10, atol=1e-10)


def test_gradient_of_the_model():
    """The slope is H (w - w*) (equations 7.7, 7.21, 7.34)."""
    w = jnp.array([0.3, -2.0])
    assert_allclose(jax.grad(turned())(w), HESSIAN @ (w - OPTIMUM), rtol=1e-12)


@pytest.mark.parametrize("penalty_fn, slope", [(l2_penalty, lambda w: w), (l1_penalty, jnp.sign)])
def test_the_penalized_cost_and_its_gradient(penalty_fn, slope):
    """J + alpha Omega, written five times (equations 7.1, 7.2, 7.3, 7.19, 7.20, 7.25)."""
    w, alpha = jnp.array([0.3, -2.0]), 0.7
    cost = penalized(turned(), penalty_fn, alpha)
    assert_allclose(cost(w), turned()(w) + alpha * penalty_fn(w), rtol=1e-12)
    assert_allclose(jax.grad(cost)(w), jax.grad(turned())(w) + alpha * slope(w), rtol=1e-12)
    assert penalized(turned(), penalty_fn, 0)(w) == turned()(w)


def test_the_pull_of_each_penalty():
    """L2 pulls in proportion to the weight, L1 does not (equations 7.18, 7.20)."""
    far, near = jnp.array([10.0]), jnp.array([0.1])
    assert_allclose(jax.grad(l2_penalty)(far) / jax.grad(l2_penalty)(near), 100)
    assert jax.grad(l1_penalty)(far) == jax.grad(l1_penalty)(near) == 1
    assert_allclose(l1_penalty(FOUR), np.linalg.norm(FOUR, 1))  # equation 7.18


def test_one_step_written_in_two_ways():
    """Shrinking first is the gradient step of the penalized cost (equations 7.4, 7.5)."""
    random = np.random.default_rng(0)
    w, grad = random.normal(size=(2, 6))
    step = weight_decay_step(w, grad, 0.01, 0.5)
    assert_allclose(step, w - 0.01 * (0.5 * w + grad), atol=1e-14)
    assert_allclose(weight_decay_step(w, 0 * grad, 0.01, 0.5), (1 - 0.01 * 0.5) * w, atol=1e-15)


# L2


def test_no_penalty_moves_nothing():
    """At alpha = 0 the minimum stays, near 0 it nearly stays (equation 7.10)."""
    assert_allclose(l2_solution(turned(), 0), OPTIMUM, atol=1e-12)
    assert_allclose(l2_solution(turned(), 1e-4), OPTIMUM, atol=3e-4)


def test_the_solution_is_where_gradient_descent_ends():
    """The closed form equals a long descent on the penalized cost (equations 7.2, 7.10)."""
    path = gradient_descent(penalized(turned(), l2_penalty, 1.0), np.zeros(2), 0.05, 5000)
    assert_allclose(l2_solution(turned(), 1.0), path.params[-1], atol=1e-12)


@given(alphas)
def test_every_form_of_the_solution(alpha):
    """Equations 7.8 to 7.13 say the same (equations 7.8-7.13)."""
    w = l2_solution(turned(), alpha)
    eigenvalues, Q = np.linalg.eigh(HESSIAN)
    L, alpha_I = np.diag(eigenvalues), alpha * np.eye(2)
    assert_allclose(alpha * w + HESSIAN @ (w - OPTIMUM), 0, atol=1e-10 * (1 + alpha))
    assert_allclose((HESSIAN + alpha_I) @ w, HESSIAN @ OPTIMUM, rtol=1e-10)
    assert_allclose(w, np.linalg.inv(HESSIAN + alpha_I) @ HESSIAN @ OPTIMUM, rtol=1e-9)
    inserted = np.linalg.inv(Q @ L @ Q.T + alpha_I) @ Q @ L @ Q.T @ OPTIMUM
    factored = np.linalg.inv(Q @ (L + alpha_I) @ Q.T) @ Q @ L @ Q.T @ OPTIMUM
    assert_allclose([inserted, factored], [w, w], rtol=1e-9)
    assert_allclose(w, Q @ np.linalg.inv(L + alpha_I) @ L @ Q.T @ OPTIMUM, rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 1, 10])
def test_each_eigencomponent_is_rescaled(alpha):
    """Q^T w is Q^T w* times lambda / (lambda + alpha) (equations 7.13, 7.41, 7.42)."""
    eigenvalues, Q = np.linalg.eigh(HESSIAN)
    w = Q.T @ l2_solution(turned(), alpha)
    assert_allclose(w, kept_share(eigenvalues, alpha) * (Q.T @ OPTIMUM), atol=1e-14)
    assert_allclose(w, (1 - alpha / (eigenvalues + alpha)) * (Q.T @ OPTIMUM), atol=1e-14)


def test_what_counts_is_curvature_against_alpha():
    """Half is kept where lambda = alpha, nearly all far above, none far below (section 7.1.1)."""
    shares = kept_share(np.array([0.01, 1.0, 100.0]), 1.0)
    assert_allclose(shares, [1 / 101, 0.5, 100 / 101], rtol=1e-14)


def test_a_direction_without_curvature_is_given_up():
    """With H = diag(0, 1) any penalty sends the first weight to exactly 0 (section 7.1.1)."""
    flat = quadratic_model(np.diag([0.0, 1.0]), OPTIMUM)
    for alpha in (1e-9, 1e-3, 1.0):
        w = l2_solution(flat, alpha)
        assert w[0] == 0 and w[1] > 0
    assert l2_solution(flat, 0)[0] == 0


def test_the_penalty_falls_and_the_cost_rises():
    """A larger alpha buys smaller weights with a larger cost (equation 7.1)."""
    path = jax.vmap(lambda alpha: l2_solution(turned(), alpha))(jnp.logspace(-4, 4, 50))
    assert (jnp.diff(jax.vmap(l2_penalty)(path)) < 0).all()
    assert (jnp.diff(jax.vmap(turned())(path)) > 0).all()


def test_figure_7_1():
    """The flat direction gives way: (2, 2) becomes (0.571, 1.6) (Figure 7.1)."""
    model = quadratic_model(np.diag([0.2, 2.0]), np.array([2.0, 2.0]))
    assert_allclose(l2_solution(model, 0.5), [4 / 7, 1.6], rtol=1e-14)


@given(alphas)
def test_shrinking_towards_another_point(alpha):
    """Weights may be drawn to w^(o); if that is w* there is no bias (section 7.1.1)."""
    other = np.array([-1.0, 3.0])
    w = l2_solution(turned(), alpha, other)
    truth = np.linalg.solve(HESSIAN + alpha * np.eye(2), HESSIAN @ OPTIMUM + alpha * other)
    assert_allclose(w, truth, rtol=1e-9)
    assert_allclose(l2_solution(turned(), alpha, OPTIMUM), OPTIMUM, rtol=1e-14)


# Linear regression


def test_the_ridge_solution_and_the_factor_that_is_missing_in_print():
    """With half the squares the solution is 7.17; as printed alpha/2 (equations 7.15, 7.17)."""
    X, y = problem()
    alpha = 3.0
    assert_allclose(ridge(X, y, alpha), np.linalg.solve(X.T @ X + alpha * np.eye(5), X.T @ y))

    def printed(w):
        return (X @ w - y) @ (X @ w - y) + 0.5 * alpha * w @ w

    found = minimize(printed, np.zeros(5), tol=1e-12).x
    assert_allclose(found, ridge(X, y, alpha / 2), atol=1e-6)
    assert np.abs(found - ridge(X, y, alpha)).max() > 1e-3


def test_ridge_minimizes_its_cost():
    """The gradient of half the squares plus alpha/2 w^T w is 0 there (equations 7.14-7.17)."""
    X, y = problem()
    cost = penalized(lambda w: 0.5 * (X @ w - y) @ (X @ w - y), l2_penalty, 3.0)
    assert_allclose(jax.grad(cost)(ridge(X, y, 3.0)), 0, atol=1e-11)
    assert_allclose(ridge(X, y, 0), np.linalg.lstsq(X, y)[0], atol=1e-12)  # equation 7.16
    model = quadratic_model(X.T @ X, normal_equations(X, y))
    assert_allclose(l2_solution(model, 3.0), ridge(X, y, 3.0), atol=1e-12)


def test_ridge_is_least_squares_with_more_examples():
    """Rows sqrt(alpha) I with target 0 do the same; X^T X gains a diagonal (equation 7.17)."""
    X, y = problem()
    longer = np.concatenate([X, np.sqrt(3.0) * np.eye(5)])
    assert_allclose(ridge(X, y, 3.0), np.linalg.lstsq(longer, np.append(y, np.zeros(5)))[0])
    assert_allclose(longer.T @ longer - X.T @ X, 3 * np.eye(5), atol=1e-13)


def test_scikit_learn_agrees():
    """Ridge takes our alpha, Lasso ours over m (sections 7.1.1, 7.1.2)."""
    X, y = problem()
    for alpha in (0.5, 20.0):
        assert_allclose(ridge(X, y, alpha), Ridge(alpha, fit_intercept=False).fit(X, y).coef_)
        lasso = Lasso(alpha / len(y), fit_intercept=False, tol=1e-14, max_iter=100_000).fit(X, y)
        model = quadratic_model(X.T @ X, normal_equations(X, y))
        assert_allclose(l1_solution(model, alpha), lasso.coef_, atol=1e-8)


# L1


def test_soft_threshold_is_the_minimum():
    """A search on a grid of each weight ends at the formula (equations 7.22, 7.23)."""
    w = l1_solution_diagonal(CURVATURES, FOUR, 0.8)
    assert_allclose(w, [0, -0.6, 0, 0.4], atol=1e-15)
    grid = np.arange(-300_000, 300_001) * 1e-5
    for curvature, best, found in zip(CURVATURES, FOUR, w, strict=True):
        cost = 0.5 * curvature * (grid - best) ** 2 + 0.8 * np.abs(grid)
        assert abs(grid[np.argmin(cost)] - found) < 2e-5


def test_where_a_weight_becomes_zero():
    """At w* = alpha / H it is exactly 0, a little above it is that little (equation 7.23)."""
    H = np.array([2.0, 2.0, 2.0])
    edge = 0.5 / 2.0
    w = l1_solution_diagonal(H, np.array([edge, edge + 0.125, -edge - 0.125]), 0.5)
    assert (np.asarray(w) == [0, 0.125, -0.125]).all()
    assert (soft_threshold(np.array([0.0, 1.0, -3.0]), 1.0) == jnp.array([0.0, 0.0, -2.0])).all()


def test_l2_has_no_zeros_and_l1_has_them_all():
    """L2 never reaches 0; L1 does once alpha is the largest H_ii |w*_i| (section 7.1.2)."""
    model = quadratic_model(np.diag(CURVATURES), FOUR)
    assert (l2_solution(model, 1e6) != 0).all()
    edge = np.max(CURVATURES * np.abs(FOUR))
    assert (l1_solution_diagonal(CURVATURES, FOUR, edge) == 0).all()
    assert (l1_solution_diagonal(CURVATURES, FOUR, 0.999 * edge) != 0).sum() == 1


def test_correlated_inputs_need_more_than_the_formula():
    """Where H is not diagonal soft thresholding w* is not the minimum (equation 7.23)."""
    model = quadratic_model(np.array([[1.0, 0.8], [0.8, 1.0]]), np.array([1.0, 0.2]))
    w = l1_solution(model, 0.5)
    assert_allclose(w, [0.66, 0], atol=1e-12)
    formula = l1_solution_diagonal(jnp.diag(model.hessian), model.optimum, 0.5)
    cost = penalized(model, l1_penalty, 0.5)
    assert_allclose([cost(w), cost(formula)], [0.4622, 0.475], atol=1e-4)


@given(alphas)
def test_proximal_steps_agree_with_the_formula(alpha):
    """On a diagonal Hessian both give the same weights and the same zeros (equation 7.23)."""
    found = l1_solution(quadratic_model(np.diag(CURVATURES), FOUR), alpha)
    formula = l1_solution_diagonal(CURVATURES, FOUR, alpha)
    assert_allclose(found, formula, atol=1e-12)
    assert ((found == 0) == (formula == 0)).all()


def test_subgradient_steps_never_arrive():
    """Steps along alpha sign(w) hover about 0, proximal ones arrive (equation 7.20)."""
    model = quadratic_model(np.eye(1), np.array([0.3]))
    path = gradient_descent(penalized(model, l1_penalty, 0.5), np.array([0.3]), 0.1, 2000)
    assert 0.01 < jnp.abs(path.params[-1, 0]) < 0.1
    assert l1_solution(model, 0.5, 10)[0] == 0


@given(st.floats(0.1, 10))
def test_the_laplace_prior(alpha):
    """Its log-density is -alpha ||w||_1 + n log alpha - n log 2 (equation 7.24)."""
    w = np.random.default_rng(0).normal(size=7)
    expected = -alpha * np.abs(w).sum() + 7 * np.log(alpha) - 7 * np.log(2)
    assert_allclose(laplace_log_prior(w, alpha), expected, atol=1e-12)


# Numbers of every kind


def test_nothing_compiles_twice(no_compilation):
    """Another model or another alpha is data (equation 7.10)."""

    def sweep(alpha, scale):
        model = quadratic_model(scale * HESSIAN, OPTIMUM)
        return l2_solution(model, alpha), l1_solution(model, alpha, 50)

    sweep(0.5, 1.0)
    with no_compilation():
        sweep(1.5, 2.0)


def test_float32_stays_float32():
    with jax.enable_x64(False):
        model = quadratic_model(HESSIAN.astype(np.float32), OPTIMUM.astype(np.float32))
        for w in (l2_solution(model, 0.5), l1_solution(model, 0.5), ridge(HESSIAN, OPTIMUM, 0.5)):
            assert w.dtype == jnp.float32


@pytest.mark.usefixtures("unchecked_signatures")
def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="hessian must be symmetric"):
        quadratic_model(np.array([[1.0, 2.0], [0.0, 1.0]]), OPTIMUM)
    with pytest.raises(ValueError, match="alpha must be at least 0, got -1"):
        ridge(HESSIAN, OPTIMUM, -1)
    with pytest.raises(ValueError, match="optimum must have shape"):
        quadratic_model(HESSIAN, np.ones(3))
