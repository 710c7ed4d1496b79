"""What chapter 3 tells its readers to notice in the explorers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dlcompanion.probability import explorers
from dlcompanion.probability.explorers import CORNERS, FIGURE_3_6, START, X, kl_asymmetry


@pytest.fixture(scope="module")
def kl():
    return kl_asymmetry()


@pytest.fixture(scope="module")
def gaussian():
    return explorers.gaussian_2d()


@pytest.fixture(scope="module")
def blend():
    return explorers.mixture()


@pytest.fixture(scope="module")
def clinic():
    return explorers.bayes()


@pytest.fixture(scope="module")
def surprise():
    return explorers.entropy()


# Section 3.9


@pytest.mark.parametrize("given", [-2.5, 0, 1.2])
def test_the_conditional_as_in_numpy(gaussian, given):
    """Its mean is on a line, its variance the inverse of a precision (section 3.9.3)."""
    gaussian.set(given=given, radii=((1.6, 0.8), (-0.4, 0.8)))
    covariance = gaussian.state.covariance.astype(float)
    mean = covariance[1, 0] / covariance[0, 0] * given
    variance = 1 / np.linalg.inv(covariance)[1, 1]
    assert_allclose(gaussian.state.conditional, [mean, variance], rtol=1e-4, atol=1e-6)
    assert variance < covariance[1, 1]


def test_the_known_value_slides_the_conditional_and_keeps_its_width(gaussian):
    """Equal steps of x1 move the mean equally; axis-aligned, not at all (section 3.9.3)."""
    for radii, slides in ((((1.6, 0.8), (-0.4, 0.8)), True), (((2.0, 0.0), (0.0, 0.7)), False)):
        gaussian.set(given=-2, radii=radii)
        low = gaussian.state.conditional
        gaussian.set(given=0)
        middle = gaussian.state.conditional
        gaussian.set(given=2)
        high = gaussian.state.conditional
        assert low[1] == middle[1] == high[1]
        assert_allclose(high[0] - middle[0], middle[0] - low[0], atol=1e-6)
        assert (high[0] - low[0] > 1) == slides and (slides or high[0] == low[0])


def test_tails_are_a_parabola_or_straight():
    """Three scales out the straight ones are far above (sections 3.9.3, 3.9.4, Figure 3.1)."""
    view, tails = explorers.distributions(), {}
    right = (X > 1) & (X < 5)
    for family in ("Gaussian", "Laplace", "exponential"):
        view.set(family=family, location=0, scale=1)
        tails[family] = view.state.log_density.astype(float)
        bend = np.diff(tails[family][right], 2) / 0.1**2
        assert_allclose(bend, -1 if family == "Gaussian" else 0, atol=2e-3)
    three = np.argmin(np.abs(X - 3))
    assert_allclose(tails["Gaussian"][three], -4.5 - 0.5 * np.log(2 * np.pi), rtol=1e-5)
    assert tails["Laplace"][three] > tails["Gaussian"][three] + np.log(5)
    assert tails["exponential"][three] > tails["Gaussian"][three] + np.log(10)


def test_a_narrow_density_rises_above_one():
    """Only the area is a probability, and the samples agree (section 3.9.3, Figure 3.1)."""
    view = explorers.distributions(scale=0.3, num_samples=2000)
    density = np.exp(view.state.log_density)
    assert density.max() > 1 and "peaks at 1.33" in view.description
    assert_allclose(density.sum() * 0.1, 1, atol=1e-4)
    assert_allclose([view.state.mean, view.state.sd], [0, 0.3], atol=0.02)
    assert_allclose(view.state.counts.sum() * 0.3, 1, atol=1e-5)


def test_weights_move_the_border_and_keep_the_shape(blend):
    """The posterior is the weighted densities' share, at every probe (section 3.9.6)."""
    means, shapes = ((-5, 0), (0, 0), (5, 0)), []
    for weight in (0.2, 0.9):
        blend.set(first_weight=weight, means=means, probe=(-1.8, 0.3))
        weights, centers, covariances = (np.asarray(a, float) for a in blend.state.mixture)
        away = np.array([-1.8, 0.3]) - centers
        squares = np.einsum("ki,kij,kj->k", away, np.linalg.inv(covariances), away)
        parts = weights * np.exp(-0.5 * squares) / np.sqrt(np.linalg.det(covariances))
        assert_allclose(blend.state.posterior, parts / parts.sum(), atol=1e-4)
        shapes.append((covariances, blend.state.posterior[0], blend.state.samples.components))
    assert_allclose(shapes[0][0], shapes[1][0])
    assert shapes[1][1] > shapes[0][1] + 0.1
    assert_allclose([np.mean(s[2] == 0) for s in shapes], [0.2, 0.9], atol=0.05)


def test_the_posterior_changes_within_a_short_distance(blend):
    """One step across the border turns almost sure into almost sure (section 3.9.6)."""
    blend.set(first_weight=0.35, means=((-5, 0), (0, 0), (5, 0)), probe=(-2.6, 0))
    assert blend.state.posterior[0] > 0.95
    blend.set(probe=(-1.4, 0))
    assert blend.state.posterior[1] > 0.95


# Section 3.11


def test_the_posterior_is_the_share_of_one_area(clinic):
    """A rare disease: most positives are false alarms (section 3.11, equation 3.42)."""
    clinic.set(base_rate=0.01, hit_rate=0.9, false_alarms=0.05)
    ill, well = 0.01 * 0.9, 0.99 * 0.05
    assert_allclose(clinic.state.posterior[:2], [0.01, ill / (ill + well)], rtol=1e-5)
    assert_allclose(clinic.state.evidence, ill + well, rtol=1e-5)
    assert "Of those, 15.4% are ill" in clinic.description
    clinic.set(base_rate=0.001, hit_rate=1.0)
    assert clinic.state.posterior[1] < 0.02
    clinic.set(base_rate=0.5, hit_rate=0.9)
    assert clinic.state.posterior[1] > 0.9


def test_each_test_starts_from_the_last_posterior(clinic):
    """Independent tests multiply (section 3.11, equation 3.42)."""
    clinic.set(base_rate=0.02, hit_rate=0.8, false_alarms=0.1)
    belief = clinic.state.posterior.astype(float)
    for before, after in zip(belief[:-1], belief[1:], strict=True):
        assert_allclose(after, 0.8 * before / (0.8 * before + 0.1 * (1 - before)), rtol=1e-4)


# Section 3.13


def test_entropy_is_highest_where_all_are_equal(surprise):
    """Half for a coin, the middle of the triangle, and 0 when certain (equation 3.49)."""
    surprise.set(heads=0.5, outcomes=CORNERS.mean(0))
    assert_allclose([surprise.state.coin, surprise.state.entropy], np.log([2, 3]), rtol=1e-5)
    for heads, outcomes in ((0.3, (0.3, 0.2)), (0.8, (0.6, 0.5)), (1, CORNERS[0])):
        surprise.set(heads=heads, outcomes=outcomes)
        assert surprise.state.coin < np.log(2) - 0.05
        assert surprise.state.entropy < np.log(3) - 0.02
    assert surprise.state.coin == 0 and surprise.state.entropy < 0.02


def test_the_area_is_the_entropy(surprise):
    """Width times height, added; a corner leaves one wide and flat (equations 3.48, 3.49)."""
    surprise.set(outcomes=(0.35, 0.4))
    widths, heights = surprise.state.outcomes, surprise.state.surprise
    assert_allclose(heights, -np.log(widths), rtol=1e-5)
    assert_allclose(widths @ heights, surprise.state.entropy, rtol=1e-5)
    surprise.set(outcomes=(0.03, 0.02))
    assert surprise.state.outcomes[0] > 0.9 and surprise.state.surprise[0] < 0.1
    assert (surprise.state.surprise[1:] > 3).all()


def test_forward_covers_both_modes_and_reverse_sits_on_one(kl):
    """One is broad and high in the gap, the other as narrow as a mode (Figure 3.6)."""
    kl.set(**FIGURE_3_6, q=START)
    (cover, pick), gap = kl.state.paths[:, -1], np.argmin(np.abs(X))
    assert_allclose([cover[0], np.exp(cover[1])], [0, 2.0616], atol=2e-3)
    assert_allclose([pick[0], np.exp(pick[1])], [2, 0.5], atol=2e-3)
    p, forward, reverse, _ = kl.state.densities
    assert np.argmax(forward) == gap and p[gap] < 0.001
    assert_allclose(kl.state.ends, [0.7236, 0.693], atol=1e-3)
    assert kl.state.landscapes[0].min() > 0.72
    assert "A variational method minimizes D(q‖p) and settles on one mode" in kl.description


def test_reverse_pays_nothing_for_the_mode_it_forgets(kl):
    """The integrand is zero there, while the other direction pays (equation 3.50)."""
    kl.set(**FIGURE_3_6, q=(2.0, np.log(0.5)))
    forgotten = X < -1
    assert np.abs(kl.state.integrands[1][forgotten]).max() < 1e-3
    assert kl.state.integrands[0][forgotten].max() > 5
    assert kl.state.yours[0] > 10 * kl.state.yours[1]


@pytest.mark.parametrize(
    "q, mean, says",
    [((3.0, 0.0), 2, "one mode"), ((-3.0, 0.0), -2, "one mode"), ((0.0, 0.5), 0, "not the lowest")],
)
def test_where_reverse_ends_depends_on_where_you_start(kl, q, mean, says):
    """A valley at each mode, one between them; forward has one for all (Figure 3.6)."""
    kl.set(**FIGURE_3_6, q=q)
    (cover, pick) = kl.state.paths[:, -1]
    assert_allclose([cover[0], pick[0]], [0, mean], atol=2e-3)
    assert says in kl.description


def test_close_modes_leave_one_minimum(kl):
    """With modes of width 1 at -1 and 1, every start ends in the middle (Figure 3.6)."""
    for q in (START, (-4, 0.5), (3, -1)):
        kl.set(width=1.0, left_weight=0.5, modes=((-1, 0), (1, 0)), q=q)
        ends = np.vstack([kl.state.fits, kl.state.paths[1, -1]])
        assert_allclose(ends[:, 0], 0, atol=0.02)
        assert np.ptp(ends[:, 1]) < 0.02
    assert "covers both modes" in kl.description
