"""AdaGrad, RMSProp and Adam."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose

from dlcompanion.numerical_computation import Status, quadratic
from dlcompanion.optimization import (
    adagrad,
    adam,
    minimize,
    nesterov_momentum,
    rmsprop,
    rmsprop_nesterov,
    sgd,
    steps_for,
)
from tests.optimization.test_momentum import optax_path
from tests.problems import rosenbrock

BANANA = np.array([-1.2, 1.0])
ALL = adagrad, rmsprop, rmsprop_nesterov, adam


def steps_on(optimizer, *grads: float) -> np.ndarray:
    """Return the steps made of one gradient after another, in one dimension."""
    return np.asarray(steps_for(optimizer, jnp.array(grads)[:, None])[:, 0])


# Step by step as in optax


def test_adagrad_as_in_optax():
    """Without delta, and from an accumulator of zero, it is optax's (Algorithm 8.4)."""
    ours = minimize(rosenbrock, adagrad(0.1, 0.0), BANANA, 200).params
    same = optax.adagrad(0.1, initial_accumulator_value=0.0, eps=0.0)
    assert_allclose(ours, optax_path(same, rosenbrock, BANANA, 200), rtol=1e-9)
    default = optax_path(optax.adagrad(0.1), lambda x: 1e-2 * rosenbrock(x), BANANA, 1)
    assert np.abs(default[1] - BANANA).max() < 0.099  # theirs starts at 0.1: a first step is short


def test_rmsprop_as_in_optax():
    """With delta inside the root it is optax's, whose default is 1e-8 (Algorithm 8.5)."""
    ours = minimize(rosenbrock, rmsprop(0.01), BANANA, 60).params
    theirs = optax_path(optax.rmsprop(0.01, 0.9, eps=1e-6), rosenbrock, BANANA, 60)
    assert_allclose(ours, theirs, rtol=1e-9)


def test_rmsprop_with_momentum_as_in_optax():
    """Optax's iterates stand at the interim point theta + alpha v (Algorithm 8.6)."""
    path = minimize(rosenbrock, rmsprop_nesterov(1e-3), BANANA, 200).params
    velocity = np.diff(path, axis=0, prepend=path[:1])
    transform = optax.rmsprop(1e-3, 0.9, eps=1e-6, momentum=0.9, nesterov=True)
    expected = optax_path(transform, rosenbrock, BANANA, 200)
    assert_allclose(path + 0.9 * velocity, expected, rtol=1e-9)


def test_adam_as_in_optax():
    """With delta outside the root it is optax's, defaults and all (Algorithm 8.7)."""
    for settings in ((0.001,), (0.05, 0.8, 0.95, 1e-4), (0.01, 0.0, 0.9)):
        ours = minimize(rosenbrock, adam(*settings), BANANA, 60).params
        theirs = optax_path(optax.adam(*settings), rosenbrock, BANANA, 60)
        assert_allclose(ours, theirs, rtol=1e-8)


def test_adagrad_as_in_numpy():
    """Squared gradients add up, entry by entry (Algorithm 8.4)."""
    scales = np.array([1.0, 30.0])
    x, r = np.array([1.0, -1.0]), np.zeros(2)
    for iterate in minimize(lambda x: scales @ x**2 / 2, adagrad(0.2), x, 50).params:
        assert_allclose(iterate, x, rtol=1e-9)
        g = scales * x
        r = r + g**2
        x = x - 0.2 / (1e-7 + np.sqrt(r)) * g


# One gradient after another


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4])
def test_adagrad_takes_shorter_and_shorter_steps(size):
    """Under one gradient step k is eps / sqrt k, whatever the gradient's size (Algorithm 8.4)."""
    steps = -steps_on(adagrad(0.1), *np.full(100, size))
    assert_allclose(steps, 0.1 / np.sqrt(np.arange(1, 101)), rtol=1e-3)
    assert_allclose(steps[[0, 3, 99]], [0.1, 0.05, 0.01], rtol=1e-3)
    assert_allclose(steps.sum(), 1.859, rtol=1e-3)


@pytest.mark.parametrize("rho, factor", [(0.9, 3.162), (0.99, 10.0), (0.999, 31.61)])
def test_rmsprop_starts_with_a_leap(rho, factor):
    """The first step is eps / sqrt(1 - rho), since r starts at zero (Algorithm 8.5)."""
    steps = -steps_on(rmsprop(1.0, rho), *np.ones(60))
    assert_allclose(steps[0], factor, rtol=1e-3)
    squares = 1 - rho ** np.arange(1, 61)  # r_t of a constant gradient 1
    assert_allclose(steps, 1 / np.sqrt(1e-6 + squares), rtol=1e-9)


def test_with_rho_one_nothing_is_ever_counted():
    """At rho = 1 r stays 0 and the steps are eps / sqrt(delta) times g (Algorithm 8.5)."""
    assert_allclose(steps_on(rmsprop(1.0, 1.0, 1e-6), 2.0, 2.0), [-2000, -2000])


@pytest.mark.parametrize("g", [-3.0, 1e-4, 500.0])
def test_adam_makes_steps_of_one_size(g):
    """Under one gradient every step has the size eps, the first of any g too (Algorithm 8.7)."""
    assert_allclose(steps_on(adam(), *np.full(50, g)), -0.001 * np.sign(g), rtol=2e-4)


def test_without_the_corrections_adam_leaps():
    """The raw moments would make steps of 3.16, 4.25, 4.95 eps (section 8.5.3)."""
    optimizer, params = adam(1.0), jnp.zeros(1)
    state, raw = optimizer.init(params), []
    for _ in range(3):
        params, state = optimizer.update(lambda _: jnp.full(1, -3.0), params, state)
        raw.append(float(-state.first[0] / np.sqrt(state.second[0])))
    assert_allclose(raw, [3.16, 4.25, 4.95], rtol=2e-3)
    assert_allclose(state.second, (1 - 0.999**3) * 9)  # biased towards zero


def test_adam_after_a_long_silence():
    """One gradient after 2,999 zeros makes a step of 3.08 eps (section 8.5.3)."""
    step = -steps_on(adam(1.0), *np.zeros(2999), 1.0)[-1]
    assert_allclose(step, 3.08, rtol=2e-3)
    assert step < 0.1 / np.sqrt(0.001)


def test_rmsprop_forgets_a_burst_and_adagrad_does_not():
    """After ten gradients of 100 ones have to make do with a rate of 0.003 (section 8.5.2)."""
    grads = np.r_[np.full(10, 100.0), np.ones(990)]
    slow, fast = -steps_on(adagrad(1.0), *grads), -steps_on(rmsprop(1.0), *grads)
    assert_allclose(slow[[99, 999]], [0.00316, 0.00315], rtol=5e-3)
    assert_allclose(fast[[99, 999]], [0.818, 1.0], rtol=5e-3)


def test_the_steepest_parameter_slows_down_most():
    """Large partial derivatives lower their own rate only (section 8.5.1)."""
    steps = -steps_for(adagrad(0.1), jnp.array([[10.0, 0.1]] * 4))
    rates = steps / jnp.array([[10.0, 0.1]])
    assert_allclose(rates[:, 1] / rates[:, 0], 100, rtol=1e-4)
    assert (np.diff(rates, axis=0) < 0).all()
    assert_allclose(steps[:, 0], steps[:, 1], rtol=1e-4)  # progress is the same along both


@pytest.mark.parametrize("optimizer, step", [
    (adagrad(1.0), 0.0909), (rmsprop(1.0), 1e-5), (adam(1.0), 0.5),
])  # fmt: skip
def test_where_delta_stands_matters_for_tiny_gradients(optimizer, step):
    """For a gradient of 1e-8 the three first steps differ (Algorithms 8.4, 8.5, 8.7)."""
    assert_allclose(-steps_on(optimizer, 1e-8), step, rtol=1e-3)


def test_the_printed_algorithm_divides_zero_by_zero():
    """A first gradient of exactly 0 makes NaN unless delta is added (Algorithm 8.6)."""
    grads = jnp.array([[0.0, 1.0]])
    printed = steps_for(rmsprop_nesterov(0.1, delta=0.0), grads)
    assert np.isnan(printed[0, 0]) and np.isfinite(printed[0, 1])
    assert_allclose(steps_for(rmsprop_nesterov(0.1), grads)[0, 0], 0)


@pytest.mark.parametrize("method", ALL)
def test_zero_gradients_make_no_steps(method):
    """The small constant keeps the division safe (section 8.5)."""
    assert_allclose(steps_for(method(0.1), jnp.zeros((5, 2))), 0)


# Bowls


def test_rmsprop_with_momentum_is_both():
    """Without momentum it is RMSProp; delta far above r makes it Nesterov's (Algorithm 8.6)."""
    start, bowl = np.array([1.0, 2.0]), quadratic(5)
    one = minimize(bowl, rmsprop_nesterov(0.01, 0.9, 0.0), start, 30).params
    assert_allclose(one, minimize(bowl, rmsprop(0.01), start, 30).params)
    flat = minimize(bowl, rmsprop_nesterov(0.1 * 1e6, 0.9, 0.9, 1e12), start, 30).params
    assert_allclose(flat, minimize(bowl, nesterov_momentum(0.1, 0.9), start, 30).params, rtol=1e-6)


def test_the_adaptive_methods_know_only_the_axes():
    """A rotation leaves descent alone and takes their advantage (section 8.5)."""
    start = np.array([1.0, 1.0])
    losses = {}
    for name, angle in (("aligned", np.pi / 2), ("rotated", np.pi / 4)):
        bowl = quadratic(100, 100.0, angle)
        turned = bowl.eigenvectors @ start
        for method, rate in ((adagrad, 0.5), (adam, 0.05), (sgd, 0.01)):
            losses[name, method] = minimize(bowl, method(rate), turned, 100).loss[-1]
    assert_allclose(losses["aligned", sgd], 0.0670, rtol=1e-3)
    assert_allclose(losses["rotated", sgd], 0.0670, rtol=1e-3)
    assert losses["aligned", adagrad] < 1e-40
    assert losses["rotated", adagrad] > 0.01
    assert losses["rotated", adam] > 100 * losses["aligned", adam]


def test_the_scale_of_the_loss_does_not_matter():
    """A hundred times the loss leaves the adaptive paths where they are (section 8.5.3)."""
    for method in (adagrad, rmsprop, adam):
        path = minimize(rosenbrock, method(0.01), BANANA, 50).params
        scaled = minimize(lambda x: 100 * rosenbrock(x), method(0.01), BANANA, 50).params
        assert_allclose(scaled, path, atol=1e-5)
    assert minimize(lambda x: 100 * rosenbrock(x), sgd(1e-3), BANANA, 100).status == Status.DIVERGED


def test_no_optimizer_wins_everywhere():
    """Which one ends lowest, each at its best rate, depends on the loss (section 8.5.4)."""
    methods = sgd, nesterov_momentum, adagrad, rmsprop, adam

    def winner(loss_fn, start):
        def end(method):
            return jax.vmap(lambda rate: minimize(loss_fn, method(rate), start, 60).loss[-1])

        ends = [jnp.nanmin(end(method)(jnp.geomspace(1e-3, 3, 40))) for method in methods]
        return methods[int(np.argmin(ends))]

    rotated, aligned = quadratic(50, 10.0, np.pi / 4), quadratic(50, 10.0, np.pi / 2)
    assert winner(aligned, jnp.array([-2.4, 1.0])) is adagrad
    assert winner(rotated, jnp.array([-2.4, 1.0])) is nesterov_momentum


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: adagrad(0.1, -1.0), "delta must be at least 0, got -1.0"),
        (lambda: rmsprop(0.1, 1.5), "decay_rate must lie from 0 to 1, got 1.5"),
        (lambda: rmsprop_nesterov(0.0), "learning_rate must be positive, got 0.0"),
        (lambda: adam(0.1, beta2=-0.1), "beta2 must lie from 0 to 1, got -0.1"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
