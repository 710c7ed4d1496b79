"""Early stopping: training time as a hyperparameter that one run chooses (section 7.8)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Real, ScalarLike

from dlcompanion.arguments import (
    check_at_least,
    check_count,
    check_finite,
    check_positive,
    check_shape,
)
from dlcompanion.regularization.norm_penalties import QuadraticModel


class Patience(NamedTuple):
    """When to look at the validation error, and when to give up (Algorithm 7.1)."""

    patience: int = 10  # p: how often in a row the error may fail to improve
    steps_between: int = 1  # n: training steps between two looks
    max_steps: int = 100_000  # a cap the book does not have: some errors improve forever


class Stopped(NamedTuple):
    """What early stopping returns, and where the training stood when it ended (Algorithm 7.1)."""

    params: Any  # theta*, the best seen
    num_steps: int  # i*, when they were seen
    error: float  # v, their validation error; infinite if none was below infinity
    last_params: Any
    steps_run: int


class Learner(NamedTuple):
    """A way to train, as the algorithms of the section see it (section 7.8)."""

    init_fn: Callable  # key -> params
    train_fn: Callable  # params, X, y, number of steps -> params
    loss_fn: Callable  # params, X, y -> one number


class Split(NamedTuple):
    """The training set, cut into what is trained on and what is watched (Algorithm 7.2)."""

    subtrain: tuple  # X, y
    valid: tuple  # X, y

    @property
    def train(self) -> tuple:
        """Both parts together (Algorithm 7.2)."""
        return tuple(map(jnp.concatenate, zip(self.subtrain, self.valid, strict=True)))


class Continued(NamedTuple):
    """Where the training on all data ended, and whether it reached its target (Algorithm 7.3)."""

    params: Any
    target: float
    error: float  # on the validation set
    extra_steps: int
    reached: bool


def early_stopping(train_fn: Callable, error_fn: Callable, start: Any, rule: Patience) -> Stopped:
    """Train until the validation error has not improved for some time (Algorithm 7.1).

    Only a smaller error counts as better: ties and NaN use up the patience. The start is never
    evaluated, and is returned if nothing after it has a finite error. Unless the cap cuts it
    short the run goes on for n p steps after the best one.

    Args:
        train_fn: maps parameters and a number of steps to other parameters.
        error_fn: maps parameters to their error on the validation set.
        start: theta_o, anything that these two take.
        rule: p, n and the cap.
    """
    check_count("steps_between", rule.steps_between)
    best = Stopped(start, 0, float("inf"), start, 0)
    params, i, j = start, 0, 0
    while j < rule.patience and i + rule.steps_between <= rule.max_steps:
        params, i = train_fn(params, rule.steps_between), i + rule.steps_between
        error = float(error_fn(params))
        if error < best.error:
            best, j = Stopped(params, i, error, params, i), 0
        else:
            j += 1
    return best._replace(last_params=params, steps_run=i)


def stop_on_curve(
    errors: Real[ArrayLike, "steps"], patience: ScalarLike, steps_between: ScalarLike = 1
) -> tuple[Int[Array, ""], Int[Array, ""]]:
    """Return best step and steps run on a known validation curve (Algorithm 7.1, Figure 7.3).

    `errors` are those after step 1, 2, and so on. Compiled, it takes any p and n as data.
    """
    errors = check_shape("errors", errors, ("steps",))
    patience, n = jnp.asarray(patience, jnp.int32), jnp.asarray(steps_between, jnp.int32)

    def look(state, now):
        (step, error), (best, best_step, waited, run) = now, state
        looks = (waited < patience) & (step % n == 0)
        better = looks & (error < best)
        best, best_step = jnp.where(better, error, best), jnp.where(better, step, best_step)
        waited = jnp.where(better, 0, waited + looks)
        return (best, best_step, waited, jnp.where(looks, step, run)), None

    steps = jnp.arange(1, errors.size + 1, dtype=jnp.int32)
    zero = jnp.zeros((), jnp.int32)
    start = (jnp.full((), jnp.inf, errors.dtype), zero, zero, zero)
    (_, best_step, _, run), _ = jax.lax.scan(look, start, (steps, errors))
    return best_step, run


def stop_on_split(learner: Learner, split: Split, rule: Patience, start: Any) -> Stopped:
    """Run early stopping on the two parts of a training set (Algorithms 7.1, 7.2, 7.3)."""
    return early_stopping(
        lambda params, num_steps: learner.train_fn(params, *split.subtrain, num_steps),
        lambda params: learner.loss_fn(params, *split.valid),
        start,
        rule,
    )


def retrain(
    learner: Learner, split: Split, rule: Patience, key: Array, same_passes: bool = False
) -> tuple[Any, int]:
    """Learn how long to train, then start again and train on everything (Algorithm 7.2).

    The book leaves open what "as long" means on a larger set. It may be as many updates, or as
    many passes through the data, which are more updates where an update sees a batch. Returned
    are the parameters and the number of updates.
    """
    key_first, key_second = jax.random.split(key)
    num_steps = stop_on_split(learner, split, rule, learner.init_fn(key_first)).num_steps
    X, y = split.train
    if same_passes:
        num_steps = round(num_steps * len(y) / len(split.subtrain[1]))
    return learner.train_fn(learner.init_fn(key_second), X, y, num_steps), num_steps


def continue_training(
    learner: Learner, split: Split, rule: Patience, stopped: Stopped, from_best: bool = True
) -> Continued:
    """Train on all data until the validation loss is where the training loss was (Algorithm 7.3).

    Nothing says that it ever gets there, so `rule.max_steps` caps the extra steps and the result
    says whether the target was reached. It goes on from what `stop_on_split` returned: from the
    best parameters or from the last, which the book leaves open.
    """
    params = stopped.params if from_best else stopped.last_params
    target, steps = float(learner.loss_fn(params, *split.subtrain)), 0
    error = float(learner.loss_fn(params, *split.valid))
    while not error <= target and steps + rule.steps_between <= rule.max_steps:
        params = learner.train_fn(params, *split.train, rule.steps_between)
        error, steps = float(learner.loss_fn(params, *split.valid)), steps + rule.steps_between
    return Continued(params, target, error, steps, error <= target)


# What a stopped descent has in common with weight decay


def learned_share(
    eigenvalues: Real[ArrayLike, "n"], learning_rate: ScalarLike, num_steps: ScalarLike
) -> Float[Array, "n"]:
    """Return 1 - (1 - epsilon lambda)^tau, what tau steps have learned (equation 7.40).

    It tends to 1 if |1 - epsilon lambda| < 1, fast where the curvature lambda is large.
    """
    curvature = check_finite("eigenvalues", eigenvalues, ("n",))
    epsilon = check_positive("learning_rate", learning_rate).astype(curvature.dtype)
    tau = check_at_least("num_steps", num_steps, 0).astype(curvature.dtype)
    return 1 - (1 - epsilon * curvature) ** tau


def stopped_descent(
    model: QuadraticModel,
    learning_rate: ScalarLike,
    num_steps: ScalarLike,
    start: Real[ArrayLike, "n"] | None = None,
) -> Float[Array, "n"]:
    """Return w after tau gradient steps, without making them (equations 7.35-7.40).

        Q^T w = [I - (I - epsilon Lambda)^tau] Q^T w*        (7.40)

    The book starts at 0; the error w - w* shrinks alike from any other start.
    """
    eigenvalues, Q = jnp.linalg.eigh(model.hessian)
    origin = jnp.zeros_like(model.optimum)
    origin = origin if start is None else check_finite("start", start, origin.shape)
    learned = learned_share(eigenvalues, learning_rate, num_steps)
    return origin + Q @ (learned * (Q.T @ (model.optimum - origin)))


def equivalent_alpha(
    eigenvalues: Real[ArrayLike, "n"], learning_rate: ScalarLike, num_steps: ScalarLike
) -> Float[Array, "n"]:
    """Return the alpha that equals tau steps, for each direction its own (equation 7.43).

        (1 - epsilon lambda)^tau = alpha / (lambda + alpha)        (7.43)

    One alpha solves all of these only if all eigenvalues are equal. Where lambda is 0 it is the
    limit 1 / (tau epsilon); where the descent diverges there is none, and the answer is NaN.
    """
    learned = learned_share(eigenvalues, learning_rate, num_steps)
    curvature = check_finite("eigenvalues", eigenvalues, ("n",)).astype(learned.dtype)
    is_flat = curvature == 0
    alpha = curvature * (1 - learned) / jnp.where(is_flat, 1, learned)
    alpha = jnp.where(jnp.abs(1 - learned) < 1, alpha, jnp.nan)
    return jnp.where(is_flat, matching_alpha(learning_rate, num_steps).astype(alpha.dtype), alpha)


def matching_alpha(learning_rate: ScalarLike, num_steps: ScalarLike) -> Float[Array, ""]:
    """Return 1 / (tau epsilon), the weight decay that tau steps resemble (equations 7.44, 7.45).

    Both shrink alike where epsilon lambda and lambda / alpha are small. Elsewhere they differ, by
    at most 0.204 of a component (small steps, lambda tau epsilon near 2.5).
    """
    return 1 / (check_positive("learning_rate", learning_rate) * check_positive("tau", num_steps))
