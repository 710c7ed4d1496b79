"""Mixtures of Gaussians: which component, then where (section 3.9.6)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, PRNGKeyArray, Real

from dlcompanion.arguments import (
    check_count,
    check_distribution,
    check_finite,
    check_positive_definite,
    check_shape,
)
from dlcompanion.probability.distributions import (
    multivariate_gaussian_log_density,
    sample_multinoulli,
)


class Mixture(NamedTuple):
    """A mixture of K Gaussians in n dimensions, made by `mixture` (equation 3.29)."""

    weights: Float[Array, "K"]  # the prior P(c = i)
    means: Float[Array, "K n"]
    covariances: Float[Array, "K n n"]


class MixtureSample(NamedTuple):
    """Points of a mixture and the latent variable behind each (section 3.9.6)."""

    components: Int[Array, "m"]
    points: Float[Array, "m n"]


def mixture(
    weights: Real[ArrayLike, "K"],
    means: Real[ArrayLike, "K n"],
    covariances: Real[ArrayLike, "K n n"],
) -> Mixture:
    """Check the parts of a mixture and put them together (equation 3.29).

    Raises:
        ValueError: if the weights are no distribution, a covariance is not positive definite or
            the shapes do not fit together.
    """
    weights = check_distribution("weights", weights)
    means = check_finite("means", means, (weights.size, "n"))
    covariances = check_finite("covariances", covariances, (weights.size, *[means.shape[1]] * 2))
    if not isinstance(covariances, jax.core.Tracer):
        for covariance in covariances:
            check_positive_definite("covariances", covariance)
    return Mixture(weights, means, covariances)


def mixture_log_joint(mixture: Mixture, x: Real[ArrayLike, "n"]) -> Float[Array, "K"]:
    """Return log P(c = i) + log p(x | c = i) for each component (equation 3.29)."""
    x = check_shape("x", x, mixture.means.shape[1:])
    log_density = jax.vmap(multivariate_gaussian_log_density, (None, 0, 0))
    return jnp.log(mixture.weights) + log_density(x, mixture.means, mixture.covariances)


@jax.jit
def mixture_log_density(mixture: Mixture, x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return log p(x) of one point: sum over the components, in logarithms (equation 3.29)."""
    return jax.nn.logsumexp(mixture_log_joint(mixture, x))


@jax.jit
def responsibilities(mixture: Mixture, x: Real[ArrayLike, "n"]) -> Float[Array, "K"]:
    """Return the posterior P(c = i | x) by Bayes' rule (section 3.9.6, equation 3.42).

    Far from every component the densities underflow; their logarithms do not.
    """
    return jax.nn.softmax(mixture_log_joint(mixture, x))


def sample_mixture(key: PRNGKeyArray, mixture: Mixture, num_samples: int) -> MixtureSample:
    """Draw the component, then the point: ancestral sampling (section 3.9.6, Figure 3.2)."""
    num_samples = check_count("num_samples", num_samples)
    key_component, key_point = jax.random.split(key)
    components = sample_multinoulli(key_component, mixture.weights, num_samples)
    L = jnp.linalg.cholesky(mixture.covariances)[components]
    z = jax.random.normal(key_point, (num_samples, mixture.means.shape[1]), L.dtype)
    points = mixture.means[components] + jnp.einsum("mij,mj->mi", L, z)
    return MixtureSample(components, points)
