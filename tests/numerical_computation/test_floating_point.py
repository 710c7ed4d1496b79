"""Numbers of finite precision, and the formulas that survive them."""

import re

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from dlcompanion.numerical_computation import (
    gap,
    in_format,
    log_softmax,
    logsumexp,
    naive_softmax,
    naive_variance,
    number_format,
    round_to,
    softmax,
    variance,
)
from dlcompanion.probability.sigmoid_softplus import log_sigmoid, sigmoid

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
logits = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6).map(np.array)


def single(*entries: float) -> jax.Array:
    return jnp.array(entries, jnp.float32)


def ladder(scale: float) -> np.ndarray:
    """Return numbers of every size that a format may meet."""
    random = np.random.default_rng(0)
    return random.normal(size=4000) * scale ** random.uniform(-1, 1, 4000)


# Which numbers exist


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e3, 1e9, 1e50])
def test_rounding_as_in_hardware(dtype, scale):
    """Subnormal, halfway and too large numbers round as a cast does (section 4.1)."""
    edges = [65504, 65519.9, 65520, 6e-8, 3e-8, 2.9e-8, 2049, 2051, 257, 0, -0.0, np.inf, np.nan]
    values = np.concatenate([ladder(scale), edges])
    with np.errstate(over="ignore", under="ignore"):
        cast = values.astype(dtype).astype(float)
    assert_array_equal(round_to(values, number_format(dtype)), cast)


@pytest.mark.parametrize("dtype", DTYPES[:3])
def test_gap_to_the_next_number(dtype):
    """The gap is what `nextafter` steps over; it doubles at powers of two (section 4.1)."""
    values = np.array([0.1, 1, 1.999, 2, 1000, 3e4], dtype)
    gaps = np.nextafter(values, dtype(np.inf)).astype(float) - values.astype(float)
    assert_array_equal(gap(values.astype(float), number_format(dtype)), gaps)


def test_rounding_accumulates():
    """A million times 0.1 is not 100,000 in float32, and 2^24 + 1 does not exist (section 4.1)."""
    total = np.cumsum(np.full(1_000_000, 0.1, np.float32))[-1]
    assert abs(total - 100_000) > 500
    assert abs(np.cumsum(np.full(1_000_000, 0.1))[-1] - 100_000) < 1e-4
    assert np.float32(2**24) + np.float32(1) == 2**24
    assert round_to(2.0**24 + 1, number_format(np.float32)) == 2**24


def test_where_exp_overflows():
    """The edges are 88.7 in float32, 709.8 in float64 and 11.09 in float16 (section 4.1)."""
    assert_allclose(jnp.exp(jnp.float32(88.72)), 3.39e38, rtol=5e-3)
    assert jnp.exp(jnp.float32(88.73)) == jnp.inf
    assert jnp.isfinite(jnp.exp(709.78))
    assert jnp.exp(709.79) == jnp.inf
    assert_allclose(np.log(number_format(jnp.float16).largest), 11.0899, atol=1e-4)
    assert jnp.exp(jnp.float32(-110)) == 0 == np.exp(np.float32(-110))


def test_arithmetic_beyond_the_numbers():
    """Infinities and zeros combine to NaN (section 4.1)."""
    inf, zero = jnp.float32(jnp.inf), jnp.float32(0)
    for result in (inf - inf, inf / inf, zero / zero, zero * jnp.log(zero)):
        assert jnp.isnan(result)
    assert jnp.log(zero) == -inf
    assert jax.scipy.special.xlogy(0.0, 0.0) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_format_as_in_hardware(dtype):
    """Softmax, rounded after each operation, is what NumPy computes in a dtype (section 4.1)."""
    for shift in (0, 5, 9, 12, -9, -12, 80, 89, -110, 700, 710, -800):
        x = np.array([shift, shift + 1, shift + 0.5], dtype)
        with np.errstate(all="ignore"):
            powers = np.exp(x)
            expected = (powers / powers.sum(dtype=dtype)).astype(float)
        actual = in_format(naive_softmax, number_format(dtype))(x.astype(float))
        assert_array_equal(np.isfinite(actual), np.isfinite(expected))
        if np.finfo(float).tiny * 1e8 < powers.max().astype(float):
            rounding = 4 * float(ml_dtypes.finfo(dtype).eps)
            assert_allclose(actual, expected, rtol=max(rounding, 1e-12), atol=rounding)


def test_in_format_follows_functions_inside():
    """What a function calls is rounded too (section 4.1)."""
    half, x = number_format(np.float16), np.array([200.0, 300.0, 301.0])
    assert not jnp.isfinite(in_format(jax.jit(naive_variance), half)(x))
    assert in_format(lambda a, b: jnp.where(a > b, a * b, b), half)(300.0, 250.0) == jnp.inf


# Softmax


@given(logits)
def test_softmax_as_in_scipy(x):
    """Positive parts of 1, and the same as SciPy's (equation 4.1)."""
    p = softmax(x)
    assert_allclose(p, scipy.special.softmax(x), rtol=1e-12, atol=1e-300)
    assert_allclose(p.sum(), 1)
    assert_allclose(softmax(np.array([1.0, 2, 3])), [0.0900306, 0.2447285, 0.6652410], atol=1e-6)


@pytest.mark.parametrize("constant", [100, 1000, -120, -1000])
def test_naive_softmax_of_a_constant(constant):
    """It should be 1/3 each; as written it is 0/0 or inf/inf (section 4.1)."""
    x = single(constant, constant, constant)
    assert jnp.isnan(naive_softmax(x)).all()
    assert_allclose(softmax(x), [1 / 3] * 3, atol=1e-6)


def test_shifting_changes_nothing():
    """Softmax is the same for x and x + c; what float32 changes is the input (section 4.1)."""
    x = np.array([1.0, 2, 3])
    assert_allclose(softmax(x + 1e4), softmax(x), atol=1e-12)
    x = single(0.1, 0.2, 0.3)
    deviation = jnp.abs(softmax(x + 1e4) - softmax(x)).max()
    assert 1e-6 < deviation < 1e-3
    stored = np.asarray(x + jnp.float32(1e4), float)
    assert_allclose(softmax(x + 1e4), softmax(stored), atol=1e-6)


def test_why_it_is_safe():
    """exp never sees more than 0, and the denominator lies between 1 and n (section 4.1)."""
    x = 1e4 * jax.random.normal(jax.random.key(0), (1000, 5))
    z = x - x.max(axis=1, keepdims=True)
    assert (z.max(axis=1) == 0).all()
    assert ((jnp.exp(z).sum(axis=1) >= 1) & (jnp.exp(z).sum(axis=1) <= 5)).all()
    assert_allclose(jax.vmap(softmax)(x), scipy.special.softmax(np.asarray(x), axis=1), atol=1e-12)


@given(logits)
def test_log_softmax_and_logsumexp_as_in_scipy(x):
    """Both agree with SciPy's; the probabilities behind them sum to 1 (section 4.1)."""
    assert_allclose(log_softmax(x), scipy.special.log_softmax(x), rtol=1e-12, atol=1e-12)
    assert_allclose(logsumexp(x), scipy.special.logsumexp(x), rtol=1e-12, atol=1e-12)
    assert (log_softmax(x) <= 0).all()
    assert_allclose(jnp.exp(log_softmax(x)).sum(), 1, atol=1e-5)


@pytest.mark.parametrize("entry", [-1000, -120])
def test_log_softmax_must_not_pass_through_softmax(entry):
    """A probability that underflowed has no logarithm left (section 4.1)."""
    x = single(0, entry)
    assert_array_equal(jnp.log(softmax(x)), [0, -np.inf])
    assert_allclose(log_softmax(x), [0, entry], atol=1e-6)


def test_gradients():
    """The naive gradients are NaN; that of log-softmax is e_i - softmax(x) (section 4.1)."""
    assert jnp.isnan(jax.grad(lambda x: jnp.log(naive_softmax(x))[0])(single(100, 0))).any()
    assert jnp.isnan(jax.grad(lambda x: jnp.log(softmax(x))[1])(single(0, -200))).any()
    grad = jax.grad(lambda x: log_softmax(x)[1])
    assert_allclose(grad(single(0, -200)), [-1, 1], atol=1e-6)
    x = np.random.default_rng(0).normal(size=4)
    assert_allclose(jax.jacobian(log_softmax)(x), np.eye(4) - softmax(x)[None], atol=1e-12)


def test_two_classes():
    """The softmax of (z, 0) is the sigmoid; its logarithm is its own function (section 4.1)."""
    assert_allclose(softmax(np.array([1.3, 0])), [0.7858350, 0.2141650], atol=1e-6)
    for z in (1.3, -1000.0, 1000.0):
        assert_allclose(log_softmax(np.array([z, 0]))[0], log_sigmoid(z), atol=1e-12)
    assert jnp.log(sigmoid(-1000.0)) == -jnp.inf
    assert sigmoid(jnp.float32(20)) == 1
    assert jnp.log(1 - sigmoid(jnp.float32(20))) == -jnp.inf
    assert_allclose(log_sigmoid(jnp.float32(-20)), -20, atol=1e-4)


def test_infinite_logits():
    """-inf is a class that cannot be; nothing but -inf, +inf or NaN is no answer (equation 4.1)."""
    assert_allclose(softmax(np.array([0, -np.inf, 0])), [0.5, 0, 0.5])
    for bad in ([-np.inf, -np.inf], [np.inf, 0], [np.nan, 0]):
        assert jnp.isnan(softmax(np.array(bad))).any()


# Variance


def test_variance_of_large_numbers():
    """Two large numbers that nearly cancel leave only their rounding errors (section 4.1)."""
    x = np.array([999.9, 1000, 1000.1])
    assert_allclose(variance(x), np.var(x), rtol=1e-12)
    assert_allclose(naive_variance(x), np.var(x), rtol=1e-7)
    stored = np.float32(x)
    assert abs(naive_variance(stored) - np.var(stored.astype(float))) > 5e-3
    assert_allclose(variance(stored), np.var(stored.astype(float)), rtol=1e-5)
    assert variance(single(1e4, 1e4 + 1, 1e4 + 2)) > 0


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("function", [naive_softmax, softmax, log_softmax, logsumexp, variance])
def test_bad_arguments_are_named(function):
    for bad in (1.0, np.ones((2, 2)), np.ones(0)):
        with pytest.raises(ValueError, match=re.escape("must have shape (n,), got")):
            function(bad)
