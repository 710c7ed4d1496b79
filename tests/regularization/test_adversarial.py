"""Adversarial examples: small for every pixel, large for the sum (section 7.13)."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion.feedforward_networks import Layer, descend, init_mlp, mlp
from dlcompanion.regularization import (
    adversarial_cost,
    attack,
    cross_entropy,
    error_rate,
    fast_gradient_sign,
    linear_change,
)


@pytest.fixture
def layers():
    return init_mlp(jax.random.key(0), (6, 5, 3))


def test_the_sign_step_moves_a_linear_model_by_the_one_norm():
    """epsilon ||w||_1, against epsilon ||w||_2 for random signs (section 7.13)."""
    w, signs = np.random.default_rng(0).normal(size=1000), np.random.default_rng(1)
    moved = fast_gradient_sign(lambda x: jnp.asarray(w) @ x, np.zeros(1000), 0.1)
    np.testing.assert_allclose(w @ moved, linear_change(w, 0.1), rtol=1e-12)
    np.testing.assert_allclose(linear_change(w, 0.1), 0.1 * np.abs(w).sum())
    random = 0.1 * signs.choice([-1, 1], size=(4000, 1000)) @ w
    np.testing.assert_allclose(random.std(), 0.1 * np.linalg.norm(w), rtol=0.05)


def test_the_change_grows_with_the_number_of_inputs():
    """With weights of variance 1/n it is about epsilon sqrt(2 n / pi) (section 7.13)."""
    for n in (100, 10_000):
        w = np.random.default_rng(n).normal(size=n) / n**0.5
        np.testing.assert_allclose(linear_change(w, 0.1), 0.1 * (2 * n / np.pi) ** 0.5, rtol=0.15)


def test_no_corner_is_worse_for_logistic_regression():
    """Of all 2^5 sign patterns the gradient's has the largest cost (section 7.13)."""
    rng = np.random.default_rng(0)
    w, b, x, epsilon = rng.normal(size=5), 0.3, rng.normal(size=5), 0.2

    def cost(x):
        return jax.nn.softplus(-(jnp.asarray(w) @ x + b))  # the label is 1

    moved = cost(fast_gradient_sign(cost, x, epsilon))
    corners = [
        cost(jnp.asarray(x + epsilon * np.array(s))) for s in itertools.product((-1, 1), repeat=5)
    ]
    np.testing.assert_allclose(moved, max(corners), rtol=1e-12)
    np.testing.assert_allclose(
        moved, np.log1p(np.exp(-(w @ x + b - epsilon * np.abs(w).sum()))), rtol=1e-12
    )


def test_the_first_order_gain_is_the_one_norm_of_the_gradient(layers):
    """(J(x + epsilon sign g) - J(x)) / epsilon tends to ||g||_1 (section 7.13)."""
    x, label = jnp.linspace(-1, 1, 6)[None], jnp.array([1])
    cost = lambda x: cross_entropy(layers, x, label)  # noqa: E731
    gain = (cost(fast_gradient_sign(cost, x, 1e-6)) - cost(x)) / 1e-6
    np.testing.assert_allclose(gain, jnp.abs(jax.grad(cost)(x)).sum(), rtol=1e-4)


def test_without_a_gradient_there_is_no_attack():
    """Behind dead units the sign is 0, and the input stays (section 7.13)."""
    dead = (Layer(jnp.ones((2, 3)), jnp.full(3, -100.0)), Layer(jnp.ones((3, 2)), jnp.zeros(2)))
    x, label = jnp.array([[0.2, 0.7]]), jnp.array([0])
    np.testing.assert_array_equal(attack(dead, x, label, 0.1), x)


def test_an_attack_stays_near_and_in_range(layers):
    """Every entry moves by at most epsilon and stays from 0 to 1 (Figure 7.8)."""
    X = jax.random.uniform(jax.random.key(1), (20, 6))
    labels = mlp(layers, X).argmax(axis=1)
    moved = attack(layers, X, labels, 0.3)
    assert jnp.abs(moved - X).max() <= 0.3 + 1e-12
    assert 0 <= moved.min() and moved.max() <= 1
    np.testing.assert_array_equal(attack(layers, X, labels, 0.0), X)
    assert cross_entropy(layers, moved, labels) > cross_entropy(layers, X, labels)


def test_costs_and_errors_by_hand(layers):
    """Cross-entropy and the share of wrong verdicts, against NumPy (section 7.13)."""
    X, labels = np.random.default_rng(0).uniform(size=(9, 6)), np.arange(9) % 3
    logits = np.asarray(mlp(layers, X))
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(cross_entropy(layers, X, labels), -log_p[range(9), labels].mean())
    np.testing.assert_allclose(error_rate(layers, X, labels), (logits.argmax(1) != labels).mean())
    np.testing.assert_allclose(
        adversarial_cost(layers, X, labels, 0.0), cross_entropy(layers, X, labels)
    )


def test_training_on_attacks_makes_a_linear_model_robust():
    """One strong and 50 weak features: fewer fooled, and smaller weights (section 7.13)."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    sides = 2 * labels[:, None] - 1
    X = np.clip(0.5 + sides * np.r_[0.3, np.full(50, 0.02)] + rng.normal(size=(400, 51)) / 10, 0, 1)
    start = (Layer(jnp.zeros((51, 2)), jnp.zeros(2)),)
    ends = []
    for cost in (
        lambda layers, _: cross_entropy(layers, X, labels),
        lambda layers, _: adversarial_cost(layers, X, labels, 0.15),
    ):
        trained = descend(cost, start, 0.5, 2, 400).layers
        ends.append(jax.tree.map(lambda leaf: leaf[-1], trained))
    plain, robust = (error_rate(l, attack(l, X, labels, 0.15), labels) for l in ends)
    assert robust < plain - 0.05
    sums = [jnp.abs(layer.weights).sum() for (layer,) in ends]
    assert sums[1] < sums[0]


def test_a_negative_epsilon_is_refused():
    """The step is uphill by definition (section 7.13)."""
    with pytest.raises(ValueError, match="epsilon must be at least 0"):
        fast_gradient_sign(lambda x: x.sum(), np.zeros(2), -0.1)
