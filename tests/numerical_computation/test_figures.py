import numpy as np
import pytest
from matplotlib.figure import Figure

from dlcompanion.numerical_computation import gradient_descent, quadratic
from dlcompanion.numerical_computation.figures import (
    CONTOUR_RADII,
    draw_canyon,
    draw_contours,
    draw_descent,
    draw_learning_rates,
    draw_loss,
    update_contours,
)


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def path():
    return gradient_descent(quadratic(5.0), np.array([10.0, -4.0]), 0.35, 30)


@pytest.mark.parametrize("condition_number", [1.0, 5.0, 200.0])
def test_contours_are_level_sets(ax, condition_number):
    """A contour passes through points of equal loss only (Figure 4.6)."""
    contours = draw_contours(ax, quadratic(5.0))
    bowl = quadratic(condition_number)
    update_contours(contours, bowl)
    for radius, contour in zip(CONTOUR_RADII, contours.get_paths(), strict=True):
        # Bezier curves leave the circle by less than 0.03 % of its radius
        points = contour.interpolated(1).vertices[contour.codes != contour.CLOSEPOLY]
        on_curve = points[::3]
        losses = [float(bowl(point.astype(np.float32))) for point in on_curve]
        np.testing.assert_allclose(losses, 0.5 * 5.0 * radius**2, rtol=1e-3)


def test_the_path_passes_through_every_iterate(ax, path):
    lines = draw_descent(ax, path)
    np.testing.assert_array_equal(lines[0].get_xydata(), path.params)
    np.testing.assert_array_equal(lines[1].get_xydata(), path.params[-1:])
    lines = draw_descent(ax, path, num_steps=3)
    np.testing.assert_array_equal(lines[0].get_xydata(), path.params[:4])


def test_the_loss_curve_has_every_step(ax, path):
    coming, done, newest = draw_loss(ax, path, num_steps=12)
    np.testing.assert_allclose(coming.get_ydata(), path.loss)
    np.testing.assert_allclose(done.get_ydata(), path.loss[:13])
    np.testing.assert_allclose(newest.get_xydata(), [[12, path.loss[12]]])


def test_a_loss_of_zero_stays_drawable(ax, path):
    zero = path._replace(loss=np.zeros(31))
    for line in draw_loss(ax, zero, num_steps=3):
        assert np.all(np.asarray(line.get_ydata()) > 0)


def test_the_edge_of_divergence_is_marked(ax):
    """The danger zone begins at 2 / lambda_max (section 4.3.1)."""
    rates = np.linspace(0.01, 0.44, 44)
    draw_learning_rates(ax, 0.4, rates, np.ones(44))
    (zone,) = ax.patches
    assert zone.get_x() == 0.4
    assert ax.get_xlim()[0] == 0 and ax.get_xlim()[1] > 0.44
    assert any("diverges" in text.get_text() for text in ax.texts)


def test_figure_4_6_zig_zags_across_the_floor(ax, path):
    """The path crosses the floor at every step and creeps along it (Figure 4.6)."""
    draw_canyon(ax, quadratic(5.0), path)
    drawn = ax.lines[1].get_xydata()
    across, along = drawn @ [1, 1], drawn @ [1, -1]
    assert np.all(across[:-1] * across[1:] < 0)
    assert np.all(np.diff(along) < 0) and np.all(along > 0)
