"""The figures of chapter 3, by the data of their artists."""

import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.probability import figures


@pytest.fixture
def axes():
    return style.figure(2)[1]


def test_the_bell_is_marked_where_it_bends(axes):
    """The dots lie on the curve, at its peak and one deviation away (Figure 3.1)."""
    x = np.linspace(-3, 3, 601)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    figures.draw_bell(axes[0], x, density)
    curve, *dots = axes[0].lines
    for dot, place in zip(dots, (0, 1), strict=True):
        np.testing.assert_allclose(dot.get_xdata(), [place])
        np.testing.assert_allclose(dot.get_ydata(), np.interp(place, x, density), rtol=1e-4)
    bend = np.diff(density, 2)
    crossing = x[1:-1][np.flatnonzero(np.diff(np.sign(bend)))]
    np.testing.assert_allclose(np.abs(crossing), 1, atol=0.02)


def test_an_ellipse_is_a_level_of_the_density(axes):
    """Every point is so many standard deviations from the mean (section 3.9.3)."""
    mean, covariance = np.array([1.0, -2.0]), np.array([[2.0, 0.6], [0.6, 1.0]])
    for radius in (1, 2):
        points = figures.ellipse_of(mean, covariance, radius).T - mean
        distances = np.einsum("ni,ij,nj->n", points, np.linalg.inv(covariance), points)
        np.testing.assert_allclose(distances, radius**2, rtol=1e-9)


def test_an_area_stands_on_zero(axes):
    """It begins and ends at zero, and infinite heights are cut (equation 3.50)."""
    area = figures.draw_areas(axes[0])[0]
    figures.update_area(area, np.array([0.0, 1.0, 2.0]), np.array([1.0, np.inf, np.nan]))
    x, y = area.get_xy()[:5].T
    np.testing.assert_allclose(x, [0, 0, 1, 2, 2])
    np.testing.assert_allclose(y, [0, 1, 50, 0, 0])


def test_a_landscape_shows_bands_and_the_path(axes):
    """Heights become indices of bands; the path starts at your q (Figure 3.6)."""
    image, lines = figures.draw_landscape(axes[0], "D", style.BLUE, (-5, 5, -1, 1))
    heights = np.array([[0.05, 0.3], [4.0, 100.0]])
    path = np.array([[1.0, 0.2], [0.5, 0.1], [0.2, 0.0], [0.1, 0.0], [0.0, 0.0]])
    figures.update_landscape(image, lines, heights, path[-1:], path)
    np.testing.assert_array_equal(image.get_array(), [[0, 2], [8, len(figures.HEIGHTS)]])
    minima, drawn, here = lines
    np.testing.assert_allclose(here.get_xydata(), path[:1])
    np.testing.assert_allclose(minima.get_xydata(), path[-1:])
    np.testing.assert_allclose(drawn.get_xydata(), path[::4])


def test_the_entropy_of_a_coin_peaks_in_the_middle(axes):
    """log 2 nats at one half, nothing at the ends (Figure 3.5)."""
    figures.draw_entropy(axes[0])
    p, H = axes[0].lines[0].get_data()
    np.testing.assert_allclose(p[np.argmax(H)], 0.5)
    np.testing.assert_allclose([H.max(), H[0], H[-1]], [np.log(2), 0, 0], atol=1e-4)
