"""Stochastic gradient descent, its learning rates and the loop of all optimizers."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose

from dlcompanion.numerical_computation import Status, diverged_at, gradient_descent, quadratic
from dlcompanion.optimization import (
    adam,
    linear_decay,
    minimize,
    momentum,
    nesterov_momentum,
    sample_batches,
    sgd,
    steps_for,
    train,
)
from tests.problems import PROBLEMS, rosenbrock

BANANA = np.array([-1.2, 1.0])
DATA = np.random.default_rng(0).normal(size=(60, 3)), np.random.default_rng(1).normal(size=60)


def mean_squared(params, examples):
    x, y = examples
    return 0.5 * jnp.mean((x @ params - y) ** 2)


def noisy_chains(optimizer, num_steps, curvature=1.0, num_chains=4000):
    """Follow h w + xi, xi standard normal, for many chains at once; return every w."""

    def step(carry, key):
        noise = jax.random.normal(key, (num_chains,))
        carry = optimizer.update(lambda w: curvature * w + noise, *carry)
        return carry, carry[0]

    start = jnp.zeros(num_chains)
    keys = jax.random.split(jax.random.key(0), num_steps)
    return jax.lax.scan(step, (start, optimizer.init(start)), keys)[1]


# The loop


@pytest.mark.parametrize("name", PROBLEMS)
def test_on_the_full_gradient_it_is_gradient_descent(name):
    """With all examples SGD is the method of chapter 4, iterate by iterate (Algorithm 8.1)."""
    loss_fn, start, _, rate = PROBLEMS[name]
    path = minimize(loss_fn, sgd(rate), np.array(start), 50)
    expected = gradient_descent(loss_fn, np.array(start), rate, 50)
    for part, other in zip(path, expected, strict=True):
        assert_allclose(part, other, rtol=1e-9, atol=1e-12)


def test_sgd_as_in_optax():
    """Every iterate is that of optax, with a schedule too (Algorithm 8.1, equation 8.14)."""
    schedule = linear_decay(2e-3, 2e-5, 30)
    k = jnp.arange(50)
    assert_allclose(schedule(k), optax.linear_schedule(2e-3, 2e-5, 30)(k), rtol=1e-5)
    transform, x = optax.sgd(schedule), jnp.asarray(BANANA)
    state = transform.init(x)
    for iterate in minimize(rosenbrock, sgd(schedule), BANANA, 50).params:
        assert_allclose(iterate, x, rtol=1e-9)
        change, state = transform.update(jax.grad(rosenbrock)(x), state)
        x = x + change


def test_a_run_keeps_its_precision():
    """A start in float32 stays there, whatever the mode and the schedule (section 8.3)."""
    start = np.ones(2, np.float32)
    for optimizer in (sgd(lambda k: 0.1 / (k + 1)), adam(0.1), momentum(0.1)):
        assert minimize(quadratic(2), optimizer, start, 3).params.dtype == np.float32


def test_a_divergent_run_is_reported():
    """A learning rate beyond the edge is a result, no error (section 8.3)."""
    path = minimize(quadratic(5), sgd(0.44), np.array([10.0, 5.0]), 100)
    assert path.status == Status.DIVERGED and diverged_at(path) == 14


def test_another_learning_rate_compiles_nothing(no_compilation):
    """Hyperparameters are arguments of the compiled run (section 8.3)."""
    bowl, start = quadratic(5), np.array([10.0, 5.0])
    families = [
        lambda rate: sgd(rate),
        lambda rate: nesterov_momentum(rate, rate),
        lambda rate: sgd(linear_decay(rate, rate, 10)),
    ]
    for family in families:
        minimize(bowl, family(0.1), start, 20)
    with no_compilation():
        for family in families:
            minimize(bowl, family(0.2), start, 20)


def test_all_learning_rates_at_once():
    """A family of optimizers is one `vmap` (section 8.3)."""
    bowl, start, rates = quadratic(5), jnp.array([10.0, 5.0]), jnp.array([0.1, 0.2, 0.3])
    family = jax.vmap(lambda rate: minimize(bowl, sgd(rate), start, 20))(rates)
    for rate, loss in zip(rates, family.loss, strict=True):
        assert_allclose(loss, minimize(bowl, sgd(rate), start, 20).loss)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: sgd(0.0), "learning_rate must be positive, got 0.0"),
        (lambda: linear_decay(0.1, 0.001, 0), "num_decay_steps must be positive, got 0"),
        (lambda: sample_batches(jax.random.key(0), 10, 0, 5), "batch_size must be a positive"),
        (lambda: minimize(rosenbrock, sgd(1.0), BANANA, 0), "num_steps must be a positive"),
        (lambda: minimize(lambda x: x, sgd(1.0), BANANA, 5), "loss_fn must return one real"),
        (lambda: minimize(rosenbrock, sgd(1.0), np.array([0, np.nan]), 5), "start must be finite"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Minibatches


def test_minibatches_point_the_right_way_on_average():
    """The mean of all minibatch gradients is the full gradient (section 8.3.1)."""
    data, params = (DATA[0][:6], DATA[1][:6]), jnp.array([1.0, -2.0, 0.5])
    batches = np.array(list(itertools.combinations(range(6), 2)))
    grads = [jax.grad(mean_squared)(params, (data[0][i], data[1][i])) for i in batches]
    assert len(grads) == 15
    assert_allclose(np.mean(grads, axis=0), jax.grad(mean_squared)(params, data), atol=1e-12)


def test_a_hundred_times_the_work_is_ten_times_as_precise():
    """The standard error of a minibatch gradient is sigma / sqrt m (section 8.3.1)."""
    examples = jax.random.normal(jax.random.key(3), (100_000,))
    for batch_size, error in ((1, 1.0), (100, 0.1)):
        batches = sample_batches(jax.random.key(4), 100_000, batch_size, 20_000)
        grads = jnp.mean(examples[batches], axis=1)  # of half the squared distance, up to sign
        assert_allclose(jnp.std(grads), error, rtol=0.02)


def test_training_as_in_numpy():
    """Each step follows its own minibatch; the loss is that of all (Algorithm 8.1)."""
    (X, y), params = DATA, np.zeros(3)
    batches = sample_batches(jax.random.key(0), 60, 8, 40)
    path = train(mean_squared, DATA, sgd(0.1), params, batches)
    assert path.params.shape == (41, 3)
    for iterate, loss, batch in zip(path.params, path.loss, np.asarray(batches), strict=False):
        assert_allclose(iterate, params, rtol=1e-9)
        assert_allclose(loss, 0.5 * np.mean((X @ params - y) ** 2))
        params = params - 0.1 * X[batch].T @ (X[batch] @ params - y[batch]) / 8


def test_equal_examples_make_no_noise():
    """With copies of one example a minibatch is as good as all of them (section 8.3.1)."""
    data = np.tile(DATA[0][:1], (50, 1)), np.tile(DATA[1][:1], 50)
    one = train(mean_squared, data, sgd(0.1), np.zeros(3), jnp.zeros((30, 1), int))
    every = train(mean_squared, data, sgd(0.1), np.zeros(3), jnp.tile(jnp.arange(50), (30, 1)))
    assert_allclose(one.params, every.params, atol=1e-12)


def test_minibatches_are_drawn_independently():
    """Every example is as likely in every place of every minibatch (Algorithm 8.1)."""
    batches = sample_batches(jax.random.key(1), 5, 4, 5000)
    assert batches.shape == (5000, 4)
    assert_allclose(np.bincount(np.ravel(batches)) / 20_000, 0.2, atol=0.012)
    assert abs(np.corrcoef(batches[:-1, 0], batches[1:, 0])[0, 1]) < 0.05
    # with replacement: all four different with probability 5 * 4 * 3 * 2 / 5^4
    different = np.mean([len(set(batch)) == 4 for batch in np.asarray(batches)])
    assert_allclose(different, 120 / 625, atol=0.025)


def test_a_large_dataset_need_not_be_seen_whole():
    """SGD is close to the best test loss before it has seen every example (section 8.3.1)."""
    key_x, key_noise, key = jax.random.split(jax.random.key(2), 3)
    X, truth = jax.random.normal(key_x, (20_000, 3)), jnp.array([1.0, -2.0, 3.0])
    data = X, X @ truth + jax.random.normal(key_noise, (20_000,))
    batches = sample_batches(key, 20_000, 20, 300)  # 6,000 examples at most
    path = train(mean_squared, data, sgd(linear_decay(0.2, 0.01, 300)), np.zeros(3), batches)
    assert path.loss[0] > 7 and path.loss[-1] < 1.005 * 0.5


# Learning rates


def test_linear_decay():
    """The rate falls from 0.1 to 0.001 at step 200 and stays (equation 8.14)."""
    schedule = linear_decay(0.1, 0.001, 200)
    assert_allclose(schedule(np.array([0, 100, 200, 500])), [0.1, 0.0505, 0.001, 0.001])
    assert (schedule(np.arange(2000)) > 0).all()
    alpha = 205 / 200  # the formula without its end
    assert_allclose((1 - alpha) * 0.1 + alpha * 0.001, -0.001475)


@pytest.mark.parametrize("rate, variance", [(0.5, 0.3333), (0.1, 0.05263), (0.01, 0.005025)])
def test_a_constant_rate_has_a_noise_floor(rate, variance):
    """Around the minimum the variance stays at eps s^2 / (h (2 - eps h)) (section 8.3.1)."""
    late = noisy_chains(sgd(rate), int(20 / rate))[-1]
    assert_allclose(rate / (2 - rate), variance, rtol=1e-3)
    assert_allclose(jnp.var(late), variance, rtol=5 * np.sqrt(2 / late.size))


def test_the_full_gradient_has_no_floor():
    """Batch gradient descent may keep its rate, because its gradient vanishes (section 8.3.1)."""
    path = minimize(quadratic(5), sgd(0.3), np.array([1.0, 2.0]), 200)
    assert path.grad_norm[-1] < 1e-12


def test_a_rate_that_falls_like_one_over_k_has_no_floor():
    """With eps = 1 / k the variance falls like 1 / k too (equations 8.12, 8.13)."""
    chains = noisy_chains(sgd(lambda k: 1 / (k + 1)), 2000)
    for k in (100, 2000):
        assert_allclose(k * jnp.var(chains[k - 1]), 1, rtol=5 * np.sqrt(2 / chains.shape[1]))


def test_which_schedules_keep_both_promises():
    """The sum of 1/k diverges, that of its squares does not (equations 8.12, 8.13)."""
    k = np.arange(1, 10**6 + 1)
    halves = k <= 10**3
    for rates, keeps_first, keeps_second in (
        (1 / k, True, True),
        (1 / np.sqrt(k), True, False),
        (np.full(k.shape, 0.1), True, False),
        (np.asarray(linear_decay(0.1, 0.001, 500)(k)), True, False),
        (1 / k**2, False, True),
    ):
        # a sum converges if what comes after the first thousand terms is next to nothing
        assert (rates[~halves].sum() > 0.01) == keeps_first
        assert ((rates[~halves] ** 2).sum() < 0.002) == keeps_second
    assert_allclose((1 / k**2).sum(), np.pi**2 / 6, rtol=1e-5)


def test_a_decaying_rate_ends_lower_than_a_constant_one():
    """Linear decay starts as fast and ends on a lower floor (section 8.3.1, equation 8.14)."""
    fast, slow = noisy_chains(sgd(0.5), 400), noisy_chains(sgd(0.005), 400)
    decaying = noisy_chains(sgd(linear_decay(0.5, 0.005, 200)), 400)
    assert jnp.var(decaying[-1]) < 0.05 * jnp.var(fast[-1])
    assert jnp.var(slow[-1]) < jnp.var(fast[-1])


def test_steps_for_given_gradients():
    """What SGD makes of a gradient is the gradient times the rate of its step (section 8.3.1)."""
    grads = jnp.array([[1.0, -2.0], [3.0, 0.5]])
    steps = steps_for(sgd(lambda k: 0.1 * (k + 1)), grads)
    assert_allclose(steps, [[-0.1, 0.2], [-0.6, -0.1]])
