"""The multilayer perceptron: shapes, depth, small random starts and plain descent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPRegressor

from dlcompanion.feedforward_networks.hidden_units import identity, relu, tanh
from dlcompanion.feedforward_networks.mlp import Layer, affine, descend, init_mlp, mlp
from dlcompanion.probability import sigmoid

RNG = np.random.default_rng(63)
KEY = jax.random.key(6)


def random_layers(*sizes: int) -> tuple[Layer, ...]:
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return tuple(Layer(jnp.asarray(RNG.normal(size=s)), jnp.asarray(RNG.normal(size=s[1])))
                 for s in pairs)  # fmt: skip


def test_a_layer_for_one_example_and_for_rows():
    """W^T x + b for one example is a row of X W + b (equation 6.36)."""
    (layer,), X = random_layers(3, 4), RNG.normal(size=(5, 3))
    for x, row in zip(X, affine(layer, jnp.asarray(X)), strict=True):
        assert_allclose(row, layer.weights.T @ x + layer.bias, rtol=1e-12)


def test_a_chain_is_a_composition():
    """Two hidden layers and the readout come one after the other (equations 6.40, 6.41)."""
    layers, X = random_layers(3, 5, 4, 2), RNG.normal(size=(7, 3))
    (W1, b1), (W2, b2), (W3, b3) = jax.tree.map(np.asarray, layers)
    h1 = np.maximum(X @ W1 + b1, 0)
    h2 = np.maximum(h1 @ W2 + b2, 0)
    assert_allclose(mlp(layers, X), h2 @ W3 + b3, rtol=1e-12)
    assert_allclose(mlp(layers, X[0]), mlp(layers, X)[0], rtol=1e-12)


@pytest.mark.parametrize("name, unit", [("relu", relu), ("tanh", tanh), ("logistic", sigmoid)])
def test_as_in_scikit_learn(name, unit):
    """The same weights give scikit-learn's predictions (sections 6.3, 6.4)."""
    layers, X = random_layers(3, 5, 4, 2), RNG.normal(size=(7, 3))
    other = MLPRegressor(hidden_layer_sizes=(5, 4), activation=name).partial_fit(X, X[:, :2])
    other.coefs_ = [np.asarray(layer.weights) for layer in layers]
    other.intercepts_ = [np.asarray(layer.bias) for layer in layers]
    assert_allclose(mlp(layers, X, unit), other.predict(X), rtol=1e-10)


def test_linear_layers_collapse():
    """Without a nonlinearity any depth is one affine map (sections 6.1, 6.3.3)."""
    layers, X = random_layers(3, 5, 4, 2), RNG.normal(size=(7, 3))
    W = layers[0].weights @ layers[1].weights @ layers[2].weights
    b = np.asarray(mlp(layers, np.zeros(3), identity))
    assert_allclose(mlp(layers, X, identity), X @ np.asarray(W) + b, rtol=1e-10)


def test_sigmoid_and_tanh_networks_can_do_the_same():
    """Halve what enters and leaves a sigmoid, and it is a tanh (section 6.3.2, equation 6.39)."""
    (W, b), (V, c) = random_layers(3, 5, 2)
    X = RNG.normal(size=(7, 3))
    as_tanh = Layer(W / 2, b / 2), Layer(V / 2, c + V.sum(axis=0) / 2)
    assert_allclose(mlp(as_tanh, X, tanh), mlp((Layer(W, b), Layer(V, c)), X, sigmoid), atol=1e-12)


def test_small_activations_make_tanh_linear():
    """The relative error falls a hundredfold when inputs fall tenfold (section 6.3.2)."""
    layers, X = random_layers(4, 6, 6, 1), RNG.normal(size=(50, 4))
    layers = [Layer(W / 2, jnp.zeros_like(b)) for W, b in layers]

    def error(scale, unit):
        linear = mlp(layers, scale * X, identity)
        gap = mlp(layers, scale * X, unit) - linear
        return float(jnp.linalg.norm(gap) / jnp.linalg.norm(linear))

    errors = [error(scale, tanh) for scale in (0.1, 0.01, 0.001)]
    assert_allclose(np.array(errors[:-1]) / errors[1:], 100, rtol=0.1)
    assert min(error(scale, sigmoid) for scale in (1, 0.1, 0.01)) > 0.5


def test_gradients_fade_through_sigmoids():
    """Twenty sigmoid layers starve the first one; tanh and rectifiers do not (section 6.3.2)."""
    X = jnp.asarray(RNG.normal(size=(10, 50)), jnp.float32)

    def ratio(unit, gain, key):
        layers = [Layer((gain / 2) ** 0.5 * W, b) for W, b in init_mlp(key, (*20 * [50], 1))]
        grads = jax.grad(lambda layers: (mlp(layers, X, unit) ** 2).mean())(layers)
        return jnp.linalg.norm(grads[0].weights) / jnp.linalg.norm(grads[-2].weights)

    keys = jax.random.split(KEY, 10)
    ratios = [
        float(jnp.median(jax.jit(jax.vmap(lambda key, u=u, g=g: ratio(u, g, key)))(keys)))
        for u, g in ((sigmoid, 1.0), (tanh, 1.0), (relu, 2.0))
    ]
    assert ratios[0] < 1e-8
    assert 0.05 < min(ratios[1:]) and max(ratios[1:]) < 20


def test_a_small_positive_bias_starts_rectifiers_active():
    """With pre-activations of deviation 0.1, a bias of 0.1 wakes 84 % (section 6.3.1)."""
    X = jax.random.normal(KEY, (2000, 100))
    for bias, expected in ((0.0, 0.5), (0.1, 0.8413)):
        (layer,) = init_mlp(KEY, (100, 200), bias)
        weights = 0.01 * layer.weights / (2 / 100) ** 0.5
        active = (affine(Layer(weights, layer.bias), X) > 0).mean()
        assert_allclose(active, expected, atol=0.01)


def test_random_starts():
    """Variance 2 / n_in, the given bias, and another start for another key (section 6.2)."""
    layers = init_mlp(KEY, (200, 300, 2), bias=0.1)
    assert [layer.weights.shape for layer in layers] == [(200, 300), (300, 2)]
    assert_allclose(layers[0].weights.var(), 2 / 200, rtol=0.02)
    assert_array_equal(layers[0].bias, np.full(300, 0.1))
    assert (init_mlp(jax.random.key(7), (200, 300, 2))[0].weights != layers[0].weights).all()


def test_dead_units_stay_dead():
    """Far below zero a rectifier has no gradient at all; |z| has one (section 6.3.1)."""
    (W, c), head = random_layers(3, 5, 1)
    layers, X = (Layer(0.01 * W, c - c - 10), head), RNG.normal(size=(20, 3))

    def grads(unit):
        return jax.grad(lambda layers: ((mlp(layers, X, unit) - 1) ** 2).mean())(layers)

    hidden, top = grads(relu)
    assert not any(np.any(leaf) for leaf in (hidden.weights, hidden.bias, top.weights))
    hidden, top = grads(jnp.abs)
    assert all(np.all(leaf) for leaf in (hidden.weights, hidden.bias, top.weights))


def test_descent_step_by_step():
    """What is stored is plain gradient descent (section 6.2)."""
    layers, X, y = random_layers(2, 3, 1), RNG.normal(size=(6, 2)), RNG.normal(size=(6, 1))
    cost = lambda layers, _: ((mlp(layers, X, tanh) - y) ** 2).mean()  # noqa: E731
    stored = descend(cost, layers, 0.1, 3, 4)
    for k in range(3):
        assert_allclose(stored.costs[k], cost(layers, 4 * k), rtol=1e-12)
        for found, leaf in zip(*map(jax.tree.leaves, (stored.layers, layers)), strict=True):
            assert_allclose(found[k], leaf, rtol=1e-10)
        for _ in range(4):
            grads = jax.grad(cost)(layers, 0)
            layers = jax.tree.map(lambda p, g: p - 0.1 * g, layers, grads)


def test_every_step_gets_its_number():
    """From it a cost makes a fresh key and draws anew (section 6.2)."""

    def cost(layers, step):
        return layers[0].bias.sum() * jax.random.normal(jax.random.fold_in(KEY, step))

    start = (Layer(jnp.zeros((1, 1)), jnp.zeros(1)),)
    biases = descend(cost, start, 1.0, 6, 1).layers[0].bias[:, 0]
    assert len(np.unique(np.diff(biases))) == 5


def test_what_is_refused(unchecked_signatures):
    """Sizes and examples that do not fit are named (section 6.4)."""
    with pytest.raises(ValueError, match="sizes"):
        init_mlp(KEY, (3,))
    with pytest.raises(ValueError, match="sizes"):
        init_mlp(KEY, (3, 0, 1))
    with pytest.raises(ValueError, match="bias"):
        init_mlp(KEY, (3, 1), bias=np.nan)
    with pytest.raises(ValueError, match="X"):
        mlp(random_layers(3, 1), np.zeros((2, 4)))
