"""The figures of chapter 6, by the data of their artists."""

import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.feedforward_networks import book_network, figures


@pytest.fixture
def axes():
    return style.figure(3)[1]


def test_hinges_lie_where_units_begin(axes):
    """W^T x + c is zero along a line, and grows along its arrow (section 6.1)."""
    (W, c), _ = book_network()
    W, c = np.asarray(W), np.asarray(c)
    artists = figures.draw_hinges(axes[0])
    figures.update_hinges(artists, W, c)
    for j, line in enumerate(artists[0].get_segments()):
        assert np.allclose(line @ W[:, j] + c[j], 0, atol=1e-5)
    for j, (start, tip) in enumerate(artists[1].get_segments()):
        assert abs(start @ W[:, j] + c[j]) < 1e-5 < tip @ W[:, j] + c[j]


def test_the_border_is_where_the_output_is_one_half(axes):
    """It is no line at all where the readout ignores h (Figure 6.1)."""
    border, _ = figures.draw_hidden_space(axes[0], 2.6)
    w = np.array([1.0, -2.0])
    figures.update_border(border, w, 0.1)
    assert np.allclose(w @ np.array(border.get_data()) + 0.1, 0.5) and border.get_visible()
    figures.update_border(border, np.zeros(2), 0.5)
    assert not border.get_visible()


def test_classes_are_where_their_points_are(axes):
    """Zeros are 00 and 11, ones 01 and 10 (Figure 6.1)."""
    artists = figures.draw_classes(axes[0], figures.ON_PAGE)
    points = np.array([[0.0, 0], [1, 0], [1, 0], [2, 1]])
    figures.update_classes(artists, points)
    assert np.array_equal(artists[0].get_xydata(), points[[0, 3]])
    assert np.array_equal(artists[1].get_xydata(), points[[1, 2]])


def test_a_surface_is_light_above_one_half(axes):
    """Steps of 1/8 with a border at 1/2 (section 6.1)."""
    image = figures.draw_surface(axes[0], (0, 1, 0, 1))
    figures.update_surface(image, np.array([[0.0, 0.49], [0.51, 1.0]]))
    low, high = image.get_array()
    assert low[1] < high[0] and len(figures.OUTPUTS.colors) == len(figures.LEVELS) + 1


def test_a_network_has_a_line_for_every_edge(axes):
    """Six between five units, two between three layers (Figure 6.2)."""
    places = np.array([(0, 0.7), (0, -0.7), (1.6, 0.7), (1.6, -0.7), (3.2, 0)])
    edges = [(0, 2), (0, 3), (1, 2), (1, 3), (2, 4), (3, 4)]
    figures.draw_network(axes[0], places, tuple("abcde"), edges)
    assert np.array_equal(axes[0].collections[0].get_segments(), places[edges])
    assert [text.get_text() for text in axes[0].texts] == list("abcde")
    figures.draw_network(axes[1], places[:2], ("x", "y"), [(0, 1)], ("W",))
    assert axes[1].texts[-1].get_text() == "W"


def test_flat_zones_are_shaded(axes):
    """A rectifier is flat on the left, an identity nowhere (section 6.3, Figure 6.3)."""
    artists = figures.draw_unit(axes[:2], 6.0)
    z = np.arange(-5.95, 6, 0.1)
    figures.update_unit(artists, z, (np.maximum(z, 0), (z > 0) * 1.0), (1.0, 1.0, 1.0))
    (zone,) = artists[0].get_paths()
    assert np.allclose([zone.vertices[:, 0].min(), zone.vertices[:, 0].max()], [-6, 0])
    assert np.array_equal(artists[4].get_ydata(), (z > 0) * 1.0)
    figures.update_unit(artists, z, (z, np.ones_like(z)), (1.0, 1.0, 1.0))
    assert not artists[0].get_paths()


def test_a_diverged_training_can_be_drawn(axes):
    """Costs that are no numbers leave the picture at its top (section 6.2)."""
    artists = figures.draw_training(axes[:2], (-2, 2, -2, 2), 100)
    X, y = np.array([[0.0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1])
    costs = np.array([[0.7, 0.1, np.nan], [0.7, 0.2, np.inf]])
    figures.update_training(
        artists, (X, y), np.full((4, 4), np.nan), (np.array([0, 50, 100]), costs, 1)
    )
    assert np.array_equal(artists[1].get_xydata(), X[:1])
    assert np.array_equal(artists[2].get_xydata(), X[1:])
    assert np.array_equal(artists[3].get_ydata(), [0.7, 0.1, 9])
    assert np.array_equal(artists[5].get_xydata(), [[50, 0.1]])
