"""Bayesian statistics: a distribution over parameters instead of a point (section 5.6)."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_finite, check_positive, check_positive_definite


class BetaPosterior(NamedTuple):
    """What is believed of a coin: Beta(heads, tails), the prior's counts included (section 5.6)."""

    heads: Float[Array, ""]
    tails: Float[Array, ""]


class GaussianPosterior(NamedTuple):
    """What is believed of the weights of a linear regression (equations 5.77, 5.78)."""

    mean: Float[Array, "n"]  # mu_m
    covariance: Float[Array, "n n"]  # Lambda_m


class Prediction(NamedTuple):
    """The mean and the variance of the next target (equation 5.68)."""

    mean: Float[Array, ""]
    variance: Float[Array, ""]


def update_coin(prior: BetaPosterior, sample: Real[ArrayLike, "m"]) -> BetaPosterior:
    """Count zeros and ones into a Beta prior (equation 5.67).

    Raises:
        ValueError: if the sample holds anything but zeros and ones.
    """
    x = check_finite("sample", sample, ("m",))
    if not bool(((x == 0) | (x == 1)).all()):
        raise ValueError("sample must hold zeros and ones only")
    return BetaPosterior(prior.heads + x.sum(), prior.tails + (1 - x).sum())


def predict_coin(posterior: BetaPosterior) -> Float[Array, ""]:
    """Return the probability that the next throw is a one (equation 5.68).

    The integral over all coins has a closed form, heads / (heads + tails). It is never 0 or 1,
    whatever was thrown.
    """
    return posterior.heads / (posterior.heads + posterior.tails)


def bayesian_linear_regression(
    design_matrix: Real[ArrayLike, "m n"],
    targets: Real[ArrayLike, "m"],
    prior: GaussianPosterior,
) -> GaussianPosterior:
    """Return the posterior over the weights, noise of variance 1 (equations 5.71-5.78).

        Lambda_m = (X^T X + Lambda_0^-1)^-1
        mu_m = Lambda_m (X^T y + Lambda_0^-1 mu_0)

    Lambda_0 is a covariance: a wide prior has a large one. For noise of another standard
    deviation divide X and y by it. A posterior may serve as the prior of the next examples; the
    order does not matter.

    Args:
        design_matrix: X, an example in each row.
        targets: y.
        prior: mu_0 and Lambda_0.

    Raises:
        ValueError: if an argument is not finite, its size does not fit, or Lambda_0 is not
            symmetric and positive definite.
    """
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    y = check_finite("targets", targets, X.shape[:1])
    prior_mean = check_finite("prior.mean", prior.mean, X.shape[1:])
    identity = jnp.eye(X.shape[1], dtype=X.dtype)
    prior_covariance = check_positive_definite("prior.covariance", prior.covariance)
    prior_precision = cho_solve(cho_factor(prior_covariance), identity)
    precision = cho_factor(X.T @ X + prior_precision)
    mean = cho_solve(precision, X.T @ y + prior_precision @ prior_mean)
    return GaussianPosterior(mean, cho_solve(precision, identity))


def predict_regression(posterior: GaussianPosterior, x: Real[ArrayLike, "n"]) -> Prediction:
    """Return what is believed of the target of a new input (equation 5.68).

        mean x^T mu_m, variance 1 + x^T Lambda_m x

    The 1 is the noise that stays; the rest is what the examples have not settled yet.
    """
    x = check_finite("x", x, posterior.mean.shape)
    return Prediction(x @ posterior.mean, 1 + x @ posterior.covariance @ x)


def map_regression(
    design_matrix: Real[ArrayLike, "m n"],
    targets: Real[ArrayLike, "m"],
    prior_precision: ScalarLike,
) -> Float[Array, "n"]:
    """Return the most probable weights under the prior N(0, I / lambda) (equation 5.79).

    The log-prior is -(lambda / 2) w^T w plus a constant: the maximum a posteriori is weight decay
    on the sum of squared errors. For a Gaussian the mode is the mean.

    Args:
        design_matrix: X, an example in each row.
        targets: y, with noise of variance 1.
        prior_precision: lambda, positive: 0 would be no distribution.

    Raises:
        ValueError: if an argument is not finite, its size does not fit or it is out of its range.
    """
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    precision = check_positive("prior_precision", prior_precision).astype(X.dtype)
    n = X.shape[1]
    prior = GaussianPosterior(jnp.zeros(n, X.dtype), jnp.eye(n, dtype=X.dtype) / precision)
    return bayesian_linear_regression(X, targets, prior).mean
