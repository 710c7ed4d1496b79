import numpy as np
import pytest
from matplotlib.collections import TriMesh
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.tri import Triangulation

from dlcompanion import style
from dlcompanion.live.recorder import COORDINATES_PER_PIXEL, MARGIN, read_head, record
from tests.live import zoo


def panel():
    """Return a settled 300 by 200 px figure and its axes, which fill it, from 0 to 1."""
    figure = Figure(figsize=(3, 2), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    return figure, ax


def numbers_of(display_list: bytes) -> np.ndarray:
    head_size, size = np.frombuffer(display_list[:8], "<u4")
    return np.frombuffer(display_list[8 + head_size : 8 + head_size + size], "<i2")


def test_a_line_is_recorded_where_it_lies():
    figure, ax = panel()
    (line,) = ax.plot([0.1, 0.5, 0.9], [0.0, 0.5, 1.0], color=style.BLUE, linewidth=1.8)
    display_list = record(figure, [line], sentence="Up.")
    head = read_head(display_list)
    assert head["sentence"] == "Up."
    assert head["styles"][0][1:3] == [None, [style.BLUE, 1.0]]
    (count, scale, curved), (path, _, stamps) = head["paths"][0], head["operations"][0]
    assert (count, curved, path, stamps) == (3, 0, 0, 1)
    numbers = numbers_of(display_list).reshape(-1, 2)
    pixels = numbers[:3] / scale + numbers[3] / COORDINATES_PER_PIXEL
    np.testing.assert_allclose(pixels, [[30, 200], [150, 100], [270, 0]], atol=1 / 16)


def test_a_long_line_loses_only_points_that_nobody_sees():
    figure, ax = panel()
    x = np.linspace(0, 1, 101)
    (line,) = ax.plot(x, x**2)
    display_list = record(figure, [line])
    count, scale, _ = read_head(display_list)["paths"][0]
    assert 10 < count < 60
    numbers = numbers_of(display_list).reshape(-1, 2)
    at_x, at_y = (numbers[:count] / scale + numbers[count] / COORDINATES_PER_PIXEL).T
    drawn = np.interp(300 * x, at_x, 200 - at_y)
    np.testing.assert_allclose(drawn, 200 * x**2, atol=0.3)


@pytest.mark.parametrize("exhibit", zoo.EXHIBITS, ids=lambda exhibit: exhibit.__name__)
def test_every_artist_is_recorded_the_same_twice(exhibit):
    figure = zoo.show(exhibit)
    display_list = record(figure)
    assert display_list == record(figure)
    assert len(read_head(display_list)["operations"]) > 10


def test_moving_artists_are_not_in_the_static_layer():
    figure, ax = panel()
    (line,) = ax.plot([0, 1], [0, 1], color=style.VERMILLION)
    assert style.VERMILLION in str(read_head(record(figure)))
    line.set_animated(True)
    assert style.VERMILLION not in str(read_head(record(figure)))
    assert style.VERMILLION in str(read_head(record(figure, [line])))


def test_theme_colours_become_tokens():
    figure, ax = panel()
    (line,) = ax.plot([0, 1], [0, 1], color=style.INK, alpha=0.5)
    assert read_head(record(figure, [line]))["styles"][0][2] == ["ink", 0.5]


def test_markers_share_one_path():
    figure, ax = panel()
    (line,) = ax.plot(np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** 2, "o")
    head = read_head(record(figure, [line]))
    assert len(head["paths"]) == 1
    assert head["operations"] == [[0, 0, 50]]


def test_a_long_text_keeps_its_curves():
    figure, (ax,) = style.figure()
    text = style.write(ax, 0, 0.5, "your descent; dashed: the slope where it stands")
    display_list = record(figure, [text])
    ((count, _, is_curved),) = read_head(display_list)["paths"]
    codes = set(np.frombuffer(display_list[-count:], np.uint8))
    assert is_curved and codes == {Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CLOSEPOLY}


def test_an_area_far_from_the_corner_is_drawn():
    figure, axes = style.figure(3)
    area = axes[2].fill_between([0, 1], [1, 1], [0, 0])
    assert len(read_head(record(figure, [area]))["operations"]) == 1


@pytest.mark.parametrize("wild", [1e13, 1e30, 1e300, np.inf, -np.inf, np.nan])
def test_what_leaves_the_picture_is_cut_off(wild):
    figure, ax = panel()
    (line,) = ax.plot([0, 0.5, 1], [0.5, wild, 0.2], "-")
    (dots,) = ax.plot([0, 0.5, 1], [0.5, wild, 0.2], "o")
    area = ax.fill_between([0, 0.5, 1], [0.5, wild, 0.2], [0, 0, 0])
    for artist in (line, dots, area):
        display_list = record(figure, [artist])
        head = read_head(display_list)
        scale = min(scale for _, scale, _ in head["paths"])
        assert np.abs(numbers_of(display_list) / scale).max() <= 300 + 2 * MARGIN
    assert read_head(record(figure, [dots]))["operations"][0][2] == 2  # the wild one is gone


def test_nothing_but_wild_numbers_is_an_empty_picture():
    figure, ax = panel()
    (line,) = ax.plot([np.nan, np.nan], [np.inf, np.nan], "o-")
    assert read_head(record(figure, [line]))["operations"] == []


def test_few_colours_become_a_palette():
    figure, ax = panel()
    pixelwise = {"interpolation": "none", "extent": (0, 1, 0, 1), "aspect": "auto"}
    heat = ax.imshow(np.random.default_rng(0).random((40, 50)), **pixelwise)
    small = record(figure, [heat])
    assert len(small) < 40 * 50 + 256 * 11 + 400
    full = ax.imshow(np.random.default_rng(0).random((40, 50, 3)), **pixelwise)
    assert 40 * 50 * 4 <= len(record(figure, [full])) < 40 * 50 * 4 + 600


def hatched(ax):
    ax.axhspan(0, 1, hatch="/")


def gouraud(ax):
    ax.add_collection(TriMesh(Triangulation([0, 1, 0], [0, 0, 1]), array=[1, 2, 3]))


def sketched(ax):
    ax.plot([0, 1], [0, 1], sketch_params=(1, 100, 2))


def filtered(ax):
    (line,) = ax.plot([0, 1], [0, 1])
    line.set_agg_filter(lambda image, dpi: (image, 0, 0))


@pytest.mark.parametrize("draw", [hatched, gouraud, sketched, filtered])
def test_what_cannot_be_drawn_is_an_error(draw):
    figure, ax = panel()
    draw(ax)
    with pytest.raises(NotImplementedError, match="live canvas"):
        record(figure)
