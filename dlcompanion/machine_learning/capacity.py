"""Capacity: how much a family of functions can fit, and what that costs (sections 5.2, 5.2.1)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_finite
from dlcompanion.machine_learning.linear_regression import normal_equations


class ExpectedErrors(NamedTuple):
    """What a linear model costs on average over the noise (sections 5.2, 5.4.4, Figure 5.6)."""

    squared_bias: Float[Array, ""]  # what no weights of this family could fit
    variance: Float[Array, ""]  # sigma^2 p / m: what the noise in the training set does
    train: Float[Array, ""]
    test: Float[Array, ""]  # on new targets for the same inputs


def polynomial_features(inputs: Real[ArrayLike, "m"], degree: int) -> Float[Array, "m {degree}+1"]:
    """Return the columns 1, x, ..., x^degree (equations 5.15, 5.16, 5.17).

    A polynomial is not linear in x, but it is linear in its weights, so the normal equations
    fit it.

    Raises:
        ValueError: if the inputs are not finite or the degree is below 0.
    """
    x = check_finite("inputs", inputs, ("m",))
    if degree < 0:
        raise ValueError(f"degree must be at least 0, got {degree}")
    return x[:, None] ** jnp.arange(degree + 1)[None, :]


def polynomial_regression(
    inputs: Real[ArrayLike, "m"], targets: Real[ArrayLike, "m"], degree: int
) -> Float[Array, "{degree}+1"]:
    """Fit b + w_1 x + ... by least squares (equations 5.15, 5.16, 5.17, Figure 5.2).

    With more weights than examples many polynomials pass through every point; this is the one
    with the shortest weights. What is short depends on the scale of the inputs.

    Raises:
        ValueError: if an argument is not finite, has another length or is out of its range.
    """
    return normal_equations(polynomial_features(inputs, degree), targets)


def expected_errors(
    design_matrix: Real[ArrayLike, "m p"], truth: Real[ArrayLike, "m"], noise: ScalarLike
) -> ExpectedErrors:
    """Return bias and variance of least squares exactly (sections 5.2, 5.4.4, Figure 5.6).

    The fit projects the targets onto the span of the p columns. What of the truth lies outside is
    bias; the share of the noise that lies inside, sigma^2 p / m, is variance. So the training
    error is the bias plus sigma^2 (1 - p / m), the test error the bias plus sigma^2 (1 + p / m).

    Args:
        design_matrix: the features of the inputs, columns independent, p <= m.
        truth: the mean of the targets at these inputs.
        noise: sigma, the standard deviation of the targets, at least 0.

    Raises:
        ValueError: if an argument is not finite, has another length or is out of its range.
    """
    X = check_finite("design_matrix", design_matrix, ("m", "p"))
    truth = check_finite("truth", truth, X.shape[:1]).astype(X.dtype)
    noise = check_at_least("noise", noise, 0).astype(X.dtype)
    m, p = X.shape
    basis = jnp.linalg.qr(X)[0]
    squared_bias = jnp.mean((truth - basis @ (basis.T @ truth)) ** 2)
    variance = noise**2 * p / m
    floor = squared_bias + noise**2
    return ExpectedErrors(squared_bias, variance, floor - variance, floor + variance)


def nearest_neighbor_regression(
    inputs: Real[ArrayLike, "m n"],
    targets: Real[ArrayLike, "m"],
    query: Real[ArrayLike, "n"],
) -> Float[Array, ""]:
    """Predict the target of the training input that is closest (section 5.2).

    Nothing is fitted: the training set itself is the model. If several inputs are equally close
    the prediction is the mean of their targets, which makes the training error the least that is
    possible for any function.

    Raises:
        ValueError: if an argument is not finite or its size does not fit.
    """
    X = check_finite("inputs", inputs, ("m", "n"))
    y = check_finite("targets", targets, X.shape[:1])
    query = check_finite("query", query, X.shape[1:])
    distances = ((X - query[None, :]) ** 2).sum(axis=1)
    is_closest = distances == distances.min()
    return jnp.sum(y * is_closest) / jnp.sum(is_closest)


def count_separable(points: Real[ArrayLike, "m n"], max_passes: int = 1000) -> int:
    """Count the labelings of points that a linear classifier can realize (section 5.2).

    The Vapnik-Chervonenkis dimension is the largest m for which some m points have all 2^m of
    them. In the plane that is 3: any four points have at most 14 of 16. Every labeling is tried
    by a perceptron, which stops if and only if the labels can be separated.

    Args:
        points: one in each row.
        max_passes: after so many passes over the points a labeling counts as impossible.

    Raises:
        ValueError: if the points are not finite.
    """
    X = check_finite("points", points, ("m", "n"))
    labels = 1 - 2 * ((np.arange(2 ** len(X))[:, None] >> np.arange(len(X))) & 1)
    separates = jax.vmap(_separates, in_axes=(None, 0, None))
    return int(separates(X, labels.astype(X.dtype), max_passes).sum())


@jax.jit
def _separates(
    X: Float[Array, "m n"], y: Float[Array, "m"], max_passes: Int[Array, ""]
) -> Bool[Array, ""]:
    """Tell whether the perceptron, pass after pass, ends up with every label right."""
    X = jnp.column_stack([X, jnp.ones(len(X), X.dtype)])

    def visit(w, example):
        x, label = example
        return jnp.where(label * (x @ w) <= 0, w + label * x, w), None

    def one_pass(_, w):
        return jax.lax.scan(visit, w, (X, y))[0]

    w = jax.lax.fori_loop(0, max_passes, one_pass, jnp.zeros_like(X[0]))
    return jnp.all(y * (X @ w) > 0)


def no_free_lunch(
    learner_fn: Callable[[Int[np.ndarray, "m"], Int[np.ndarray, "m"]], Int[np.ndarray, "8"]],
    seen: Int[ArrayLike, "m"],
    targets: Int[ArrayLike, "num_targets 8"] | None = None,
) -> float:
    """Return a learner's error on unseen inputs, averaged over target functions (section 5.2.1).

    The inputs are the numbers 0 to 7, three bits; a target gives each a label 0 or 1. Over all
    256 targets the answer is one half, whatever the learner.

    Args:
        learner_fn: maps the seen inputs and their labels to a prediction for all eight inputs.
        seen: the inputs of the training set.
        targets: one function in each row; all 256 by default.

    Raises:
        ValueError: if an input is not one of 0 to 7, or all of them are seen.
    """
    seen = np.asarray(seen)
    unseen = np.setdiff1d(np.arange(8), seen)
    if not np.isin(seen, np.arange(8)).all() or unseen.size == 0:
        raise ValueError(f"seen must hold some, not all, of the inputs 0 to 7, got {seen}")
    if targets is None:
        targets = (np.arange(256)[:, None] >> np.arange(8)) & 1
    targets = np.asarray(targets)
    predictions = np.array([learner_fn(seen, target[seen]) for target in targets])
    return float(np.mean(predictions[:, unseen] != targets[:, unseen]))
