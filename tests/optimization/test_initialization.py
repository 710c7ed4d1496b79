"""Breaking symmetry, the scale of weights, biases and a precision."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from dlcompanion.optimization import (
    normalized_weights,
    orthogonal_weights,
    output_bias,
    precision_cost,
    propagate,
    rectifier_weights,
    scale_by_minibatch,
    sparse_weights,
    uniform_weights,
)


def key(seed: int = 0):
    return jax.random.key(seed)


def linear(x):
    return x


def stack(scheme, width, depth, seed=0):
    keys = jax.random.split(key(seed), depth)
    return jnp.stack([scheme(k, width, width) for k in keys])


def through(scheme, width, depth, unit_fn=linear):
    """Return the standard deviations of activations and gradients, layer by layer."""
    inputs, grads = jax.random.normal(key(1), (2, 200, width))
    signals = propagate(stack(scheme, width, depth), inputs, grads, unit_fn)
    return np.asarray(signals.activations.std((1, 2))), np.asarray(signals.grads.std((1, 2)))


# Symmetry


def test_identical_units_stay_identical():
    """Two units with the same weights get the same gradients forever (section 8.4)."""
    x, y = jax.random.normal(key(), (20, 3)), jnp.arange(20.0)

    @jax.grad
    def grad(params, mask):
        return jnp.mean(((jnp.tanh(x @ params[:3]) * mask) @ params[3] - y) ** 2)

    start = jnp.concatenate([jnp.ones((3, 4)) * jnp.arange(1.0, 4)[:, None], jnp.ones((1, 4))])
    same, apart = start, start
    for mask in jax.random.bernoulli(key(1), 0.5, (100, 20, 4)).astype(float):
        same, apart = same - 0.01 * grad(same, 1.0), apart - 0.01 * grad(apart, mask)
    assert_array_equal(np.ptp(same, axis=1), np.zeros(4))
    assert jnp.abs(same - start).max() > 0.1
    assert np.ptp(apart, axis=1).max() > 1e-3  # dropout tells them apart


def test_all_zero_weights_cannot_move():
    """Both layers of a tanh network wait for each other (section 8.4)."""
    x, y = jax.random.normal(key(), (20, 3)), jnp.arange(20.0)
    grads = jax.grad(lambda W, u: jnp.mean((jnp.tanh(x @ W) @ u - y) ** 2), (0, 1))(
        jnp.zeros((3, 4)), jnp.zeros(4)
    )
    assert all((grad == 0).all() for grad in grads)


# Scales


@pytest.mark.parametrize("shape", [(100, 100), (300, 100)])
def test_normalized_initialization(shape):
    """The entries are uniform with variance 2 / (m + n) (equation 8.23)."""
    W = np.asarray(normalized_weights(key(), *shape)).ravel()
    limit = np.sqrt(6) / np.sqrt(sum(shape))
    assert_allclose(W.var(), 2 / sum(shape), rtol=0.03)
    assert scipy.stats.kstest(W, scipy.stats.uniform(-limit, 2 * limit).cdf).pvalue > 0.01
    reference = jax.nn.initializers.glorot_uniform()(key(), shape)
    assert_allclose(np.abs(reference).max(), np.abs(W).max(), rtol=1e-2)


@pytest.mark.parametrize("scheme, factor", [(uniform_weights, 1 / 3), (rectifier_weights, 2)])
def test_variances_of_the_other_ranges(scheme, factor):
    """1 / (3 m), and 2 / m as in JAX's own He initializer (section 8.4)."""
    W = scheme(key(), 300, 200)
    assert_allclose(W.var(), factor / 300, rtol=0.03)
    if factor == 2:
        reference = jax.nn.initializers.he_uniform()(key(), (300, 200))
        assert_allclose(reference.var(), W.var(), rtol=0.03)


def test_a_linear_network_shrinks_with_the_plain_range():
    """Each layer costs a factor sqrt(3); the normalized range keeps the size (section 8.4)."""
    plain, _ = through(uniform_weights, 256, 30)
    assert_allclose(plain[[0, 9, 29]], np.sqrt(3.0) ** -np.array([1, 10, 30]), rtol=0.1)
    kept, grads = through(normalized_weights, 256, 30)
    assert_allclose(kept, 1, atol=0.12)
    assert_allclose(grads, 1, atol=0.12)


def test_rectifiers_need_twice_the_variance():
    """They lose half of it in each layer of equation 8.23's weights (equation 8.23)."""
    shrinks, _ = through(normalized_weights, 256, 30, jax.nn.relu)
    assert 5e-6 < shrinks[-1] < 1e-4
    kept, _ = through(rectifier_weights, 256, 30, jax.nn.relu)
    assert 0.2 < kept[-1] < 2


def test_gradients_are_those_of_the_whole_function():
    """What comes down is the derivative by each layer's activations (section 8.4)."""
    weights, x = stack(normalized_weights, 4, 3), jax.random.normal(key(1), (5, 4))
    output_grads = jax.random.normal(key(2), (5, 4))
    signals = propagate(weights, x, output_grads)
    assert_allclose(signals.activations[0], np.tanh(x @ weights[0]), rtol=1e-6)
    assert_allclose(signals.grads[-1], output_grads)

    def rest(H):
        return jnp.sum(jnp.tanh(jnp.tanh(H @ weights[1]) @ weights[2]) * output_grads)

    assert_allclose(signals.grads[0], jax.grad(rest)(signals.activations[0]), rtol=1e-6)


def test_orthogonal_weights_only_turn():
    """A product of fifty has all singular values 1; ten Gaussian ones spread them (section 8.4)."""
    W = stack(orthogonal_weights, 32, 50)
    assert_allclose(jnp.linalg.svd(jnp.linalg.multi_dot(list(W)))[1], 1, atol=1e-10)
    G = jax.random.normal(key(), (10, 32, 32))
    sizes = jnp.linalg.svd(jnp.linalg.multi_dot(list(G)))[1]
    assert sizes[0] / sizes[-1] > 1e6
    for shape in ((3, 5), (5, 3)):
        W = np.asarray(orthogonal_weights(key(), *shape, 2.0))
        small = W @ W.T if shape[0] < shape[1] else W.T @ W
        assert_allclose(small, 4 * np.eye(3), atol=1e-10)
        reference = jax.nn.initializers.orthogonal(2.0)(key(), shape)
        assert_allclose(np.linalg.svd(W)[1], np.linalg.svd(reference)[1], rtol=1e-5)


def test_the_norm_walks_at_random():
    """Log norms through Gaussian layers deviate by sqrt(d / 2n) at depth d (section 8.4)."""
    norms = jnp.zeros(400)
    x = jax.random.normal(key(9), (400, 50))
    for depth in range(1, 21):
        W = jax.random.normal(jax.random.fold_in(key(), depth), (400, 50, 50)) / jnp.sqrt(50)
        x = jnp.einsum("ri,rij->rj", x, W)
        if depth in (5, 20):
            norms = jnp.log(jnp.linalg.norm(x, axis=1))
            walked = np.sqrt(float(norms.var()) - 1 / 100)  # less what the start brought
            assert_allclose(walked, np.sqrt(depth / 100), rtol=0.15)


def test_sparse_weights_do_not_shrink_with_the_fan_in():
    """Fifteen unit weights each give sums of variance 15, however many inputs (section 8.4)."""
    for m in (100, 1000):
        W = sparse_weights(key(m), m, 300)
        assert_array_equal((W != 0).sum(axis=0), np.full(300, 15))
        x = jax.random.normal(key(3), (50, m))
        assert_allclose((x @ W).var(), 15, rtol=0.1)


def test_one_minibatch_sets_the_scale():
    """Layer by layer every sum gets standard deviation 1, whatever it had (section 8.4)."""
    x = jax.random.normal(key(1), (100, 30))
    weights = scale_by_minibatch(0.01 * stack(uniform_weights, 30, 6), x)
    for W in weights:
        assert_allclose((x @ W).std(), 1)
        x = jnp.tanh(x @ W)


# Biases and variances


def test_output_bias_gives_the_marginals():
    """softmax(log c) = c, and learning begins at the entropy (section 8.4)."""
    c = np.array([0.9, 0.07, 0.03])
    b = output_bias(c)
    assert_allclose(jax.nn.softmax(b), c)
    costs = [-(c * np.asarray(jax.nn.log_softmax(start))).sum() for start in (b, np.zeros(3))]
    assert_allclose(costs, [0.3862, 1.0986], atol=1e-3)
    assert_allclose(costs[0], scipy.stats.entropy(c))


def test_an_open_gate_remembers():
    """A forget gate with bias 1 keeps 2000 times more over twenty steps (section 8.4)."""
    kept = np.asarray(jax.nn.sigmoid(jnp.array([1.0, 0.0]))) ** 20
    assert_allclose(kept, [0.0019, 9.5e-7], rtol=0.02)


def test_precision_of_a_regression():
    """The mean of -log N, lowest at one over the mean squared error (equation 8.24)."""
    random = np.random.default_rng(0)
    predictions, targets = random.normal(size=(2, 50))
    beta = 1.7
    direct = -scipy.stats.norm.logpdf(targets, predictions, beta**-0.5).mean()
    assert_allclose(precision_cost(predictions, targets, beta), direct)
    best = 1 / np.mean((predictions - targets) ** 2)
    slope = jax.grad(precision_cost, 2)(jnp.asarray(predictions), targets, best)
    assert_allclose(slope, 0, atol=1e-12)


def test_the_empirical_risk_is_a_mean_over_examples():
    """The cost of all is the mean of the costs of each (equation 8.25)."""
    y, t = np.random.default_rng(0).normal(size=(2, 6))
    each = [precision_cost(y[i : i + 1], t[i : i + 1], 2.0) for i in range(6)]
    assert_allclose(np.mean(each), precision_cost(y, t, 2.0))


def test_a_perfect_fit_has_no_lowest_cost():
    """Without residuals more precision is always better (section 8.2.7)."""
    y = np.arange(4.0)
    costs = [float(precision_cost(y, y, beta)) for beta in (1.0, 1e2, 1e4, 1e8)]
    assert_allclose(costs, [0.919, -1.384, -3.686, -8.291], atol=1e-3)


def test_float32_is_enough():
    """Weights follow JAX's default (section 8.4)."""
    with jax.enable_x64(False):
        for scheme in (uniform_weights, normalized_weights, orthogonal_weights, sparse_weights):
            assert scheme(key(), 20, 20).dtype == jnp.float32


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: normalized_weights(key(), 0, 3), "num_inputs must be a positive integer, got 0"),
        (lambda: orthogonal_weights(key(), 3, 3, 0.0), "gain must be positive, got 0.0"),
        (lambda: output_bias(np.ones(2)), "marginals must not be negative and sum to 1"),
        (lambda: precision_cost(np.ones(2), np.ones(3), 1.0), "targets must have shape (2,)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
