"""The figures of chapter 6, redrawn from computation."""

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from dlcompanion import style
from dlcompanion.linear_algebra.figures import draw_name

# Outputs in steps of 1/8 around the border at 1/2: dark below, light above.
SHADES = colormaps[style.SURFACE](np.linspace(0.05, 0.95, 12))[:, :3]
OUTPUTS = ListedColormap(0.45 * SHADES + 0.55)
LEVELS = np.linspace(-0.25, 1.25, 13)[1:-1]
CORNERS = ("00", "01", "10", "11")  # the four inputs of XOR
ON_PAGE = (style.INK, style.PAPER)
ON_MAP = ("#222222", "#ffffff")  # a map is light in every theme


def draw_surface(ax: Axes, extent: tuple) -> Artist:
    """Make a map of a network's output, light above 1/2 and dark below (section 6.1)."""
    return ax.imshow(np.zeros((2, 2), np.uint8), origin="lower", extent=extent, cmap=OUTPUTS,
                     vmin=0, vmax=len(LEVELS), interpolation="none", aspect="auto")  # fmt: skip


def update_surface(image: Artist, outputs: np.ndarray) -> None:
    """Show other outputs, in the steps of `LEVELS` (section 6.1)."""
    image.set_data(np.digitize(outputs, LEVELS).astype(np.uint8))


def draw_classes(ax: Axes, colours: tuple[str, str]) -> list[Artist]:
    """Make the four points of XOR, filled where the target is 1, with names (Figure 6.1)."""
    ink, paper = colours
    (zeros,) = ax.plot([], [], "o", color=paper, markersize=9, markeredgecolor=ink,
                       markeredgewidth=1.6)  # fmt: skip
    (ones,) = ax.plot([], [], "s", color=ink, markersize=9, markeredgecolor=paper)
    anchors = ((0, 0), (1, 0), (0, 1), (0, 0))  # two of them meet in the space of h
    names = [draw_name(ax, c, a) for c, a in zip(CORNERS, anchors, strict=True)]
    for name in names:
        name.set_color(ink)
    return [zeros, ones, *names]


def update_classes(artists: list[Artist], points: np.ndarray) -> None:
    """Move the four points, in the order of the inputs (Figure 6.1)."""
    zeros, ones, *names = artists
    zeros.set_data(*points[[0, 3]].T)
    ones.set_data(*points[[1, 2]].T)
    extent = np.diff(zeros.axes.get_xlim())[0]
    shifts = 0.035 * extent * np.array([[1, 1], [-1, 1], [1, -1], [1, 1]])
    for name, place in zip(names, points + shifts, strict=True):
        name.set_data(*place[:, None])


def draw_hinges(ax: Axes) -> list[Artist]:
    """Make the two lines at which hidden units begin, and their arrows (section 6.1)."""
    lines = LineCollection([], colors=[style.BLUE, style.VERMILLION], linestyles=["-", "--"],
                           linewidths=2)  # fmt: skip
    arrows = LineCollection([], colors=[style.BLUE, style.VERMILLION], linewidths=1.4)
    for collection in (lines, arrows):
        ax.add_collection(collection, autolim=False)
    names = [draw_name(ax, "h₁ > 0"), draw_name(ax, "h₂ > 0")]
    for name in names:
        name.set_color(ON_MAP[0])
    return [lines, arrows, *names]


def update_hinges(artists: list[Artist], W: np.ndarray, c: np.ndarray) -> None:
    """Draw where W^T x + c is zero, and to which side each unit is active (section 6.1).

    Args:
        artists: made by `draw_hinges`.
        W: hidden weights, shape (2, 2), a column for each unit.
        c: hidden biases, shape (2,).
    """
    lines, arrows, *names = artists
    squared = np.maximum((W**2).sum(axis=0), 1e-9)
    middle = np.full(2, 0.5)
    feet = middle[:, None] - W * ((W.T @ middle + c) / squared)  # nearest to the middle
    normals = W / np.sqrt(squared)
    along = np.stack([-normals[1], normals[0]])
    lines.set_segments([[(f - 9 * a), (f + 9 * a)] for f, a in zip(feet.T, along.T, strict=True)])
    starts = feet - 0.62 * along
    tips = starts + 0.28 * normals
    arrows.set_segments([[s, t] for s, t in zip(starts.T, tips.T, strict=True)])
    for name, tip in zip(names, tips.T + 0.04, strict=True):
        name.set_data(*tip[:, None])


def draw_hidden_space(ax: Axes, limit: float) -> tuple[Artist, list[Artist]]:
    """Make the plane of h with the line at which the output is 1/2 (Figure 6.1)."""
    (border,) = ax.plot([], [], color=style.GREEN, linewidth=2)
    classes = draw_classes(ax, ON_PAGE)
    ax.set(xlim=(-0.25, limit), ylim=(-0.25, limit), aspect="equal")
    ax.set_xlabel("$h_1$")
    ax.set_ylabel("$h_2$", rotation=0, labelpad=8)
    style.add_title(ax, "hidden units (green: output ½)")
    return border, classes


def update_border(border: Artist, w: np.ndarray, b: float) -> None:
    """Draw where w^T h + b is 1/2, or nothing where w is zero (section 6.1)."""
    squared = max(float(w @ w), 1e-6)
    along = np.array([-w[1], w[0]]) / squared**0.5
    foot = w * (0.5 - b) / squared
    border.set_data(*(foot[:, None] + np.outer(along, [-20, 20])))
    border.set_visible(squared > 1e-6)


def draw_ends(ax: Axes, costs: np.ndarray) -> Artist:
    """Draw the last costs of many starts, sorted, and a mark for one of them (section 6.2)."""
    for height, text in ((1 / 4, "¼"), (1 / 6, "⅙"), (1 / 8, "⅛"), (0, "0, solved")):
        ax.axhline(height, color=style.GRID, linewidth=0.8, zorder=0)
        style.write(ax, 0.6, height + 0.004, text, va="bottom")
    ranks = 1 + np.arange(len(costs))
    ax.plot(ranks, costs, ".", color=style.INK, markersize=5)
    (here,) = ax.plot([], [], "o", color=style.BLUE, markersize=9)
    ax.set(xlim=(-1.5, len(costs) + 1.5), ylim=(-0.012, 0.29))
    ax.set_xlabel("random starts, best first")
    ax.set_ylabel("$J$ after training")
    style.add_title(ax, "where training ends")
    return here


def draw_pairs(axes: np.ndarray) -> list[Artist]:
    """Make loss, slope and descent of two pairs of output unit and loss (section 6.2.2.2)."""
    looks = (
        {"color": style.VERMILLION, "linestyle": "--", "linewidth": 1.6},
        {"color": style.BLUE, "linewidth": 2.2},
    )
    artists = []
    for ax in axes:
        for look in looks:
            (line,) = ax.plot([], [], **look)
            (dot,) = ax.plot([], [], "o", color=look["color"], markersize=8,
                             markeredgecolor=style.PAPER)  # fmt: skip
            artists += [line, dot]
    axes[0].set(xlim=(-10.4, 10.4), ylim=(-0.3, 10.6), xlabel="$z$ input of the unit",
                ylabel="$J$ loss")  # fmt: skip
    axes[1].set(xlim=(-10.4, 10.4), yscale="log", ylim=(0.5e-9, 4), xlabel="$z$ input of the unit",
                ylabel="$|dJ/dz|$ slope (log scale)")  # fmt: skip
    axes[1].set_yticks([1e-9, 1e-6, 1e-3, 1], ["0", "$10^{-6}$", "$10^{-3}$", "1"])
    axes[2].set(xscale="log", xlim=(0.8, 4e4), ylim=(-11, 11), xlabel="1 + steps taken (log scale)",
                ylabel="$z$ input of the unit")  # fmt: skip
    axes[2].axhline(0, color=style.GRID, linewidth=1, zorder=0)
    titles = "blue: your pair, dashed: another", "where learning stalls", "descent, steps of size 1"
    for ax, title in zip(axes, titles, strict=True):
        style.add_title(ax, title)
    return artists


def update_pairs(artists: list[Artist], curves: tuple, dots: tuple) -> None:
    """Move what `draw_pairs` made (section 6.2.2.2).

    Args:
        artists: made by `draw_pairs`.
        curves: x and the two curves of each panel, the reference first.
        dots: x and the two heights of each panel's dots.
    """
    panels = zip(curves, dots, strict=True)
    places = [
        (x, y, at, to) for (x, ys), (at, tos) in panels for y, to in zip(ys, tos, strict=True)
    ]
    for line, dot, (x, y, at, to) in zip(artists[::2], artists[1::2], places, strict=True):
        line.set_data(x, y)
        dot.set_data([at], [to])


def draw_numbers(ax: Axes, color: str, size: float = 9) -> dict[str, tuple]:
    """Make all numbers of one colour from twelve markers, which move fast (section 6.5.3)."""
    glyphs = {}
    for sign in "0123456789.−":
        outline = TextPath((0, 0), sign, size)
        (marks,) = ax.plot([], [], marker=Path(outline.vertices, outline.codes), linestyle="none",
                           markersize=2 * np.abs(outline.vertices).max(), color=color,
                           markeredgewidth=0)  # fmt: skip
        advance = {"−": 0.84, ".": 0.32}.get(sign, 0.64)
        glyphs[sign] = marks, advance * size * style.DPI / 72
    return glyphs


def update_numbers(glyphs: dict[str, tuple], places: np.ndarray, values: np.ndarray) -> None:
    """Write numbers with two decimals, each centred above its place (section 6.5.3)."""
    ax = glyphs["0"][0].axes
    pixel = np.diff(ax.get_xlim())[0] / ax.bbox.width
    spots = {sign: [] for sign in glyphs}
    for (x, y), value in zip(places, values, strict=True):
        text = f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−")
        advances = pixel * np.array([glyphs[sign][1] for sign in text])
        starts = x - advances.sum() / 2 + np.cumsum(advances) - advances
        for sign, start in zip(text, starts, strict=True):
            spots[sign].append((start, y))
    for sign, (marks, _) in glyphs.items():
        marks.set_data(*np.reshape(spots[sign], (-1, 2)).T)


def draw_graph(ax: Axes, places: np.ndarray, names: tuple[str, ...], edges: list) -> tuple:
    """Draw a computational graph; its edges and numbers can change (sections 6.5.1, 6.5.3).

    Args:
        ax: takes the whole figure.
        places: of the nodes, shape (nodes, 2).
        names: of the nodes.
        edges: pairs of parent and child.

    Returns:
        the edges, and the values and the derivatives as `draw_numbers` makes them.
    """
    ax.set(xlim=(-0.45, 4.95), ylim=(-1.5, 1.5), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    pixels = np.array([860 / 5.4, 360 / 3])  # of a unit
    segments = places[edges]
    along = (segments[:, 1] - segments[:, 0]) * pixels
    ends = 38 * along / np.linalg.norm(along, axis=1, keepdims=True) / pixels
    lines = LineCollection(segments + np.stack([ends, -ends], axis=1), linewidths=2.4)
    ax.add_collection(lines, autolim=False)
    ax.plot(*places.T, "o", color=style.PAPER, markersize=52, markeredgecolor=style.INK)
    for place, name in zip(places, names, strict=True):
        style.write(ax, *place, name, ha="center", va="center")
    style.add_title(ax, "above a node: its value; below, blue: the derivative of the output by it")
    return lines, draw_numbers(ax, style.INK), draw_numbers(ax, style.BLUE)


def draw_network(
    ax: Axes, places: np.ndarray, names: tuple[str, ...], edges: list, weights: tuple[str, ...] = ()
) -> None:
    """Draw a network, a node for each unit or for each layer (Figure 6.2).

    Args:
        ax: whose furniture goes.
        places: of the nodes, shape (nodes, 2).
        names: of the nodes.
        edges: pairs of nodes.
        weights: what to write at the edges, if anything.
    """
    ax.set(xlim=(-0.5, 3.7), ylim=(-1.3, 1.3), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.add_collection(LineCollection(places[edges], colors=style.INK, linewidths=1.4), False)
    ax.plot(*places.T, "o", color=style.PAPER, markersize=34, markeredgecolor=style.INK)
    for place, name in zip(places, names, strict=True):
        style.write(ax, *place, name, ha="center", va="center", fontsize=11)
    for middle, name in zip(places[edges].mean(axis=1), weights, strict=False):
        style.write(ax, middle[0], middle[1] + 0.16, name, ha="center", fontsize=11)
    style.add_title(ax, "a node for each layer" if weights else "a node for each unit")


def draw_unit(axes: np.ndarray, reach: float) -> list[Artist]:
    """Make a hidden unit and its derivative, over shaded zones where it is flat (Figure 6.3)."""
    artists = []
    for ax, height in zip(axes, (6.3, 1.5), strict=True):
        zones = PolyCollection([], facecolors=style.ORANGE, alpha=0.22, linewidths=0, zorder=0)
        (curve,) = ax.plot([], [], color=style.BLUE, linewidth=2.2)
        (here,) = ax.plot([], [], "o", color=style.INK, markersize=8, markeredgecolor=style.PAPER)
        artists += [ax.add_collection(zones, False), curve, here]
        ax.axhline(0, color=style.GRID, linewidth=1, zorder=0)
        ax.axvline(0, color=style.GRID, linewidth=1, zorder=0)
        ax.set(xlim=(-reach, reach), ylim=(-height, height), xlabel="$z$ input of the unit")
    axes[0].set_ylabel("$g(z)$ output")
    axes[1].set_ylabel("$g'(z)$ slope")
    style.add_title(axes[0], "the unit (shaded: slope below 0.01)")
    style.add_title(axes[1], "what a gradient is multiplied by")
    return artists


def update_unit(artists: list[Artist], z: np.ndarray, curves: tuple, here: tuple) -> None:
    """Move what `draw_unit` made (section 6.3).

    Args:
        artists: made by `draw_unit`.
        z: inputs, evenly spaced.
        curves: outputs and slopes at these inputs.
        here: one input, its output and its slope.
    """
    is_flat = np.abs(curves[1]) < 0.01
    edges = np.flatnonzero(np.diff(np.r_[False, is_flat, False].astype(int))).reshape(-1, 2)
    half = (z[1] - z[0]) / 2
    spans = [(z[first] - half, z[last - 1] + half) for first, last in edges]
    for (zones, curve, dot), ys, y in zip(
        (artists[:3], artists[3:]), curves, here[1:], strict=True
    ):
        low, high = zones.axes.get_ylim()
        zones.set_verts([[(a, low), (b, low), (b, high), (a, high)] for a, b in spans])
        curve.set_data(z, ys)
        dot.set_data([here[0]], [y])


def draw_training(axes: np.ndarray, extent: tuple, num_steps: int) -> list[Artist]:
    """Make the map of a classifier over its data, and its two learning curves (section 6.2)."""
    surface = draw_surface(axes[0], extent)
    ink, paper = ON_MAP
    (zeros,) = axes[0].plot([], [], "o", color=paper, markersize=6, markeredgecolor=ink)
    (ones,) = axes[0].plot([], [], "s", color=ink, markersize=6, markeredgecolor=paper)
    axes[0].set(xlim=extent[:2], ylim=extent[2:], aspect="equal", xlabel="$x_1$")
    axes[0].set_ylabel("$x_2$", rotation=0, labelpad=8)
    style.add_title(axes[0], "P(square), light: above ½")
    curves = [
        *axes[1].plot([], [], color=style.BLUE, linewidth=2.2),
        *axes[1].plot([], [], color=style.VERMILLION, linestyle="--", linewidth=1.8),
        *axes[1].plot([], [], "o", color=style.BLUE, markersize=8, markeredgecolor=style.PAPER),
        *axes[1].plot([], [], "o", color=style.VERMILLION, markersize=8,
                      markerfacecolor=style.PAPER),
    ]  # fmt: skip
    axes[1].axhline(np.log(2), color=style.GRID, linewidth=1, zorder=0)
    style.write(axes[1], num_steps, np.log(2) + 0.01, "log 2: knows nothing", ha="right")
    axes[1].set(xlim=(-0.02 * num_steps, 1.02 * num_steps), ylim=(-0.03, 1.5),
                xlabel="steps of gradient descent", ylabel="$J$ cross-entropy")  # fmt: skip
    style.add_title(axes[1], "blue: training set, dashed: test set")
    return [surface, zeros, ones, *curves]


def update_training(artists: list[Artist], data: tuple, surface: np.ndarray, curves: tuple) -> None:
    """Move what `draw_training` made (section 6.2).

    Args:
        artists: made by `draw_training`.
        data: points and their labels, 0 or 1.
        surface: probabilities of label 1 on a grid.
        curves: steps, the two rows of costs, and the index of the stored step to mark.
    """
    image, zeros, ones, *lines = artists
    (X, y), (steps, costs, k) = data, curves
    update_surface(image, np.nan_to_num(surface, nan=0.5))
    zeros.set_data(*X[y == 0].T)
    ones.set_data(*X[y == 1].T)
    costs = np.minimum(np.nan_to_num(costs, nan=9), 9)
    for line, row in zip(lines[:2], costs, strict=True):
        line.set_data(steps, row)
    for dot, row in zip(lines[2:], costs, strict=True):
        dot.set_data([steps[k]], [row[k]])


# Section 6.2.2.4
STRANDS = (style.BLUE, style.VERMILLION, style.GREEN)


def draw_strands(ax: Axes, x: np.ndarray, y: np.ndarray) -> list[Artist]:
    """Draw examples; make each component's mean, its band and the slice's place (Figure 6.4)."""
    ax.plot(x, y, ".", color=style.INK, markersize=3, alpha=0.45)
    bands = [ax.fill([0], [0], color=colour, alpha=0.25, linewidth=0)[0] for colour in STRANDS]
    looks = zip(STRANDS, ("-", "--", "-."), strict=True)
    means = [ax.plot([], [], color=c, linestyle=dashes, linewidth=2)[0] for c, dashes in looks]
    (place,) = ax.plot([], [], color=style.INK, linewidth=1)
    ax.set(xlim=(0, 1), ylim=(-1.7, 1.7), xlabel="$x$")
    ax.set_ylabel("$y$", rotation=0)
    style.add_title(ax, "means and one deviation of each component")
    return [*bands, *means, place]


def update_strands(artists: list[Artist], x, components: tuple, place: float) -> None:
    """Move means and bands, shown where a component has a weight of 5% or more (Figure 6.4)."""
    weights, means, deviations = components
    bands, lines, (mark,) = artists[:3], artists[3:6], artists[6:]
    for k, (band, line) in enumerate(zip(bands, lines, strict=True)):
        there = np.where(weights[:, k] >= 0.05, means[:, k], np.nan)
        line.set_data(x, there)
        band.set_visible(bool(np.isfinite(there).any()))
        shown = np.isfinite(there)
        low, high = (means[shown, k] + side * deviations[shown, k] for side in (-1, 1))
        band.set_xy(np.column_stack([np.r_[x[shown], x[shown][::-1]], np.r_[low, high[::-1]]]))
    mark.set_data([place, place], [-1.7, 1.7])


def draw_slice(ax: Axes) -> list[Artist]:
    """Make p(y | x) at one x, the network's and the true one (equation 6.35)."""
    (truth,) = ax.plot([], [], "--", color=style.INK, linewidth=1.4)
    (model,) = ax.plot([], [], color=style.BLUE, linewidth=2.4)
    ax.set(xlim=(0, 2.6), ylim=(-1.7, 1.7), xlabel="density at this $x$")
    style.add_title(ax, "$p(y \\mid x)$; dashed: the truth")
    return [truth, model]
