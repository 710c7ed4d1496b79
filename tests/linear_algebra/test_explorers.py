"""What chapter 2 tells its readers to notice in the explorers."""

import numpy as np
import pytest

from dlcompanion.datasets import digits
from dlcompanion.linear_algebra import explorers, figures
from dlcompanion.linear_algebra.explorers import CLOUD, FAR_CLOUD, MODES


@pytest.fixture(scope="module")
def cloud():
    return explorers.pca()


@pytest.fixture(scope="module")
def matrix_map():
    return explorers.matrix_map()


@pytest.fixture(scope="module")
def balls():
    return explorers.unit_balls()


@pytest.fixture(scope="module")
def inverse():
    return explorers.pseudoinverse()


def test_the_axis_turns_with_a_dragged_point(cloud):
    """A point dragged far out pulls the best axis towards itself (section 2.12)."""
    cloud.set(data=CLOUD, centred=True)
    before = float(cloud.state.best_angle)
    cloud.set(data=((-1.6, 5.5), *CLOUD[1:]))
    assert abs(float(cloud.state.best_angle) - before) > 20


def test_the_best_axis_is_the_bottom_of_the_curve(cloud):
    """The lowest error is the smaller eigenvalue, the highest the larger (equation 2.84)."""
    cloud.set(data=CLOUD, centred=True)
    state = cloud.state
    shares = state.eigenvalues / state.eigenvalues.sum()
    np.testing.assert_allclose(state.errors.min(), shares[1], atol=1e-3)
    np.testing.assert_allclose(state.errors.max(), shares[0], atol=1e-3)
    lowest, highest = 2 * np.argmin(state.errors), 2 * np.argmax(state.errors)
    assert abs(lowest - state.best_angle) <= 1 and abs(highest - lowest) in (88, 90, 92)
    cloud.set(angle=lowest)
    np.testing.assert_allclose(cloud.state.error, state.eigenvalues[1], rtol=0.02)


def test_without_centring_the_axis_chases_the_mean(cloud):
    """Far from the origin the best axis points at the mean, centred along it (section 2.12)."""
    cloud.set(data=FAR_CLOUD, centred=False)
    assert cloud.state.best_angle < 25
    cloud.set(centred=True)
    np.testing.assert_allclose(cloud.state.best_angle, np.rad2deg(np.arctan2(1, 0.2)), atol=0.1)


def test_all_digits_come_back_from_all_numbers():
    """With 64 numbers nothing is lost, with one nearly everything (section 2.12)."""
    explorer = explorers.pca_digits()
    explorer.set(num_components=64)
    np.testing.assert_allclose(explorer.state.reconstruction, explorer.state.image, atol=1e-3)
    assert "with 0% of its squared distance" in explorer.description
    explorer.set(num_components=1)
    assert "from 1 number instead" in explorer.description


def test_figure_2_3(matrix_map):
    """The eigenvalues are 2.5 and 0.5, the area 1.25 (Figure 2.3)."""
    matrix_map.set(**matrix_map.presets["Fig. 2.3"])
    expected = [[2, np.sqrt(3) / 2], [np.sqrt(3) / 2, 1]]
    np.testing.assert_allclose(matrix_map.state.A, expected, atol=2e-3)
    assert "v⁽¹⁾ by 2.5 and v⁽²⁾ by 0.5" in matrix_map.description
    assert "|det A| = 1.25" in matrix_map.description
    matrix_map.set(angle=30)
    assert "turns u by 0 degrees" in matrix_map.description


@pytest.mark.parametrize(
    "preset, sentence",
    [
        ("rotation", "0.5 ± 1.5i are complex"),
        ("shear", "has one direction of eigenvectors instead of two"),
        ("singular", "A is singular"),
        ("skewed", "v⁽¹⁾ by 3 and v⁽²⁾ by 2"),
        ("reflection", "v⁽¹⁾ by 2 and v⁽²⁾ by −2"),
    ],
)
def test_what_cannot_be_drawn_is_said(matrix_map, preset, sentence):
    """Complex and missing eigenvectors and a flattened plane are told plainly (section 2.7)."""
    matrix_map.set(**matrix_map.presets[preset])
    assert sentence in matrix_map.description


def test_parallel_eigenvectors_make_no_matrix(matrix_map):
    """V has no inverse where both eigenvectors point the same way (equation 2.40)."""
    matrix_map.set(handle=MODES[1], vectors=((1, 1), (2, 2)))
    assert "point the same way" in matrix_map.description


def test_below_one_the_straight_way_is_longer(balls):
    """For [1, 0] and [0, 1] it is 4 against 2 at p = 1/2, equal at 1 (section 2.5)."""
    balls.set(**balls.presets["no norm"])
    np.testing.assert_allclose([balls.state.straight, balls.state.corner], [4, 2], rtol=1e-5)
    assert "this is no norm" in balls.description
    balls.set(p=1)
    np.testing.assert_allclose(balls.state.straight, balls.state.corner)
    balls.set(p=2)
    assert balls.state.straight < balls.state.corner and "no norm" not in balls.description


def test_cut_singular_values_are_the_error():
    """Full rank loses nothing, and 48 ranks hold more numbers than the picture (section 2.8)."""
    explorer = explorers.low_rank()
    explorer.set(rank=96)
    assert explorer.state.error == 0
    explorer.set(rank=48)
    assert "9,264 numbers, the photograph 9,216" in explorer.description


def test_the_limit_reaches_the_pseudoinverse(inverse):
    """A smaller alpha leaves a smaller gap, and the fit is NumPy's (equations 2.46, 2.47)."""
    gaps = []
    for alpha in (10, 1, 0.1):
        inverse.set(alpha=alpha)
        gaps.append(np.linalg.norm(inverse.state.fit_limit - inverse.state.fit))
    assert gaps[0] > gaps[1] > gaps[2]
    slope, intercept = np.polyfit(*inverse.values["data"].T.astype(float), 1)
    np.testing.assert_allclose(inverse.state.fit, [intercept, slope], rtol=1e-4)


def test_every_other_solution_is_longer(inverse):
    """Along the line A x = 2 stays true, and the length is least at t = 0 (section 2.9)."""
    lengths = []
    for t in (0, 1, -3):
        inverse.set(t=t)
        np.testing.assert_allclose(inverse.values["row"] @ inverse.state.other, 2, rtol=1e-4)
        lengths.append(np.linalg.norm(inverse.state.other))
    assert lengths[0] < lengths[1] < lengths[2]


def test_few_singular_values_hold_almost_all_of_the_squares():
    """Ten of 96 keep over 95%; what is lost is the sum of the cut squares (section 2.8)."""
    explorer = explorers.low_rank()
    photograph = figures.photograph().astype(float)
    squares = np.linalg.svd(photograph, compute_uv=False) ** 2
    for rank in (5, 30):
        explorer.set(rank=rank)
        lost = ((photograph - explorer.state.picture) ** 2).sum()
        np.testing.assert_allclose(lost, squares[rank:].sum(), rtol=1e-2)
        np.testing.assert_allclose(explorer.state.error, lost / squares.sum(), rtol=1e-2)
    assert squares[:10].sum() > 0.95 * squares.sum()


def test_two_numbers_already_tell_zeros_from_fours():
    """A line between their means separates nearly all of them, labels unseen (section 2.12)."""
    basis, labels = explorers._digits_basis(), digits().labels[: explorers.NUM_SHOWN]
    zeros, fours = (basis.codes[labels == digit, :2] for digit in (0, 4))
    direction = zeros.mean(axis=0) - fours.mean(axis=0)
    border = direction @ (zeros.mean(axis=0) + fours.mean(axis=0)) / 2
    assert np.mean(zeros @ direction > border) > 0.95
    assert np.mean(fours @ direction < border) > 0.95


def test_the_curve_is_what_discarded_eigenvalues_hold():
    """Half of the squares are in the first five numbers of 64 (section 2.12)."""
    X = digits().design_matrix.astype(float)
    eigenvalues = np.linalg.eigvalsh(np.cov(X.T))[::-1]
    losses = explorers._digits_basis().losses
    np.testing.assert_allclose(losses[8], eigenvalues[8:].sum() / eigenvalues.sum(), rtol=1e-3)
    assert losses[5] < 0.5


def test_the_limit_pulls_towards_zero(inverse):
    """Both answers are shorter for a larger alpha (equation 2.46)."""
    lengths = []
    for alpha in (0.1, 1, 10):
        inverse.set(alpha=alpha)
        lengths.append([np.linalg.norm(inverse.state.fit_limit),
                        np.linalg.norm(inverse.state.shortest_limit)])  # fmt: skip
    assert (np.diff(lengths, axis=0) < 0).all()


def test_half_axes_are_eigenvectors_only_at_right_angles(matrix_map):
    """The longest A u is lambda v in Figure 2.3, and not in the skewed matrix (Figure 2.3)."""
    gaps = []
    for preset in ("Fig. 2.3", "skewed"):
        matrix_map.set(**matrix_map.presets[preset])
        state = matrix_map.state
        images = state.A @ figures.CIRCLE
        longest = np.linalg.norm(images, axis=0).max()
        gaps.append(longest - np.abs(state.eigenvalues).max())
    assert abs(gaps[0]) < 0.01 and gaps[1] > 0.1
