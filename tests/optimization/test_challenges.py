"""Ill-conditioning, saddles, cliffs, long products and wrong sides."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from dlcompanion.numerical_computation import (
    CriticalPoint,
    Status,
    classify,
    gradient_descent,
    newton,
    optimal_step,
    quadratic_from_hessian,
)
from dlcompanion.optimization import (
    clip_norm,
    clip_values,
    is_minimum,
    matrix_power,
    minimize,
    noisy_training,
    random_hessian,
    recurrent_cost,
    sgd,
    step_change,
    two_weight_cost,
    with_clipping,
    wrong_side_cost,
)
from tests.problems import saddle

H = np.diag([1.0, 100.0])
G = H @ np.ones(2)
seeds = st.integers(0, 1000)

# Ill-conditioning


@pytest.mark.parametrize(
    "rate, change",
    [(0.001, -9.501), (0.01, -50.0099), (0.0199, -1.01470), (0.02, -0.0198), (0.021, 10.47931)],
)
def test_the_predicted_change_is_that_of_a_bowl(rate, change):
    """On a quadratic the prediction is exact: first down, then up (equation 8.10)."""
    bowl = quadratic_from_hessian(H)
    assert_allclose(step_change(G, H, rate), change, rtol=1e-3)
    direct = bowl(np.ones(2) - rate * G) - bowl(np.ones(2))
    assert_allclose(step_change(G, H, rate), direct, rtol=1e-9, atol=1e-9)


@given(seeds)
def test_the_step_is_best_at_half_of_where_it_climbs(seed):
    """The change is 0 at 2 g^T g / g^T H g, and lowest at half of that (section 8.2.1)."""
    root, g = np.random.default_rng(seed).normal(size=(2, 3, 3))
    hessian, g = root @ root.T + np.eye(3), g[0]
    best = float(optimal_step(g, hessian))
    assert_allclose(2 * best, 2 * g @ g / (g @ hessian @ g))
    assert_allclose(step_change(g, hessian, 2 * best), 0, atol=1e-9)
    changes = [float(step_change(g, hessian, f * best)) for f in (0.9, 1.0, 1.1)]
    assert min(changes) == changes[1] < 0
    assert float(step_change(g, hessian, 2.01 * best)) > 0


def test_steps_in_a_canyon_climb_from_two_hundredths_on():
    """With curvatures 1 and 100 a step of 0.020002 gains nothing (section 8.2.1)."""
    assert_allclose(2 * optimal_step(G, H), 0.0200018, rtol=1e-4)


def test_the_largest_curvature_limits_the_rate():
    """Descent on a bowl converges below 2 / lambda_max only (section 8.2.1)."""
    bowl = quadratic_from_hessian(H)
    paths = [gradient_descent(bowl, np.ones(2), f * 0.02, 3000) for f in (0.99, 1.01)]
    assert [Status(int(p.status)) for p in paths] == [Status.CONVERGED, Status.DIVERGED]


def test_a_run_that_works_without_arriving():
    """With wrong labels the error falls and the gradient does not vanish (Figure 8.1)."""
    run = noisy_training(jax.random.key(0), 0.1)
    early, late = run.grad_norms[:500].mean(), run.grad_norms[-500:].mean()
    assert late > 0.8 * early
    assert run.errors[0] > 0.3 and run.errors[-500:].mean() < 0.12
    clean = noisy_training(jax.random.key(0), 0.0)
    assert clean.grad_norms[-500:].mean() < 0.85 * late


# Local minima


def rectifier_net(W, u, x):
    return jax.nn.relu(x @ W) @ u


def test_units_may_change_places():
    """All 3! orders of three hidden units compute the same function (section 8.2.2)."""
    W, u, x = (np.random.default_rng(0).normal(size=shape) for shape in ((2, 3), (3,), (5, 2)))
    before = rectifier_net(W, u, x)
    for order in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]:
        assert_allclose(rectifier_net(W[:, order], u[list(order)], x), before, atol=1e-14)


def test_rectifiers_may_trade_scale_only_if_it_is_positive():
    """Ten times in, a tenth out is the same; a factor of -1 is not (section 8.2.2)."""
    W, u, x = (np.random.default_rng(0).normal(size=shape) for shape in ((2, 3), (3,), (5, 2)))
    before = rectifier_net(W, u, x)
    for factor in (0.1, 2.0):
        assert_allclose(rectifier_net(factor * W, u / factor, x), before, atol=1e-14)
        decayed = ((factor * W) ** 2).sum() + ((u / factor) ** 2).sum()
        assert abs(decayed - (W**2).sum() - (u**2).sum()) > 0.1  # weight decay tells them apart
    assert jnp.abs(rectifier_net(-W, -u, x) - before).max() > 0.1


# Saddles and flat regions


def test_random_hessians_are_rarely_minima():
    """Fewer than 2^-n of the symmetric Gaussian matrices have no direction down (section 8.2.3)."""
    shares = []
    for n, expected in ((1, 0.5), (2, (2 - np.sqrt(2)) / 4), (3, 0.0249), (4, 0.0025)):
        keys = jax.random.split(jax.random.key(n), 40_000)
        share = float(is_minimum(jax.vmap(lambda key, n=n: random_hessian(key, n))(keys)).mean())
        assert_allclose(share, expected, atol=4 * np.sqrt(expected / 40_000))
        assert share <= 2.0**-n + 0.01
        shares.append(share)
    assert shares == sorted(shares, reverse=True)


def test_a_low_cost_makes_minima_likely():
    """With all eigenvalues raised by s the share of minima goes from 0 to 1 (section 8.2.3)."""
    keys = jax.random.split(jax.random.key(0), 20_000)
    shares = [
        float(is_minimum(jax.vmap(lambda key, s=s: random_hessian(key, 5, s))(keys)).mean())
        for s in (-1.0, 0.0, 1.0, 2.0, 3.0)
    ]
    assert_allclose(shares, [0, 0.0001, 0.024, 0.338, 0.837], atol=0.015)
    matrix = random_hessian(jax.random.key(1), 4)
    assert_allclose(np.linalg.eigvalsh(matrix)[0] > 0, is_minimum(matrix[None])[0])


def test_the_smallest_network_has_a_saddle_and_a_valley():
    """At 0 the curvatures are -1 and 1, on the valley 0 and 4.25 (Figure 8.2)."""
    hessian = jax.hessian(two_weight_cost)
    assert_allclose(jnp.linalg.eigvalsh(hessian(jnp.zeros(2))), [-1, 1], atol=1e-12)
    assert_allclose(jnp.linalg.eigvalsh(hessian(jnp.array([2, 0.5]))), [0, 4.25], atol=1e-12)
    assert CriticalPoint(int(classify(hessian(jnp.zeros(2))))) == CriticalPoint.SADDLE
    path = gradient_descent(two_weight_cost, np.array([0.01, 0.02]), 0.2, 200)
    assert path.status == Status.CONVERGED and path.loss[-1] < 1e-12
    assert_allclose(path.params[-1].prod(), 1, atol=1e-6)


def test_newton_is_drawn_to_saddles():
    """One jump from (1, 0.001) lands on the saddle; descent grows 1.2 times a step (section 8.2.3).

    With the sizes of the curvatures Newton's step leads away.
    """
    start = np.array([1.0, 0.001])
    assert_allclose(newton(saddle, start, 1).params[-1], 0, atol=1e-12)
    path = gradient_descent(saddle, start, 0.1, 40).params[:, 1]
    assert_allclose(path, 0.001 * 1.2 ** np.arange(41))
    assert_allclose(path[-1], 1.4698, rtol=1e-4)
    sizes = jnp.abs(jnp.array([2.0, -2.0]))
    assert_allclose(start - jax.grad(saddle)(jnp.asarray(start)) / sizes, [0, 0.002], atol=1e-12)


def test_newton_climbs_a_hill():
    """On -x^2 it jumps to the top, while gradient descent leaves (section 8.2.3)."""

    def hill(x):
        return -(x @ x)

    assert_allclose(newton(hill, np.array([0.3]), 1).params[-1], 0, atol=1e-15)
    assert gradient_descent(hill, np.array([0.3]), 0.1, 10).params[-1, 0] > 1.5


def test_a_flat_region_says_nothing():
    """Where the cost is level the gradient and the Hessian are exactly 0 (section 8.2.3)."""

    def plain(x):
        return jnp.maximum(jnp.abs(x[0]) - 1, 0) ** 2

    at = jnp.array([0.2])
    assert jax.grad(plain)(at) == 0 == jax.hessian(plain)(at)


# Cliffs


@pytest.mark.parametrize(
    "w, power, slope",
    [(0.9, 0.00515, 0.286), (1.0, 1, 50), (1.1, 117.4, 5336), (1.2, 9100, 379185)],
)
def test_repeated_weights_make_cliffs(w, power, slope):
    """w^50 is flat below 1 and a wall above it (section 8.2.4)."""
    value, derivative = jax.value_and_grad(lambda w: w**50)(w)
    assert_allclose([value, derivative], [power, slope], rtol=2e-3)


def test_a_cliff_between_plains():
    """A recurrent unit's cost is gentle nearly everywhere, hundreds of times steeper in a strip.

    On the grid of the figure the median norm of the gradient is 0.07 (Figure 8.3).
    """
    w, b = np.meshgrid(np.linspace(4.5, 6.5, 61), np.linspace(-3.2, -2.0, 73))
    points = jnp.stack([w.ravel(), b.ravel()], axis=1)
    norms = jnp.linalg.norm(jax.vmap(jax.grad(recurrent_cost))(points), axis=1)
    assert_allclose(jnp.median(norms), 0.071, rtol=0.05)
    assert norms.max() > 20 and (norms > 5).mean() < 0.02
    x = 0.5
    for _ in range(12):
        x = 5 / (1 + np.exp(-x)) - 2.4
    assert_allclose(recurrent_cost(jnp.array([5.0, -2.4])), (1 / (1 + np.exp(-x)) - 0.7) ** 2)


@given(seeds, st.floats(0.01, 10))
def test_clipping_keeps_the_direction(seed, threshold):
    """A long gradient gets the threshold's length, a short one stays (section 8.2.4)."""
    g = np.random.default_rng(seed).normal(size=4)
    clipped = np.asarray(clip_norm(g, threshold))
    norm = np.linalg.norm(g)
    assert_allclose(np.linalg.norm(clipped), min(norm, threshold))
    assert_allclose(clipped @ g, np.linalg.norm(clipped) * norm)
    reference = optax.clip_by_global_norm(threshold)
    assert_allclose(clipped, reference.update(jnp.asarray(g), reference.init(g))[0], rtol=1e-6)
    values = optax.clip(threshold).update(jnp.asarray(g), optax.EmptyState())[0]
    assert_array_equal(clip_values(g, threshold), values)


def test_clipping_values_turns():
    """(3, 0.1) cut at 0.1 entry by entry points along the diagonal (section 8.2.4)."""
    assert_allclose(clip_values(np.array([3.0, 0.1]), 0.1), [0.1, 0.1])
    assert_allclose(clip_norm(np.zeros(2), 1.0), 0)


def test_a_clipped_run_stays_near():
    """At the cliff an unclipped step is thrown away, a clipped one goes on down (Figure 8.3)."""
    start = np.array([4.95, -2.62])
    plain = minimize(recurrent_cost, sgd(0.2), start, 30)
    clipped = minimize(recurrent_cost, with_clipping(sgd(0.2), 0.5), start, 30)
    steps = np.linalg.norm(np.diff(clipped.params, axis=0), axis=1)
    assert steps.max() <= 0.1 + 1e-12
    assert np.linalg.norm(np.diff(plain.params, axis=0), axis=1).max() > 10 * steps.max()
    assert clipped.loss[-1] < 0.5 * plain.loss[-1]


# Long products


def test_powers_by_eigenvalues():
    """W^t = V diag(lambda)^t V^-1, complex eigenvalues too (equation 8.11)."""
    for seed in range(5):
        W = np.random.default_rng(seed).normal(size=(4, 4))
        assert_allclose(matrix_power(W, 9), np.linalg.matrix_power(W, 9), rtol=1e-8, atol=1e-8)
    W = np.diag([1.1, 0.9])
    assert_allclose(np.diag(matrix_power(W, 100)), [13780.6, 2.656e-5], rtol=1e-3)


def test_a_row_vector_ends_along_a_left_eigenvector():
    """x^T W^t forgets all but the principal left eigenvector (section 8.2.5)."""
    W = np.array([[2.0, 1.0], [0.0, 1.0]])
    for x in ([1.0, -1.0], [1.0, 0.0]):
        end = np.array(x) @ np.asarray(matrix_power(W, 40))
        assert_allclose(end / np.linalg.norm(end), [np.sqrt(0.5)] * 2, atol=1e-9)
    assert_allclose(np.array([0.0, 1.0]) @ np.asarray(matrix_power(W, 40)), [0, 1], atol=1e-3)


# Inexact gradients, and no critical point at all


def test_dividing_by_curvature_magnifies_noise():
    """A tenth of a per cent in the gradient is 707 per cent in Newton's step (section 8.2.6)."""
    hessian, g = np.diag([1.0, 1e-4]), np.array([1.0, 1e-4])
    noise = np.array([0.0, 1e-3])
    assert_allclose(np.linalg.norm(noise) / np.linalg.norm(g), 0.001, rtol=1e-6)
    wrong, step = np.linalg.solve(hessian, noise), np.linalg.solve(hessian, g)
    assert_allclose(np.linalg.norm(wrong) / np.linalg.norm(step), 7.07, rtol=1e-3)


def test_a_softmax_never_arrives():
    """On separable data larger weights are always better, in theory (section 8.2.7).

    Written with log1p the cost stays above 0; written as the formula stands it becomes 0.
    """
    scales = jnp.arange(1.0, 30.0)
    costs = jnp.log1p(jnp.exp(-2 * scales))
    assert (jnp.diff(costs) < 0).all() and (costs > 0).all()
    assert -jnp.log(1 / (1 + jnp.exp(-2 * 20.0))) == 0


def test_descent_on_the_wrong_side():
    """Every step goes down, and the left foot is higher than the right (Figure 8.4)."""
    xs = np.linspace(-8, 8, 1601)
    slopes = jax.vmap(jax.grad(wrong_side_cost))(xs[:, None])[:, 0]
    tops = xs[np.flatnonzero(np.diff(np.sign(slopes)))]
    assert_allclose(tops, [-0.101], atol=0.02)
    ends = [gradient_descent(wrong_side_cost, np.array([x]), 0.1, 2000) for x in (-0.5, 0.5)]
    assert_allclose([e.params[-1, 0] for e in ends], [-6.14, 6.18], atol=0.01)
    assert_allclose([e.loss[-1] for e in ends], [0.426, 0.0255], rtol=1e-2)
    assert all(np.diff(e.loss).max() < 0 for e in ends)


def test_float32_is_enough():
    """Everything follows the type of its input (section 8.2)."""
    with jax.enable_x64(False):
        W = np.array([[0.9, 0.1], [0.0, 0.5]], np.float32)
        assert_allclose(matrix_power(W, 10), np.linalg.matrix_power(W, 10), rtol=1e-4, atol=1e-6)
        assert clip_norm(np.ones(2, np.float32), 0.5).dtype == jnp.float32
        assert random_hessian(jax.random.key(0), 3, 1.0).dtype == jnp.float32


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: clip_norm(np.ones(2), 0.0), "threshold must be positive, got 0.0"),
        (lambda: clip_values(np.full(2, np.nan), 1.0), "grad must be finite"),
        (lambda: random_hessian(jax.random.key(0), 0), "size must be a positive integer, got 0"),
        (lambda: matrix_power(np.ones((2, 3)), 2), "matrix must have shape (n, n), got (2, 3)"),
        (lambda: with_clipping(sgd(0.1), -1.0), "threshold must be positive, got -1.0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
