"""Norms and angles."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dlcompanion.linear_algebra import angle, frobenius_norm, lp_norm, max_norm

vectors = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=5, max_size=5).map(
    np.array
)


def test_norms_of_3_4():
    """(3, -4) is 7 long for p = 1, 5 for p = 2, 4 for the max norm (equations 2.30-2.32)."""
    x = jnp.array([3.0, -4.0])
    assert_allclose([lp_norm(x, p) for p in (1, 2, 3)], [7, 5, 91 ** (1 / 3)])
    assert_allclose(max_norm(x), 4)


@given(vectors, st.floats(1, 20))
def test_lp_norm_as_in_numpy(x, p):
    """Every p agrees with NumPy (equations 2.30, 2.31)."""
    assert_allclose(lp_norm(x, p), np.linalg.norm(x, p), rtol=1e-12, atol=1e-300)
    assert_allclose(lp_norm(x, 1), np.abs(x).sum())
    assert_allclose(max_norm(x), np.linalg.norm(x, np.inf))


@given(vectors, vectors, st.floats(-100, 100), st.floats(1, 20))
def test_what_makes_a_norm(x, y, factor, p):
    """Zero only at zero, the triangle inequality, |alpha| comes out in front (section 2.5)."""
    for norm in (lambda x: lp_norm(x, p), max_norm):
        assert norm(np.zeros(5)) == 0
        assert (norm(x) > 0) == x.any()
        assert norm(x + y) <= (norm(x) + norm(y)) * (1 + 1e-12)
        assert_allclose(norm(factor * x), abs(factor) * norm(x), rtol=1e-10)


def test_below_one_the_triangle_inequality_fails():
    """With p = 1/2 the way round a corner is shorter than the straight one (equation 2.30)."""
    f = jax.jit(lp_norm)  # a traced p is not refused
    e1, e2 = jnp.eye(2)
    assert_allclose(f(e1 + e2, 0.5), 4)
    assert_allclose(f(e1, 0.5) + f(e2, 0.5), 2)


def test_counting_nonzeros_is_no_norm():
    """A tenth of a vector has as many non-zero entries, not a tenth of them (section 2.5)."""
    x = jnp.array([0.0, 3.0, 0.0, -2.0])
    assert jnp.count_nonzero(x) == jnp.count_nonzero(0.1 * x) == 2


def test_large_p_tends_to_the_largest_entry():
    """The norm falls with p towards the max norm (equation 2.32)."""
    x = jnp.array([1.0, 2.0, 3.0])
    norms = [lp_norm(x, p) for p in (1, 2, 4, 10, 50)]
    assert_allclose(norms, [6, 3.741657, 3.146346, 3.005167, 3.0], atol=1e-5)
    assert_allclose(lp_norm(x, 1000), max_norm(x), rtol=1e-12)


def test_large_p_does_not_overflow():
    """Scaled by the largest entry, p = 100 fits into float32 (equation 2.30)."""
    with jax.enable_x64(False):
        x = jnp.array([1e4, 2e4])
        assert jnp.isinf((x**100).sum() ** (1 / 100))
        assert_allclose(lp_norm(x, 100), 2e4, rtol=1e-5)


@given(vectors.filter(lambda x: (np.abs(x) > 1e-3).all()), st.floats(1.5, 10))
def test_gradient_ignores_the_scaling(x, p):
    """The gradient is that of the plain formula (equation 2.30)."""
    expected = np.sign(x) * (np.abs(x) / np.linalg.norm(x, p)) ** (p - 1)
    assert_allclose(jax.grad(lp_norm)(jnp.asarray(x), p), expected, rtol=1e-8, atol=1e-12)


def test_squared_norm_has_the_simpler_derivatives():
    """Each derivative of x^T x uses its own x_i only; those of L2 use all of x (section 2.5)."""
    x = jnp.array([3.0, 4.0])
    assert_allclose(jax.grad(lambda x: x @ x)(x), [6, 8])
    assert_allclose(jax.grad(lp_norm)(x), [0.6, 0.8])
    assert_allclose(jax.hessian(lambda x: x @ x)(x), 2 * np.eye(2))
    across = np.array([[16, -12], [-12, 9]]) / 125
    assert_allclose(jax.jacfwd(jax.grad(lp_norm))(x), across, atol=1e-12)


def test_gradients_at_zero():
    """L2 has a kink there, squared L2 a flat bottom; JAX gives |x| the slope 1 (section 2.5)."""
    zero = jnp.zeros(2)
    assert jnp.isnan(jax.grad(lp_norm)(zero)).all()
    assert_allclose(jax.grad(lambda x: x @ x)(zero), 0)
    assert_allclose(jax.grad(lambda x: jnp.abs(x).sum())(zero), 1)


def test_leaving_zero_costs_l1_as_much_as_anywhere():
    """A step epsilon off zero adds epsilon to L1, epsilon^2 to squared L2 (equation 2.31)."""
    for step in (1e-1, 1e-3):
        x, moved = jnp.array([0.0, 2.0]), jnp.array([step, 2.0])
        assert_allclose(lp_norm(moved, 1) - lp_norm(x, 1), step, rtol=1e-9)
        assert_allclose(moved @ moved - x @ x, step**2, rtol=1e-6)


def test_frobenius_norm():
    """It is the L2 norm of the entries, and of the singular values (equation 2.33)."""
    assert_allclose(frobenius_norm(np.array([[1, 2], [3, 4]])), np.sqrt(30))
    A = np.random.default_rng(0).normal(size=(4, 3))
    assert_allclose(frobenius_norm(A), np.linalg.norm(A.ravel()))
    assert_allclose(frobenius_norm(A), np.linalg.norm(np.linalg.svd(A)[1]))


def test_other_orders_are_other_matrix_norms():
    """`jnp.linalg.norm(A)` is Frobenius, but its orders 1, 2, inf are not (equation 2.33)."""
    A = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    assert_allclose(jnp.linalg.norm(A), frobenius_norm(A))
    orders = [jnp.linalg.norm(A, order) for order in (2, 1, jnp.inf)]
    assert_allclose(orders, [5.464986, 6, 7], rtol=1e-6)


def test_angles():
    """The dot product knows the angle (equation 2.34)."""
    assert_allclose(jnp.rad2deg(angle(np.array([1, 0]), np.array([1, 1]))), 45)
    assert_allclose(jnp.rad2deg(angle(np.array([1, 2]), np.array([-2, 1]))), 90)
    assert_allclose(angle(np.array([1, 2]), np.array([-3, -6])), np.pi, atol=1e-7)


@given(vectors.filter(np.any), vectors.filter(np.any))
def test_dot_product_from_the_angle(x, y):
    """x^T y is the product of the lengths and the cosine (equation 2.34)."""
    lengths = np.linalg.norm(x) * np.linalg.norm(y)
    assert_allclose(lengths * np.cos(angle(x, y)), x @ y, atol=1e-7 * lengths)


def test_rounding_does_not_break_a_zero_angle():
    """Parallel vectors never give NaN, though a cosine may round above 1 (equation 2.34)."""
    with jax.enable_x64(False):
        for n in (1, 3, 4, 12, 30):
            x = jnp.arange(1.0, n + 1)
            assert_allclose(angle(x, 3 * x), 0, atol=1e-3)


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: lp_norm(np.ones(2), 0.5), "p must be at least 1, got 0.5"),
        (lambda: lp_norm(np.ones((2, 2))), "x must have shape (n,), got (2, 2)"),
        (lambda: max_norm([np.nan]), "x must be finite"),
        (lambda: frobenius_norm(np.ones(2)), "matrix must have shape (m, n), got (2,)"),
        (lambda: angle(np.ones(2), np.ones(3)), "y must have shape (2,), got (3,)"),
        (lambda: angle(np.ones(2), np.zeros(2)), "y must not be zero: it has no direction"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
