"""The figures of chapter 8, by the data of their artists."""

import jax
import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.numerical_computation import (
    Quadratic,
    Trajectory,
    gradient_descent,
    line_search_descent,
    quadratic,
)
from dlcompanion.optimization import (
    conjugate_gradients,
    figures,
    recurrent_cost,
    stability_limits,
    two_weight_cost,
    wrong_side_cost,
)
from dlcompanion.optimization.explorers import Race


@pytest.fixture
def axes():
    return style.figure(3)[1]


def test_level_sets_are_level():
    """Every contour lies at one height, and each height has its colour (section 8.5)."""
    grid = np.linspace(-figures.PLANE, figures.PLANE, 61)
    x, y = np.meshgrid(grid, grid)
    lines, shades = figures.level_sets(x**2 + y**2)
    radii = [np.linalg.norm(line, axis=1) for line in lines]
    assert len(lines) == len(shades) >= 6
    for radius in radii:
        assert np.ptp(radius) < 0.01
    assert len({tuple(shade) for shade in shades}) == 6


def test_the_map_of_a_race(axes):
    """Losses above the start are red, all others darker the lower they are (section 8.5)."""
    rates = np.geomspace(0.01, 1, 3)
    artists = figures.draw_race(axes, rates, 1)
    ends = np.tile([1e-9, 1e-3, 1.0], (6, 1))
    ends[1], ends[2] = [0.5, 2.0, np.nan], [1e-6, 1e-6, 1e-6]
    race = Race(
        rates=np.full(6, 0.1),
        paths=np.zeros((6, 2, 2)),
        losses=np.ones((6, 2)),
        all_losses=np.stack([ends, ends], axis=2),
        edge=np.array(np.nan),
    )
    figures.update_race(artists, race, 1)
    levels = np.asarray(artists[1].get_array())
    np.testing.assert_array_equal(levels[0], [1, 7, 13])
    assert (levels[1, 1:] == 0).all() and (levels[2] == 1).all()
    assert len({tuple(c) for c in figures.LOSS_COLOURS(np.arange(18))}) == 18
    np.testing.assert_allclose(artists[4].get_xydata()[:, 0], 0.1)


def test_settled_ignores_a_dip():
    """What counts is the highest of the last ten losses (section 8.5)."""
    losses = np.r_[np.full(20, 3.0), np.ones(10), 1e-9]
    assert figures.settled(losses, 30) == 1 and figures.settled(losses, 5) == 3
    assert figures.settled(losses, 0) == 3


def test_arrows_begin_and_end_where_they_should(axes):
    """Each has its tail, its tip and two wings behind the tip (Figure 8.5)."""
    arrows = figures.draw_arrows(axes[0])
    tails, steps = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[4.0, 0.0], [0.0, 0.0]])
    figures.update_arrows(arrows, tails, steps)
    first, second = (path.vertices for path in arrows.get_paths())
    np.testing.assert_allclose(first[[0, 1, 3]], [[0, 0], [4, 0], [4, 0]])
    assert (first[[2, 4], 0] < 4).all() and first[2, 1] == -first[4, 1] != 0
    np.testing.assert_allclose(second, np.tile([1.0, 2.0], (5, 1)))


def test_the_edges_meet_without_momentum(axes):
    """Both begin at 2 and end at 4 and at 4/3 (section 8.3.3)."""
    figures.draw_stability(axes[0])
    plain, nesterov = (line.get_xydata() for line in axes[0].lines[:2])
    np.testing.assert_allclose([plain[0], plain[-1]], [[0, 2], [1, 4]])
    np.testing.assert_allclose([nesterov[0], nesterov[-1]], [[0, 2], [1, 4 / 3]])
    np.testing.assert_allclose(plain[:, 1], stability_limits(plain[:, 0])[0])


# Sections 8.2, 8.4, 8.6 and 8.7.1


def test_a_noisy_run_is_averaged(axes):
    """The running average of a constant gradient is that constant (Figure 8.1)."""
    figures.draw_noisy_run(axes, np.full(400, 0.3), np.linspace(0.5, 0, 401))
    np.testing.assert_allclose(axes[0].lines[1].get_ydata(), 0.3)
    np.testing.assert_allclose(axes[1].lines[0].get_ydata()[[0, -1]], [0.5, 0])


def test_a_path_to_the_valley(axes):
    """The drawn path is the descent, over the contours of the cost (Figure 8.2)."""
    path = gradient_descent(two_weight_cost, np.array([-0.3, 0.35]), 0.1, 200)
    figures.draw_two_weights(axes[0], jax.vmap(two_weight_cost), path)
    np.testing.assert_allclose(axes[0].lines[1].get_xydata(), path.params)
    np.testing.assert_allclose(axes[0].lines[2].get_xydata(), [[1, 1]], atol=0.01)


def test_both_sides_lie_on_the_hill(axes):
    """The dots of both descents lie on the curve (Figure 8.4)."""
    paths = [gradient_descent(wrong_side_cost, np.array([x]), 0.1, 500) for x in (-0.5, 0.5)]
    figures.draw_wrong_side(axes[0], jax.vmap(wrong_side_cost), paths)
    curve, *dots = axes[0].lines
    for line in dots:
        x, y = line.get_xydata().T
        np.testing.assert_allclose(y, np.interp(x, *curve.get_xydata().T), atol=0.01)


def test_runs_at_a_cliff(axes):
    """Both paths and both gradients are shown up to the present step (Figure 8.3)."""
    artists = figures.draw_cliff(axes[:2], jax.vmap(recurrent_cost), 5)
    run = gradient_descent(recurrent_cost, np.array([5.2, -2.4]), 0.1, 5)
    run = Trajectory(*map(np.asarray, run))
    figures.update_cliff(artists, run, run, 0.3, 3)
    for path, norms in (artists[:2], artists[2:4]):
        np.testing.assert_allclose(path.get_xydata(), run.params[:4])
        np.testing.assert_allclose(norms.get_ydata(), run.grad_norm[:4])
    np.testing.assert_allclose(artists[5].get_ydata(), 0.3)


def test_conjugate_steps_turn_by_a_right_angle_on_the_round_bowl(axes):
    """In the stretched plane directions with d^T H e = 0 are orthogonal (Figure 8.6)."""
    bowl = Quadratic(*map(np.asarray, quadratic(9.0, 1.0, 0.4)))
    start = np.array([-8.0, 5.0], np.float32)
    searches = [line_search_descent(bowl, start, 2), conjugate_gradients(bowl, start, 2)]
    searches = [jax.tree.map(np.asarray, search) for search in searches]
    artists = figures.draw_searches(axes, 2)
    figures.update_searches(artists, bowl, searches, 2)
    angles = []
    for line in artists[1:5]:
        steps = np.diff(line.get_xydata(), axis=0)
        angles.append(steps[0] @ steps[1] / np.prod(np.linalg.norm(steps, axis=1)))
    steepest, conjugate, round_steepest, round_conjugate = angles
    np.testing.assert_allclose([steepest, round_conjugate], 0, atol=1e-3)
    assert abs(conjugate) > 0.1 and abs(round_steepest) > 0.1


def test_signals_and_their_spread(axes):
    """The lines are the sizes, the image each layer's counts, the fullest bin 1 (section 8.4)."""
    artists = figures.draw_signals(axes[:2], 3)
    counts = np.zeros((3, len(figures.HISTOGRAM) - 1))
    counts[:, 25], counts[1, 3] = 100, 25
    figures.update_signals(artists, np.array([1, 0.1, 0.01]), np.ones(3), counts)
    np.testing.assert_allclose(artists[0].get_xydata(), [[1, 1], [2, 0.1], [3, 0.01]])
    shown = np.asarray(artists[2].get_array())
    assert shown.shape == (len(figures.HISTOGRAM) - 1, 3)
    np.testing.assert_allclose([shown[25, 0], shown[3, 1], shown[3, 0]], [1, 0.5, 0])
    np.testing.assert_allclose(figures.HISTOGRAM[25:27].mean(), 0, atol=1e-9)


def test_promises_and_orders(axes):
    """Orders that lower the output are dots, those that raise it squares (equation 8.35)."""
    artists = figures.draw_promises(axes[:2], np.array([0.1, 1.0]), 5)
    terms = np.array([1.0, -0.5, 0.1, -0.02, 0, 0])
    figures.update_promises(artists, np.array([[0.8, -9.0], [1, 1]]), 0.1, 0.8, terms)
    np.testing.assert_allclose(artists[0].get_ydata(), [0.8, -9])
    np.testing.assert_allclose(artists[2].get_xydata(), [[0.1, 0.8]])
    np.testing.assert_allclose(artists[3].get_xydata(), [[1, 1], [3, 0.04]])
    np.testing.assert_allclose(artists[4].get_xydata(), [[2, 0.2]])
