import numpy as np
import pytest
from matplotlib.collections import TriMesh
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.tri import Triangulation

from dlcompanion import style
from dlcompanion.live.recorder import COORDINATES_PER_PIXEL, MARGIN, record
from tests.live import zoo
from tests.live.small import read_head, unpack


def panel():
    """Return a settled 300 by 200 px figure and its axes, which fill it, from 0 to 1."""
    figure = Figure(figsize=(3, 2), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    return figure, ax


def outline(display_list: bytes) -> np.ndarray:
    """Return where the first thing drawn lies, px with y down."""
    drawing = unpack(display_list)
    return drawing.shapes[drawing.head["operations"][0][0]] + drawing.offsets[0]


def test_a_line_is_recorded_where_it_lies():
    figure, ax = panel()
    (line,) = ax.plot([0.1, 0.5, 0.9], [0.0, 0.5, 1.0], color=style.GREEN, linewidth=1.8)
    display_list = record(figure, [line], sentence="Up.")
    head = read_head(display_list)
    assert head["sentence"] == "Up."
    assert head["styles"][0][1:3] == [None, [style.GREEN, 1.0]]
    ((path, _, stamps),) = head["operations"]
    assert (*head["paths"][path][::2], stamps) == (3, 0, 1)
    expected = [[30, 200], [150, 100], [270, 0]]
    np.testing.assert_allclose(outline(display_list), expected, atol=1 / COORDINATES_PER_PIXEL)


def test_a_long_line_loses_only_points_that_nobody_sees():
    figure, ax = panel()
    x = np.linspace(0, 1, 101)
    (line,) = ax.plot(x, x**2)
    at_x, at_y = outline(record(figure, [line])).T
    assert 10 < len(at_x) < 60
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
    for colour, token in ((style.INK, "ink"), (style.BLUE, "blue")):
        (line,) = ax.plot([0, 1], [0, 1], color=colour, alpha=0.5)
        assert read_head(record(figure, [line]))["styles"][0][2] == [token, 0.5]


def test_markers_share_one_path():
    figure, ax = panel()
    (line,) = ax.plot(np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** 2, "o")
    head = read_head(record(figure, [line]))
    assert len(head["paths"]) == 2  # the clip and the marker
    assert head["operations"] == [[1, 0, 50]]


def test_what_is_clipped_alike_shares_one_outline():
    figure, ax = panel()
    lines = [ax.plot([0, 1], [0, slope], linewidth=slope)[0] for slope in (1, 2, 3)]
    drawing = unpack(record(figure, lines))
    assert [entry[0] for entry in drawing.head["styles"]] == [0, 0, 0]
    box = [[0, 200], [300, 200], [300, 0], [0, 0]]
    np.testing.assert_array_equal(drawing.shapes[0][:4], box)


def test_a_long_text_keeps_its_curves():
    figure, (ax,) = style.figure()
    text = style.write(ax, 0, 0.5, "your descent; dashed: the slope where it stands")
    display_list = record(figure, [text])
    (codes,) = unpack(display_list).codes
    assert set(codes) == {Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CLOSEPOLY}


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
        drawing = unpack(record(figure, [artist]))
        far = [np.abs(points).max() for points in (*drawing.shapes, *drawing.offsets)]
        assert max(far) <= 300 + 2 * MARGIN
    assert read_head(record(figure, [dots]))["operations"][0][2] == 2  # the wild one is gone
    words = ax.text(0.5, wild, "far away")
    assert not read_head(record(figure, [words]))["operations"]


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
