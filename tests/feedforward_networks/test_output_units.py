"""Output units, the losses that belong to them, and those that do not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats

from dlcompanion.feedforward_networks.output_units import (
    absolute_error_of_sigmoid,
    bernoulli_loss,
    bernoulli_probability,
    clipped_linear,
    gaussian_loss,
    heteroscedastic_loss,
    multinoulli_loss,
    squared_error_of_clipped,
    squared_error_of_sigmoid,
)
from dlcompanion.probability import inverse_softplus, log_sigmoid, sigmoid

RNG = np.random.default_rng(6)
Z = np.linspace(-30, 30, 601)


def slope(loss, z, y):
    return float(jax.grad(loss)(z, y))


# Costs


def test_gaussian_likelihood_is_squared_error():
    """They differ by d/2 log 2 pi, and not in their gradients (equations 6.12, 6.13, 6.17)."""
    means, y = RNG.normal(size=(2, 5, 3))
    losses = gaussian_loss(means, y)
    assert_allclose(losses - 0.5 * ((y - means) ** 2).sum(axis=1), 2.756815599614, rtol=1e-12)
    assert_allclose(losses, -stats.norm(means).logpdf(y).sum(axis=1), rtol=1e-12)
    gradient = jax.grad(lambda f: gaussian_loss(f, y).sum())(jnp.asarray(means))
    assert_allclose(gradient, means - y, atol=1e-12)


def test_cross_entropy_without_a_lowest_point():
    """Separable labels: the cost falls with the slope and never arrives (section 6.2.1.1)."""
    x, y = np.array([-2.0, -1, 1, 2]), np.array([0, 0, 1, 1])
    costs = [float(bernoulli_loss(k * x, y).mean()) for k in (1, 10, 100)]
    assert_allclose(costs, [0.220095, 2.26994648e-5, 1.86e-44], rtol=1e-3)
    assert bernoulli_loss(1000 * x, y).mean() == 0


def test_gaussian_cost_without_a_bottom():
    """A perfect fit with a shrinking width has a cost that falls forever (section 6.2.1.1)."""
    raw = inverse_softplus(jnp.full(1, 1e16))  # sigma = 1e-8
    assert_allclose(heteroscedastic_loss(jnp.zeros(1), raw, jnp.zeros(1)), -17.501742, atol=1e-6)


def test_squared_error_learns_the_mean_and_absolute_error_the_median():
    """Both statistics of a skewed sample, for every x (equations 6.14, 6.15, 6.16)."""
    constants = np.linspace(0, 10, 10_001)[:, None]
    y = np.array([0.0, 0, 0, 10])
    assert_allclose(constants[np.argmin(((y - constants) ** 2).mean(axis=1))], 2.5)
    assert_allclose(constants[np.argmin(abs(y - constants).mean(axis=1))], 0)
    even = abs(np.array([0.0, 0, 10, 10]) - constants).mean(axis=1)
    assert_allclose(even, 5)  # a whole interval of medians
    for x in (-1.0, 0.5, 2.0):
        sample = x**2 + RNG.exponential(size=200_000)
        assert abs(sample.mean() - x**2 - 1) < 0.01
        assert abs(np.median(sample) - x**2 - np.log(2)) < 0.01


def test_the_median_is_taken_component_by_component():
    """The 1-norm has the componentwise median, the 2-norm a third thing (equation 6.16)."""
    y = np.random.default_rng(0).exponential(size=(401, 2))
    median = np.median(y, axis=0)
    cost = abs(y - median).sum(axis=1).mean()
    for step in 1e-3 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]]):
        assert abs(y - median - step).sum(axis=1).mean() > cost
    t = y.mean(axis=0)
    for _ in range(500):  # Weiszfeld: the norm without the square
        weights = 1 / np.linalg.norm(y - t, axis=1)
        t = weights @ y / weights.sum()
    assert np.linalg.norm(t - median) > 0.05 and np.linalg.norm(t - y.mean(axis=0)) > 0.05


# Sigmoid


def test_three_ways_to_write_the_bernoulli():
    """Normalized, as a sigmoid, and as a loss (equations 6.19-6.27)."""
    for y in (0, 1):
        unnormalized = [np.exp(label * Z) for label in (0, 1)]  # 6.20, 6.21: log P~(y) = y z
        P = bernoulli_probability(Z, np.full(Z.shape, y))
        assert_allclose(P, unnormalized[y] / sum(unnormalized), rtol=1e-13)
        losses = bernoulli_loss(Z, np.full(Z.shape, y))
        assert_allclose(losses, -log_sigmoid((2 * y - 1) * Z), rtol=1e-13)
        gradient = jax.vmap(jax.grad(bernoulli_loss))(jnp.asarray(Z), jnp.full(Z.shape, y))
        assert_allclose(gradient, special.expit(Z) - y, atol=1e-14)
    assert_allclose(bernoulli_probability(Z, np.ones_like(Z)), sigmoid(Z))
    assert np.isfinite(bernoulli_loss(np.array([-1e4, 1e4]), np.array([1, 0]))).all()


def test_cross_entropy_is_flat_only_where_it_is_right():
    """Wrong and extreme: slope 1 in size; right and extreme: none (section 6.2.2.2)."""
    assert_allclose(slope(bernoulli_loss, -20.0, 1), -1, atol=1e-8)
    assert_allclose(slope(bernoulli_loss, 20.0, 0), 1, atol=1e-8)
    assert_allclose(slope(bernoulli_loss, 20.0, 1), -2.06e-9, rtol=1e-3)
    for z, gap in ((5.0, 6.7153e-3), (20.0, 2.06e-9)):  # softplus of a mistake nears |z|
        assert_allclose(bernoulli_loss(z, 0) - z, gap, rtol=1e-3)


def test_the_other_losses_are_flat_where_they_are_wrong():
    """Three slopes at z = -10 with the label 1 (section 6.2.2.2)."""
    losses = (bernoulli_loss, squared_error_of_sigmoid, absolute_error_of_sigmoid)
    slopes = [slope(loss, -10.0, 1) for loss in losses]
    assert_allclose(slopes, [-0.999955, -9.0787e-5, -4.5396e-5], rtol=1e-3)
    assert_allclose(absolute_error_of_sigmoid(Z, np.ones_like(Z)), abs(sigmoid(Z) - 1), atol=1e-15)


@pytest.mark.parametrize("start, counts", [(-10.0, (11, 11034, 22051)), (-5.0, (6, 85, 161))])
def test_how_long_a_wrong_unit_stays_wrong(start, counts):
    """Steps of size 1 until z is right: tens, or tens of thousands (section 6.2.2.2)."""
    losses = (bernoulli_loss, squared_error_of_sigmoid, absolute_error_of_sigmoid)
    for loss, count in zip(losses, counts, strict=True):
        found = jax.lax.while_loop(
            lambda c: c[0] < 0,
            lambda c, loss=loss: (c[0] - jax.grad(loss)(c[0], 1.0), c[1] + 1),
            (jnp.asarray(start), 0),
        )[1]
        assert abs(int(found) - count) <= 1


def test_a_clipped_unit_cannot_be_corrected():
    """Outside the unit interval there is no slope, and the likelihood fails (equation 6.18)."""
    slopes = [float(jax.grad(clipped_linear)(z)) for z in (-0.3, 0.3, 1.7)]
    assert slopes == [0, 1, 0]
    assert slope(squared_error_of_clipped, 1.7, 0) == 0
    loss, gradient = jax.value_and_grad(lambda z: -jnp.log(1 - clipped_linear(z)))(1.7)
    assert loss == np.inf and gradient == 0
    as_written = jax.grad(lambda z: -jnp.log(1 - jnp.maximum(0, jnp.minimum(1, z))))(1.7)
    assert np.isnan(as_written)  # infinity times zero


def test_the_sigmoid_rounds_away_what_the_loss_needs():
    """In float32 log of the sigmoid is lost long before its softplus (section 6.2.2.2)."""
    z = jnp.float32(17)
    assert jnp.log(1 - jax.nn.sigmoid(z)) == -np.inf
    assert bernoulli_loss(z, 0) == 17
    assert (
        jnp.log(1 + jnp.exp(jnp.float32(89))) == np.inf and bernoulli_loss(np.float32(89), 0) == 89
    )
    assert jnp.log(1 + jnp.exp(jnp.float32(-17))) == 0
    assert_allclose(bernoulli_loss(np.float32(-17), 0), 4.14e-8, rtol=1e-3)


def test_labels_are_checked(unchecked_signatures):
    """Minus one is no label of a Bernoulli unit, three none of three classes (section 6.2.2)."""
    for loss in (bernoulli_loss, squared_error_of_sigmoid):
        with pytest.raises(ValueError, match="targets must be 0 or 1"):
            loss(jnp.zeros(2), np.array([-1, 1]))
    with pytest.raises(ValueError, match="labels must lie from 0 to 2"):
        multinoulli_loss(jnp.zeros((1, 3)), np.array([3]))
    with pytest.raises(ValueError, match="targets must have shape"):
        gaussian_loss(jnp.zeros((2, 3)), jnp.zeros((2, 2)))


# Softmax


def test_softmax_as_in_scipy_and_shifted():
    """Probabilities of (1, 2, 3), whatever is added to all (equations 6.28-6.30, 6.32, 6.33)."""
    z = np.array([1.0, 2, 3])
    labels = np.arange(3)
    losses = multinoulli_loss(np.tile(z, (3, 1)), labels)
    assert_allclose(np.exp(-losses), [0.09003057, 0.24472847, 0.66524096], rtol=1e-7)
    for shift in (1.0, -1e3, 1e6):
        assert_allclose(multinoulli_loss(np.tile(z + shift, (3, 1)), labels), losses, atol=1e-9)
    far = np.array([0.0, 0, 1000])
    assert_allclose(multinoulli_loss(far, np.array(0)), 1000)
    assert np.isnan(jnp.exp(far)[2] / jnp.exp(far).sum())


def test_the_gradient_moves_probability_to_the_label():
    """It is softmax(z) - onehot: the most active wrong class is punished (section 6.2.2.3)."""
    z = jnp.array([10.0, 0, 0])
    for label, loss in ((0, 9.08e-5), (1, 10.00009)):
        assert_allclose(multinoulli_loss(z, np.array(label)), loss, rtol=1e-3)
    gradient = jax.grad(multinoulli_loss)(z, jnp.array(1))
    assert_allclose(gradient, [0.99991, -0.99995, 0.00005], atol=1e-5)
    p = special.softmax(np.array([1.0, 2, 3]))
    jacobian = jax.jacobian(jax.nn.softmax)(jnp.array([1.0, 2, 3]))
    assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-12)
    assert np.linalg.matrix_rank(jacobian) == 2


def test_log_softmax_keeps_its_gradient():
    """In float32 log(softmax) loses it, although the shift is made (equation 6.30)."""
    z = jnp.array([0.0, 200], jnp.float32)
    assert np.isnan(jax.grad(lambda z: -jnp.log(jax.nn.softmax(z))[0])(z)).any()
    assert_allclose(jax.grad(multinoulli_loss)(z, jnp.array(0)), [-1, 1])


def test_bounds_of_the_normalizer():
    """log sum exp lies from the maximum to log n above it (equation 6.30)."""
    z = RNG.normal(size=(1000, 10)) * 5
    normalizer = multinoulli_loss(z, np.zeros(1000, int)) + z[:, 0]
    assert (normalizer >= z.max(axis=1)).all() and (normalizer <= z.max(axis=1) + np.log(10)).all()
    assert_allclose(multinoulli_loss(np.zeros(10), np.array(0)), 2.302585, atol=1e-6)


def test_squared_error_on_a_softmax_fails():
    """Confident and wrong, it has almost no gradient (section 6.2.2.3)."""

    def squared(z):
        return ((jax.nn.softmax(z) - jnp.array([1.0, 0, 0])) ** 2).sum()

    for a, norms in ((10.0, (1.28e-4, 1.41418)), (0.0, (0.5443, 0.8165))):
        z = jnp.array([-a, a, 0])
        gradients = jax.grad(squared)(z), jax.grad(multinoulli_loss)(z, jnp.array(0))
        assert_allclose([np.linalg.norm(g) for g in gradients], norms, rtol=1e-2)
    assert_allclose(jax.grad(squared)(jnp.array([-10.0, 10, 0]))[0], -8.24e-9, rtol=1e-2)


def test_softmax_is_a_soft_arg_max():
    """It returns a distribution, not a number near the maximum (section 6.2.2.3)."""
    z = jnp.array([1.0, 2, 3])
    assert_allclose(jax.nn.softmax(100 * z), [0, 0, 1], atol=1e-12)
    assert_allclose(jax.nn.softmax(z) @ z, 2.575210, atol=1e-6)
    assert_allclose(jax.nn.softmax(10 * z) @ z, 2.999955, atol=1e-6)
    assert_allclose(jax.nn.logsumexp(z), 3.407606, atol=1e-6)
    assert_allclose(jax.nn.softmax(jnp.array([5.0, 5.0])), 0.5)


def test_one_logit_may_be_fixed():
    """A zero in second place makes the sigmoid of z, in first place that of -z (equation 6.29)."""
    z = jnp.array(1.3)
    assert_allclose(jax.nn.softmax(jnp.stack([z, 0 * z]))[0], sigmoid(z), rtol=1e-12)
    assert_allclose(jax.nn.softmax(jnp.stack([0 * z, z]))[0], sigmoid(-z), rtol=1e-12)
    assert_allclose([sigmoid(z), sigmoid(-z)], [0.785835, 0.214165], atol=1e-6)


def test_a_masked_class_has_no_probability():
    """Minus infinity is a fine logit as long as another is finite (section 6.2.2.3)."""
    masked = np.array([-np.inf, 0, 1])
    assert_allclose(np.exp(-multinoulli_loss(masked, np.array(1))), 0.268941, atol=1e-6)
    assert multinoulli_loss(masked, np.array(0)) == np.inf
    assert np.isnan(multinoulli_loss(np.full(3, -np.inf), np.array(0)))


def test_maximum_likelihood_learns_frequencies():
    """A table of logits ends at the counts of its sample (equation 6.31)."""
    x, y = RNG.integers(0, 3, (2, 300))
    counts = np.array([[((x == i) & (y == j)).sum() for j in range(3)] for i in range(3)])

    def cost(table):
        return multinoulli_loss(table[x], y).mean()

    table = jax.lax.fori_loop(0, 3000, lambda _, t: t - 3 * jax.grad(cost)(t), jnp.zeros((3, 3)))
    frequencies = counts / counts.sum(axis=1, keepdims=True)
    assert_allclose(jax.nn.softmax(table, axis=1), frequencies, atol=1e-6)


@pytest.mark.parametrize("steps, gap", [(100, -4.66), (1000, -6.96), (10_000, -9.26)])
def test_a_class_never_seen_has_no_finite_logit(steps, gap):
    """Its logit falls forever, like a logarithm (equation 6.31)."""
    p = jnp.array([0.7, 0.3, 0])
    z = jax.lax.fori_loop(0, steps, lambda _, z: z - (jax.nn.softmax(z) - p), jnp.zeros(3))
    assert_allclose(z[2] - z[0], gap, atol=0.05)


# Other outputs


def test_precision_variance_and_deviation_tell_the_same():
    """One loss in three parametrizations, three very different slopes (section 6.2.2.4)."""

    def of_precision(beta, e):
        return 0.5 * beta * e**2 - 0.5 * jnp.log(beta) + 0.5 * jnp.log(2 * jnp.pi)

    loss = heteroscedastic_loss(np.zeros(1), inverse_softplus(np.array([4.0])), np.array([0.3]))
    assert_allclose(loss, 0.405791, atol=1e-6)
    assert_allclose(loss, -stats.norm(0, 0.5).logpdf(0.3), rtol=1e-12)
    sigma = 0.01
    assert_allclose(jax.grad(of_precision)(sigma**-2, 1.0), 0.49995, rtol=1e-9)
    assert_allclose(jax.grad(lambda v: of_precision(1 / v, 1.0))(sigma**2), -49_995_000, rtol=1e-9)
    assert_allclose(jax.grad(lambda s: of_precision(s**-2, 1.0))(sigma), -999_900, rtol=1e-9)
    assert_allclose(jax.grad(of_precision)(1e-4, 1.0), -4999.5, rtol=1e-9)  # wide: now it is beta


def test_diagonal_precision_as_in_scipy():
    """The loss of d outputs, each with its own precision (equation 6.34)."""
    means, raw, y = RNG.normal(size=(3, 4, 3))
    covariances = [np.diag(1 / np.logaddexp(0, a)) for a in raw]
    expected = [
        -stats.multivariate_normal(m, C).logpdf(t)
        for m, C, t in zip(means, covariances, y, strict=True)
    ]
    assert_allclose(heteroscedastic_loss(means, raw, y), expected, rtol=1e-12)


def test_a_learned_constant_variance_is_the_mean_squared_error():
    """It divides by m, not by m - 1 (section 6.2.2.4)."""
    errors = RNG.normal(size=(20, 1))

    def cost(raw):
        return heteroscedastic_loss(jnp.zeros((20, 1)), jnp.full((20, 1), 1) * raw, errors).mean()

    raw = jax.lax.fori_loop(0, 5000, lambda _, a: a - jax.grad(cost)(a), jnp.asarray(1.0))
    assert_allclose(np.logaddexp(0, raw), 1 / (errors**2).mean(), rtol=1e-6)


def test_two_kinds_of_noise_want_two_widths():
    """Best costs with one width and with two, for noise 0.1 and 1 (section 6.2.2.4)."""
    half = 0.5 * np.log(2 * np.pi * np.e)
    assert_allclose(half + 0.5 * np.log((0.01 + 1) / 2), 1.077340, atol=1e-6)
    raw = inverse_softplus(np.array([100.0, 1.0]))[:, None]
    errors = np.array([[0.1], [1.0]])
    assert_allclose(heteroscedastic_loss(np.zeros((2, 1)), raw, errors).mean(), 0.267646, atol=1e-6)


def test_a_factored_covariance_is_only_semidefinite():
    """B B^T has an eigenvalue zero where B has a zero column (section 6.2.2.4)."""
    B = RNG.normal(size=(3, 3))
    assert np.linalg.eigvalsh(B @ B.T).min() > 0
    log_det = np.linalg.slogdet(B @ B.T)[1]
    assert_allclose(log_det, 2 * np.log(abs(np.linalg.det(B))), rtol=1e-10)
    B[:, 1] = 0
    assert abs(np.linalg.eigvalsh(B @ B.T).min()) < 1e-12
