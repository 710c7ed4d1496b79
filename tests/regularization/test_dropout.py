"""Dropout: all sub-networks, and the one that stands for them (section 7.12)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion.feedforward_networks import Layer, identity, init_mlp, mlp, relu, tanh
from dlcompanion.regularization import (
    all_masks,
    combine,
    count_units,
    dropout_cost,
    keep_probabilities,
    mask_probability,
    masked_mlp,
    noise_cost,
    ridge,
    sample_masks,
    scale_weights,
)

UNITS = {"relu": relu, "tanh": tanh, "identity": identity}


@pytest.fixture
def layers():
    return init_mlp(jax.random.key(1), (3, 4, 3), bias=0.1)


@pytest.fixture
def regression():
    """A softmax regression of 6 inputs and 4 classes, with one example."""
    keys = jax.random.split(jax.random.key(0), 3)
    layer = Layer(jax.random.normal(keys[0], (6, 4)), jax.random.normal(keys[1], (4,)))
    return (layer,), jax.random.normal(keys[2], (6,))


def ensemble_of(layers, x, keep, unit=relu):
    masks = all_masks(count_units(layers))
    logits = jax.vmap(lambda mask: masked_mlp(layers, x, mask, unit))(masks)
    return combine(jax.nn.log_softmax(logits), mask_probability(masks, keep))


def scaled_answer(layers, x, keep, unit=relu):
    return jax.nn.softmax(mlp(scale_weights(layers, keep), x, unit))


def test_sixteen_sub_networks():
    """Two inputs and two hidden units have 16; 4 lack inputs, 7 lack a path (Figure 7.6)."""
    masks = np.asarray(all_masks(4))
    assert len(np.unique(masks, axis=0)) == 16
    inputs, hidden = masks[:, :2].any(axis=1), masks[:, 2:].any(axis=1)
    assert (~inputs).sum() == 4
    assert (~(inputs & hidden)).sum() == 7


@pytest.mark.parametrize("width", [2, 4, 10])
def test_wide_layers_are_hardly_ever_cut(width):
    """Without a path are 1 - (1 - 2^-n)^2 of the sub-networks (section 7.12)."""
    masks = np.asarray(all_masks(2 * width)) > 0
    cut = ~(masks[:, :width].any(axis=1) & masks[:, width:].any(axis=1))
    np.testing.assert_allclose(cut.mean(), 1 - (1 - 2.0**-width) ** 2, rtol=1e-12)


def test_all_kept_is_the_network_and_a_mask_deletes_columns(layers):
    """A mask of ones changes nothing, one of an input deletes it (equation 7.57, Figure 7.7)."""
    x = jnp.array([0.5, -1.0, 2.0])
    np.testing.assert_allclose(masked_mlp(layers, x, jnp.ones(7)), mlp(layers, x), atol=1e-14)
    dropped = masked_mlp(layers, x, jnp.ones(7).at[1].set(0))
    smaller = (Layer(layers[0].weights[jnp.array([0, 2])], layers[0].bias), layers[1])
    np.testing.assert_allclose(dropped, mlp(smaller, x[jnp.array([0, 2])]), atol=1e-14)


def test_the_probabilities_of_all_masks_sum_to_one(layers):
    """p(mu) is a distribution over the masks (equation 7.53)."""
    keep = keep_probabilities(layers)
    np.testing.assert_allclose(keep, [0.8] * 3 + [0.5] * 4)
    np.testing.assert_allclose(mask_probability(all_masks(7), keep).sum(), 1, rtol=1e-12)


def test_weight_scaling_is_exact_for_softmax_regression(regression):
    """The geometric mean over all masks is softmax with half the weights (equations 7.56-7.66)."""
    layers, x = regression
    keep = jnp.full(6, 0.5)
    together = ensemble_of(layers, x, keep)
    np.testing.assert_allclose(together.geometric, scaled_answer(layers, x, keep), atol=1e-12)
    by_hand = jax.nn.softmax(0.5 * layers[0].weights.T @ x + layers[0].bias)
    np.testing.assert_allclose(together.geometric, by_hand, atol=1e-12)


def test_every_line_of_the_derivation(regression):
    """The root of a product is proportional to every next line (equations 7.59-7.66)."""
    (layer,), x = regression
    W, b = layer
    masks = all_masks(6)
    logits = (masks * x[None]) @ W + b[None]
    product_root = jnp.exp(jax.nn.log_softmax(logits).mean(axis=0))  # 7.59 to 7.62
    numerator = jnp.exp(logits).prod(axis=0) ** (1 / 64)  # 7.64
    mean = jnp.exp(logits.mean(axis=0))  # 7.65
    for line in (numerator, mean, jnp.exp(0.5 * W.T @ x + b)):
        np.testing.assert_allclose(line / line.sum(), product_root / product_root.sum(), rtol=1e-9)


def test_the_bias_is_not_scaled(regression):
    """Halving the bias as well misses the geometric mean (equation 7.66)."""
    (layer,), x = regression
    keep = jnp.full(6, 0.5)
    wrong = jax.nn.softmax(0.5 * (layer.weights.T @ x + layer.bias))
    assert jnp.abs(wrong - ensemble_of((layer,), x, keep).geometric).max() > 0.01


def test_other_keep_probabilities_scale_alike(regression):
    """With 0.8 the weighted geometric mean is softmax with 0.8 W (section 7.12)."""
    layers, x = regression
    keep = jnp.full(6, 0.8)
    together = ensemble_of(layers, x, keep)
    np.testing.assert_allclose(together.geometric, scaled_answer(layers, x, keep), atol=1e-12)


def test_the_arithmetic_mean_is_another_number(regression):
    """Weight scaling gives the geometric mean, nor the plain mean of all (equations 7.52, 7.53)."""
    layers, x = regression
    keep = jnp.full(6, 0.5)
    together = ensemble_of(layers, x, keep)
    np.testing.assert_allclose(together.arithmetic.sum(), 1, rtol=1e-12)
    assert jnp.abs(together.arithmetic - scaled_answer(layers, x, keep)).max() > 1e-3


def test_the_geometric_mean_sums_to_less_than_one(regression):
    """Before it is renormalized, unless all sub-networks agree (equations 7.54, 7.55)."""
    layers, x = regression
    masks = all_masks(6)
    log_p = jax.nn.log_softmax(jax.vmap(lambda mask: masked_mlp(layers, x, mask))(masks))
    assert jnp.exp(log_p.mean(axis=0)).sum() < 0.999
    same = jnp.broadcast_to(log_p[:1], log_p.shape)
    np.testing.assert_allclose(jnp.exp(same.mean(axis=0)).sum(), 1, rtol=1e-12)


@pytest.mark.parametrize("unit", UNITS)
def test_where_weight_scaling_is_exact(layers, unit):
    """Deep linear networks, and masks on one hidden layer alone; not both layers (section 7.12)."""
    x = jnp.array([0.5, -1.0, 2.0])
    for keep_input, exact in ((1.0, True), (0.8, unit == "identity")):
        keep = keep_probabilities(layers, keep_input, 0.5)
        gap = jnp.abs(
            ensemble_of(layers, x, keep, UNITS[unit]).geometric
            - scaled_answer(layers, x, keep, UNITS[unit])
        ).max()
        assert (gap < 1e-12) == exact


def test_one_impossible_verdict_rules_out():
    """A probability of zero in one sub-network makes the geometric mean zero (equation 7.54)."""
    log_p = jnp.log(jnp.array([[0.5, 0.5], [0.0, 1.0]]))
    together = combine(log_p, jnp.array([0.5, 0.5]))
    np.testing.assert_allclose(together.geometric, [0, 1])
    impossible = combine(log_p, jnp.array([1.0, 0.0]))  # a mask that never comes
    np.testing.assert_allclose(impossible.geometric, [0.5, 0.5])


def test_masks_are_drawn_with_their_probabilities():
    """Each unit stays with its own probability (section 7.12)."""
    keep = jnp.array([0.8, 0.5, 1.0, 0.1])
    masks = sample_masks(jax.random.key(0), keep, 40_000)
    np.testing.assert_allclose(masks.mean(axis=0), keep, atol=0.01)


def test_multiplicative_noise_of_the_same_mean_and_variance():
    """At 1/2 the multiplier mu / p has mean 1 and variance 1, as N(1, 1) (section 7.12)."""
    multiplier = sample_masks(jax.random.key(0), jnp.full(1, 0.5), 100_000) / 0.5
    np.testing.assert_allclose([multiplier.mean(), multiplier.var()], [1, 1], atol=0.02)


def test_dropout_of_linear_regression_is_weight_decay():
    """The mean cost over all masks has a closed form, and a ridge solution (section 7.12)."""
    rng = np.random.default_rng(0)
    X, y, w, p = rng.normal(size=(8, 3)), rng.normal(size=8), rng.normal(size=3), 0.7
    masks = np.asarray(all_masks(3))  # of one example; each has its own
    weights = np.asarray(mask_probability(masks, jnp.full(3, p)))
    errors = ((y[:, None] - (X[:, None] * masks[None]) @ w) ** 2) @ weights
    np.testing.assert_allclose(noise_cost(X, y, w, p), errors.sum(), rtol=1e-9)
    best = jnp.linalg.solve(p**2 * X.T @ X + p * (1 - p) * np.diag((X**2).sum(axis=0)), p * X.T @ y)
    np.testing.assert_allclose(jax.grad(noise_cost, argnums=2)(X, y, best, p), 0, atol=1e-9)
    coefficient = (1 - p) / p * np.diag((X**2).sum(axis=0))
    np.testing.assert_allclose(p * best, np.linalg.solve(X.T @ X + coefficient, X.T @ y))


def test_training_cost_is_the_mean_over_masks(layers):
    """The sampled cost averages to the cost over all masks, and so do gradients (section 7.12)."""
    X, labels = jax.random.normal(jax.random.key(2), (2, 3)), jnp.array([0, 2])
    keep = keep_probabilities(layers)
    masks, weights = all_masks(7), mask_probability(all_masks(7), keep)

    def mean_cost(layers):
        logits = jax.vmap(lambda x: jax.vmap(lambda mu: masked_mlp(layers, x, mu))(masks))(X)
        log_p = jax.nn.log_softmax(logits)
        return -(log_p[jnp.arange(2), :, labels] @ weights).mean()

    keys = jax.random.split(jax.random.key(3), 20_000)
    value_and_grad = jax.value_and_grad(
        lambda layers, key: dropout_cost(layers, key, X, labels, keep)
    )
    costs, grads = jax.jit(jax.vmap(value_and_grad, (None, 0)))(layers, keys)
    np.testing.assert_allclose(costs.mean(), mean_cost(layers), atol=0.02)
    exact = jax.grad(mean_cost)(layers)
    np.testing.assert_allclose(grads[0].weights.mean(axis=0), exact[0].weights, atol=0.02)


@pytest.mark.parametrize("num_units", [0, 21])
def test_masks_that_cannot_be_listed(num_units):
    """More than a million masks are refused (section 7.12)."""
    with pytest.raises(ValueError, match="num_units"):
        all_masks(num_units)


def test_ridge_is_the_same_for_features_of_one_length():
    """With columns of equal length, dropout is ridge with one coefficient (section 7.12)."""
    rng = np.random.default_rng(1)
    X, y, p = rng.normal(size=(9, 3)), rng.normal(size=9), 0.5
    X /= np.linalg.norm(X, axis=0)
    scaled = np.linalg.solve(X.T @ X + (1 - p) / p * np.eye(3), X.T @ y)
    np.testing.assert_allclose(ridge(X, y, (1 - p) / p), scaled, rtol=1e-9)
