"""Information: surprise, its average, and the price of a wrong belief (section 3.13).

All in nats; divide by log 2 for bits. 0 log 0 is 0 everywhere, its derivatives included.
"""

import heapq
from collections.abc import Sequence

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import (
    check_distribution,
    check_finite,
    check_positive,
    check_shape,
)
from dlcompanion.probability.moments import density_expectation


def self_information(probability: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return the surprise -log P(x) at something so likely (equation 3.48)."""
    return -jnp.log(check_shape("probability", probability, jnp.shape(probability)))


def entropy(P: Real[ArrayLike, "k"]) -> Float[Array, ""]:
    """Return the expected surprise H(P) (equation 3.49, Figure 3.5)."""
    return cross_entropy(P, P)


def cross_entropy(P: Real[ArrayLike, "k"], Q: Real[ArrayLike, "k"]) -> Float[Array, ""]:
    """Return the surprise of who believes Q where P is true, H(P, Q) (equation 3.51).

    It is infinite where Q rules out what P allows.
    """
    P, Q = check_distribution("P", P), check_distribution("Q", Q)
    happens = P > 0
    # Both arguments are guarded: the derivative of a branch not taken must be finite as well.
    surprise = -jnp.log(jnp.where(happens, check_shape("Q", Q, P.shape), 1))
    return jnp.where(happens, jnp.where(happens, P, 1) * surprise, 0).sum()


def kl_divergence(P: Real[ArrayLike, "k"], Q: Real[ArrayLike, "k"]) -> Float[Array, ""]:
    """Return D(P || Q), the surprise that believing Q adds to the entropy (equation 3.50)."""
    return cross_entropy(P, Q) - entropy(P)


def gaussian_entropy(variance: ScalarLike) -> Float[Array, ""]:
    """Return the differential entropy of a Gaussian, which may be negative (equation 3.49)."""
    return 0.5 * jnp.log(2 * jnp.pi * jnp.e * check_positive("variance", variance))


def gaussian_kl(
    mean_p: ScalarLike, variance_p: ScalarLike, mean_q: ScalarLike, variance_q: ScalarLike
) -> Float[Array, ""]:
    """Return D(p || q) of two Gaussians in closed form (equation 3.50)."""
    mean_p, mean_q = check_finite("mean_p", mean_p, ()), check_finite("mean_q", mean_q, ())
    variance_p = check_positive("variance_p", variance_p)
    variance_q = check_positive("variance_q", variance_q)
    ratio = variance_p / variance_q
    return 0.5 * (ratio - 1 - jnp.log(ratio) + (mean_p - mean_q) ** 2 / variance_q)


def density_cross_entropy(
    log_p: Real[ArrayLike, "grid"], log_q: Real[ArrayLike, "grid"], grid: Real[ArrayLike, "grid"]
) -> Float[Array, ""]:
    """Return -E[log q(x)] under p by quadrature; its own entropy if q is p (equations 3.49, 3.51).

    Args:
        log_p: the log-density of p at each point of the grid; -inf is allowed.
        log_q: the log-density of q.
        grid: the points, ascending, with nearly all of p between them.
    """
    log_p = check_shape("log_p", log_p, ("grid",))
    log_q = check_shape("log_q", log_q, log_p.shape)
    surprise = jnp.where(log_p > -jnp.inf, -log_q, 0)
    return density_expectation(jnp.exp(log_p), surprise, grid)


def density_kl(
    log_p: Real[ArrayLike, "grid"], log_q: Real[ArrayLike, "grid"], grid: Real[ArrayLike, "grid"]
) -> Float[Array, ""]:
    """Return D(p || q) by quadrature, from log-densities (equation 3.50).

    The densities themselves will not do: where q(x) underflows, log(p(x) / q(x)) is infinite.
    """
    return density_cross_entropy(log_p, log_q, grid) - density_cross_entropy(log_p, log_p, grid)


def huffman_lengths(P: Sequence[float] | Real[ArrayLike, "k"]) -> list[int]:
    """Return the length in bits of each state's word in a best prefix code (section 3.13).

    The two rarest groups of states are merged until one is left; each merger puts one more bit
    before the words of both. The mean length lies less than one bit above the entropy.
    """
    lengths = [0] * len(P)
    heap = [(float(p), [state]) for state, p in enumerate(P)]
    heapq.heapify(heap)
    while len(heap) > 1:
        (p, rare), (q, next_rare) = heapq.heappop(heap), heapq.heappop(heap)
        for state in rare + next_rare:
            lengths[state] += 1
        heapq.heappush(heap, (p + q, rare + next_rare))
    return lengths
