"""The figures of chapter 5, by the data of their artists."""

import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.machine_learning import figures, normal_equations

DATA = np.array([[-1.0, -1.2], [0.5, 1.0], [1.0, 1.4]])


@pytest.fixture
def axes():
    return style.figure(2)[1]


def test_the_line_has_its_weight(axes):
    """The line goes through the origin with slope w (Figure 5.1, equation 5.3)."""
    line = figures.draw_regression(axes[0], DATA, 1.5)
    np.testing.assert_allclose(line.get_xydata(), [[-1, -1.5], [1, 1.5]])


def test_the_bowl_is_lowest_at_the_normal_equations(axes):
    """The error is a parabola with the normal equations at its bottom (Figure 5.1)."""
    weight = float(normal_equations(DATA[:, :1], DATA[:, 1])[0])
    bowl = figures.draw_error_bowl(axes[1], DATA, weight)
    weights, errors = bowl.get_xydata().T
    np.testing.assert_allclose(weights[errors.argmin()], weight, atol=1e-6)
    lowest = np.mean((DATA[:, 0] * weight - DATA[:, 1]) ** 2)
    curvature = np.mean(DATA[:, 0] ** 2)
    np.testing.assert_allclose(errors, lowest + curvature * (weights - weight) ** 2, atol=1e-5)


def test_marks_stand_on_their_curves(axes):
    """The present capacity is marked on both errors, zeros are drawn below (Figure 5.3)."""
    xs = np.arange(3)
    lines = figures.draw_error_curves(axes[0], xs, (0, 2, 1e-3, 10), "degree")
    errors = np.array([[1, 0.1, 0.0], [1, 0.5, np.nan]])
    figures.update_error_curves(lines, errors, 1.5, np.array([0.0, 0.3]))
    np.testing.assert_allclose(lines[0].get_ydata(), [1, 0.1, figures.SMALLEST])
    np.testing.assert_allclose(lines[2].get_xydata(), [[1.5, figures.SMALLEST]])
    np.testing.assert_allclose(lines[3].get_xydata(), [[1.5, 0.3]])


def test_the_bold_line_is_the_sum(axes):
    """Squared bias and variance add up to the error (equation 5.54, Figure 5.6)."""
    lines = figures.draw_bias_and_variance(axes[0], np.arange(3))
    bias, variance = np.array([0.5, 0.2, 0.0]), np.array([0.0, 0.1, 0.2])
    figures.update_bias_and_variance(lines, bias, variance, 1)
    np.testing.assert_allclose(lines[2].get_ydata(), bias + variance)
    np.testing.assert_allclose(lines[3].get_xydata(), [[1, 0.3]])


def test_the_ellipse_is_one_deviation_away(axes):
    """Every point of the ellipses has the same Mahalanobis distance (equation 5.78)."""
    mean, covariance = np.array([1.0, -1.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    lines = figures.draw_ellipses(axes[0], style.BLUE)
    figures.update_ellipses(lines, mean, covariance)
    for radius, line in enumerate(lines, 1):
        away = line.get_xydata() - mean
        squares = np.einsum("in,nk,ik->i", away, np.linalg.inv(covariance), away)
        np.testing.assert_allclose(squares, radius**2)


def test_the_band_is_two_deviations_wide(axes):
    """The band runs from two deviations above to two below (section 5.6)."""
    band = figures.draw_band(axes[0])
    figures.update_band(band, np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([0.5, 1.0]))
    corners = band.get_paths()[0].vertices
    for corner in ([0, 2], [1, 4], [1, 0], [0, 0]):
        assert (np.abs(corners - corner).sum(axis=1) < 1e-9).any()
