"""Mixture density networks: several answers for one x (section 6.2.2.4)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from dlcompanion.feedforward_networks import (
    bands_log_density,
    fit_mixture,
    log_joint,
    mixture_loss,
    responsibilities_of,
    sample_bands,
    split_outputs,
)


@pytest.fixture
def mixture():
    """Three Gaussians in two dimensions for each of five examples, with targets."""
    rng = np.random.default_rng(0)
    return split_outputs(rng.normal(size=(5, 3 * 5)), 3), rng.normal(size=(5, 2))


def test_the_loss_is_that_of_the_mixture(mixture):
    """Logarithms summed safely, against SciPy's densities added up (equation 6.35)."""
    (log_weights, means, precisions), y = mixture
    np.testing.assert_allclose(jnp.exp(log_weights).sum(axis=1), 1, rtol=1e-12)
    for i in range(5):
        density = sum(
            float(jnp.exp(log_weights[i, k]))
            * multivariate_normal(means[i, k], np.diag(1 / precisions[i, k])).pdf(y[i])
            for k in range(3)
        )
        loss = mixture_loss(split_of(mixture, i), y[i])
        np.testing.assert_allclose(loss, -np.log(density), rtol=1e-9)


def split_of(mixture, i):
    return jax.tree.map(lambda leaf: leaf[i], mixture[0])


def test_far_points_have_a_finite_loss(mixture):
    """Where every density underflows, the logarithms do not (equation 6.35)."""
    components, y = mixture
    loss = mixture_loss(components, y + 1e4)
    assert jnp.isfinite(loss).all() and (loss > 1e5).all()


def test_each_point_pulls_by_its_responsibility(mixture):
    """Gradients are pi - r for logits, r beta (mu - y) for means (section 6.2.2.4)."""
    components, y = mixture
    r = responsibilities_of(components, y)
    np.testing.assert_allclose(r.sum(axis=1), 1, rtol=1e-12)
    logits = components.log_weights

    def loss_of(logits, means):
        parts = components._replace(log_weights=jax.nn.log_softmax(logits), means=means)
        return mixture_loss(parts, y).sum()

    by_logits, by_means = jax.grad(loss_of, argnums=(0, 1))(logits, components.means)
    np.testing.assert_allclose(by_logits, jnp.exp(logits) - r, atol=1e-12)
    pull = r[..., None] * components.precisions * (components.means - y[:, None])
    np.testing.assert_allclose(by_means, pull, atol=1e-12)


def test_identical_components_have_identical_gradients():
    """They would stay together: starts must differ (section 6.2.2.4)."""
    outputs = jnp.tile(jnp.array([0.3, 0.3, 0.1, 0.1, 0.7, 0.7]), (4, 1))
    y = jnp.linspace(-1, 1, 4)[:, None]
    grads = jax.grad(lambda o: mixture_loss(split_outputs(o, 2), y).sum())(outputs)
    np.testing.assert_allclose(grads[:, ::2], grads[:, 1::2], atol=1e-12)


def test_one_gaussian_cannot_say_plus_or_minus_one():
    """For y = 1 and -1: 1.42 against -0.69 with two narrow components (section 6.2.2.4)."""
    y = jnp.array([[1.0], [-1.0]])
    raw = jnp.log(jnp.expm1(jnp.array([1 - 1e-3, 100 - 1e-3])))
    one = split_outputs(jnp.tile(jnp.array([0.0, 0.0, raw[0]]), (2, 1)), 1)
    two = split_outputs(jnp.tile(jnp.array([0, 0, 1, -1, raw[1], raw[1]]), (2, 1)), 2)
    np.testing.assert_allclose(mixture_loss(one, y), 0.5 * np.log(2 * np.pi * np.e), atol=1e-6)
    np.testing.assert_allclose(mixture_loss(two, y), -0.690499, atol=1e-5)
    np.testing.assert_allclose(
        log_joint(two, y)[0, 0], np.log(0.5) + norm(1, 0.1).logpdf(1), rtol=1e-5
    )


def test_the_strands_have_the_density_they_are_drawn_from():
    """It integrates to one, and its mean loss is that of the map, 0.16 (Figure 6.4)."""
    y = jnp.linspace(-3, 3, 2001)
    for x in (0.1, 0.5, 0.9):
        density = jnp.exp(bands_log_density(jnp.full(2001, x), y))
        np.testing.assert_allclose(jnp.trapezoid(density, y), 1, rtol=1e-6)
    bands = sample_bands(jax.random.key(0), 20_000)
    loss = -bands_log_density(bands.x[:, 0], bands.y[:, 0]).mean()
    np.testing.assert_allclose(loss, 0.164, atol=0.02)


def test_three_components_learn_three_strands():
    """One component stays above 0.75 on new examples, three get below 0.4 (Figure 6.4)."""
    from dlcompanion.feedforward_networks import mlp, tanh

    bands, new = sample_bands(jax.random.key(0), 400), sample_bands(jax.random.key(1), 2000)
    losses = []
    for n in (1, 3):
        layers, _ = fit_mixture(jax.random.key(5), bands, n)
        losses.append(mixture_loss(split_outputs(mlp(layers, new.x, tanh), 3), new.y).mean())
    assert losses[0] > 0.75 and losses[1] < 0.4


def test_outputs_of_the_wrong_size_are_refused():
    """n logits, n d means and n d precisions (equation 6.35)."""
    with pytest.raises(ValueError, match="outputs must have n"):
        split_outputs(np.zeros((2, 7)), 3)
