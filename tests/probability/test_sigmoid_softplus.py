"""Sigmoid, softplus and the identities that link them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special
from scipy.integrate import quad

from dlcompanion.probability import (
    inverse_softplus,
    log_sigmoid,
    logit,
    positive_part,
    sigmoid,
    softplus,
)

X = np.linspace(-10, 10, 201)


def test_as_in_scipy():
    """Every function equals SciPy's on its whole range (equations 3.30, 3.31, 3.36, 3.38)."""
    x = np.concatenate([X, 100 * X, [-np.inf, np.inf]])
    assert_allclose(sigmoid(x), special.expit(x), rtol=1e-13, atol=1e-300)
    assert_allclose(log_sigmoid(x), special.log_expit(x), rtol=1e-13, atol=1e-300)
    assert_allclose(softplus(x), np.logaddexp(0, x), rtol=1e-13, atol=1e-300)
    p = jnp.linspace(0, 1, 33)
    assert_allclose(logit(p), special.logit(p), rtol=1e-13, atol=1e-300)


def test_two_forms_of_the_sigmoid():
    """Both formulas agree where neither overflows (equations 3.30, 3.33)."""
    assert_allclose(sigmoid(X), 1 / (1 + jnp.exp(-X)), rtol=1e-12)
    assert_allclose(sigmoid(X), jnp.exp(X) / (jnp.exp(X) + jnp.exp(0.0)), rtol=1e-12)
    assert_allclose(sigmoid(0), 0.5)
    assert ((sigmoid(X) > 0) & (sigmoid(X) < 1)).all()


def test_derivative_of_the_sigmoid():
    """It is sigma (1 - sigma), at most 1/4, and almost nothing far out (equation 3.34)."""
    slope = jax.vmap(jax.grad(sigmoid))(X)
    assert_allclose(slope, sigmoid(X) * (1 - sigmoid(X)), atol=1e-12)
    assert_allclose(slope[100], 0.25)
    assert slope.argmax() == 100
    assert_allclose(slope[-1], 4.54e-5, rtol=1e-3)
    assert_allclose(sigmoid(5), 0.993307, atol=1e-6)


def test_reflection_and_logarithm():
    """1 - sigma(x) is sigma(-x), and log sigma(x) is -zeta(-x) (equations 3.35, 3.36)."""
    assert_allclose(1 - sigmoid(X), sigmoid(-X), atol=1e-12)
    assert_allclose(log_sigmoid(X), jnp.log(sigmoid(X)), atol=1e-12)
    assert_allclose(log_sigmoid(X), -softplus(-X), atol=1e-15)


def test_derivative_of_the_softplus():
    """It is the sigmoid, whose area up to x the softplus is (equations 3.37, 3.40)."""
    assert_allclose(jax.vmap(jax.grad(softplus))(X), sigmoid(X), atol=1e-12)
    area, _ = quad(special.expit, -np.inf, 2)
    assert_allclose(softplus(2.0), area, rtol=1e-9)
    assert_allclose(area, 2.126928, atol=1e-6)


def test_inverses():
    """Logit undoes the sigmoid and log(exp(y) - 1) the softplus (equations 3.38, 3.39)."""
    assert_allclose(logit(sigmoid(X)), X, atol=1e-9)
    assert_allclose(inverse_softplus(softplus(X)), X, atol=1e-9)
    assert_allclose(logit(np.array([0.0, 1.0])), [-jnp.inf, jnp.inf])
    assert jnp.isnan(logit(1.5)) and jnp.isnan(inverse_softplus(-1.0))


def test_smooth_positive_part():
    """The softplus lies above max(0, x) by at most log 2, at 0 (equations 3.31, 3.32, 3.41)."""
    gap = softplus(X) - positive_part(X)
    assert (gap > 0).all() and gap.argmax() == 100
    assert_allclose(gap.max(), jnp.log(2))
    assert_allclose(softplus(X) - softplus(-X), X, atol=1e-12)
    assert_allclose(positive_part(X) - positive_part(-X), X, atol=0)


@pytest.mark.parametrize("x", [-1000.0, -100.0, -88.0, 0.0, 88.0, 100.0, 1000.0])
def test_far_out_in_float32(x):
    """Values and derivatives stay right where the naive formulas fail (section 3.10)."""
    with jax.enable_x64(False):
        values = sigmoid(x), softplus(x), log_sigmoid(x)
        slopes = [jax.grad(f)(x) for f in (sigmoid, softplus, log_sigmoid)]
    expected = special.expit([x, x, -x])
    assert_allclose(values, [special.expit(x), np.logaddexp(0, x), special.log_expit(x)],
                    rtol=1e-6, atol=1e-37)  # fmt: skip
    assert_allclose(slopes, [expected[0] * expected[2], expected[1], expected[2]],
                    rtol=1e-6, atol=1e-37)  # fmt: skip


def test_the_naive_formulas_fail_in_float32():
    """Typed in as they stand they give nan, inf or a wrong slope (equations 3.30, 3.31, 3.33)."""
    with jax.enable_x64(False):
        assert jnp.isnan(jnp.exp(100.0) / (jnp.exp(100.0) + 1))
        assert jnp.isinf(jnp.log(1 + jnp.exp(jnp.float32(100))))
        assert jnp.isnan(jax.grad(lambda x: jnp.log(1 + jnp.exp(x)))(100.0))
        assert jnp.isnan(jax.grad(lambda x: 1 / (1 + jnp.exp(-x)))(-1000.0))
        assert jnp.log(1 / (1 + jnp.exp(jnp.float32(1000)))) == -jnp.inf


def test_cancellation_in_float32():
    """The reflected form and the stable inverses keep small numbers (equations 3.35, 3.39)."""
    with jax.enable_x64(False):
        assert 1 - sigmoid(20.0) == 0
        assert_allclose(sigmoid(-20.0), 2.0611536e-9, rtol=1e-6)
        assert_allclose(inverse_softplus(np.array([1e-8, 100.0])), [-18.420681, 100], rtol=1e-6)
        assert jnp.log(jnp.exp(jnp.float32(1e-8)) - 1) == -jnp.inf
        assert jnp.isinf(jnp.log(jnp.exp(jnp.float32(100)) - 1))
