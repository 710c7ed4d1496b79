"""Quadratic bowls and the steps they allow."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from dlcompanion.numerical_computation import (
    Quadratic,
    best_learning_rate,
    critical_learning_rate,
    optimal_step,
    predicted_loss,
    quadratic,
    quadratic_from_hessian,
)

CANYON = np.array([[3.0, 2.0], [2.0, 3.0]])
condition_numbers = st.floats(1, 1e4)
curvatures = st.floats(1e-2, 1e2)
angles = st.floats(-np.pi, np.pi)


def random_hessian(seed: int, n: int = 4) -> np.ndarray:
    A = np.random.default_rng(seed).normal(size=(n + 2, n))
    return A.T @ A + 0.1 * np.eye(n)


# Bowls


def test_canyon_of_the_book():
    """H = [[3, 2], [2, 3]] has curvature 5 along [1, 1] and 1 along [1, -1] (Figure 4.6)."""
    bowl = quadratic(5)
    assert_allclose(bowl.hessian, CANYON, atol=1e-14)
    assert_allclose(bowl.eigenvalues, [1, 5])
    assert_allclose(bowl.eigenvectors, np.array([[1, 1], [-1, 1]]) / np.sqrt(2))


@given(condition_numbers, curvatures, angles)
def test_quadratic_has_the_curvatures_asked_for(condition_number, steepest, angle):
    """The steepest curvature lies along [cos, sin], the flattest across it (section 4.3.1)."""
    H, eigenvalues, Q = quadratic(condition_number, steepest, angle)
    assert_allclose(np.linalg.cond(H), condition_number, rtol=1e-8)
    assert_allclose(eigenvalues, np.linalg.eigvalsh(H), rtol=1e-8)
    assert_allclose(Q.T @ Q, np.eye(2), atol=1e-14)
    assert_allclose(H @ Q, Q * eigenvalues[None], atol=1e-12 * steepest)
    assert_allclose(Q[:, 1], [np.cos(angle), np.sin(angle)], atol=1e-14)
    assert eigenvalues[1] == steepest


@given(st.integers(0, 1000))
def test_hessian_taken_apart_as_numpy_does(seed):
    """A symmetric matrix is Q diag(lambda) Q^T with real lambda (equation 2.41)."""
    H = random_hessian(seed)
    bowl = quadratic_from_hessian(H)
    eigenvalues, Q = np.linalg.eigh(H)
    assert_allclose(bowl.hessian, H)
    assert_allclose(bowl.eigenvalues, eigenvalues)
    assert_allclose(np.abs(bowl.eigenvectors.T @ Q), np.eye(4), atol=1e-8)


def test_bowl_from_its_own_hessian():
    again = quadratic_from_hessian(quadratic(50, 3.0, 0.7).hessian)
    assert_allclose(again.eigenvalues, [3 / 50, 3], rtol=1e-12)


def test_value_gradient_and_hessian():
    """f = 1/2 x^T H x has gradient H x and Hessian H (equation 4.6)."""
    bowl = quadratic_from_hessian(random_hessian(1))
    x = jnp.array([1.0, -2.0, 0.5, 3.0])
    assert_allclose(bowl(x), 0.5 * x @ bowl.hessian @ x)
    assert_allclose(jax.grad(bowl)(x), bowl.hessian @ x)
    assert_allclose(jax.hessian(bowl)(x), bowl.hessian)


@given(st.integers(0, 1000))
def test_curvature_is_between_the_extreme_eigenvalues(seed):
    """d^T H d is an average of the eigenvalues, weighted by cos^2 (section 4.3.1)."""
    H, eigenvalues, Q = quadratic_from_hessian(random_hessian(seed))
    d = np.random.default_rng(seed).normal(size=4)
    d /= np.linalg.norm(d)
    weights = (Q.T @ d) ** 2
    assert_allclose(weights.sum(), 1)
    assert_allclose(d @ H @ d, weights @ eigenvalues)
    assert eigenvalues[0] * (1 - 1e-12) <= d @ H @ d <= eigenvalues[-1] * (1 + 1e-12)


def test_a_bowl_is_an_argument_of_compiled_functions(no_compilation):
    value = jax.jit(lambda bowl, x: bowl(x))
    x = jnp.ones(2)
    value(quadratic(5), x)
    with no_compilation():
        for condition_number in (1, 2.0, np.float64(7), 1e3):
            value(quadratic(condition_number), x)


def test_families_of_bowls():
    """Every argument can be a batch under `vmap`, and traced under `jit` (section 4.3.1)."""
    ks, steepest, angle = jnp.array([1.0, 5, 50]), jnp.array([1.0, 5, 2]), jnp.array([0, 0.5, 2])
    bowls = jax.jit(jax.vmap(quadratic))(ks, steepest, angle)
    for i in range(3):
        one = quadratic(ks[i], steepest[i], angle[i])
        for batched, single in zip(bowls, one, strict=True):
            assert_allclose(batched[i], single, atol=1e-14)
    again = jax.vmap(quadratic_from_hessian)(bowls.hessian)
    assert_allclose(again.eigenvalues, bowls.eigenvalues, rtol=1e-12)


# Learning rates


@given(condition_numbers)
def test_critical_learning_rate_ignores_the_condition_number(condition_number):
    """At a fixed steepest curvature the limit is the same in every canyon (section 4.3.1)."""
    assert_allclose(critical_learning_rate(quadratic(condition_number)), 0.4)


@given(condition_numbers)
def test_floor_at_the_critical_learning_rate(condition_number):
    """With epsilon at 2 / lambda_max the floor's factor is 1 - 2 / kappa (section 4.3.1)."""
    bowl = quadratic(condition_number)
    factors = 1 - critical_learning_rate(bowl) * bowl.eigenvalues
    assert_allclose(factors, [1 - 2 / condition_number, -1], atol=1e-14)


@given(condition_numbers, curvatures)
def test_best_learning_rate_balances_the_extremes(condition_number, steepest):
    """Its rate is (kappa - 1) / (kappa + 1), and no other constant is as fast (section 4.3.1)."""
    bowl = quadratic(condition_number, steepest)
    best = best_learning_rate(bowl)
    rate = (condition_number - 1) / (condition_number + 1)
    assert_allclose(1 - best * bowl.eigenvalues, [rate, -rate], atol=1e-12)
    others = best * np.linspace(0, 2, 101)
    worst_factor = np.abs(1 - others[:, None] * bowl.eigenvalues[None]).max(axis=1)
    assert worst_factor.min() >= rate - 1e-12


def test_scaling_the_function_scales_the_limits():
    """Ten times the function has the same minimum and a tenth of the limit (section 4.3)."""
    bowl, steeper = quadratic_from_hessian(CANYON), quadratic_from_hessian(10 * CANYON)
    assert_allclose(critical_learning_rate(steeper), critical_learning_rate(bowl) / 10)
    assert_allclose(best_learning_rate(steeper), best_learning_rate(bowl) / 10)


# The quadratic model


@given(st.integers(0, 1000), st.floats(0, 10))
def test_prediction_is_exact_on_a_quadratic(seed, learning_rate):
    """The loss after a gradient step is what the model says (equation 4.9)."""
    bowl = quadratic_from_hessian(random_hessian(seed))
    x = jnp.asarray(np.random.default_rng(seed).normal(size=4))
    g = jax.grad(bowl)(x)
    predicted = predicted_loss(bowl(x), g, bowl.hessian, learning_rate)
    assert_allclose(predicted, bowl(x - learning_rate * g), rtol=1e-10, atol=1e-10)


def test_prediction_error_is_of_third_order():
    """Halving the step divides the error by 8 (equation 4.9)."""

    def f(x):
        return jnp.exp(x).sum() + jnp.exp(0.5 * x[0] * x[1])

    x = jnp.array([0.3, -0.2])
    g, H = jax.grad(f)(x), jax.hessian(f)(x)
    errors = [predicted_loss(f(x), g, H, e) - f(x - e * g) for e in (0.02, 0.01, 0.005)]
    assert_allclose([errors[0] / errors[1], errors[1] / errors[2]], 8, atol=0.5)


@pytest.mark.parametrize(
    "curvature, decreases",
    [
        (-1, (0.625, 1.5, 2.625)),
        (0, (0.5, 1, 1.5)),
        (1, (0.375, 0.5, 0.375)),
        (2, (0.25, 0, -0.75)),
    ],
)
def test_what_a_step_gains_depends_on_the_curvature(curvature, decreases):
    """With slope 1 a step of 0.5, 1, 1.5 gains less where the curve bends up (Figure 4.4)."""
    after = [predicted_loss(0, jnp.ones(1), curvature * np.eye(1), e) for e in (0.5, 1, 1.5)]
    assert_allclose(after, -np.array(decreases), atol=1e-14)


# The optimal step


@given(st.integers(0, 1000))
def test_optimal_step_is_best_on_its_line(seed):
    """No other step along the gradient ends lower (equation 4.10)."""
    bowl = quadratic_from_hessian(random_hessian(seed))
    x = jnp.asarray(np.random.default_rng(seed).normal(size=4))
    g = jax.grad(bowl)(x)
    step = optimal_step(g, bowl.hessian)
    others = jnp.linspace(0, 3 * step, 1000)
    assert jax.vmap(lambda e: bowl(x - e * g))(others).min() >= bowl(x - step * g) - 1e-10
    H, x, g = (np.asarray(part) for part in (bowl.hessian, x, g))
    found = minimize_scalar(lambda e: 0.5 * (x - e * g) @ H @ (x - e * g))
    assert_allclose(step, found.x, rtol=1e-6)


@given(st.integers(0, 1000))
def test_optimal_step_is_between_the_inverse_curvatures(seed):
    """1 / lambda_max <= epsilon* <= 1 / lambda_min, equal on eigenvectors (equation 4.10)."""
    H, eigenvalues, Q = quadratic_from_hessian(random_hessian(seed))
    g = np.random.default_rng(seed).normal(size=4)
    step = optimal_step(g, H)
    assert 1 / eigenvalues[-1] <= step * (1 + 1e-12)
    assert step <= 1 / eigenvalues[0] * (1 + 1e-12)
    assert_allclose([optimal_step(v, H) for v in Q.T], 1 / eigenvalues, rtol=1e-8)


def test_optimal_step_in_the_canyon():
    """Along the walls 0.2, along the floor 1 (Figure 4.6)."""
    assert_allclose(optimal_step(jnp.array([1.0, 1.0]), CANYON), 0.2)
    assert_allclose(optimal_step(jnp.array([1.0, -1.0]), CANYON), 1.0)


@given(st.floats(-150, 150))
def test_optimal_step_does_not_depend_on_the_length_of_the_gradient(exponent):
    """The ratio is the same for g and any multiple of it, however small (equation 4.10)."""
    g = jnp.array([3.0, -1.0])
    assert_allclose(optimal_step(10.0**exponent * g, CANYON), optimal_step(g, CANYON))


def test_optimal_step_where_the_model_is_unbounded():
    """Without upward curvature along g the model falls forever (equation 4.10)."""
    saddle = jnp.diag(jnp.array([1.0, -1.0]))
    assert optimal_step(jnp.array([0.0, 1.0]), saddle) == jnp.inf
    assert optimal_step(jnp.array([1.0, 1.0]), saddle) == jnp.inf
    assert optimal_step(jnp.array([1.0, 0.0]), saddle) == 1
    # f = cos x at 0.3: the model still falls where f itself never leaves [-1, 1]
    g, H = -np.sin(0.3) * np.ones(1), -np.cos(0.3) * np.ones((1, 1))
    assert optimal_step(g, H) == jnp.inf
    assert_allclose(predicted_loss(np.cos(0.3), g, H, 1000.0), -41802.19, rtol=1e-6)
    assert_allclose(np.cos(0.3 - 1000 * g[0]), 0.8725, atol=1e-4)


@pytest.mark.parametrize("hessian", [CANYON, np.zeros((2, 2)), -CANYON])
def test_optimal_step_without_a_gradient(hessian):
    """At a critical point there is nowhere to go (equation 4.10)."""
    assert optimal_step(jnp.zeros(2), hessian) == 0


def test_optimal_step_passes_nan_on():
    assert jnp.isnan(optimal_step(jnp.array([1.0, jnp.nan]), CANYON))
    assert jnp.isnan(optimal_step(jnp.ones(2), np.full((2, 2), np.nan)))


# Bad arguments


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: quadratic(0.5), "condition_number must be at least 1, got 0.5"),
        (lambda: quadratic(np.nan), "condition_number must be finite, got nan"),
        (lambda: quadratic(np.inf), "condition_number must be finite, got inf"),
        (lambda: quadratic(jnp.ones(2)), "condition_number must have shape (), got (2,)"),
        (lambda: quadratic("5"), "condition_number must hold real numbers, got <U1"),
        (lambda: quadratic(5, steepest=0.0), "steepest must be positive, got 0.0"),
        (lambda: quadratic(5, angle=np.inf), "angle must be finite, got inf"),
        (lambda: quadratic_from_hessian(np.ones(2)), "hessian must have shape (n, n), got (2,)"),
        (lambda: quadratic_from_hessian(np.ones((2, 3))), "must have shape (n, n), got (2, 3)"),
        (lambda: quadratic_from_hessian([[1.0, 1.0], [0.0, 1.0]]), "hessian must be symmetric"),
        (lambda: quadratic_from_hessian(-CANYON), "must be positive definite, got smallest"),
        (lambda: quadratic_from_hessian(CANYON * np.nan), "hessian must be finite, got [[nan"),
        (lambda: quadratic(5)(jnp.ones(3)), "x must have shape (2,), got (3,)"),
        (lambda: quadratic(5)(jnp.ones((2, 2))), "x must have shape (2,), got (2, 2)"),
        (lambda: optimal_step(jnp.ones((2, 1)), CANYON), "grad must have shape (n,), got (2, 1)"),
        (lambda: optimal_step(jnp.ones(3), CANYON), "hessian must have shape (3, 3), got (2, 2)"),
        (lambda: predicted_loss(0.0, jnp.ones(1), CANYON, 0.1), "hessian must have shape (1, 1)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_float32_is_enough():
    """The same holds in JAX's default precision, to its rounding (Figure 4.6)."""
    with jax.enable_x64(False):
        bowl = quadratic(5)
        assert {part.dtype for part in bowl} == {jnp.float32.dtype}
        assert_allclose(bowl.hessian, CANYON, atol=1e-6)
        assert_allclose(quadratic_from_hessian(CANYON).eigenvalues, [1, 5], rtol=1e-6)
        assert_allclose(optimal_step(jnp.array([1e-30, 1e-30]), bowl.hessian), 0.2, rtol=1e-6)
        assert isinstance(bowl, Quadratic)
