"""Common distributions: log-densities, and samples made from uniform or normal ones (3.9)."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import xlog1py, xlogy
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, PRNGKeyArray, Real, ScalarLike

from dlcompanion.arguments import (
    check_count,
    check_distribution,
    check_finite,
    check_positive,
    check_positive_definite,
    check_probability,
    check_shape,
)


def bernoulli_log_probability(
    x: Real[ArrayLike, "*shape"], phi: ScalarLike
) -> Float[Array, "*shape"]:
    """Return log P(x) for x in {0, 1} where P(x = 1) = phi (equations 3.16, 3.17, 3.18).

    At phi = 0 and 1 the convention 0 log 0 = 0 keeps the sure outcome at log 1.
    """
    x, phi = check_finite("x", x, jnp.shape(x)), check_probability("phi", phi)
    return xlogy(x, phi) + xlog1py(1 - x, -phi)


def multinoulli_probabilities(free: Real[ArrayLike, "free"]) -> Float[Array, "k"]:
    """Complete k - 1 free probabilities by the one that is left over (section 3.9.2).

    Raises:
        ValueError: if one is negative or they exceed one together.
    """
    free = check_finite("free", free, ("n",))
    return check_distribution("free and its remainder", jnp.append(free, 1 - free.sum()))


def sample_multinoulli(
    key: PRNGKeyArray, probabilities: Real[ArrayLike, "k"], num_samples: int
) -> Int[Array, "m"]:
    """Draw states by counting the cumulative sums below a uniform number (section 3.9.2).

    A Bernoulli variable is the case of two states (section 3.9.1).
    """
    P = check_distribution("probabilities", probabilities)
    uniform = jax.random.uniform(key, (check_count("num_samples", num_samples), 1), P.dtype)
    state = (uniform >= jnp.cumsum(P)[None]).sum(axis=1)
    return jnp.minimum(state, P.size - 1)  # the last sum may be rounded to just below 1


def gaussian_log_density(
    x: Real[ArrayLike, "*shape"], mean: ScalarLike, variance: ScalarLike
) -> Float[Array, "*shape"]:
    """Return log N(x; mu, sigma^2), the logarithm of (equation 3.21)."""
    variance = check_positive("variance", variance)
    return gaussian_log_density_from_precision(x, mean, 1 / variance)


def gaussian_log_density_from_precision(
    x: Real[ArrayLike, "*shape"], mean: ScalarLike, precision: ScalarLike
) -> Float[Array, "*shape"]:
    """Return log N(x; mu, 1 / beta): no division where beta is the parameter (equation 3.22)."""
    x, mean = check_shape("x", x, jnp.shape(x)), check_finite("mean", mean, ())
    beta = check_positive("precision", precision)
    return 0.5 * jnp.log(beta / (2 * jnp.pi)) - 0.5 * beta * (x - mean) ** 2


def multivariate_gaussian_log_density(
    x: Real[ArrayLike, "n"], mean: Real[ArrayLike, "n"], covariance: Real[ArrayLike, "n n"]
) -> Float[Array, ""]:
    """Return log N(x; mu, Sigma) of one point (equation 3.23).

    The Cholesky factor L of Sigma = L L^T gives both parts: log det Sigma is twice the sum of
    the logarithms of its diagonal, and the quadratic form is |L^-1 (x - mu)|^2. The determinant
    itself, which soon underflows, is never formed.
    """
    L = jnp.linalg.cholesky(check_positive_definite("covariance", covariance))
    mean = check_finite("mean", mean, L.shape[:1])
    z = solve_triangular(L, check_shape("x", x, mean.shape) - mean, lower=True)
    return -0.5 * z @ z - jnp.log(jnp.diag(L)).sum() - 0.5 * z.size * jnp.log(2 * jnp.pi)


def multivariate_gaussian_log_density_from_precision(
    x: Real[ArrayLike, "n"], mean: Real[ArrayLike, "n"], precision: Real[ArrayLike, "n n"]
) -> Float[Array, ""]:
    """Return log N(x; mu, beta^-1) of one point, without inverting anything (equation 3.24)."""
    beta = check_positive_definite("precision", precision)
    mean = check_finite("mean", mean, beta.shape[:1])
    error = check_shape("x", x, mean.shape) - mean
    log_det = jnp.linalg.slogdet(beta / (2 * jnp.pi))[1]
    return 0.5 * log_det - 0.5 * error @ beta @ error


def sample_gaussian(
    key: PRNGKeyArray,
    mean: Real[ArrayLike, "n"],
    covariance: Real[ArrayLike, "n n"],
    num_samples: int,
) -> Float[Array, "m n"]:
    """Draw mu + L z, where z is standard normal and Sigma = L L^T (section 3.9.3)."""
    L = jnp.linalg.cholesky(check_positive_definite("covariance", covariance))
    mean = check_finite("mean", mean, L.shape[:1])
    z = jax.random.normal(key, (check_count("num_samples", num_samples), mean.size), L.dtype)
    return mean[None] + z @ L.T


def exponential_log_density(
    x: Real[ArrayLike, "*shape"], rate: ScalarLike
) -> Float[Array, "*shape"]:
    """Return log lambda - lambda x from zero on, and -inf below (equation 3.25)."""
    x, rate = check_shape("x", x, jnp.shape(x)), check_positive("rate", rate)
    return jnp.where(x >= 0, jnp.log(rate) - rate * x, -jnp.inf)


def sample_exponential(key: PRNGKeyArray, rate: ScalarLike, num_samples: int) -> Float[Array, "m"]:
    """Send uniform numbers u through the inverse of the cumulative distribution (section 3.9.4)."""
    rate = check_positive("rate", rate)
    u = jax.random.uniform(key, (check_count("num_samples", num_samples),), rate.dtype)
    return -jnp.log1p(-u) / rate


def laplace_log_density(
    x: Real[ArrayLike, "*shape"], mean: ScalarLike, scale: ScalarLike
) -> Float[Array, "*shape"]:
    """Return -|x - mu| / gamma - log(2 gamma) (equation 3.26)."""
    x, scale = check_shape("x", x, jnp.shape(x)), check_positive("scale", scale)
    return -jnp.abs(x - check_finite("mean", mean, ())) / scale - jnp.log(2 * scale)


def sample_laplace(
    key: PRNGKeyArray, mean: ScalarLike, scale: ScalarLike, num_samples: int
) -> Float[Array, "m"]:
    """Walk an exponential distance from mu, to either side equally likely (section 3.9.4)."""
    mean, scale = check_finite("mean", mean, ()), check_positive("scale", scale)
    key_distance, key_side = jax.random.split(key)
    distance = sample_exponential(key_distance, 1 / scale, num_samples)
    return mean + distance * jax.random.rademacher(key_side, distance.shape, distance.dtype)


def empirical_probabilities(
    samples: Real[ArrayLike, "m"], states: Real[ArrayLike, "k"]
) -> Float[Array, "k"]:
    """Return the share of the samples that equals each state (equation 3.28)."""
    samples = check_finite("samples", samples, ("m",))
    states = check_finite("states", states, ("k",))
    return (samples[:, None] == states[None]).mean(axis=0)


def sample_empirical(
    key: PRNGKeyArray, samples: Real[ArrayLike, "m n"], num_samples: int
) -> Float[Array, "num_samples n"]:
    """Draw from the samples themselves, with replacement (equation 3.28)."""
    samples = check_finite("samples", samples, ("m", "n"))
    chosen = jax.random.randint(key, (check_count("num_samples", num_samples),), 0, len(samples))
    return samples[chosen]
