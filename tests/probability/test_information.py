"""Information, entropy and the KL divergence."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from dlcompanion.probability import (
    cross_entropy,
    density_cross_entropy,
    density_kl,
    entropy,
    gaussian_entropy,
    gaussian_kl,
    gaussian_log_density,
    huffman_lengths,
    kl_divergence,
    self_information,
)
from dlcompanion.probability.divergences import (
    Bells,
    fit_forward,
    fit_reverse,
    forward_kl,
    reverse_kl,
    roll_downhill,
)

RANDOM = np.random.default_rng(0)
LOG2 = np.log(2)


def test_self_information():
    """Certain: 0; rarer: more; independent: it adds (equation 3.48)."""
    assert_allclose(self_information(np.array([1, 1 / np.e, 0.5])), [0, 1, 0.693147], atol=1e-6)
    assert_allclose(self_information(0.5) / LOG2, 1)
    p = jnp.linspace(0.01, 1, 100)
    assert (jnp.diff(self_information(p)) < 0).all()
    assert_allclose(self_information(0.3 * 0.7), self_information(0.3) + self_information(0.7))
    assert_allclose(self_information(0.25), 2 * self_information(0.5))


def test_entropy():
    """As in SciPy; 0 if certain, log k if uniform, and never above (equation 3.49, Figure 3.5)."""
    assert_allclose(entropy(np.array([0.5, 0.5])), 0.693147, atol=1e-6)
    assert_allclose(entropy(np.full(6, 1 / 6)), 1.791759, atol=1e-6)
    assert_allclose(entropy(np.array([0.1, 0.9])), 0.325083, atol=1e-6)
    assert entropy(np.array([1.0, 0, 0])) == 0
    for k in (2, 5, 10):
        for P in RANDOM.dirichlet(np.ones(k), 60):
            assert_allclose(entropy(P), stats.entropy(P), atol=1e-12)
            assert entropy(P) <= np.log(k) + 1e-12
    p = np.linspace(0.01, 0.99, 99)
    H = jax.vmap(entropy)(jnp.stack([p, 1 - p], axis=1))
    assert_allclose(H, (p - 1) * np.log(1 - p) - p * np.log(p), atol=1e-12)
    assert H.argmax() == 49
    tosses = RANDOM.uniform(size=100_000) < 0.1
    assert abs(-np.log(np.where(tosses, 0.1, 0.9)).mean() - 0.325083) < 0.01


def test_differential_entropy_loses_properties():
    """It may be zero without certainty, and negative (section 3.13, equation 3.49)."""
    x = jnp.linspace(0, 1, 1001)
    assert density_cross_entropy(jnp.zeros(1001), jnp.zeros(1001), x) == 0
    log_p = jnp.full(1001, LOG2)
    assert_allclose(density_cross_entropy(log_p, log_p, x / 2), -LOG2)
    assert_allclose(gaussian_entropy(0.241971**2), 0, atol=1e-5)
    assert gaussian_entropy(0.04) < 0 < gaussian_entropy(0.0625)
    x = jnp.linspace(-8, 8, 2001)
    log_p = gaussian_log_density(x, 0.5, 0.6)
    assert_allclose(density_cross_entropy(log_p, log_p, x), gaussian_entropy(0.6), atol=1e-8)


def mean_bits(P) -> float:
    return float(np.dot(P, huffman_lengths(P)))


def test_entropy_bounds_every_code():
    """A best code needs at least H bits and less than H + 1 (section 3.13, equation 3.49)."""
    assert (
        mean_bits([0.5, 0.25, 0.125, 0.125])
        == entropy(np.array([0.5, 0.25, 0.125, 0.125])) / LOG2
        == 1.75
    )
    assert_allclose(mean_bits([0.6, 0.3, 0.1]), 1.4)
    blocks = [
        mean_bits([np.prod(block) for block in itertools.product([0.9, 0.1], repeat=n)]) / n
        for n in (1, 2, 3, 4)
    ]
    assert_allclose(blocks, [1, 0.645, 0.532667, 0.49255], atol=1e-6)
    assert blocks[-1] > entropy(np.array([0.9, 0.1])) / LOG2
    for P in RANDOM.dirichlet(np.ones(8), 100):
        assert -1e-12 <= mean_bits(P) - entropy(P) / LOG2 < 1
        assert_allclose(sum(2.0 ** -np.array(huffman_lengths(P))), 1)  # a complete prefix code


def test_kl_is_the_price_of_the_wrong_code():
    """Q's words for P's messages cost D(P || Q) more (equation 3.50)."""
    P, Q = np.array([0.5, 0.25, 0.125, 0.125]), np.array([0.125, 0.125, 0.25, 0.5])
    wrong = P @ huffman_lengths(Q)
    assert wrong == 2.625
    assert_allclose(wrong - mean_bits(P), kl_divergence(P, Q) / LOG2)


def test_kl_divergence():
    """As in SciPy; never negative, zero for equals, not symmetric (equation 3.50)."""
    for P, Q in RANDOM.dirichlet(np.ones(5), (300, 2)):
        assert_allclose(kl_divergence(P, Q), stats.entropy(P, Q), atol=1e-12)
        assert kl_divergence(P, Q) > 0
        assert_allclose(kl_divergence(P, P), 0, atol=1e-12)
    P, Q, R = np.array([0.9, 0.1]), np.array([0.5, 0.5]), np.array([0.75, 0.25])
    assert_allclose(kl_divergence(P, Q), 0.368064, atol=1e-6)
    assert_allclose(kl_divergence(Q, P), 0.510826, atol=1e-6)
    assert_allclose(kl_divergence(P, R) + kl_divergence(R, Q), 0.203272, atol=1e-6)


def test_cross_entropy_has_the_same_minimum():
    """H(P, Q) = H(P) + D(P || Q): in Q they differ by a constant (equation 3.51)."""
    for P, Q in RANDOM.dirichlet(np.ones(4), (100, 2)):
        assert_allclose(cross_entropy(P, Q), entropy(P) + stats.entropy(P, Q), atol=1e-12)
    q = np.linspace(0.01, 0.99, 99)
    Q, P = jnp.stack([q, 1 - q], axis=1), jnp.array([0.7, 0.3])
    H = jax.vmap(cross_entropy, (None, 0))(P, Q)
    D = jax.vmap(kl_divergence, (None, 0))(P, Q)
    assert H.argmin() == D.argmin() == 69
    assert_allclose(H - D, entropy(P), atol=1e-12)


def test_zero_log_zero():
    """It is 0 with its derivative; ruling out what happens costs infinity (equation 3.50)."""
    x = np.array([1e-1, 1e-2, 1e-4, 1e-8])
    assert_allclose(x * np.log(x), [-0.2303, -0.0461, -9.21e-4, -1.84e-7], rtol=2e-3)
    zero, ones = jnp.array([0.0, 1]), jnp.array([0.5, 0.5])
    assert kl_divergence(ones, zero) == jnp.inf
    assert_allclose(kl_divergence(zero, ones), LOG2)
    assert jnp.isfinite(jax.grad(entropy)(zero)).all()
    assert jnp.isfinite(jax.grad(kl_divergence)(zero, ones)).all()
    naive = jax.grad(lambda p: jnp.where(p > 0, p * jnp.log(p), 0))
    assert jnp.isnan(naive(0.0))


def test_gaussians_in_closed_form():
    """As by quadrature; the second argument is a variance (equation 3.50)."""
    assert_allclose(gaussian_kl(0, 1, 1, 4), 0.443147, atol=1e-6)
    assert_allclose(gaussian_kl(1, 4, 0, 1), 1.306853, atol=1e-6)
    x = jnp.linspace(-20, 20, 4001)
    log_p, log_q = gaussian_log_density(x, 0, 1), gaussian_log_density(x, 1, 4)
    assert_allclose(density_kl(log_p, log_q, x), 0.443147, atol=1e-6)
    assert_allclose(density_kl(log_q, log_p, x), 1.306853, atol=1e-6)


def test_kl_needs_log_densities():
    """Where q underflows p / q is infinite, the difference of logs is not (equation 3.50)."""
    x = jnp.linspace(-10, 10, 2001)
    log_p, log_q = gaussian_log_density(x, 0, 1), gaussian_log_density(x, 0, 0.01)
    assert_allclose(density_kl(log_p, log_q, x), 47.197415, atol=1e-6)
    assert jnp.isinf(jnp.log(jnp.exp(log_p) / jnp.exp(log_q))).any()


# Figure 3.6


def two_bells(half_distance, width, left=0.5) -> Bells:
    means = jnp.array([-half_distance, half_distance], float)
    return Bells(jnp.array([left, 1 - left]), means, jnp.full(2, width**2, float))


def best_reverse(p: Bells):
    """Return mean, width and divergence of the lowest of the minima."""
    fits = fit_reverse(p)
    values = jax.vmap(reverse_kl, (0, None))(fits, p)
    best = fits[values.argmin()]
    return best[0], jnp.exp(best[1]), values.min()


def test_both_divergences_by_plain_quadrature():
    """The closed form and the nodes agree with a fine grid (equation 3.50, Figure 3.6)."""
    p, x = two_bells(2, 0.5, 0.6), jnp.linspace(-30, 30, 60_001)
    for mean, width in ((0.0, 2.0), (-2, 0.5), (1, 1), (3, 1.5)):
        q, log_q = jnp.array([mean, jnp.log(width)]), gaussian_log_density(x, mean, width**2)
        assert_allclose(forward_kl(q, p), density_kl(p.log_density(x), log_q, x), atol=1e-4)
        assert_allclose(reverse_kl(q, p), density_kl(log_q, p.log_density(x), x), rtol=1e-4)


def test_forward_blurs_and_reverse_picks_a_mode():
    """Covering both modes against sitting on one of them (Figure 3.6)."""
    p = two_bells(2, 0.5)
    mean, log_width = fit_forward(p)
    assert_allclose([mean, jnp.exp(log_width)], [0, 2.061553], atol=1e-6)
    assert_allclose(forward_kl(fit_forward(p), p), 0.72355, atol=2e-4)
    left, right, blurred = fit_reverse(p)
    assert_allclose([left[0], right[0]], [-1.9998, 1.9998], atol=2e-4)
    assert_allclose(jnp.exp(jnp.array([left[1], right[1]])), 0.5004, atol=2e-4)
    assert_allclose([reverse_kl(q, p) for q in (left, right)], 0.69305, atol=2e-4)
    assert_allclose([blurred[0], jnp.exp(blurred[1])], [0, 1.7364], atol=1e-3)
    assert_allclose(reverse_kl(blurred, p), 1.8712, atol=2e-4)


@pytest.mark.parametrize(
    "half_distance, picks, value",
    [(1, False, None), (2, False, None), (2.5, False, 0.4811), (2.79, False, None),
     (2.81, True, None), (3, True, 0.6888), (4, True, None)],
)  # fmt: skip
def test_reverse_does_not_always_pick_a_mode(half_distance, picks, value):
    """Modes of width 1 must be more than about 5.6 apart before one wins (Figure 3.6)."""
    mean, _, lowest = best_reverse(two_bells(half_distance, 1.0))
    assert (abs(mean) > 0.5) == picks
    assert value is None or abs(lowest - value) < 2e-4


def test_the_tie_needs_symmetry():
    """With weights .6 and .4 the left mode wins, and forward KL leans to it (Figure 3.6)."""
    p = two_bells(2, 0.5, left=0.6)
    left, right, _ = fit_reverse(p)
    assert_allclose([reverse_kl(q, p) for q in (left, right)], [0.51075, 0.91617], atol=2e-4)
    assert_allclose(fit_forward(p)[0], -0.4)


@pytest.mark.parametrize("start", [(-4, 0.2), (4, -1.2), (0.3, 1.2), (1, 0)])
def test_where_a_ball_rolls_to(start):
    """Forward there is one valley; reverse, where you start decides (Figure 3.6)."""
    p, start = two_bells(2, 0.5), jnp.array(start, float)
    assert_allclose(roll_downhill(forward_kl, start, p)[-1], fit_forward(p), atol=1e-4)
    path = roll_downhill(reverse_kl, start, p)
    assert_allclose(path[0], start)
    fits = fit_reverse(p)
    assert jnp.abs(fits - path[-1:]).max(axis=1).min() < 1e-3
    assert jnp.linalg.norm(jax.grad(reverse_kl)(path[-1], p)) < 1e-3
