"""The figures of chapter 7, by the data of their artists."""

import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.numerical_computation import quadratic
from dlcompanion.regularization import figures


@pytest.fixture
def axes():
    return style.figure(2)[1]


# Sections 7.1 and 7.8


def test_one_contour_passes_through_the_solution(axes):
    """It holds the points whose cost is that of w (Figure 7.1)."""
    bowl, optimum, w = quadratic(10, 2.0, 0.4), np.array([1.0, 2.0]), np.array([0.5, -0.3])
    artists = figures.draw_cost(axes[0], "cost")
    figures.update_cost(artists, bowl, optimum, w)
    contour = artists[0].get_paths()[0].vertices[:-1:3]  # between them are Bezier handles
    costs = [bowl(point - optimum) for point in contour]
    np.testing.assert_allclose(costs, bowl(w - optimum), rtol=1e-4)
    np.testing.assert_allclose(artists[1].get_xydata(), [optimum])


@pytest.mark.parametrize("is_l1, norm", [(False, 2), (True, 1)])
def test_the_penalty_has_a_contour_through_the_solution(axes, is_l1, norm):
    """A circle or a diamond, as large as w (Figure 7.1)."""
    artists = figures.draw_penalties(axes[0])
    ends = np.array([0.1, 0.2]), np.array([-1.5, 0.5])
    figures.update_penalties(artists, is_l1, (np.eye(2), 2 * np.eye(2)), ends)
    ring = artists[0].get_segments()[0]
    np.testing.assert_allclose(
        np.linalg.norm(ring, norm, axis=1), np.linalg.norm(ends[1], norm), rtol=1e-6
    )
    np.testing.assert_allclose(artists[2].get_xydata(), 2 * np.eye(2))
    np.testing.assert_allclose(artists[4].get_xydata(), [ends[1]])


def test_the_weights_over_alpha(axes):
    """The chosen path is solid, its dots are at alpha (section 7.1.2)."""
    alphas = np.geomspace(0.01, 100, 3)
    lines = figures.draw_weights(axes[0], alphas)
    other, chosen = np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2) / 3
    figures.update_weights(lines, (other, chosen), 0.5, np.array([1.0, -1.0]))
    np.testing.assert_allclose(lines[3].get_ydata(), chosen[:, 1])
    assert lines[3].get_linestyle() == "-" and lines[1].get_linestyle() == "--"
    np.testing.assert_allclose(lines[4].get_xydata(), [[0.5, 1], [0.5, -1]])


def test_the_star_is_on_the_validation_curve(axes):
    """It marks the kept step, the band the steps that patience cost (Figure 7.3)."""
    lines = figures.draw_learning_curves(axes[1], 4, (0.1, 10))
    valid = np.array([5.0, 2.0, 1.0, 1.5, 2.0])
    figures.update_learning_curves(lines, valid / 2, valid, 2, 4)
    np.testing.assert_allclose(lines[3].get_xydata(), [[2, 1]])
    np.testing.assert_allclose(lines[2].get_xydata(), [[2, 1], [3, 1.5], [4, 2]])
    np.testing.assert_allclose(lines[0].get_xydata(), [[0, 2.5], [2, 0.5], [4, 1]])


def test_the_stopped_descent_and_its_match(axes):
    """A bar joins the two weights that are compared (Figure 7.4)."""
    lines = figures.draw_stopped(axes[0])
    here = np.array([0.5, 1.6]), np.array([0.7, 2.0])
    figures.update_stopped(lines, np.eye(2), np.zeros((3, 2)), here, np.array([0.3, 1.0]))
    np.testing.assert_allclose(lines[1].get_xydata(), here)
    np.testing.assert_allclose(lines[5].get_xydata(), [[0.3, 1.0]])
