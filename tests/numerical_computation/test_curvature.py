"""Second derivatives: products with the Hessian, the quadratic model, the test by its signs."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import rosen_hess, rosen_hess_prod

from dlcompanion.numerical_computation import (
    CriticalPoint,
    classify,
    hessian_times,
    newton,
    optimal_step,
    outlook,
    predicted_loss,
    taylor_model,
)
from tests.problems import canyon, quartic, rosenbrock, saddle

BANANA = np.array([-1.2, 1.0])


def vector(*entries: float) -> jax.Array:
    return jnp.array(entries, dtype=float)


@given(st.integers(0, 1000))
def test_a_product_with_the_hessian_needs_no_hessian(seed):
    """H v is the change of the gradient along v (equation 4.6)."""
    x, v = np.random.default_rng(seed).normal(size=(2, 4))
    found = hessian_times(rosenbrock, jnp.asarray(x[:2]), jnp.asarray(v[:2]))
    assert_allclose(found, rosen_hess(x[:2]) @ v[:2], rtol=1e-10)
    assert_allclose(found, rosen_hess_prod(x[:2], v[:2]), rtol=1e-10)


@given(st.integers(0, 1000))
def test_the_model_is_exact_on_a_quadratic(seed):
    """A quadratic is its own second-order Taylor series (equation 4.8)."""
    origin, x = np.random.default_rng(seed).normal(size=(2, 2))
    assert_allclose(taylor_model(canyon, origin)(jnp.asarray(x)), canyon(x), rtol=1e-10, atol=1e-12)


def test_the_error_of_the_model_is_of_third_order():
    """Halving the displacement divides it by 8 (equation 4.8)."""
    model, d = taylor_model(rosenbrock, BANANA), np.array([0.3, -0.5])
    errors = [model(BANANA + h * d) - rosenbrock(BANANA + h * d) for h in (0.01, 0.005, 0.0025)]
    assert_allclose([errors[0] / errors[1], errors[1] / errors[2]], 8, atol=0.5)


def test_newton_goes_to_the_critical_point_of_the_model():
    """There the gradient of the model vanishes (equations 4.11, 4.12)."""
    landing = newton(rosenbrock, BANANA, 1).params[1]
    assert_allclose(jax.grad(taylor_model(rosenbrock, BANANA))(landing), 0, atol=1e-9)


@pytest.mark.parametrize("seed, learning_rate", [(0, 1e-5), (1, 1e-3), (2, 1e-2)])
def test_outlook_agrees_with_the_formed_hessian(seed, learning_rate):
    """Prediction and best step come out as with H itself (equations 4.9, 4.10)."""
    x = jnp.asarray(np.random.default_rng(seed).normal(size=2))
    g, H = jax.grad(rosenbrock)(x), rosen_hess(np.asarray(x))
    found = outlook(rosenbrock, x, learning_rate)
    assert_allclose([found.slope, found.curvature], [g @ g, g @ H @ g], rtol=1e-9)
    assert_allclose(found.optimal_step, optimal_step(g, H), rtol=1e-9)
    predicted = predicted_loss(rosenbrock(x), g, H, learning_rate)
    assert_allclose(found.predicted_loss, predicted, rtol=1e-9, atol=1e-9)
    assert_allclose(found.loss, rosenbrock(x - learning_rate * g), rtol=1e-9)


def test_outlook_where_the_model_promises_everything():
    """With curvature downward no step is long enough for the model (equation 4.10)."""
    found = outlook(lambda x: jnp.cos(x).sum(), vector(0.3), 1000.0)
    assert found.optimal_step == jnp.inf
    assert_allclose(found.predicted_loss, -41802.19, rtol=1e-6)
    assert_allclose(found.loss, 0.8725, atol=1e-4)


# The second derivative test


@pytest.mark.parametrize(
    "loss_fn, verdict",
    [
        (saddle, "SADDLE"),
        (lambda x: x @ x, "MINIMUM"),
        (lambda x: -(x @ x), "MAXIMUM"),
        (lambda x: x[0] ** 2 + x[1] ** 4, "INCONCLUSIVE"),  # a minimum
        (lambda x: x[0] ** 2 - x[1] ** 4, "INCONCLUSIVE"),  # a saddle
        (lambda x: x[0] ** 2 + x[1] ** 3, "INCONCLUSIVE"),  # a saddle
        (lambda x: x[0] ** 2 - x[2] ** 2, "SADDLE"),  # two signs decide, whatever the zero
        (quartic, "INCONCLUSIVE"),
        (lambda x: -quartic(x), "INCONCLUSIVE"),
        (lambda x: (x**3).sum(), "INCONCLUSIVE"),
    ],
)
def test_the_second_derivative_test(loss_fn, verdict):
    """The signs of the curvatures tell, except with a zero and one sign (section 4.3.1)."""
    for x64 in (True, False):
        with jax.enable_x64(x64):
            found = classify(jax.hessian(loss_fn)(jnp.zeros(3))[jnp.ix_(*[used(loss_fn)] * 2)])
            assert CriticalPoint(int(found)).name == verdict


def used(loss_fn) -> np.ndarray:
    """The coordinates that a function of three looks at."""
    values = jax.jacobian(loss_fn)(jnp.array([0.3, 0.7, 0.9]))
    return np.flatnonzero(np.asarray(values))


@given(st.integers(0, 1000), st.integers(1, 5))
def test_the_test_as_numpy_does_it(seed, n):
    """Counting signs of NumPy's eigenvalues gives the same answer (section 4.3.1)."""
    random = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(random.normal(size=(n, n)))
    eigenvalues = random.choice([-2.0, 0.0, 1.0], n)
    signs = {0: "INCONCLUSIVE", 1: "MINIMUM", -1: "MAXIMUM"}
    both = (eigenvalues > 0).any() and (eigenvalues < 0).any()
    one = signs[int(np.sign(eigenvalues[0]))] if (eigenvalues != 0).all() else "INCONCLUSIVE"
    found = classify((Q * eigenvalues) @ Q.T)
    assert CriticalPoint(int(found)).name == ("SADDLE" if both else one)


def test_what_counts_as_zero():
    """Eigenvalues within the tolerance have no sign (section 4.3.1)."""
    H = np.diag([1.0, -1e-3])
    assert classify(H) == CriticalPoint.SADDLE
    assert classify(H, 1e-2) == CriticalPoint.INCONCLUSIVE
    assert (jax.vmap(classify)(jnp.stack([H, -H, H @ H])) == jnp.array([3, 3, 0])).all()


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: classify(np.ones((2, 3))), "hessian must have shape (n, n), got (2, 3)"),
        (lambda: classify(np.triu(np.ones((2, 2)))), "hessian must be symmetric"),
        (lambda: classify(np.eye(2), 0.0), "tolerance must be positive, got 0.0"),
        (lambda: outlook(canyon, BANANA, np.inf), "learning_rate must be finite, got inf"),
        (lambda: taylor_model(canyon, 1.0), "origin must have shape (n,), got ()"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
