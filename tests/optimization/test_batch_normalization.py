"""Batch normalization and the linear chain."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from dlcompanion.optimization import (
    Statistics,
    batch_norm,
    batch_statistics,
    chain_output,
    chain_terms,
    normalize,
    normalized_chain,
    running_average,
)

seeds = st.integers(0, 1000)
X, W, COEFFICIENTS = (
    np.random.default_rng(0).normal(size=shape) for shape in ((32, 5), (5, 3), (32, 3))
)


def self_normalized(H):
    return normalize(H, batch_statistics(H))


def cost(H):
    return jnp.sum(COEFFICIENTS * self_normalized(H) ** 3)


# Normalization


@given(seeds)
def test_normalized_columns(seed):
    """Means are 0 and variances 1, as scikit-learn's scaler makes them (equation 8.36)."""
    H = np.random.default_rng(seed).normal(3, 5, (32, 4))
    normalized = np.asarray(self_normalized(H))
    assert_allclose(normalized.mean(axis=0), 0, atol=1e-12)
    assert_allclose(normalized.var(axis=0), 1, atol=1e-8)
    assert_allclose(normalized, StandardScaler().fit_transform(H), atol=1e-8)


def test_batch_statistics():
    """The mean, and the deviation that divides by m, delta in the root (equations 8.37, 8.38)."""
    mean, deviation = batch_statistics(X, 0.5)
    assert_allclose(mean, X.mean(axis=0))
    assert_allclose(deviation, np.sqrt(0.5 + X.var(axis=0)))
    ratio = X.std(axis=0, ddof=1) / batch_statistics(X).deviation
    assert_allclose(ratio, np.sqrt(32 / 31))  # 1.6 per cent off


def test_gradients_cannot_shift_or_stretch_a_unit():
    """By each unit they have mean 0 and are orthogonal to H' (section 8.7.1)."""
    H = X @ W
    grad = np.asarray(jax.grad(cost)(jnp.asarray(H)))
    assert_allclose(grad.sum(axis=0), 0, atol=1e-8)
    assert_allclose((grad * self_normalized(H)).sum(axis=0), 0, atol=1e-6)
    step = 1e-6
    moved = [float(cost(H.at[3, 1].add(s))) for s in (step, -step) for H in [jnp.asarray(X @ W)]]
    assert_allclose((moved[0] - moved[1]) / (2 * step), grad[3, 1], rtol=1e-5, atol=1e-6)


def test_a_bias_before_it_does_nothing():
    """Its gradient is 0, and the weights' is orthogonal to their column (section 8.7.1)."""
    grad_W, grad_b = jax.grad(lambda W, b: cost(X @ W + b[None]), (0, 1))(
        jnp.asarray(W), jnp.ones(3)
    )
    assert_allclose(grad_b, 0, atol=1e-8)
    assert_allclose((grad_W * W).sum(axis=0), 0, atol=1e-6)


def test_the_scale_of_the_weights_does_nothing():
    """Seven times the weights give the same output, a seventh of the gradient (section 8.7.1)."""
    assert_allclose(self_normalized(7 * X @ W), self_normalized(X @ W), atol=1e-7)
    grads = [jax.grad(lambda W: cost(X @ W))(jnp.asarray(factor * W)) for factor in (1, 7)]
    assert_allclose(7 * grads[1], grads[0], rtol=1e-5, atol=1e-6)


def test_scale_and_shift_can_undo_it():
    """With gamma = sigma and beta = mu the output is H again (section 8.7.1)."""
    mean, deviation = batch_statistics(X)
    assert_allclose(batch_norm(X, deviation, mean), X, atol=1e-12)
    assert_allclose(batch_norm(X, jnp.ones(5), jnp.zeros(5)), self_normalized(X))


def test_degenerate_batches():
    """One example or a constant unit becomes 0; delta keeps gradients finite (section 8.7.1)."""
    assert_array_equal(self_normalized(X[:1]), np.zeros((1, 5)))
    constant = jnp.full((4, 1), 3.0)

    def first(H, delta):
        return normalize(H, batch_statistics(H, delta))[0, 0]

    assert first(constant, 1e-8) == 0
    assert jnp.isfinite(jax.grad(first)(constant, 1e-8)).all()
    assert jnp.isnan(jax.grad(first)(constant, 0.0)).all()


def test_prediction_uses_running_averages():
    """They approach the statistics of the data, and treat an example alone (section 8.7.1)."""
    running = Statistics(jnp.zeros(2), jnp.ones(2))
    for seed in range(200):
        batch = np.random.default_rng(seed).normal([1.0, -2.0], [2.0, 0.5], (64, 2))
        running = running_average(running, batch_statistics(batch), 0.95)
    assert_allclose(running.mean, [1, -2], atol=0.15)
    assert_allclose(running.deviation, [2, 0.5], rtol=0.05)
    one = np.array([[1.0, -1.5]])
    assert_allclose(normalize(one, running), [[0, 1]], atol=0.3)
    assert_allclose(self_normalized(one), [[0, 0]])


# The chain


@given(seeds, st.floats(0.001, 0.3), st.sampled_from([1, 3, 12]))
def test_the_terms_add_up_to_the_chain_after_a_step(seed, rate, length):
    """Multiplied out, the step is a polynomial in epsilon of degree l (equation 8.35)."""
    w = np.random.default_rng(seed).uniform(0.5, 1.5, length)
    g = np.asarray(jax.grad(chain_output)(jnp.asarray(w), 2.0))
    terms = chain_terms(w, rate * g, 2.0)
    assert_allclose(terms[0], 2 * np.prod(w))
    assert_allclose(terms[1], -rate * g @ g, rtol=1e-9)
    scale = np.abs(terms).sum()
    assert_allclose(terms.sum(), 2 * np.prod(w - rate * g), atol=1e-9 * scale)
    if length == 3:
        second = sum(2 * g[i] * g[j] * w[3 - i - j] for i, j in ((0, 1), (0, 2), (1, 2)))
        assert_allclose(terms[2], rate**2 * second)  # with the factor x that the book leaves out


@pytest.mark.parametrize(
    "w, actual", [(1.0, -0.0956), (1.2, -0.0993), (0.9, -0.0880), (0.5, 4.4e6)]
)
def test_a_promised_tenth(w, actual):
    """Steps that promise -0.1 give nearly that, or raise the output by millions (section 8.7.1)."""
    weights = np.full(10, w)
    g = jax.grad(chain_output)(jnp.asarray(weights))
    terms = chain_terms(weights, 0.1 / (g @ g) * g)
    assert_allclose(terms[1], -0.1)
    assert_allclose(terms[1:].sum(), actual, rtol=0.02)


@pytest.mark.parametrize(
    "w, promised, actual",
    [(0.5, -3.8e-7, -3.8e-7), (1.0, -0.1, -0.0956), (1.2, -2.66, -2.20), (1.5, -147.8, -54.7)],
)
def test_what_a_hundredth_does(w, promised, actual):
    """The same step is too short for small weights, wrong for large ones (section 8.7.1)."""
    terms = chain_terms(np.full(10, w), np.full(10, 0.01 * w**9))
    assert_allclose(terms[1], promised, rtol=0.02)
    assert_allclose(terms[1:].sum(), actual, rtol=0.02)


def test_effects_of_pairs():
    """At w = 1.5 one pair of layers adds 3.79, all 45 pairs 170 (section 8.7.1)."""
    terms = chain_terms(np.full(10, 1.5), np.full(10, 0.01 * 1.5**9))
    assert_allclose(terms[2], 170.4, rtol=1e-3)
    assert_allclose(terms[2] / 45, 0.01**2 * 1.5**26, rtol=1e-6)
    assert_allclose(terms[2] / 45, 3.79, rtol=1e-3)


def test_only_signs_of_lower_layers_matter_when_normalized():
    """Other sizes change nothing, one flipped sign negates, one zero silences (section 8.7.1)."""
    inputs = jnp.asarray(np.random.default_rng(0).normal(size=50))
    before = normalized_chain(jnp.array([1, 0.5, 2, 0.7]), inputs)
    assert_allclose(normalized_chain(jnp.array([3, 0.1, 9, 0.7]), inputs), before, atol=1e-6)
    assert_allclose(normalized_chain(jnp.array([1, -0.5, 2, 0.7]), inputs), -before, atol=1e-6)
    assert_allclose(normalized_chain(jnp.array([1, 0, 2, 0.7]), inputs), 0, atol=1e-6)
    assert_allclose(before.mean(), 0, atol=1e-12)
    assert_allclose(before.var(), 0.49, rtol=1e-6)


def test_a_normalized_chain_keeps_its_promise():
    """Only the last weight has a gradient, and the output is linear in it (section 8.7.1)."""
    inputs, w = jnp.array([1.0, -1.0]), jnp.full(10, 1.5)

    def output(w):
        return normalized_chain(w, inputs)[0]

    g = jax.grad(output)(w)
    assert_allclose(g, [0] * 9 + [1], atol=1e-8)
    for rate in (0.01, 0.5, 3.0):
        assert_allclose(output(w - rate * g) - output(w), -rate * g @ g, rtol=1e-6)


def test_float32_is_enough():
    """Everything follows the type of its input (section 8.7.1)."""
    with jax.enable_x64(False):
        assert self_normalized(np.float32(X)).dtype == jnp.float32
        assert chain_terms(np.ones(4, np.float32), np.ones(4, np.float32)).dtype == jnp.float32


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: batch_statistics(np.ones(3)), "H must have shape (m, n), got (3,)"),
        (lambda: batch_statistics(X, -1.0), "delta must be at least 0, got -1.0"),
        (lambda: chain_terms(np.ones((2, 2)), np.ones(2)), "weights must have shape (l,), got"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
