"""The figures of chapter 2, by the data of their artists."""

import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.linear_algebra import figures


@pytest.fixture
def axes():
    return style.figure(2)[1]


def test_residuals_meet_the_axis_at_right_angles(axes):
    """Each segment goes from a point to its reconstruction (equation 2.67)."""
    points, origin = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.5, 0.5])
    direction = np.array([0.6, 0.8])
    artists = figures.draw_projection(axes[0], figures.BEST, {})
    figures.update_projection(artists, points, origin, direction)
    for segment, point, foot in zip(
        artists[0].get_segments(), points, artists[2].get_xydata(), strict=True
    ):
        np.testing.assert_allclose(segment, [point, foot])
        assert abs((foot - point) @ direction) < 1e-12


def test_the_circle_becomes_the_ellipse(axes):
    """The right panel shows A u for every u of the circle, and lambda v (Figure 2.3)."""
    A, V = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)
    artists = figures.draw_matrix_map(axes)
    figures.update_matrix_map(artists, A, np.array([3.0, 1.0]), V, np.array([1.0, 0.0]))
    np.testing.assert_allclose(artists[1].get_xydata(), (A @ figures.CIRCLE).T)
    tip = artists[2 + 3 * 2 + 1].get_xy()[0]  # the head of the third arrow
    np.testing.assert_allclose(tip, 3 * V[:, 0])


def test_arrows_of_nan_are_hidden(axes):
    """A complex eigenvector is not drawn (section 2.7)."""
    arrow = figures.draw_arrow(axes[0], style.BLUE, "v")
    figures.update_arrow(arrow, np.array([np.nan, np.nan]))
    assert not arrow[2].get_visible()


def test_residuals_of_a_fit_are_vertical(axes):
    """A line is compared with what was measured, in y alone (section 2.9)."""
    data = np.array([[0.0, 1.0], [2.0, 0.0]])
    artists = figures.draw_fit(axes[0])
    figures.update_fit(artists, data, np.array([0.5, 1.0]), np.zeros(2))
    np.testing.assert_allclose(artists[0].get_segments(), [[[0, 1], [0, 0.5]], [[2, 0], [2, 2.5]]])


def test_the_photograph_is_a_small_grey_square():
    """96 by 96 pixels from black to white (section 2.8)."""
    pixels = figures.photograph()
    assert pixels.shape == (96, 96) and 0 <= pixels.min() < 0.1 and 0.9 < pixels.max() <= 1
