"""Momentum, Nesterov momentum, and the particle behind them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import rosen_der

from dlcompanion.numerical_computation import Status, converged_at, quadratic
from dlcompanion.optimization import (
    linear_decay,
    minimize,
    momentum,
    move_particle,
    nesterov_momentum,
    sgd,
    stability_limits,
    steps_for,
)
from tests.problems import rosenbrock

BANANA = np.array([-1.2, 1.0])
STEEP = quadratic(100, 100.0, np.pi / 2)  # curvature 1 along the first axis, 100 along the second
BOTH = momentum, nesterov_momentum


def optax_path(transform, loss_fn, start, num_steps):
    def step(carry, _):
        x, state = carry
        change, state = transform.update(jax.grad(loss_fn)(x), state, x)
        return (x + change, state), x

    carry = jnp.asarray(start), transform.init(jnp.asarray(start))
    return jax.lax.scan(step, carry, length=num_steps + 1)[1]


# Step by step


def test_momentum_as_in_numpy():
    """Velocity first, then the step (Algorithm 8.2, equations 8.15, 8.16)."""
    x, v = BANANA, np.zeros(2)
    for iterate in minimize(rosenbrock, momentum(1e-3, 0.9), BANANA, 300).params:
        assert_allclose(iterate, x, rtol=1e-8)
        v = 0.9 * v - 1e-3 * rosen_der(x)
        x = x + v


def test_nesterov_as_in_numpy():
    """The gradient is that of the interim point (Algorithm 8.3, equations 8.21, 8.22)."""
    x, v = BANANA, np.zeros(2)
    for iterate in minimize(rosenbrock, nesterov_momentum(1e-3, 0.9), BANANA, 300).params:
        assert_allclose(iterate, x, rtol=1e-8)
        v = 0.9 * v - 1e-3 * rosen_der(x + 0.9 * v)
        x = x + v


def test_momentum_as_in_optax():
    """With a constant rate optax's trace of gradients walks the same path (Algorithm 8.2)."""
    path = minimize(rosenbrock, momentum(1e-3, 0.9), BANANA, 200)
    expected = optax_path(optax.sgd(1e-3, momentum=0.9), rosenbrock, BANANA, 200)
    assert_allclose(path.params, expected, rtol=1e-9)


def test_under_a_schedule_optax_differs():
    """Optax forgets the rate that old gradients came with; the book keeps it (equation 8.15)."""
    schedule = linear_decay(1e-3, 1e-5, 50)
    ours = minimize(rosenbrock, momentum(schedule), BANANA, 60).params
    theirs = optax_path(optax.sgd(schedule, momentum=0.9), rosenbrock, BANANA, 60)
    assert_allclose(ours[:2], theirs[:2], rtol=1e-9)
    assert np.abs(ours - theirs).max() > 1e-3


def test_nesterov_in_optax_stands_at_the_interim_point():
    """Optax's iterates are theta + alpha v of the book's (Algorithm 8.3)."""
    path = minimize(rosenbrock, nesterov_momentum(1e-3, 0.9), BANANA, 200).params
    velocity = np.diff(path, axis=0, prepend=path[:1])
    transform = optax.sgd(1e-3, momentum=0.9, nesterov=True)
    expected = optax_path(transform, rosenbrock, BANANA, 200)
    assert_allclose(path + 0.9 * velocity, expected, rtol=1e-9)


def test_without_momentum_all_three_agree():
    """At alpha = 0 nothing is remembered (equations 8.15, 8.21)."""
    paths = [
        minimize(rosenbrock, optimizer, BANANA, 100).params
        for optimizer in (sgd(1e-3), momentum(1e-3, 0.0), nesterov_momentum(1e-3, 0.0))
    ]
    assert_allclose(paths[1], paths[0], rtol=1e-12)
    assert_allclose(paths[2], paths[0], rtol=1e-12)


def test_on_a_slope_without_curvature_both_agree():
    """Where the gradient is the same everywhere looking ahead tells nothing (equation 8.21)."""
    slope = jnp.array([1.0, -2.0])
    paths = [minimize(lambda x: slope @ x, m(0.1, 0.9), np.zeros(2), 50).params for m in BOTH]
    assert_allclose(paths[0], paths[1], rtol=1e-12)


def test_momentum_may_change_with_the_steps():
    """Alpha may be raised as training goes on (section 8.3.2)."""
    grads = jnp.ones((3, 1))
    steps = steps_for(momentum(1.0, lambda k: jnp.where(k < 2, 0.5, 0.9)), grads)
    assert_allclose(steps[:, 0], [-1, -1.5, -(1 + 0.9 * 1.5)])


@pytest.mark.parametrize("method", BOTH)
def test_wrong_arguments_are_named(method):
    with pytest.raises(ValueError, match="momentum must lie from 0 to 1, got 1.1"):
        method(0.1, 1.1)
    with pytest.raises(ValueError, match="learning_rate must be positive, got -0.1"):
        method(-0.1)


# Speed


@pytest.mark.parametrize("alpha, speed", [(0.5, 0.2), (0.9, 1.0), (0.99, 10.0)])
def test_terminal_speed(alpha, speed):
    """Under one gradient g the step grows to eps ||g|| / (1 - alpha) (equation 8.17)."""
    g = jnp.array([0.6, -0.8])
    steps = steps_for(momentum(0.1, alpha), jnp.tile(g, (3000, 1)))
    assert_allclose(0.1 * jnp.linalg.norm(g) / (1 - alpha), speed)
    assert_allclose(steps[-1], -speed * g, rtol=1e-9)


@pytest.mark.parametrize("alpha, num_steps", [(0.9, 44), (0.96, 113)])
def test_how_long_it_takes_to_get_up_to_speed(alpha, num_steps):
    """After t equal gradients the speed is 1 - alpha^t of the last (equation 8.17)."""
    speed = -steps_for(momentum(1 - alpha, alpha), jnp.ones((400, 1)))[:, 0]
    assert_allclose(speed, 1 - alpha ** np.arange(1, 401), rtol=1e-9)
    assert np.argmax(speed >= 0.99) + 1 == num_steps


def test_the_velocity_is_a_sum_and_no_average():
    """Past gradients weigh 1, alpha, alpha^2, ..., in all 1 / (1 - alpha) (equation 8.15)."""
    grads = jax.random.normal(jax.random.key(0), (30, 1))
    weights = 0.9 ** np.arange(30)[::-1]
    step = steps_for(momentum(1.0, 0.9), grads)[-1, 0]
    assert_allclose(step, -(weights @ grads[:, 0]), rtol=1e-9)


# Bowls


def spectral_radius(alpha, scaled_rate, is_nesterov):
    """Return the growth of one turn (theta, v) -> (theta, v) on a parabola of curvature 1."""
    seen = alpha if is_nesterov else 0.0
    velocity = np.array([-scaled_rate, alpha - scaled_rate * seen])
    turn = np.array([velocity + [1, 0], velocity])
    return np.abs(np.linalg.eigvals(turn)).max()


@given(st.floats(0.0, 0.99))
def test_stability_limits(alpha):
    """Momentum is stable below 2 (1 + alpha), Nesterov below less (sections 8.3.2, 8.3.3)."""
    limits = stability_limits(alpha)
    assert limits[1] <= limits[0]
    for is_nesterov, limit in enumerate(limits):
        assert spectral_radius(alpha, limit * (1 - 1e-3), is_nesterov) < 1
        assert spectral_radius(alpha, limit * (1 + 1e-3), is_nesterov) > 1


def test_the_limits_in_numbers():
    """2, 3, 3.8 with momentum 0, 0.5, 0.9; Nesterov 1.5 and 1.357 (sections 8.3.2, 8.3.3)."""
    plain, nesterov = stability_limits(np.array([0, 0.5, 0.9]))
    assert_allclose(plain, [2, 3, 3.8])
    assert_allclose(nesterov, [2, 1.5, 1.357], rtol=1e-3)


def test_where_plain_descent_diverges_momentum_may_not():
    """Beyond 2 / lambda_max the velocity holds the walls back (section 8.3.2)."""
    start = np.array([1.0, 1.0])
    assert minimize(STEEP, sgd(0.03), start, 300).status == Status.DIVERGED
    assert minimize(STEEP, momentum(0.03), start, 300).loss[-1] < 1e-9


def test_momentum_runs_along_the_canyon():
    """At the same rate it is far ahead of plain descent (Figure 8.5)."""
    start = np.array([1.0, 0.1])
    plain = minimize(STEEP, sgd(0.0195), start, 100)
    pushed = minimize(STEEP, momentum(0.0195), start, 100)
    assert pushed.loss[-1] < 0.02 * plain.loss[-1]
    # across the walls it crosses over less and less, along the floor it gathers speed
    along = np.abs(np.diff(pushed.params[:8, 0]))
    assert (np.diff(along) > 0).all()


def test_nesterov_is_not_always_better():
    """At 0.01 it wins by a factor of 1000, at 0.015 it diverges (section 8.3.3)."""
    start = np.array([1.0, 1.0])
    losses = {
        (rate, method): minimize(STEEP, method(rate, 0.9), start, 100).loss[-1]
        for rate in (0.01, 0.015)
        for method in BOTH
    }
    assert_allclose(losses[0.01, momentum], 9.5e-5, rtol=0.01)
    assert_allclose(losses[0.01, nesterov_momentum], 9.5e-8, rtol=0.01)
    assert_allclose(losses[0.015, momentum], 6.3e-5, rtol=0.01)
    assert_allclose(losses[0.015, nesterov_momentum], 5.1e23, rtol=0.01)


@pytest.mark.parametrize("kappa, rates", [(100, (0.818, 0.980)), (4, (1 / 3, 0.6))])
def test_tuned_momentum_takes_the_root_of_the_condition_number(kappa, rates):
    """The best rate is (sqrt kappa - 1) / (sqrt kappa + 1), not with kappa (section 8.3.2)."""
    root = np.sqrt(kappa)
    alpha, rate = ((root - 1) / (root + 1)) ** 2, 4 / (root + 1) ** 2
    bowl = quadratic(kappa, kappa, np.pi / 2)
    start = np.array([1.0, 1.0])
    pushed = minimize(bowl, momentum(rate, alpha), start, 200).loss
    plain = minimize(bowl, sgd(2 / (1 + kappa)), start, 200).loss
    assert_allclose((root - 1) / (root + 1), rates[0], rtol=1e-3)
    last = 40 if kappa == 4 else 200
    for loss, expected in ((pushed, rates[0]), (plain, rates[1])):
        reached = (loss[last] / loss[last // 2]) ** (1 / last)  # of the error, root of the loss
        assert_allclose(reached, expected, rtol=0.05)


def test_the_accelerated_bound():
    """With momentum (k - 1) / (k + 2) the excess falls like 1 / k^2 (section 8.3.3)."""
    curvatures = jnp.asarray(4 * np.sin(np.pi * np.arange(1, 201) / 402) ** 2)  # a chain's
    steepest, start = curvatures.max(), jnp.asarray(1 / np.arange(1.0, 201))
    radius = float(start @ start)

    def loss_fn(x):
        return 0.5 * curvatures @ x**2

    k = np.arange(1, 2001)
    fast = nesterov_momentum(1 / steepest, lambda k: k / (k + 3))
    excess = minimize(loss_fn, fast, start, 2000).loss[1:]
    assert (excess <= 2 * steepest * radius / (k + 1) ** 2).all()
    plain = minimize(loss_fn, sgd(1 / steepest), start, 2000).loss[1:]
    assert (plain <= steepest * radius / (2 * k)).all()
    assert excess[499] < 0.02 * plain[499]


def test_without_drag_it_never_rests():
    """At alpha = 1 the puck swings forever, at 0.9 it comes to rest (section 8.3.2)."""
    bowl = quadratic(1, 1.0)
    forever = minimize(bowl, momentum(0.01, 1.0), np.array([1.0, 0.0]), 5000)
    assert_allclose(np.abs(forever.params[-100:]).max(), 1, atol=0.01)
    resting = minimize(bowl, momentum(0.01, 0.9), np.array([1.0, 0.0]), 500)
    assert np.abs(resting.params[-1]).max() < 1e-11 and converged_at(resting) > 0


# The particle


def slide(drag_fn, num_steps, time_step=1e-3, slope=0.0, velocity=1.0):
    def force_fn(position, velocity):
        return drag_fn(velocity) - slope

    return move_particle(force_fn, np.zeros(1), np.full(1, velocity), time_step, num_steps)


def test_force_and_velocity_are_differences():
    """First differences are velocities, second ones forces (equations 8.18, 8.19, 8.20)."""
    dt = 0.1
    motion = move_particle(lambda x, v: -x - 0.3 * v, BANANA, np.zeros(2), dt, 50)
    assert_allclose(np.diff(motion.position, axis=0) / dt, motion.velocity[1:], atol=1e-12)
    force = -motion.position - 0.3 * motion.velocity
    second = np.diff(motion.position, n=2, axis=0) / dt**2
    assert_allclose(second, force[1:-1], atol=1e-10)


def test_momentum_is_a_particle_in_syrup():
    """alpha = 1 - c dt and eps = dt^2 make the same steps (equation 8.20, Algorithm 8.2)."""
    dt, c = 0.1, 0.8
    bowl = quadratic(5, 2.0)
    motion = move_particle(lambda x, v: -bowl.hessian @ x - c * v, BANANA, np.zeros(2), dt, 60)
    path = minimize(bowl, momentum(dt**2, 1 - c * dt), BANANA, 60)
    assert_allclose(motion.position, path.params, rtol=1e-9)


def test_three_kinds_of_drag():
    """Turbulent drag never stops, viscous and dry drag do (section 8.3.2)."""
    turbulent = slide(lambda v: -v * jnp.abs(v), 100_000).position[-1, 0]
    assert_allclose(turbulent, np.log(101), rtol=1e-3)  # it grows like log t
    viscous = slide(lambda v: -0.5 * v, 30_000).position[-1, 0]
    assert_allclose(viscous, 2.0, rtol=1e-3)
    dry = slide(lambda v: -0.5 * jnp.sign(v), 1999)
    assert_allclose(dry.position[-1, 0], 1.0, rtol=1e-3)
    assert_allclose(dry.velocity[-1, 0], 0, atol=2e-3)


def test_dry_friction_stops_before_the_minimum():
    """On a slope below its threshold a puck at rest stays; in syrup it moves (section 8.3.2)."""

    def force_fn(position, velocity):
        net = -0.1 - 0.5 * jnp.sign(velocity)
        return jnp.where((velocity == 0) & (abs(0.1) <= 0.5), 0, net)

    stuck = move_particle(force_fn, np.zeros(1), np.zeros(1), 1e-2, 1000)
    assert (stuck.position == 0).all()
    assert slide(lambda v: -0.5 * v, 1000, 1e-2, slope=0.1, velocity=0.0).position[-1, 0] < -1
