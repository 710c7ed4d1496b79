"""One style of error: the argument's name, what is allowed, what came."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion.arguments import (
    check_at_least,
    check_callable,
    check_count,
    check_finite,
    check_loss,
    check_positive,
    check_positive_definite,
    check_shape,
    check_symmetric,
)


@pytest.mark.parametrize(
    "check, value, message",
    [
        (lambda v: check_shape("x", v, ()), [1.0], "x must have shape (), got (1,)"),
        (lambda v: check_shape("x", v, ("n",)), 3.0, "x must have shape (n,), got ()"),
        (lambda v: check_shape("x", v, ("n",)), np.ones((2, 1)), "shape (n,), got (2, 1)"),
        (lambda v: check_shape("x", v, ("n",)), [], "x must have shape (n,), got (0,)"),
        (lambda v: check_shape("x", v, (2,)), np.ones(3), "x must have shape (2,), got (3,)"),
        (lambda v: check_shape("H", v, ("n", "n")), np.ones((2, 3)), "(n, n), got (2, 3)"),
        (lambda v: check_shape("x", v, ()), "0.1", "x must hold real numbers, got <U3"),
        (lambda v: check_shape("x", v, ()), None, "x must hold real numbers, got object"),
        (lambda v: check_shape("x", v, ()), True, "x must hold real numbers, got bool"),
        (lambda v: check_shape("x", v, ()), 1j, "x must hold real numbers, got complex128"),
        (lambda v: check_finite("x", v, ("n",)), [1.0, np.nan], "x must be finite, got [ 1. nan]"),
        (lambda v: check_finite("x", v, ()), jnp.inf, "x must be finite, got inf"),
        (lambda v: check_positive("rate", v), -0.1, "rate must be positive, got -0.1"),
        (lambda v: check_positive("rate", v), jnp.array(0), "rate must be positive, got 0"),
        (lambda v: check_positive("rate", v), np.nan, "rate must be finite, got nan"),
        (lambda v: check_at_least("k", v, 1), 0.5, "k must be at least 1, got 0.5"),
        (lambda v: check_count("steps", v), 0, "steps must be a positive integer, got 0"),
        (lambda v: check_count("steps", v), 10.0, "steps must be a positive integer, got 10.0"),
        (lambda v: check_count("steps", v), True, "steps must be a positive integer, got True"),
        (lambda v: check_count("steps", v), "3", "steps must be a positive integer, got 3"),
        (
            lambda v: check_symmetric("H", v),
            [[1.0, 2.0], [0.0, 1.0]],
            "H must be symmetric, got entries that differ from their mirror image by up to 2",
        ),
        (
            lambda v: check_positive_definite("H", v),
            [[1.0, 2.0], [2.0, 1.0]],
            "H must be positive definite, got smallest eigenvalue -1",
        ),
        (lambda v: check_positive_definite("H", v), [[1, 2], [2, 4]], "H must be positive defin"),
        (lambda v: check_positive_definite("H", v), np.zeros((2, 2)), "smallest eigenvalue 0"),
        (lambda v: check_positive_definite("H", v), [[np.nan]], "H must be finite, got [[nan]]"),
        (lambda v: check_callable("f", v), 3.0, "f must be a function, got 3.0"),
    ],
)
def test_bad_values_are_named(check, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check(value)


@pytest.mark.parametrize("value", [2, 2.0, np.float64(2), np.int32(2), jnp.array(2)])
@pytest.mark.parametrize("x64", [False, True])
def test_every_way_to_write_a_number_is_one_type(value, x64):
    with jax.enable_x64(x64):
        scalar = check_positive("rate", value)
        assert scalar == 2
        assert scalar.dtype == (jnp.float64 if x64 else jnp.float32)
        assert not scalar.weak_type


def test_low_precision_is_kept():
    assert check_finite("x", jnp.ones(3, jnp.bfloat16), ("n",)).dtype == jnp.bfloat16
    assert check_finite("x", np.ones(3, np.float16), ("n",)).dtype == jnp.float16


def test_large_integers_become_floats_without_wrapping():
    assert check_positive("x", 2**40) == 2.0**40


def test_shapes_are_checked_inside_jit_and_values_are_not():
    rate = jax.jit(lambda v: check_positive("rate", v))
    assert rate(-0.1) == jnp.float32(-0.1)
    with pytest.raises(ValueError, match=re.escape("rate must have shape (), got (2,)")):
        rate(jnp.ones(2))
    indefinite = jnp.diag(jnp.array([1.0, -1.0]))
    np.testing.assert_array_equal(
        jax.jit(lambda v: check_positive_definite("H", v))(indefinite), indefinite
    )


def test_known_values_are_checked_even_while_something_else_is_traced():
    with pytest.raises(ValueError, match="rate must be positive, got -0.1"):
        jax.jit(lambda x: x * check_positive("rate", -0.1))(1.0)


def test_a_traced_count_is_refused():
    with pytest.raises(ValueError, match="num_steps must be .* known in advance"):
        jax.jit(lambda n: check_count("num_steps", n))(3)


@pytest.mark.parametrize("count", [3, np.int64(3), jnp.array(3)])
def test_any_integer_is_a_count(count):
    assert check_count("num_steps", count) == 3
    assert type(check_count("num_steps", count)) is int


def test_rounding_does_not_break_symmetry_and_is_averaged_out():
    X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    H = X.T @ X
    H[0, 1] *= 1 + 1e-6
    checked = check_positive_definite("hessian", H)
    np.testing.assert_array_equal(checked, checked.T)
    np.testing.assert_allclose(checked, H, rtol=1e-6)


def test_a_singular_matrix_is_not_saved_by_rounding():
    A = np.random.default_rng(0).normal(size=(50, 2, 4))
    for gram in A.mT @ A:
        with pytest.raises(ValueError, match="gram must be positive definite, got smallest"):
            check_positive_definite("gram", gram)


def test_an_ill_conditioned_matrix_is_still_positive_definite():
    with jax.enable_x64(True):
        check_positive_definite("H", np.diag([1.0, 1e-12]))


def test_a_loss_returns_one_real_number():
    x = jnp.ones(2)
    check_loss("loss_fn", lambda x: x @ x, x)
    for loss_fn in (lambda x: x, lambda x: (x @ x, 1.0), lambda x: 1, lambda x: None):
        with pytest.raises(ValueError, match="loss_fn must return one real number, got"):
            check_loss("loss_fn", loss_fn, x)
