"""Estimators are random: bias, variance, standard error (section 5.4)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite

EstimatorFn = Callable[[Float[Array, "m"]], Float[Array, ""]]


class EstimatorStudy(NamedTuple):
    """How an estimator does over many training sets (equations 5.20, 5.45, 5.53, 5.54)."""

    bias: Float[Array, ""]
    variance: Float[Array, ""]
    mean_squared_error: Float[Array, ""]  # bias^2 + variance


class Interval(NamedTuple):
    """A 95% confidence interval (equation 5.47)."""

    low: Float[Array, ""]
    high: Float[Array, ""]


def sample_mean(sample: Real[ArrayLike, "m"]) -> Float[Array, ""]:
    """Return the average, an unbiased estimate of the mean (equations 5.22, 5.30)."""
    return check_finite("sample", sample, ("m",)).mean()


def sample_variance(sample: Real[ArrayLike, "m"]) -> Float[Array, ""]:
    """Return the mean squared deviation from the sample mean (equations 5.36, 5.39).

    It is too small on average, by the factor (m - 1) / m: the sample mean lies closer to the
    sample than the true mean does.
    """
    x = check_finite("sample", sample, ("m",))
    return ((x - x.mean()) ** 2).mean()


def unbiased_sample_variance(sample: Real[ArrayLike, "m"]) -> Float[Array, ""]:
    """Return the sum of squared deviations over m - 1 (equations 5.40-5.44).

    Raises:
        ValueError: if the sample is not finite or has a single member.
    """
    x = check_finite("sample", sample, ("m",))
    if x.size < 2:
        raise ValueError("sample must have at least 2 members, got 1")
    return ((x - x.mean()) ** 2).sum() / (x.size - 1)


def standard_error(sample: Real[ArrayLike, "m"]) -> Float[Array, ""]:
    """Estimate the standard deviation of the sample mean, s / sqrt(m) (equation 5.46)."""
    x = check_finite("sample", sample, ("m",))
    return jnp.sqrt(unbiased_sample_variance(x) / x.size)


def confidence_interval(sample: Real[ArrayLike, "m"]) -> Interval:
    """Return the mean plus and minus 1.96 standard errors (equation 5.47).

    It covers the true mean in 95 of 100 samples if the standard error is known. Estimated from
    few examples it covers it less often: 88 of 100 at m = 5.
    """
    mean, error = sample_mean(sample), standard_error(sample)
    return Interval(mean - 1.96 * error, mean + 1.96 * error)


def study_estimates(
    estimates: Real[ArrayLike, "num_sets"],
    truth: ScalarLike,
    probabilities: Real[ArrayLike, "num_sets"] | None = None,
) -> EstimatorStudy:
    """Split the error of estimates into bias and variance (equations 5.20, 5.45, 5.53, 5.54).

    Args:
        estimates: one from each training set.
        truth: theta, what is estimated.
        probabilities: of the training sets; all equally likely by default.

    Raises:
        ValueError: if an argument is not finite or has another length.
    """
    estimates = check_finite("estimates", estimates, ("num_sets",))
    truth = check_finite("truth", truth, ())
    if probabilities is None:
        probabilities = jnp.full_like(estimates, 1 / estimates.size)
    probabilities = check_finite("probabilities", probabilities, estimates.shape)
    mean = probabilities @ estimates
    return EstimatorStudy(
        bias=mean - truth,
        variance=probabilities @ (estimates - mean) ** 2,
        mean_squared_error=probabilities @ (estimates - truth) ** 2,
    )


def sampled_study(
    key: Array,
    sample_fn: Callable[[Array], Float[Array, "m"]],
    estimator_fn: EstimatorFn,
    truth: ScalarLike,
    num_sets: int,
) -> EstimatorStudy:
    """Draw many training sets and study what an estimator makes of them (equations 5.19, 5.54).

    Args:
        key: for the random numbers.
        sample_fn: draws one training set from a key.
        estimator_fn: any function of a training set is an estimator.
        truth: theta, what is estimated.
        num_sets: how many training sets.

    Raises:
        ValueError: if the count is not a positive integer or an estimate is not finite.
    """
    keys = jax.random.split(key, check_count("num_sets", num_sets))
    return study_estimates(jax.vmap(lambda k: estimator_fn(sample_fn(k)))(keys), truth)


def bernoulli_study(
    estimator_fn: EstimatorFn, probability: ScalarLike, truth: ScalarLike, num_samples: int
) -> EstimatorStudy:
    """Study an estimator on all 2^m samples of a coin, exactly (equations 5.21-5.28, 5.48-5.52).

    Args:
        estimator_fn: maps a sample of zeros and ones to an estimate.
        probability: theta, of a one, in [0, 1].
        truth: what is estimated: theta itself for the mean, theta (1 - theta) for the variance.
        num_samples: m, at most 16.

    Raises:
        ValueError: if the probability is not in [0, 1] or m not from 1 to 16.
    """
    probability = check_finite("probability", probability, ())
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must lie in [0, 1], got {probability}")
    m = check_count("num_samples", num_samples)
    if m > 16:
        raise ValueError(f"num_samples must be at most 16, got {m}")
    samples = ((jnp.arange(2**m)[:, None] >> jnp.arange(m)[None, :]) & 1).astype(probability.dtype)
    num_ones = samples.sum(axis=1)
    chances = probability**num_ones * (1 - probability) ** (m - num_ones)
    return study_estimates(jax.vmap(estimator_fn)(samples), truth, chances)
