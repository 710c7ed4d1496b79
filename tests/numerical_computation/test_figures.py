import numpy as np
import pytest
from matplotlib.figure import Figure

from dlcompanion.numerical_computation import (
    figures,
    gradient_descent,
    least_squares_loss,
    multiplier_ascent,
    quadratic,
)
from dlcompanion.numerical_computation.figures import (
    CONTOUR_RADII,
    draw_ball,
    draw_canyon,
    draw_contours,
    draw_descent,
    draw_inner_maximum,
    draw_learning_rates,
    draw_loss,
    draw_multiplier_path,
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
        # Bezier curves leave the circle by less than 0.03% of its radius
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


def test_an_adversary_walls_off_what_is_infeasible(ax):
    """Every bound leaves the feasible side alone and lifts the other (equations 4.17, 4.18)."""
    x = np.linspace(-1, 2, 301)
    maxima = {bound: x**2 + bound * np.maximum(1 - x, 0) for bound in (1, 3, 10)}
    draw_inner_maximum(ax, x, x**2, maxima)
    *bounded, loss, dot = ax.lines
    for line in bounded:
        lifted = line.get_ydata() - loss.get_ydata()
        assert np.all(lifted[x >= 1] == 0) and np.all(lifted[x < 0.99] > 0)
    np.testing.assert_allclose(dot.get_xydata(), [[1, 1]], atol=1e-9)


def test_the_multiplier_path_is_drawn_in_three_panels():
    """In the plane, as a norm and as a number: the same steps (section 4.5)."""
    loss = least_squares_loss(np.eye(2), np.array([1.5, 0.5]))
    path = multiplier_ascent(loss, 0.3, 10)
    lines = draw_multiplier_path(Figure().subplots(1, 3), path, 4)
    np.testing.assert_allclose(lines[0].get_xydata(), path.params[:5])
    np.testing.assert_allclose(lines[2].get_ydata(), np.linalg.norm(path.params[:5], axis=1))
    np.testing.assert_allclose(lines[4].get_xydata()[:, 1], path.multiplier[:5])
    np.testing.assert_allclose(lines[5].get_xydata(), [[4, path.multiplier[4]]])


def test_contours_follow_their_center(ax):
    """Around another minimum every contour moves along (equation 4.21)."""
    contours, _ = draw_ball(ax)
    update_contours(contours, quadratic(4.0), (1.5, -0.5), (1.0,))
    (contour,) = contours.get_paths()
    np.testing.assert_allclose(contour.get_extents().get_points().mean(axis=0), [1.5, -0.5])


# Sections 4.3 and 4.3.1


def test_figure_4_1_sends_both_sides_to_the_minimum(ax):
    """Where the slope is negative the arrow goes right, elsewhere left (Figure 4.1)."""
    figures.draw_downhill(ax)
    curve, derivative = ax.lines[0].get_xydata(), ax.lines[1].get_xydata()
    np.testing.assert_allclose(curve[:, 1], 0.5 * curve[:, 0] ** 2)
    np.testing.assert_allclose(derivative[:, 1], np.gradient(*curve.T[::-1]), atol=0.03)
    arrows = [text for text in ax.texts if hasattr(text, "xyann")]
    assert [np.sign(a.xy[0] - a.xyann[0]) for a in arrows] == [1, -1]


def test_figure_4_2_marks_three_points_without_slope():
    """Minimum, maximum and saddle are all flat at the mark (Figure 4.2)."""
    axes = Figure().subplots(1, 3)
    figures.draw_critical_points(axes)
    sides = [ax.lines[0].get_ydata()[[25, 35]] for ax in axes]
    assert [tuple(np.sign(side)) for side in sides] == [(1, 1), (-1, -1), (-1, 1)]
    for ax in axes:
        assert abs(ax.lines[0].get_ydata()[30]) < 1e-9


def test_figure_4_3_marks_its_three_minima(ax):
    """The marks lie on local minima of the curve, the last one lowest (Figure 4.3)."""
    figures.draw_valleys(ax)
    xs, ys = ax.lines[0].get_data()
    marks = [line.get_xydata()[0] for line in ax.lines[1:]]
    for x, y in marks:
        near = np.abs(xs - x) < 0.3
        assert ys[near].min() >= y - 1e-6
    assert marks[2][1] < marks[1][1] < marks[0][1] < -0.3


def test_figure_4_4_compares_promise_and_truth():
    """With curvature -1, 0, 1 a step of 1.5 ends below, at, above the promise (Figure 4.4)."""
    axes = Figure().subplots(1, 3)
    figures.draw_curvatures(axes)
    landings = [ax.lines[4].get_ydata()[-1] - ax.lines[3].get_ydata()[0] for ax in axes]
    np.testing.assert_allclose(landings, [-1.125, 0, 1.125])
    lines = figures.draw_step(axes[0], 2.0, 0.5)
    np.testing.assert_allclose(lines[4].get_xydata(), [[0, 0], [0.5, -0.25]])


def test_figure_4_5_rises_one_way_and_falls_the_other():
    """Sections curve up at 0 degrees, not at all at 45, down at 90 (Figure 4.5)."""
    axes = Figure().subplots(1, 3)
    figures.draw_saddle(axes[0])
    lines = figures.draw_sections(axes[1:], 0)
    for angle, curvature in ((0, 2), (45, 0), (90, -2)):
        figures.update_sections(lines, angle)
        ts, heights = lines[0].get_data()
        np.testing.assert_allclose(heights, 0.5 * curvature * ts**2, atol=1e-9)
        np.testing.assert_allclose(lines[1].get_xydata(), [[angle, curvature]], atol=1e-9)


def test_errors_are_measured_along_the_eigenvectors(ax, path):
    """Each shrinks by the size of its own factor a step (section 4.3.1)."""
    floor, walls, *_ = figures.draw_errors(ax, quadratic(5.0), path, 30)
    for line, factor in ((floor, 0.65), (walls, 0.75)):
        errors = line.get_ydata()[:15]
        np.testing.assert_allclose(errors[1:] / errors[:-1], factor, rtol=1e-3)


def test_a_descent_stays_on_its_curve(ax):
    """The dots lie on the curve, whatever its scale (Figure 4.1)."""
    xs = np.linspace(-figures.REACH, figures.REACH, 161)
    path = xs[[120, 100, 90]]
    shown = figures.CurveDescent(xs**2, path, path**2, 2 * path[-1])
    curve, dots, *_ = figures.draw_curve(ax, shown)
    np.testing.assert_allclose(np.interp(path, *curve.get_data()), dots.get_ydata())
    assert curve.get_ydata().min() == 0 and curve.get_ydata().max() == 1


def test_the_nearest_number_is_marked(ax):
    """The dots lie at the value as each format stores it (section 4.1)."""
    figures.draw_numbers(ax, 0.1)
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, [0.1, 0.099976, 0.100098], atol=1e-6)
    ticks = [line for line in ax.lines if line.get_marker() == "|"][1].get_xdata()
    np.testing.assert_array_equal(ticks, ticks.astype(np.float16))


def test_a_broken_answer_has_its_own_colour(ax):
    """Below every digit that can be right lies no number at all (section 4.1)."""
    kept = np.array([[-1.0, 0.0], [0.5, 1.0]])
    image, *titles = figures.draw_digits(ax, (1, 10, 1, 10), kept, ["x", "y"])
    np.testing.assert_array_equal(image.get_array(), [[0, 1], [5, 8]])
    assert len({tuple(colour) for colour in figures.DIGIT_COLOURS(np.arange(9))}) == 9
    assert [title.get_visible() for title in titles] == [True, False]
    figures.update_digits([image, *titles], kept.T, 1)
    np.testing.assert_array_equal(image.get_array(), [[0, 5], [1, 8]])
    assert [title.get_visible() for title in titles] == [False, True]


def test_answers_are_written_in_full(ax):
    """What is not a finite number is marked by a cross (section 4.1)."""
    nan, inf = np.nan, np.inf
    answers = np.array([[[nan] * 3, [1, 2, 3]], [[0, -inf, 0.5], [7, 7, 7]]])
    texts = figures.draw_answers(ax, ("float16", "float32"), answers)
    words = [text.get_text() for text in texts]
    assert words == ["✗ NaN", "1\n2\n3", "0\n✗ −∞\n0.5", "7"]


def test_hilbert_matrices_stay_below_the_worst_case(ax):
    """No solution is worse than its condition number allows (section 4.2, equation 4.2)."""
    figures.draw_amplification(ax)
    marks = np.array([line.get_xydata()[0] for line in ax.lines if line.get_marker() == "s"])
    assert len(marks) == 5
    assert (marks[:, 1] < marks[:, 0]).all()
    assert (np.diff(marks[:, 0]) > 0).all()
