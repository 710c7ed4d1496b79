"""Hidden units: their shapes, their kinks, and where they stop learning."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from dlcompanion.datasets import digits
from dlcompanion.feedforward_networks.hidden_units import (
    absolute_rectification,
    cosine,
    hard_tanh,
    identity,
    leaky_relu,
    maxout,
    parametric_relu,
    radial_basis,
    relu,
    tanh,
)
from dlcompanion.feedforward_networks.mlp import Layer, init_mlp, mlp
from dlcompanion.feedforward_networks.output_units import multinoulli_loss
from dlcompanion.probability import sigmoid, softplus

RNG = np.random.default_rng(63)
Z = np.linspace(-6, 6, 241)


def slope(unit, z):
    return float(jax.grad(unit)(jnp.asarray(z, float)))


def two_pieces(slopes):
    return maxout(np.stack([Z * s for s in slopes], axis=-1), 2)[:, 0]


# Rectified units


def test_units_as_written_in_numpy():
    """Every unit against its formula (sections 6.3.1, 6.3.2, 6.3.3, Figure 6.3)."""
    expected = {
        relu: np.maximum(0, Z),
        absolute_rectification: abs(Z),
        leaky_relu: np.maximum(0, Z) + 0.01 * np.minimum(0, Z),
        tanh: np.tanh(Z),
        hard_tanh: np.clip(Z, -1, 1),
        identity: Z,
        cosine: np.cos(Z),
    }
    for unit, values in expected.items():
        assert_allclose(unit(Z), values, atol=1e-15)


@pytest.mark.parametrize("alpha", [0, -1, 0.01, 0.25])
def test_two_pieces_of_maxout_are_every_rectifier(alpha):
    """The larger of z and alpha z, as long as alpha is at most 1 (equation 6.37)."""
    assert_array_equal(two_pieces((1, alpha)), parametric_relu(Z, alpha))


def test_a_slope_above_one_needs_a_minimum():
    """With alpha = 2 the unit is min(z, 2 z), which is not convex (section 6.3.1)."""
    unit = parametric_relu(Z, 2.0)
    assert_array_equal(unit, np.minimum(Z, 2 * Z))
    assert np.max(abs(unit - two_pieces((1, 2)))) == 6
    at = parametric_relu(np.array([-1.0, 0, 1]), 2.0)
    assert at[1] > (at[0] + at[2]) / 2


def test_maxout_takes_the_largest_of_each_group():
    """Groups are neighbours: the first k numbers are the first group (equation 6.37)."""
    z = RNG.normal(size=(5, 12))
    expected = [[max(row[3 * i : 3 * i + 3]) for i in range(4)] for row in z]
    assert_array_equal(maxout(z, 3), expected)
    assert maxout(z[0], 4).shape == (3,)
    with pytest.raises(ValueError, match="num_pieces must divide the size 12"):
        maxout(z, 5)


def test_maxout_is_convex():
    """Never above its chords: to bend down, the next layer needs a minus (section 6.3.1)."""
    slopes, biases = RNG.normal(size=(2, 4))
    a, b, t = RNG.normal(size=10_000), RNG.normal(size=10_000), RNG.uniform(size=10_000)
    g = lambda x: maxout(x[:, None] * slopes + biases, 4)[:, 0]  # noqa: E731
    assert np.max(g(t * a + (1 - t) * b) - t * g(a) - (1 - t) * g(b)) < 1e-12


@pytest.mark.parametrize("k", [2, 4, 8, 16])
def test_maxout_approximates_a_parabola(k):
    """The error of k tangents is exactly 1 / k^2 (section 6.3.1, equation 6.37)."""
    x = np.linspace(-1, 1, 6401)[:, None]
    at = -1 + (2 * np.arange(1, k + 1) - 1) / k
    error = x[:, 0] ** 2 - maxout(2 * at * x - at**2, k)[:, 0]
    assert_allclose(error.max(), 1 / k**2, atol=1e-9)


def test_a_difference_of_two_maxouts_bends_both_ways():
    """A sine from two convex units with 33 pieces each (section 6.3.1)."""
    knots = np.linspace(0, 1, 33)
    x = np.linspace(0, 1, 2001)[:, None]
    bend = 20.0  # x^2 times this makes both parts convex
    g = lambda f, df: maxout(df * (x - knots) + f, 33)[:, 0]  # noqa: E731
    wave, slopes = np.sin(2 * np.pi * knots), 2 * np.pi * np.cos(2 * np.pi * knots)
    parabola, growth = bend * knots**2, 2 * bend * knots
    both = g(wave + parabola, slopes + growth) - g(parabola, growth)
    assert np.max(abs(both - np.sin(2 * np.pi * x[:, 0]))) < 0.01


# Kinks


def test_two_slopes_meet_at_the_kink():
    """Left 0, right 1, and a central difference sees half of each (section 6.3)."""
    h = 1e-6
    left, right, central = -relu(-h) / h, relu(h) / h, (relu(h) - relu(-h)) / (2 * h)
    assert_allclose([left, right, central], [0, 1, 0.5], atol=1e-9)
    for z in (-1.0, 0.5, 3.0):
        assert slope(jax.grad(relu), z) == 0  # no curvature anywhere else
    curvatures = [slope(jax.grad(tanh), z) for z in (-1.0, 0.5, 3.0)]
    assert_allclose(curvatures, [0.640, -0.727, -0.0196], atol=1e-3)


def test_what_software_says_at_a_kink():
    """One side's slope for our units; jnp.maximum and jnp.clip say 1/2 (section 6.3)."""
    units = relu, leaky_relu, absolute_rectification
    assert_allclose([slope(unit, 0) for unit in units], [0, 0.01, -1])
    assert [slope(hard_tanh, z) for z in (-1, 1)] == [0, 0]
    ours = jax.nn.relu, lambda z: jnp.maximum(z, 0), jnp.abs, jax.nn.leaky_relu
    assert_allclose([slope(unit, 0) for unit in ours], [0, 0.5, 1, 1])
    assert [slope(jax.nn.hard_tanh, 1), slope(lambda z: jnp.clip(z, -1, 1), 1)] == [1, 0.5]
    assert np.isnan(slope(lambda z: jnp.where(z > 0, jnp.sqrt(z), 0), 0))


# Units that die, and units that do not


def test_a_dead_layer_gets_no_gradient():
    """All biases at -10: nothing hidden learns, unless the unit leaks (section 6.3.1)."""
    start = init_mlp(jax.random.key(0), (3, 8, 1))
    start = start[0]._replace(bias=jnp.full(8, -10.0)), start[1]
    X, y = RNG.normal(size=(20, 3)), RNG.normal(size=20)
    for unit, is_dead in ((relu, True), (leaky_relu, False), (absolute_rectification, False)):
        cost = lambda p, unit=unit: ((mlp(p, X, unit)[:, 0] - y) ** 2).mean()  # noqa: E731
        (dW, dc), (dw, db) = jax.grad(cost)(start)
        assert [not np.any(leaf) for leaf in (dW, dc, dw)] == 3 * [is_dead]
        assert np.any(db)


def test_a_small_positive_bias_starts_units_active():
    """With 0.1 and inputs of spread 0.1, a share Phi(1) of them (section 6.3.1)."""
    W = 0.01 * RNG.normal(size=(100, 1000))
    X = RNG.normal(size=(200, 100))
    for bias, share in ((0.0, 0.5), (0.1, stats.norm.cdf(1))):
        assert_allclose(np.mean(relu(X @ W + bias) > 0), share, atol=0.01)


def test_absolute_rectification_ignores_polarity():
    """A pattern and its negative look alike, but only without a bias (section 6.3.1)."""
    W, x = RNG.normal(size=(4, 6)), RNG.normal(size=4)
    assert_array_equal(absolute_rectification(x @ W), absolute_rectification(-x @ W))
    with_bias = absolute_rectification(x @ W + 1) - absolute_rectification(-x @ W + 1)
    assert 0.1 < np.max(abs(with_bias)) <= 2


# Sigmoid and tanh


def test_tanh_is_a_sigmoid_in_other_clothes():
    """tanh z = 2 sigmoid(2 z) - 1, and layers translate (equations 6.38, 6.39)."""
    assert_allclose(tanh(Z), 2 * sigmoid(2 * Z) - 1, atol=1e-14)
    W, b, v, c = RNG.normal(size=(3, 5)), RNG.normal(size=5), RNG.normal(size=5), 0.3
    X = RNG.normal(size=(10, 3))
    as_tanh = tanh(X @ W / 2 + b / 2) @ (v / 2) + c + v.sum() / 2
    assert_allclose(sigmoid(X @ W + b) @ v + c, as_tanh, atol=1e-12)


def test_both_saturate():
    """Slopes are at most 1/4 and 1, at zero, and next to nothing at 10 (equations 6.38, 6.39)."""
    for unit, most, far in ((sigmoid, 0.25, 4.5396e-5), (tanh, 1.0, 8.2446e-9)):
        slopes = jax.vmap(jax.grad(unit))(jnp.asarray(Z))
        assert slopes.argmax() == 120 and slopes[120] == most
        assert_allclose(slope(unit, 10), far, rtol=1e-3)


def test_a_tanh_network_with_small_activations_is_linear():
    """The error falls a hundredfold with each tenth; the sigmoid's does not (section 6.3.2)."""
    V, U, w = RNG.normal(size=(4, 6)) / 2, RNG.normal(size=(6, 6)) / 6**0.5, RNG.normal(size=6)
    x = RNG.normal(size=4)

    def error(unit, scale):
        linear = scale * (x @ V @ U @ w)
        return abs((unit(unit(scale * x @ V) @ U) @ w - linear) / linear)

    errors = [float(error(tanh, scale)) for scale in (1, 0.1, 0.01)]
    assert_allclose(errors[1] / errors[2], 100, rtol=0.1)
    assert errors[0] > errors[1]
    assert error(sigmoid, 0.01) > 1


def test_a_deep_sigmoid_network_loses_its_gradient():
    """Across 20 layers, first against last; tanh and ReLU keep theirs (section 6.3.2)."""
    ratios = {}
    for unit in (sigmoid, tanh, relu):

        def cost(weights, X, unit=unit):
            return (mlp([Layer(W, jnp.zeros(50)) for W in weights], X, unit) ** 2).sum()

        gradient, ratios[unit] = jax.jit(jax.grad(cost)), []
        for seed in range(5):
            keys = jax.random.split(jax.random.key(seed), 21)
            scale = (2 if unit is relu else 1) / 50
            weights = [scale**0.5 * jax.random.normal(key, (50, 50)) for key in keys[:20]]
            g = gradient(weights, jax.random.normal(keys[20], (20, 50)))
            ratios[unit].append(np.linalg.norm(g[0]) / np.linalg.norm(g[-2]))
    assert np.median(ratios[sigmoid]) < 1e-8
    assert 0.05 < np.median(ratios[tanh]) < 20 and 0.05 < np.median(ratios[relu]) < 20


# Other units


def test_linear_units_factor_a_layer():
    """q linear units between n and p: (n + p) q parameters and rank q (section 6.3.3)."""
    assert [(1000 + 1000) * q for q in (10, 500, 600)] == [20_000, 1_000_000, 1_200_000]
    V, U = RNG.normal(size=(8, 3)), RNG.normal(size=(3, 8))
    layers = Layer(jnp.asarray(V), jnp.zeros(3)), Layer(jnp.asarray(U), jnp.zeros(8))
    assert np.linalg.matrix_rank(mlp(layers, np.eye(8), identity)) == 3
    assert_allclose(mlp(layers, np.eye(8), identity), V @ U, atol=1e-12)


def test_a_radial_basis_unit_is_blind_from_afar():
    """Values and slopes at distances 0, 1, 2, 5, and the steepest place (section 6.3.3)."""
    at = lambda r: radial_basis(r[None] if r.ndim == 0 else r, jnp.zeros((1, 1)), 1.0)[0]  # noqa: E731
    r = jnp.array([0.0, 1, 2, 5, 0.5**0.5])
    values = [at(x) for x in r]
    assert_allclose(values[:4], [1, 0.367879, 0.0183156, 1.389e-11], rtol=1e-3)
    slopes = [abs(float(jax.grad(at)(x))) for x in r]
    assert_allclose(slopes, [0, 0.735759, 0.0732626, 1.389e-10, 0.857764], rtol=1e-3)
    X, W = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))
    expected = np.exp(-((X[:, :, None] - W) ** 2).sum(axis=1) / 0.49)
    assert_allclose(radial_basis(X, W, 0.7), expected, rtol=1e-12)


def test_softplus_smooths_the_rectifier():
    """At most log 2 above it, at zero, with the sigmoid as its slope (section 6.3.3)."""
    gap = softplus(Z) - relu(Z)
    assert (gap > 0).all() and gap.argmax() == 120
    assert_allclose(gap[120], np.log(2), rtol=1e-12)
    assert_allclose(jax.vmap(jax.grad(softplus))(jnp.asarray(Z)), sigmoid(Z), atol=1e-12)
    assert_allclose(softplus(Z) - softplus(-Z), Z, atol=1e-12)
    assert np.max(abs(softplus(20 * Z) / 20 - relu(Z))) <= np.log(2) / 20 + 1e-12


def test_hard_tanh_is_made_of_rectifiers():
    """Two of them and a constant; it is furthest from tanh at one (section 6.3.3)."""
    assert_allclose(hard_tanh(Z), relu(Z + 1) - relu(Z - 1) - 1, atol=1e-12)
    distances = abs(hard_tanh(Z) - tanh(Z))
    assert_allclose(abs(Z[distances.argmax()]), 1, atol=1e-9)
    assert_allclose(distances.max(), 0.238406, atol=1e-6)


def test_sizes_are_checked(unchecked_signatures):
    """A width must be positive, inputs must fit their templates (section 6.3.3)."""
    with pytest.raises(ValueError, match="width must be positive"):
        radial_basis(jnp.zeros(3), jnp.zeros((3, 2)), 0.0)
    with pytest.raises(ValueError, match="x must have shape"):
        radial_basis(jnp.zeros(2), jnp.zeros((3, 2)), 1.0)


# On digits


@pytest.fixture(scope="module")
def accuracies():
    """Return the test accuracy of each unit: 64 of them, 1,500 steps of Adam, three seeds."""
    order = np.random.default_rng(0).permutation(len(digits().labels))
    X = jnp.asarray((digits().design_matrix / 16)[order], jnp.float32)
    labels = jnp.asarray(digits().labels[order])
    optimizer = optax.adam(0.003)

    def accuracy(key, unit):
        def step(carry, rows):
            cost = lambda layers: multinoulli_loss(mlp(layers, X[rows], unit), labels[rows]).mean()  # noqa: E731
            changes, state = optimizer.update(jax.grad(cost)(carry[0]), carry[1])
            return (optax.apply_updates(carry[0], changes), state), None

        key_layers, key_rows = jax.random.split(key)
        layers = init_mlp(key_layers, (64, 64, 10))
        batches = jax.random.randint(key_rows, (1500, 100), 0, 1200)
        (layers, _), _ = jax.lax.scan(step, (layers, optimizer.init(layers)), batches)
        return (mlp(layers, X[1200:], unit).argmax(axis=1) == labels[1200:]).mean()

    units = {"relu": relu, "absolute": absolute_rectification, "cos": cosine, "tanh": tanh,
             "hard tanh": hard_tanh, "sigmoid": sigmoid, "softplus": softplus,
             "identity": identity}  # fmt: skip
    with jax.enable_x64(False):
        keys = jax.random.split(jax.random.key(0), 3)
        return {
            name: float(jax.jit(jax.vmap(lambda key, g=g: accuracy(key, g)))(keys).mean())
            for name, g in units.items()
        }


def test_unusual_units_work(accuracies):
    """A cosine reads digits as well as a rectifier; every bend helps (section 6.3.3)."""
    assert abs(accuracies["cos"] - accuracies["relu"]) < 0.02
    line, worst = sorted(accuracies, key=accuracies.get)[:2]
    assert line == "identity" and accuracies[worst] > 0.96


def test_smoother_is_not_better(accuracies):
    """The softplus does not beat the rectifier that it smooths (section 6.3.3)."""
    assert accuracies["softplus"] <= accuracies["relu"]
