"""Early stopping: the algorithms, and what they have in common with weight decay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from dlcompanion.numerical_computation import Status, gradient_descent
from dlcompanion.regularization import (
    Learner,
    Patience,
    Split,
    continue_training,
    early_stopping,
    equivalent_alpha,
    kept_share,
    l2_solution,
    learned_share,
    matching_alpha,
    quadratic_model,
    retrain,
    ridge,
    stop_on_curve,
    stop_on_split,
    stopped_descent,
)

LAMBDA = np.array([0.2, 2.0])
OPTIMUM = np.array([2.0, 2.0])
curves = st.lists(st.integers(0, 20).map(float) | st.just(float("nan")), min_size=1, max_size=30)


def steep():
    return quadratic_model(np.diag(LAMBDA), OPTIMUM)


def counted(errors):
    """Return training and error functions whose parameters are the number of steps."""
    return lambda step, n: step + n, lambda step: errors[step - 1]


def linear_learner(learning_rate=0.1, scale=0.1):
    """Return gradient descent on the squares of a linear model."""

    def loss_fn(w, X, y):
        return jnp.mean((X @ w - y) ** 2)

    @jax.jit
    def descend(w, X, y, num_steps):
        def step(_, w):
            return w - learning_rate * X.T @ (X @ w - y)

        return jax.lax.fori_loop(0, num_steps, step, w)

    return Learner(lambda key: scale * jax.random.normal(key, (3,)), descend, loss_fn)


def split(seed=0, m=20):
    random = np.random.default_rng(seed)
    X = random.normal(size=(m, 3)) / np.sqrt(m)
    y = X @ np.array([1.0, -2.0, 0.5]) + 0.3 * random.normal(size=m)
    cut = 3 * m // 4
    return Split((X[:cut], y[:cut]), (X[cut:], y[cut:]))


# Algorithm 7.1


@pytest.mark.parametrize(
    "errors, patience, best, run",
    [
        ([5, 4, 3, 3.5, 3.2, 3.1], 3, 3, 6),
        ([5, 4, 3, 3.5, 3.2, 2.9, 3, 3, 3], 3, 6, 9),
        ([5, 4, 3, 3.5, 3.2, 2.9, 3, 3, 3], 2, 3, 5),
        ([1, 1, 1], 2, 1, 3),  # a tie is no improvement
        ([np.nan, np.nan], 2, 0, 2),
        ([5], 0, 0, 0),  # no patience, no training
    ],
)
def test_error_sequences(errors, patience, best, run):
    """The best step is returned, p looks after it are made (Algorithm 7.1)."""
    stopped = early_stopping(*counted(errors), 0, Patience(patience))
    assert (stopped.num_steps, stopped.steps_run) == (best, run)
    assert stopped.params == best and stopped.last_params == run
    assert stopped.error == (errors[best - 1] if best else np.inf)
    assert tuple(map(int, stop_on_curve(np.array(errors, float), patience))) == (best, run)


@given(curves, st.integers(0, 6), st.integers(1, 4))
def test_both_forms_follow_the_book_word_by_word(errors, patience, n):
    """A transcript of the listing, the loop and the scan agree (Algorithm 7.1)."""
    i = j = best = 0
    v = np.inf
    while j < patience and i + n <= len(errors):
        i += n
        if errors[i - 1] < v:
            j, best, v = 0, i, errors[i - 1]
        else:
            j += 1
    stopped = early_stopping(*counted(errors), 0, Patience(patience, n, len(errors)))
    assert (stopped.num_steps, stopped.steps_run, stopped.error) == (best, i, v)
    assert tuple(map(int, stop_on_curve(np.array(errors), patience, n))) == (best, i)
    if j == patience:
        assert stopped.steps_run == stopped.num_steps + n * patience


def test_an_error_that_always_improves_needs_a_cap():
    """The book's loop would never end here (Algorithm 7.1)."""
    stopped = early_stopping(lambda i, n: i + n, lambda i: -i, 0, Patience(2, 10, max_steps=105))
    assert stopped.steps_run == stopped.num_steps == 100


def test_patience_walks_over_a_bump():
    """An impatient run stays at the first dip (Algorithm 7.1, Figure 7.3)."""
    steps = np.arange(1, 101)
    errors = np.cos(steps / 4) + ((steps - 60) / 20) ** 2
    impatient, patient = (stop_on_curve(errors, p)[0] for p in (1, 30))
    assert impatient < 20 < patient == np.argmin(errors) + 1


# Algorithms 7.2 and 7.3


def test_stopping_on_a_split_trains_on_the_rest():
    """The validation part is never trained on (Algorithm 7.2)."""
    learner, parts = linear_learner(), split()
    start = learner.init_fn(jax.random.key(1))
    stopped = stop_on_split(learner, parts, Patience(5), start)
    replayed = learner.train_fn(start, *parts.subtrain, stopped.num_steps)
    assert_allclose(stopped.params, replayed, rtol=1e-9)
    assert_allclose(stopped.error, learner.loss_fn(replayed, *parts.valid), rtol=1e-9)
    assert (parts.train[0] == np.concatenate([parts.subtrain[0], parts.valid[0]])).all()


def test_retraining_starts_afresh_on_everything():
    """As many updates as were best, or as many passes (Algorithm 7.2)."""
    learner, parts, key = linear_learner(), split(seed=7), jax.random.key(0)
    first, second = map(learner.init_fn, jax.random.split(key))
    best = stop_on_split(learner, parts, Patience(5), first).num_steps
    params, updates = retrain(learner, parts, Patience(5), key)
    assert updates == best > 1
    assert_allclose(params, learner.train_fn(second, *parts.train, best), rtol=1e-12)
    assert retrain(learner, parts, Patience(5), key, same_passes=True)[1] == round(best * 20 / 15)


@pytest.mark.parametrize("from_best", [True, False])
def test_continuing_ends_at_the_target(from_best):
    """The validation loss comes down to what the training loss was (Algorithm 7.3)."""
    learner, parts = linear_learner(), split(seed=4)
    stopped = stop_on_split(learner, parts, Patience(3), learner.init_fn(jax.random.key(0)))
    goal = learner.loss_fn(stopped.params if from_best else stopped.last_params, *parts.subtrain)
    result = continue_training(learner, parts, Patience(3, max_steps=3000), stopped, from_best)
    assert_allclose(result.target, goal)
    assert result.reached and result.error <= result.target and result.extra_steps > 1
    shorter = Patience(3, max_steps=result.extra_steps - 1)
    before = continue_training(learner, parts, shorter, stopped, from_best)
    assert not before.reached and before.error > before.target


def test_continuing_may_never_end():
    """Targets 1 and -1 for the same input: the loss stays above the goal (Algorithm 7.3)."""
    learner = Learner(
        lambda key: jnp.zeros(1),
        lambda w, X, y, n: w - 0.1 * X.T @ (X @ w - y),
        lambda w, X, y: jnp.mean((X @ w - y) ** 2),
    )
    parts = Split((np.ones((1, 1)), np.zeros(1)), (np.ones((2, 1)), np.array([1.0, -1.0])))
    stopped = stop_on_split(learner, parts, Patience(2), jnp.array([0.5]))
    result = continue_training(learner, parts, Patience(2, max_steps=200), stopped)
    assert not result.reached and result.extra_steps == 200 and result.error >= 1 > result.target


def test_continuing_stops_at_once_if_it_is_there():
    """A validation loss below the target needs no step (Algorithm 7.3)."""
    learner, parts = linear_learner(), split()
    easy = Split(parts.subtrain, tuple(part[:1] * 0 for part in parts.valid))
    stopped = stop_on_split(learner, easy, Patience(2), jnp.ones(3))
    assert continue_training(learner, easy, Patience(2), stopped).extra_steps == 0


# Early stopping and weight decay


@pytest.mark.parametrize("num_steps", [0, 1, 5, 20, 100])
def test_the_closed_form_is_gradient_descent(num_steps):
    """tau steps at once, and one by one (equations 7.34, 7.35, 7.36, 7.40)."""
    path = gradient_descent(steep(), np.zeros(2), 0.1, max(num_steps, 1)).params[num_steps]
    assert_allclose(stopped_descent(steep(), 0.1, num_steps), path, atol=1e-14)


def test_one_step_in_every_form():
    """The error shrinks by I - epsilon H, and each component alone (equations 7.35-7.39)."""
    H = np.array([[3.0, 2.0], [2.0, 3.0]])
    eigenvalues, Q = np.linalg.eigh(H)
    w, epsilon = np.array([0.3, -1.0]), 0.1
    model, I = quadratic_model(H, OPTIMUM), np.eye(2)
    after = gradient_descent(model, w, epsilon, 1).params[1]
    assert_allclose(after, w - epsilon * jax.grad(model)(w), atol=1e-14)
    assert_allclose(after, w - epsilon * H @ (w - OPTIMUM), atol=1e-14)
    assert_allclose(after - OPTIMUM, (I - epsilon * H) @ (w - OPTIMUM), atol=1e-14)
    spectral = (I - epsilon * Q @ np.diag(eigenvalues) @ Q.T) @ (w - OPTIMUM)
    assert_allclose(after - OPTIMUM, spectral, atol=1e-14)
    alone = (1 - epsilon * eigenvalues) * (Q.T @ (w - OPTIMUM))
    assert_allclose(Q.T @ (after - OPTIMUM), alone, atol=1e-14)
    assert_allclose(stopped_descent(model, epsilon, 1, w), after, atol=1e-14)


def test_another_start():
    """From w^(0) the error is (I - epsilon H)^tau (w^(0) - w*) (section 7.8, equation 7.37)."""
    start = np.array([-1.0, 5.0])
    H = np.array([[3.0, 2.0], [2.0, 3.0]])
    w = stopped_descent(quadratic_model(H, OPTIMUM), 0.05, 7, start)
    left = np.linalg.matrix_power(np.eye(2) - 0.05 * H, 7) @ (start - OPTIMUM)
    assert_allclose(w, OPTIMUM + left, rtol=1e-12)


def test_steep_directions_are_learned_first():
    """After 5 steps 10% of the flat and 67% of the steep component (equation 7.40)."""
    assert_allclose(stopped_descent(steep(), 0.1, 5), [0.192158, 1.34464], atol=1e-6)


@pytest.mark.parametrize(
    "learning_rate, status", [(0.99, Status.CONVERGED), (1.01, Status.DIVERGED)]
)
def test_the_edge_of_divergence(learning_rate, status):
    """|1 - epsilon lambda| must be below 1: epsilon below 2 / lambda_max (equation 7.40)."""
    assert gradient_descent(steep(), np.zeros(2), learning_rate, 1500).status == (
        Status.CONVERGED if learning_rate < 1 else Status.DIVERGED
    )
    assert np.isnan(equivalent_alpha(LAMBDA, learning_rate, 5)[1]) == (learning_rate > 1)


@given(st.floats(1e-3, 1e3))
def test_two_ways_to_write_weight_decay(alpha):
    """(Lambda + alpha I)^-1 Lambda is I - (Lambda + alpha I)^-1 alpha (equations 7.41, 7.42)."""
    share = np.linalg.inv(np.diag(LAMBDA) + alpha * np.eye(2))
    assert_allclose(share @ np.diag(LAMBDA), np.eye(2) - share * alpha, atol=1e-12)
    assert_allclose(kept_share(LAMBDA, alpha), np.diag(share @ np.diag(LAMBDA)), rtol=1e-12)


@given(st.floats(1e-3, 4.9), st.integers(1, 60))
def test_each_direction_has_an_exact_alpha(curvature, num_steps):
    """Where the descent converges some alpha leaves the same component (equation 7.43)."""
    eigenvalue = np.array([curvature])
    learned = learned_share(eigenvalue, 0.2, num_steps)
    if not 1e-9 < learned[0] < 1:  # beyond 1 / epsilon it overshoots, which no penalty does
        return
    alpha = equivalent_alpha(eigenvalue, 0.2, num_steps)[0]
    assert_allclose(kept_share(eigenvalue, alpha), learned, rtol=1e-9)
    remaining = (1 - 0.2 * curvature) ** num_steps
    assert_allclose(remaining, alpha / (curvature + alpha), atol=1e-12)


def test_no_single_alpha_fits_two_curvatures():
    """Each direction asks for its own alpha (equations 7.43, 7.45)."""
    assert_allclose(equivalent_alpha(LAMBDA, 0.1, 5), [1.8816, 0.9748], atol=1e-4)
    assert_allclose(equivalent_alpha(LAMBDA, 0.1, 20), [0.4017, 0.0233], atol=1e-4)
    assert_allclose([matching_alpha(0.1, 5), matching_alpha(0.1, 20)], [2, 0.5], rtol=1e-12)
    same = quadratic_model(np.diag([0.7, 0.7]), OPTIMUM)
    alpha = equivalent_alpha(np.array([0.7]), 0.1, 20)[0]
    assert_allclose(l2_solution(same, alpha), stopped_descent(same, 0.1, 20), rtol=1e-12)


def test_a_flat_direction_has_the_limit():
    """At lambda = 0 the matching alpha is 1 / (tau epsilon) (equations 7.43, 7.45)."""
    assert equivalent_alpha(np.zeros(1), 0.1, 5)[0] == matching_alpha(0.1, 5)
    assert_allclose(equivalent_alpha(np.array([1e-7]), 0.1, 5), 2, rtol=1e-6)


@pytest.mark.parametrize(
    "num_steps, gaps", [(100, [0.0050, 0.010, 0.024]), (1000, [0.047, 0.088, 0.18])]
)
def test_where_both_are_alike(num_steps, gaps):
    """For small lambda / alpha they agree within lambda / 2 alpha (equations 7.44, 7.45)."""
    small = np.array([1e-3, 2e-3, 5e-3])
    shares = learned_share(small, 0.1, num_steps), kept_share(small, 10 / num_steps)
    assert_allclose(shares[0] / shares[1] - 1, gaps, rtol=0.06)
    assert_allclose(matching_alpha(0.1, num_steps), 10 / num_steps)


def test_the_largest_difference():
    """Between 1 - exp(-x) and x / (1 + x) there are at most 0.204, at x = 2.51 (equation 7.43)."""
    gap = minimize_scalar(lambda x: x / (1 + x) - 1 + np.exp(-x), (1, 2, 4), tol=1e-10)
    assert_allclose([gap.x, -gap.fun], [2.5129, 0.20363], atol=1e-4)
    x = np.linspace(0.01, 30, 300)
    shares = learned_share(x / 1e6, 1.0, 1_000_000), kept_share(x / 1e6, 1e-6)
    assert 0.2035 < np.max(shares[0] - shares[1]) < 0.2037


def test_figure_7_4():
    """20 steps and alpha = 1/2 end near each other, not in one point (Figure 7.4)."""
    stopped, decayed = stopped_descent(steep(), 0.1, 20), l2_solution(steep(), 0.5)
    assert_allclose(stopped, [0.6648, 1.9769], atol=1e-4)
    assert_allclose(decayed, [0.5714, 1.6], atol=1e-4)
    path = jax.vmap(lambda tau: stopped_descent(steep(), 0.1, tau))(jnp.arange(201))
    ways = jax.vmap(lambda alpha: l2_solution(steep(), alpha))(jnp.logspace(-4, 4, 8001))
    apart = jnp.linalg.norm(path[:, None] - ways[None], axis=2).min(axis=1)
    assert jnp.argmax(apart) == 14
    assert_allclose(apart.max(), 0.300, atol=2e-3)


@pytest.mark.parametrize("seed", range(6))
def test_the_toy_behind_the_learning_curves(seed):
    """Stopping does about as well as the best weight decay (Figures 7.3, 7.4, equation 7.45)."""
    random = np.random.default_rng(seed)
    m, n = 30, 25
    X, far = (random.normal(size=(size, n)) / np.sqrt(n) for size in (m, 1000))
    truth = random.normal(size=n)
    y, far_y = (Z @ truth + 0.5 * random.normal(size=len(Z)) for Z in (X, far))
    eigenvalues, Q = np.linalg.eigh(X.T @ X)
    best = Q.T @ np.linalg.lstsq(X, y)[0]
    steps = np.arange(1, 20_001)
    w = (1 - (1 - 0.1 * eigenvalues[None]) ** steps[:, None]) * best @ Q.T
    train, valid = (((w @ Z.T - t) ** 2).mean(axis=1) for Z, t in ((X, y), (far, far_y)))
    assert (np.diff(train) < 1e-12).all() and valid[-1] > 1.05 * valid.min()
    alphas = np.logspace(-3, 2, 101)
    ways = np.array([((far @ np.asarray(ridge(X, y, a)) - far_y) ** 2).mean() for a in alphas])
    assert valid.min() < 1.13 * ways.min()
    best_step = int(stop_on_curve(valid, 50)[0])
    assert best_step == np.argmin(valid) + 1
    assert 1 / 3 < matching_alpha(0.1, best_step) / alphas[np.argmin(ways)] < 3


# Numbers of every kind


def test_no_control_compiles_again(no_compilation):
    """Steps, patience and learning rates are data (equation 7.40)."""

    @jax.jit
    def sweep(errors, patience, n, learning_rate, tau):
        model = quadratic_model(jnp.diag(jnp.array([0.2, 2.0])), jnp.ones(2))
        return stop_on_curve(errors, patience, n), stopped_descent(model, learning_rate, tau)

    sweep(np.arange(5.0), 2, 1, 0.1, 5)
    with no_compilation():
        sweep(np.arange(5.0) + 1, 3, 2, 0.2, 7)


def test_float32_stays_float32():
    with jax.enable_x64(False):
        single = np.float32(LAMBDA)
        model = quadratic_model(np.diag(single), np.float32(OPTIMUM))
        for x in (learned_share(single, 0.1, 5), stopped_descent(model, 0.1, 5)):
            assert x.dtype == jnp.float32
        assert_allclose(equivalent_alpha(single, 0.1, 5), [1.8816, 0.9748], atol=1e-4)


@pytest.mark.usefixtures("unchecked_signatures")
def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="learning_rate must be positive, got 0"):
        stopped_descent(steep(), 0, 5)
    with pytest.raises(ValueError, match="num_steps must be at least 0, got -1"):
        learned_share(LAMBDA, 0.1, -1)
