"""XOR: what an affine model cannot do, the solution by hand, and where training ends."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog

from dlcompanion.feedforward_networks.hidden_units import identity
from dlcompanion.feedforward_networks.mlp import Layer, init_mlp, mlp
from dlcompanion.feedforward_networks.xor import (
    INPUTS,
    TARGETS,
    affine_fit,
    book_network,
    hidden_features,
    interaction,
    plateau_of,
    solve_by_hand,
    train_from_starts,
    train_xor,
    xor_cost,
    xor_outputs,
)

RNG = np.random.default_rng(61)


def random_network(num_hidden: int, scale: float = 1.0) -> tuple[Layer, Layer]:
    shapes = ((2, num_hidden), (num_hidden,)), ((num_hidden, 1), (1,))
    return tuple(Layer(*[jnp.asarray(scale * RNG.normal(size=s)) for s in pair]) for pair in shapes)


def moved_by(layers, change):
    return jax.tree.map(lambda a, b: a + b, layers, change)


def train(layers, num_steps: int, rate: float = 0.1):
    """Return the last network of a training, and its cost."""
    stored = train_xor(layers, rate, num_steps, num_steps)
    return jax.tree.map(lambda leaf: leaf[-1], stored.layers), float(stored.costs[-1])


# What an affine model cannot do


def test_the_best_affine_model_says_one_half():
    """Least squares ends at w = 0, b = 1/2 and a cost of 1/4 (equations 6.1, 6.2)."""
    w, b = affine_fit(INPUTS, TARGETS)
    assert_allclose(w, 0, atol=1e-12)
    assert_allclose(b, 0.5, atol=1e-12)
    assert_allclose(np.mean((INPUTS @ w + b - TARGETS) ** 2), 0.25, atol=1e-12)
    design = np.column_stack([INPUTS, np.ones(4)])
    assert_allclose(np.append(w, b), np.linalg.lstsq(design, TARGETS)[0], atol=1e-12)


def test_descent_brings_every_affine_model_there():
    """The cost of the affine model is convex: all starts meet (section 6.1, equation 6.2)."""
    design = np.column_stack([INPUTS, np.ones(4)])
    for theta in 3 * RNG.normal(size=(5, 3)):
        for _ in range(2000):
            theta = theta - 0.5 * 2 / 4 * design.T @ (design @ theta - TARGETS)
        assert_allclose(theta, [0, 0, 0.5], atol=1e-8)


def test_three_of_the_points_are_no_problem():
    """Leave any point out, and an affine model is exact on the others (section 6.1)."""
    for left_out in range(4):
        kept = np.delete(np.arange(4), left_out)
        w, b = affine_fit(INPUTS[kept], TARGETS[kept])
        assert_allclose(INPUTS[kept] @ w + b, TARGETS[kept], atol=1e-12)


def test_one_number_proves_the_affine_model_helpless():
    """The interaction is zero for all of them and -2 for XOR (section 6.1)."""
    for w, b in zip(RNG.normal(size=(100, 2)), RNG.normal(size=100), strict=True):
        assert abs(float(interaction(INPUTS @ w + b))) < 1e-12
    assert float(interaction(TARGETS)) == -2


def test_logistic_regression_is_as_helpless():
    """Its best is a probability of 1/2 everywhere, a loss of log 2 (section 6.1)."""
    design = np.column_stack([INPUTS, np.ones(4)])
    theta = np.array([0.7, -1.2, 0.4])
    for _ in range(3000):
        theta = theta - design.T @ (1 / (1 + np.exp(-design @ theta)) - TARGETS) / 4
    assert_allclose(theta, 0, atol=1e-6)
    losses = np.logaddexp(0, (1 - 2 * TARGETS) * (design @ theta))
    assert_allclose(losses.mean(), np.log(2), atol=1e-9)


def inseparable(num_bits: int) -> list[tuple]:
    """Return the truth tables that no plane separates."""
    corners = np.array(list(product([0, 1], repeat=num_bits)))
    design = np.column_stack([corners, np.ones(len(corners))])
    fails = []
    for table in product([0, 1], repeat=len(corners)):
        bounds = (1 - 2 * np.array(table))[:, None] * design
        zero, least = np.zeros(num_bits + 1), -np.ones(len(corners))
        if not linprog(zero, A_ub=bounds, b_ub=least, bounds=(None, None)).success:
            fails.append(table)
    return fails


def test_only_xor_and_its_opposite_need_more_than_a_line():
    """Of 16 functions of two bits 14 are separable, of 256 of three bits 104 (section 6.1)."""
    assert inseparable(2) == [(0, 1, 1, 0), (1, 0, 0, 1)]
    assert len(inseparable(3)) == 256 - 104


def test_features_made_by_hand_and_by_a_kernel():
    """The product of the inputs solves XOR; a kernel only remembers it (section 6.1)."""
    features = np.column_stack([INPUTS, INPUTS.prod(axis=1), np.ones(4)])
    assert_allclose(np.linalg.solve(features, TARGETS), [1, 1, -2, 0], atol=1e-12)
    kernel = lambda a, b: np.exp(-((a[:, None] - b) ** 2).sum(axis=-1))  # noqa: E731
    alpha = np.linalg.solve(kernel(INPUTS, INPUTS), TARGETS)
    assert_allclose(alpha, [-0.98410, 1.51855, 1.51855, -0.98410], atol=1e-5)
    assert abs(kernel(np.array([[3.0, 3.0]]), INPUTS) @ alpha) < 1e-3


def test_linear_hidden_units_add_nothing():
    """Two linear layers are one: w^T W^T x = x^T (W w), and 1/4 stays (section 6.1)."""
    (W, c), (w, b) = layers = random_network(5)
    assert_allclose(
        mlp(layers, INPUTS, identity)[:, 0], INPUTS @ (W @ w)[:, 0] + w[:, 0] @ c + b[0], atol=1e-12
    )
    assert abs(float(interaction(mlp(layers, INPUTS, identity)[:, 0]))) < 1e-12


# The solution by hand


def test_every_step_of_the_solution_is_exact():
    """Integers in, integers out (equations 6.3-6.11, Figure 6.1)."""
    steps = solve_by_hand()
    assert_array_equal(INPUTS, [[0, 0], [0, 1], [1, 0], [1, 1]])
    assert_array_equal(steps.products, [[0, 0], [1, 1], [1, 1], [2, 2]])
    assert_array_equal(steps.shifted, [[0, -1], [1, 0], [1, 0], [2, 1]])
    assert_array_equal(steps.hidden, [[0, 0], [1, 0], [1, 0], [2, 1]])
    assert_array_equal(steps.outputs, TARGETS)
    assert_array_equal(steps.shifted[:, 1], steps.shifted[:, 0] - 1)  # still on one line
    sides = np.asarray(steps.hidden)[[1, 3]] - np.asarray(steps.hidden)[0]
    assert np.linalg.det(sides) == 1  # and now no longer


def test_the_gradient_vanishes_at_the_solution():
    """Three inputs sit at the kink, and no convention for it matters there (section 6.1)."""
    gradient = jax.grad(xor_cost)(book_network())
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(gradient))
    halves = jax.grad(lambda layers: ((_with_halves(layers) - TARGETS) ** 2).mean())
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(halves(book_network())))


def _with_halves(layers):
    return mlp(layers, INPUTS, lambda z: jnp.maximum(z, 0))[:, 0]


@pytest.mark.parametrize("a", [0.5, 2, 7])
def test_solutions_come_in_families(a):
    """Scale a unit up and its output weight down, or swap units: the same (section 6.1)."""
    (W, c), (w, b) = book_network()
    assert_allclose(xor_outputs((Layer(a * W, a * c), Layer(w / a, b))), TARGETS, atol=1e-12)
    swapped = Layer(W[:, ::-1], c[::-1]), Layer(w[::-1], b)
    assert_array_equal(xor_outputs(swapped), TARGETS)
    assert_array_equal(xor_outputs((Layer(-W, -c), Layer(-w, b))), [2, 0, 0, 0])


def test_the_cost_is_not_convex():
    """Halfway between two solutions it is 1.6875 (section 6.2)."""
    (W, c), (w, b) = book = book_network()
    swapped = Layer(W[:, ::-1], c[::-1]), Layer(w[::-1], b)
    middle = jax.tree.map(lambda p, q: (p + q) / 2, book, swapped)
    assert_array_equal([xor_cost(book), xor_cost(swapped)], 0)
    assert_allclose(xor_cost(middle), 1.6875, atol=1e-12)


def test_the_readout_is_linear_in_the_learned_features():
    """An affine fit on h recovers w = (1, -2), b = 0 (section 6.1, Figure 6.1)."""
    w, b = affine_fit(hidden_features(book_network(), INPUTS), TARGETS)
    assert_allclose(np.append(w, b), [1, -2, 0], atol=1e-10)


def test_right_on_four_points_and_nonsense_elsewhere():
    """The network depends on x1 + x2 alone, and leaves [0, 1] outside (equation 6.3)."""
    X = np.array([[0.5, 0.5], [0.5, 0], [1.5, 0], [2, 2], [-1, 0]])
    assert_array_equal(mlp(book_network(), X)[:, 0], [1, 0.5, 0.5, -2, 0])


# Training


def test_one_hidden_unit_cannot_do_it():
    """The best of many thousand directions leaves a cost of 1/6 (section 6.1)."""
    z = INPUTS @ RNG.normal(size=(2, 50_000)) + RNG.normal(size=50_000)
    h = np.maximum(z, 0) - np.maximum(z, 0).mean(axis=0)
    y = TARGETS - 0.5
    explained = (y @ h) ** 2 / np.maximum((h**2).sum(axis=0), 1e-12)
    costs = 0.25 - explained / 4
    assert costs.min() >= 1 / 6 - 1e-9 and costs.min() < 1 / 6 + 1e-6


def test_a_start_at_zero_stays_helpless():
    """Only the output bias moves, to 1/2 (section 6.2)."""
    layers, cost = train(jax.tree.map(jnp.zeros_like, book_network()), 2000)
    (W, c), (w, b) = layers
    assert not any(np.any(leaf) for leaf in (W, c, w))
    assert_allclose([b[0], cost], [0.5, 0.25], atol=1e-9)


def test_equal_units_stay_equal():
    """In exact arithmetic two equal units count as one: no cost below 1/6 (section 6.2)."""

    def doubled(hidden, output):
        W, w = jnp.tile(hidden.weights, 2), jnp.tile(output.weights, (2, 1))
        return Layer(W, jnp.tile(hidden.bias, 2)), Layer(w, output.bias)

    def apart(layers):
        (W, c), (w, _) = layers
        return max(float(np.ptp(leaf, axis).max()) for leaf, axis in ((W, 2), (c, 1), (w, 1)))

    ones = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[random_network(1) for _ in range(100)])
    twos = jax.vmap(lambda layers: doubled(*layers))(ones)
    assert apart(jax.vmap(jax.grad(xor_cost))(twos)) < 1e-12
    ends = jax.jit(jax.vmap(lambda layers: train_xor(layers, 0.1, 20_000, 20_000)))(twos)
    assert apart(jax.tree.map(lambda leaf: leaf[:, -1], ends.layers)) < 1e-8
    assert ends.costs[:, -1].min() >= 1 / 6 - 1e-9


@pytest.mark.parametrize("num_hidden, low, high", [(1, 0, 0), (2, 0.2, 0.5), (8, 0.85, 1)])
def test_how_often_training_solves_xor(num_hidden, low, high):
    """Width helps; what fails ends on one of three plateaus (sections 6.1, 6.2)."""
    with jax.enable_x64(False):
        _, costs = train_from_starts(jax.random.key(0), 500, num_hidden)
    ends = np.asarray(plateau_of(costs))
    assert low <= np.mean(ends == 0) <= high
    assert np.mean(np.isnan(ends)) < 0.05


def test_a_wide_network_wants_a_smaller_step():
    """With output weights of size 1, the failures of 32 units are the rate's (section 6.2)."""
    with jax.enable_x64(False):
        keys = jax.random.split(jax.random.key(0), 40)
        starts = jax.vmap(lambda key: init_mlp(key, (2, 32, 1), bias=0.1))(keys)
        starts = starts[0], starts[1]._replace(weights=4 * starts[1].weights)
        for rate, low, high in ((0.1, 0, 0.6), (0.01, 0.95, 1)):
            train = jax.jit(
                jax.vmap(lambda start, rate=rate: train_xor(start, rate, 20_000, 20_000))
            )
            assert low <= np.mean(train(starts).costs[:, -1] < 1e-3) <= high


def test_descent_returns_to_the_solution_from_nearby():
    """The book's network, shaken a little, comes back to cost zero (section 6.1)."""
    for _ in range(20):
        shaken = moved_by(book_network(), random_network(2, 0.1))
        assert train(shaken, 3000)[1] < 1e-6


def test_what_descent_finds_is_not_tidy():
    """Hardly a solved run has integers for weights, as the book's network has (section 6.1)."""
    with jax.enable_x64(False):
        starts, costs = train_from_starts(jax.random.key(0), 100)
        ends = jax.vmap(lambda start: train_xor(start, 0.1, 10_000, 10_000).layers)(starts)
    W = np.asarray(ends[0].weights)[np.asarray(costs) < 1e-4, -1]
    tidy = np.all(abs(W - np.round(W)) < 0.01, axis=(1, 2))
    assert len(W) > 10 and tidy.mean() < 0.05


def test_the_plateaus():
    """A last cost is 0, 1/8, 1/6, 1/4 or none of them (section 6.2)."""
    found = plateau_of(np.array([1e-5, 0.125, 0.1668, 0.2501, 0.2]))
    assert_allclose(found, [0, 1 / 8, 1 / 6, 1 / 4, np.nan])


def test_training_stores_what_it_passes():
    """The first stored network is the start, and costs belong to networks (equation 6.1)."""
    start = random_network(2)
    stored = train_xor(start, 0.05, 60, 20)
    assert stored.costs.shape == (4,)
    first = jax.tree.map(lambda leaf: leaf[0], stored.layers)
    assert all(map(np.array_equal, jax.tree.leaves(first), jax.tree.leaves(start)))
    layers = start
    for k in range(61):
        if k % 20 == 0:
            assert_allclose(stored.costs[k // 20], xor_cost(layers), rtol=1e-10)
        layers = moved_by(layers, jax.tree.map(lambda g: -0.05 * g, jax.grad(xor_cost)(layers)))
