"""Maximum likelihood: the parameters that make the data most probable (section 5.5)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_finite, check_positive
from dlcompanion.machine_learning.estimators import sample_mean, sample_variance
from dlcompanion.machine_learning.linear_regression import (
    mean_squared_error,
    normal_equations,
    predict,
)

LogDensityFn = Callable[[Float[Array, ""], Float[Array, "n"]], Float[Array, ""]]


class GaussianParameters(NamedTuple):
    """The mean and the variance of a Gaussian (equation 5.29)."""

    mean: Float[Array, ""]
    variance: Float[Array, ""]


class GaussianRegression(NamedTuple):
    """A linear mean and one variance for all inputs (equations 5.64, 5.65)."""

    weights: Float[Array, "n"]
    variance: Float[Array, ""]


def likelihood(
    log_density_fn: LogDensityFn, params: Real[ArrayLike, "n"], sample: Real[ArrayLike, "m"]
) -> Float[Array, ""]:
    """Return the product of the densities, which underflows for long samples (equation 5.57).

    Args:
        log_density_fn: maps one example and the parameters to log p(x; theta).
        params: theta.
        sample: the examples.
    """
    return jnp.exp(_log_densities(log_density_fn, params, sample)).prod()


def log_likelihood(
    log_density_fn: LogDensityFn, params: Real[ArrayLike, "n"], sample: Real[ArrayLike, "m"]
) -> Float[Array, ""]:
    """Return the sum of the log-densities, largest at the same parameters (equation 5.58)."""
    return _log_densities(log_density_fn, params, sample).sum()


def mean_negative_log_likelihood(
    log_density_fn: LogDensityFn, params: Real[ArrayLike, "n"], sample: Real[ArrayLike, "m"]
) -> Float[Array, ""]:
    """Return the cross-entropy between the data and the model (equations 5.59, 5.60, 5.61).

    Minimizing it is maximizing the likelihood, and also minimizing the Kullback-Leibler
    divergence from the empirical distribution, which differs by a constant. For densities it may
    be negative; the divergence may not.
    """
    return -_log_densities(log_density_fn, params, sample).mean()


def fit_bernoulli(sample: Real[ArrayLike, "m"]) -> Float[Array, ""]:
    """Return the most likely probability of a one: the fraction of ones (equations 5.22, 5.56)."""
    return sample_mean(sample)


def fit_gaussian(sample: Real[ArrayLike, "m"]) -> GaussianParameters:
    """Return the most likely mean and variance (equations 5.30, 5.36, 5.56).

    The variance is the biased one, with m in the denominator: most likely and unbiased are
    different wishes.
    """
    return GaussianParameters(sample_mean(sample), sample_variance(sample))


def regression_log_likelihood(
    weights: Real[ArrayLike, "n"],
    design_matrix: Real[ArrayLike, "m n"],
    targets: Real[ArrayLike, "m"],
    noise: ScalarLike,
) -> Float[Array, ""]:
    """Return the log-likelihood of linear regression with Gaussian noise (equations 5.63-5.66).

        -m log sigma - (m / 2) log 2 pi - sum_i (y-hat_i - y_i)^2 / (2 sigma^2)        (5.65)

    Only the last term depends on the weights, so for every sigma the best weights are those of
    least squares.

    Args:
        weights: w.
        design_matrix: X, an example in each row.
        targets: y.
        noise: sigma, positive.

    Raises:
        ValueError: if an argument is not finite, has another length or is out of its range.
    """
    noise = check_positive("noise", noise)
    error = mean_squared_error(predict(design_matrix, weights), targets)
    per_example = jnp.log(noise) + jnp.log(2 * jnp.pi) / 2 + error / (2 * noise**2)
    return -len(targets) * per_example


def fit_gaussian_regression(
    design_matrix: Real[ArrayLike, "m n"], targets: Real[ArrayLike, "m"]
) -> GaussianRegression:
    """Return the most likely weights and variance (section 5.5.1, equations 5.62, 5.65, 5.66).

    The weights are those of least squares; the variance is their training error.
    """
    weights = normal_equations(design_matrix, targets)
    variance = mean_squared_error(predict(design_matrix, weights), targets)
    return GaussianRegression(weights, variance)


def _log_densities(
    log_density_fn: LogDensityFn, params: object, sample: object
) -> Float[Array, "m"]:
    sample = check_finite("sample", sample, ("m",))
    params = check_finite("params", params, ("n",))
    return jax.vmap(log_density_fn, in_axes=(0, None))(sample, params)
