"""Expectation, variance and covariance."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from dlcompanion.probability import (
    covariance,
    covariance_matrix,
    density_expectation,
    expectation,
    variance,
)

DIE, FACES = np.full(6, 1 / 6), np.arange(1.0, 7)
RANDOM = np.random.default_rng(0)


def test_expectation():
    """A sum over a table, an integral over a density, a mean of samples (equations 3.9, 3.10)."""
    assert_allclose(expectation(DIE, FACES), 3.5)
    assert_allclose(expectation(DIE, FACES**2), 91 / 6)
    x = jnp.linspace(-1, 1, 2001)
    assert_allclose(density_expectation(jnp.full(2001, 0.5), x**2, x), 1 / 3, atol=1e-6)
    samples = RANDOM.uniform(-1, 1, 100_000) ** 2
    assert abs(samples.mean() - 1 / 3) < 5 * samples.std() / 100_000**0.5


def test_linearity():
    """Sums and factors can be taken out of an expectation (equation 3.11)."""
    P, (f, g) = RANDOM.dirichlet(np.ones(6)), RANDOM.normal(size=(2, 6))
    together = expectation(P, 2 * f - 3 * g)
    assert_allclose(together, 2 * expectation(P, f) - 3 * expectation(P, g), atol=1e-12)


def test_variance():
    """The die's variance is 35/12; the shortcut E[f^2] - E[f]^2 cancels (equation 3.12)."""
    assert_allclose(variance(DIE, FACES), 35 / 12)
    assert_allclose(jnp.sqrt(variance(DIE, FACES)), 1.7078251, atol=1e-7)
    with jax.enable_x64(False):
        f = jnp.array([9999.0, 10000, 10001])
        P = jnp.full(3, 1 / 3, jnp.float32)
        assert_allclose(variance(P, f), 2 / 3, atol=1e-3)
        assert abs(P @ f**2 - (P @ f) ** 2 - 2 / 3) > 0.1


def test_covariance_has_sign_and_scale():
    """y = 2x + e has covariance 2; units scale it, correlation forgets them (equation 3.13)."""
    x, e = RANDOM.normal(size=(2, 400_000))
    for y, expected in ((2 * x + e, 2), (-x + e, -1)):
        C = covariance_matrix(np.stack([x, y], axis=1))
        assert_allclose(C[0, 1], expected, atol=0.02)
        scaled = covariance_matrix(np.stack([10 * x, y], axis=1))
        assert_allclose(scaled[0, 1], 10 * C[0, 1])
        correlation = C[0, 1] / np.sqrt(C[0, 0] * C[1, 1])
        assert_allclose(scaled[0, 1] / np.sqrt(scaled[0, 0] * scaled[1, 1]), correlation)


def test_independence_means_no_covariance():
    """An outer-product table has covariance zero whatever the values (equation 3.13)."""
    P, Q = RANDOM.dirichlet(np.ones(4)), RANDOM.dirichlet(np.ones(5))
    f, g = RANDOM.normal(size=4), RANDOM.normal(size=5)
    assert_allclose(covariance(np.outer(P, Q), f, g), 0, atol=1e-12)
    joint = RANDOM.dirichlet(np.ones(20)).reshape(4, 5)
    mean = (joint * np.outer(f, g)).sum() - (joint.sum(1) @ f) * (joint.sum(0) @ g)
    assert_allclose(covariance(joint, f, g), mean, atol=1e-12)


def test_no_covariance_does_not_mean_independence():
    """In y = s x the sign is random and the size is copied (section 3.8, equation 3.13)."""
    x, s = RANDOM.uniform(-1, 1, 200_000), RANDOM.choice([-1, 1], 200_000)
    y = s * x
    assert abs(np.mean(x * y)) < 5 * np.std(x * y) / 200_000**0.5
    C = covariance_matrix(np.stack([x**2, y**2], axis=1))
    assert_allclose(C[0, 1], 4 / 45, atol=2e-3)
    assert_allclose(np.mean(np.abs(y[np.abs(x) > 0.5]) > 0.5), 1)
    table = np.array([[0.125, 0, 0.125], [0, 0.5, 0], [0.125, 0, 0.125]])
    assert_allclose(covariance(table, np.arange(-1, 2), np.arange(-1, 2)), 0, atol=1e-15)
    assert np.abs(table - np.outer(table.sum(1), table.sum(0))).max() > 0.2


def test_covariance_matrix():
    """Variances on its diagonal; w^T C w is the variance along w (equations 3.14, 3.15)."""
    X = RANDOM.normal(size=(500, 3)) @ RANDOM.normal(size=(3, 3))
    C = covariance_matrix(X)
    assert_allclose(C, np.cov(X.T, bias=True), atol=1e-12)
    assert_allclose(jnp.diag(C), X.var(axis=0))
    assert_allclose(C, C.T)
    for w in RANDOM.normal(size=(20, 3)):
        assert_allclose(w @ C @ w, (X @ w).var())
        assert w @ C @ w >= 0
