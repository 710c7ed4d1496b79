"""The figures of chapter 2, redrawn from computation."""

from functools import cache

import numpy as np
from matplotlib import cbook, colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from PIL import Image

from dlcompanion import style

BEST = {"color": style.BLUE}
OTHER = {"color": style.VERMILLION, "linestyle": "--"}
ANGLES = np.linspace(0, 2 * np.pi, 121)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])


def draw_plane(ax: Axes, extent: float, title: str, symbol: str = "x") -> None:
    """Prepare a square piece of the plane with its two axes (section 2.5)."""
    for line in (ax.axhline, ax.axvline):
        line(0, color=style.GRID, linewidth=0.8, zorder=0)
    ax.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    ax.set_xlabel(f"${symbol}_1$")
    ax.set_ylabel(f"${symbol}_2$", rotation=0, labelpad=8)
    style.add_title(ax, title)


def draw_name(ax: Axes, text: str, anchor: tuple = (0, 0), size: float = 8.5) -> Line2D:
    """Make a name that moves at every frame: a marker, four times faster than text (section 2.5).

    Args:
        ax: where it moves, by `set_data`.
        text: the name.
        anchor: the part of it that is at its position: (0, 0) lower left, (1, 1) upper right.
        size: of the letters, points.
    """
    outline = TextPath((0, 0), text, size)
    low, high = outline.vertices.min(axis=0), outline.vertices.max(axis=0)
    vertices = outline.vertices - low - np.array(anchor) * (high - low)
    marker = Path(vertices, outline.codes)
    (name,) = ax.plot([], [], marker=marker, markersize=2 * np.abs(vertices).max(),
                      color=style.INK, markeredgewidth=0, linestyle="none")  # fmt: skip
    return name


def draw_arrow(ax: Axes, color: str, label: str) -> list[Artist]:
    """Make an arrow from the origin with a name at its tip; `update_arrow` sets it (Figure 2.3)."""
    (shaft,) = ax.plot([], [], color=color, linewidth=2, solid_capstyle="round")
    (head,) = ax.fill([0, 0, 0], [0, 0, 0], color=color, linewidth=0)
    return [shaft, head, draw_name(ax, label, (0.5, 0.5), 10)]


def update_arrow(arrow: list[Artist], tip: np.ndarray) -> None:
    """Turn and stretch an arrow made by `draw_arrow`; a tip of NaN hides it (Figure 2.3)."""
    shaft, head, name = arrow
    extent = name.axes.get_xlim()[1]
    length = np.linalg.norm(tip)
    along = np.nan_to_num(tip / max(length, 1e-9))
    across = 0.02 * extent * np.array([-along[1], along[0]])
    neck = tip - along * min(length, 0.07 * extent)
    shaft.set_data(*np.stack([np.zeros(2), neck]).T)
    head.set_xy(np.stack([tip, neck + across, neck - across]))
    name.set_data(*(tip + along * extent * [0.2, 0.14])[:, None])
    name.set_visible(bool(np.abs(tip).max() < extent))


# Principal components


def draw_projection(ax: Axes, look: dict, residuals: dict) -> list[Artist]:
    """Make an axis, the residuals of the points and their feet on it (equation 2.72)."""
    (axis,) = ax.plot([], [], linewidth=2, **look)
    segments = ax.add_collection(LineCollection([], **residuals), autolim=False)
    (feet,) = ax.plot([], [], "o", color=look["color"], markersize=4)
    return [segments, axis, feet]


def update_projection(
    artists: list[Artist], points: np.ndarray, origin: np.ndarray, direction: np.ndarray
) -> None:
    """Project the points on the line through `origin` along `direction` (equation 2.67)."""
    segments, axis, feet = artists
    on_axis = origin + np.outer((points - origin) @ direction, direction)
    segments.set_segments(np.stack([points, on_axis], axis=1))
    axis.set_data(*(origin[:, None] + np.outer(direction, [-30, 30])))
    feet.set_data(*on_axis.T)


def draw_direction_errors(ax: Axes, angles: np.ndarray) -> list[Artist]:
    """Make the error of every direction, the best one's and yours (equations 2.72, 2.84)."""
    (curve,) = ax.plot(angles, np.zeros_like(angles), color=style.INK, linewidth=1.4)
    (best,) = ax.plot([], [], "o", markersize=8, **BEST)
    (yours,) = ax.plot([], [], "s", markersize=8, markerfacecolor=style.PAPER, markeredgewidth=2,
                       markeredgecolor=style.VERMILLION)  # fmt: skip
    names = [draw_name(ax, "best", (0.5, 1)), draw_name(ax, "yours", (0.5, 0.5))]
    ax.set(xlim=(-5, 185), ylim=(-0.1, 1.12), xticks=range(0, 181, 45))
    ax.set_xlabel("angle of the direction $d$, degrees")
    ax.set_ylabel(r"share lost  $\|X - Xdd^\top\|_F^2 \; / \; \|X\|_F^2$")
    style.add_title(ax, "all directions at once")
    style.add_grid(ax)
    return [curve, best, yours, *names]


def update_direction_errors(
    artists: list[Artist], errors: np.ndarray, best: tuple, yours: tuple
) -> None:
    """Move the curve to other errors, the marks to two points on it (equation 2.72)."""
    curve, *marks, best_name, your_name = artists
    curve.set_ydata(errors)
    for mark, (x, y) in zip(marks, (best, yours), strict=True):
        mark.set_data([x], [y])
    best_name.set_data([best[0]], [best[1] - 0.035])
    is_left = (yours[0] - best[0]) % 180 < 90 and yours[0] > 25  # beside a rising curve
    your_name.set_data([yours[0] + (-14 if is_left else 14)], [yours[1]])


def draw_image_pair(
    ax: Axes, titles: tuple[str, str], size: int, top: float, *, stacked: bool = False
) -> list[AxesImage]:
    """Make two square grey pictures, side by side or stacked, each named below (section 2.12)."""
    images = []
    places = ((0, 1.2 * size), (0, 0)) if stacked else ((0, 0), (1.1 * size, 0))
    for (left, low), title in zip(places, titles, strict=True):
        box = (left, left + size, low, low + size)
        images.append(
            ax.imshow(
                np.zeros((size, size)),
                extent=box,
                cmap="gray_r",
                vmin=0,
                vmax=top,
                interpolation="none",
            )
        )
        word = style.write(ax, left + size / 2, low - 0.04 * size, title, ha="center", va="top")
        word.set_in_layout(False)
    right, high = np.max(places, axis=0) + size
    ax.set(xlim=(0, right), ylim=(-0.15 * size, high), aspect="equal")
    ax.set_axis_off()
    return images


def draw_digit_codes(ax: Axes, codes: np.ndarray, labels: np.ndarray) -> None:
    """Write every digit at its first two code numbers (section 2.12, equation 2.66)."""
    for digit, shade in enumerate(colormaps[style.SURFACE](np.linspace(0, 0.92, 10))):
        ax.plot(*codes[labels == digit].T, color=shade, marker=f"${digit}$", markersize=4.5,
                markeredgewidth=0, linestyle="none")  # fmt: skip
    limit = 1.05 * np.abs(codes).max()
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.set_xlabel("$c_1$  of the code")
    ax.set_ylabel("$c_2$")
    style.add_title(ax, "every digit at its first two")


def draw_losses(ax: Axes, losses: np.ndarray, xlabel: str, ylabel: str) -> list[Artist]:
    """Draw what is lost for every number of kept parts, and a movable mark (section 2.12)."""
    ax.fill_between(range(len(losses)), losses, color=style.ORANGE, alpha=0.2, linewidth=0)
    ax.plot(losses, color=style.INK, linewidth=1.4)
    (here,) = ax.plot([], [], "o", markersize=8, **BEST)
    ax.set(xlim=(-2, len(losses) + 1), ylim=(-0.03, 1.03))
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    style.add_grid(ax)
    return [here]


@cache
def photograph(size: int = 96) -> np.ndarray:
    """Return a grey square cut from the portrait that Matplotlib ships, 0 to 1 (section 2.8)."""
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        picture = Image.open(file).convert("L").crop((66, 20, 446, 400)).resize((size, size))
    pixels = np.asarray(picture, np.float32) / 255
    pixels.setflags(write=False)
    return pixels


# What a matrix does to the plane


def draw_matrix_map(axes: np.ndarray) -> list[Artist]:
    """Make the circle's image and its arrows, for `update_matrix_map` to set (Figure 2.3).

    Args:
        axes: one for the vectors u, one for their images A u.
    """
    draw_plane(axes[0], 2.0, "unit vectors $u$", "u")
    draw_plane(axes[1], 4.0, "their images $Au$", "(Au)")
    axes[0].fill([0, 1, 1, 0], [0, 0, 1, 1], color=style.GRID, linewidth=0)
    axes[0].plot(*CIRCLE, color=style.INK, linewidth=1.4)
    (area,) = axes[1].fill([0, 1, 1, 0], [0, 0, 1, 1], color=style.GRID, linewidth=0)
    (ellipse,) = axes[1].plot(*CIRCLE, color=style.INK, linewidth=1.4)
    arrows = [
        draw_arrow(axes[0], style.BLUE, "v⁽¹⁾"),
        draw_arrow(axes[0], style.BLUE, "v⁽²⁾"),
        draw_arrow(axes[1], style.BLUE, "λ₁v⁽¹⁾"),
        draw_arrow(axes[1], style.BLUE, "λ₂v⁽²⁾"),
        draw_arrow(axes[0], style.INK, "u"),
        draw_arrow(axes[1], style.INK, "Au"),
    ]
    return [area, ellipse, *(part for arrow in arrows for part in arrow)]


def update_matrix_map(
    artists: list[Artist], A: np.ndarray, eigenvalues: np.ndarray, V: np.ndarray, u: np.ndarray
) -> None:
    """Map the circle, the unit square, the eigenvectors and one vector by A (Figure 2.3).

    Eigenvectors that are not real are NaN, and are not drawn.
    """
    area, ellipse, *parts = artists
    area.set_xy((A @ [[0, 1, 1, 0], [0, 0, 1, 1]]).T)
    ellipse.set_data(*(A @ CIRCLE))
    tips = [V[:, 0], V[:, 1], eigenvalues[0] * V[:, 0], eigenvalues[1] * V[:, 1], u, A @ u]
    for index, tip in enumerate(tips):
        update_arrow(parts[3 * index : 3 * index + 3], tip)


# Norms


def draw_unit_ball(ax: Axes) -> list[Artist]:
    """Make the unit ball, and two vectors with their sum (section 2.5, equation 2.30)."""
    draw_plane(ax, 2.4, r"all $x$ with $\|x\|_p = 1$")
    (ball,) = ax.fill(*CIRCLE, facecolor="none", edgecolor=style.BLUE, linewidth=2)
    (corner,) = ax.plot([], [], linewidth=1.6, **OTHER)
    (straight,) = ax.plot([], [], color=style.INK, linewidth=1.6)
    names = [draw_name(ax, text, (0.5, 0.5)) for text in ("x", "y", "x + y")]
    return [ball, corner, straight, *names]


def update_unit_ball(artists: list[Artist], ball: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Set the ball, the way to x + y, and two ways round a corner (section 2.5)."""
    artists[0].set_xy(ball)
    artists[1].set_data(*np.stack([np.zeros(2), x, x + y, y, np.zeros(2)]).T)
    artists[2].set_data(*np.stack([np.zeros(2), x + y]).T)
    along_x, along_y, along = (v / max(np.linalg.norm(v), 1e-9) for v in (x, y, x + y))
    places = (x / 2 - 0.16 * along_y, x + y / 2 + 0.16 * along_x, x + y + 0.3 * along)
    for name, place in zip(artists[3:], places, strict=True):
        name.set_data(*place[:, None])


def draw_triangle_inequality(ax: Axes, powers: np.ndarray) -> list[Artist]:
    """Make the lengths of the two ways to x + y for every p (section 2.5)."""
    ax.axvspan(powers[0], 1, color=style.ORANGE, alpha=0.2, linewidth=0)
    style.write(ax, 0.55, 0.25, "no norm", ha="center")
    (corner,) = ax.plot(powers, np.ones_like(powers), linewidth=1.6, **OTHER)
    (straight,) = ax.plot(powers, np.ones_like(powers), color=style.INK, linewidth=1.6)
    (here,) = ax.plot([], [], "o", markersize=8, **BEST)
    names = [draw_name(ax, "‖x‖ + ‖y‖", (1, 0)), draw_name(ax, "‖x + y‖", (1, 1))]
    ax.set(xscale="log", yscale="log", xlim=(powers[0], powers[-1]), ylim=(0.2, 60))
    ax.set_xticks([0.3, 1, 2, 5, 20], ["0.3", "1", "2", "5", "20"], minor=False)
    ax.set_xticks([], minor=True)
    ax.set_xlabel("$p$, log scale")
    ax.set_ylabel("length, log scale")
    style.add_title(ax, "straight, and round the corner")
    style.add_grid(ax)
    return [corner, straight, here, *names]


def update_triangle_inequality(
    artists: list[Artist], p: float, height: np.ndarray, corner: np.ndarray, straight: np.ndarray
) -> None:
    """Move the two curves and the mark of the present p (section 2.5)."""
    tiny = 1e-6  # drawn below the axis
    for line, name, lengths, factor in zip(
        artists[:2], artists[3:], (corner, straight), (1.12, 0.88), strict=True
    ):
        line.set_ydata(np.maximum(lengths, tiny))
        name.set_data([18], [max(lengths[-1], tiny) * factor])
    artists[2].set_data([p], [max(height, tiny)])


# The pseudoinverse


def draw_fit(ax: Axes) -> list[Artist]:
    """Make a line fitted to points, its residuals and its rival (section 2.9)."""
    (best,) = ax.plot([], [], linewidth=2, **BEST)
    residuals = LineCollection([], color=style.ORANGE, linewidth=2)
    ax.add_collection(residuals, autolim=False)
    (other,) = ax.plot([], [], "-.", color=style.GREEN, linewidth=1.6)
    ax.set(xlim=(-4, 4), ylim=(-4, 4))
    ax.set_xlabel("$t$, where it was measured")
    ax.set_ylabel("$y$, what was measured")
    style.add_title(ax, "tall: too many equations (green: the limit)")
    return [residuals, other, best]


def update_fit(
    artists: list[Artist], data: np.ndarray, best: np.ndarray, other: np.ndarray
) -> None:
    """Draw the two lines intercept + slope t, and the residuals of the best (section 2.9)."""
    on_line = np.stack([data[:, 0], best[0] + best[1] * data[:, 0]], axis=1)
    artists[0].set_segments(np.stack([data, on_line], axis=1))
    ends = np.array([-4, 4])
    for line, (intercept, slope) in zip(artists[1:], (other, best), strict=True):
        line.set_data(ends, intercept + slope * ends)


def draw_solutions(ax: Axes) -> list[Artist]:
    """Make the line of all solutions of one equation and the shortest (section 2.9)."""
    draw_plane(ax, 4.0, "wide: too few equations")
    (line,) = ax.plot([], [], color=style.INK, linewidth=1.4)
    (ball,) = ax.plot([], [], color=style.GRID, linewidth=1.4)
    (shortest,) = ax.plot([], [], "o-", linewidth=2, markersize=7, markevery=[1], **BEST)
    (limit,) = ax.plot([], [], "D", color=style.GREEN, markersize=7, markeredgecolor=style.PAPER)
    (other,) = ax.plot([], [], marker="s", markevery=[1], markerfacecolor=style.PAPER, **OTHER)
    texts = ("shortest: A⁺y", "your solution", "A")
    names = [draw_name(ax, text) for text in texts]
    return [ball, line, other, shortest, limit, *names]


def update_solutions(
    artists: list[Artist],
    row: np.ndarray,
    shortest: np.ndarray,
    other: np.ndarray,
    limit: np.ndarray,
) -> None:
    """Draw the solutions of row x = y: the shortest, another, the limit's (section 2.9)."""
    along = np.array([-row[1], row[0]]) / max(np.linalg.norm(row), 1e-6)
    ends = shortest[:, None] + np.outer(along, [-20, 20])
    for line, points in zip(
        artists[:5],
        (np.linalg.norm(other) * CIRCLE[:, ::2], ends, np.stack([np.zeros(2), other]).T,
         np.stack([np.zeros(2), shortest]).T, limit[:, None]),
        strict=True,
    ):  # fmt: skip
        line.set_data(*points)
    for name, tip in zip(artists[5:], (shortest, other, row), strict=True):
        name.set_data(*(tip + [0.25, 0.15])[:, None])
