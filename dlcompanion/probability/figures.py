"""The figures of chapter 3, redrawn from computation."""

import matplotlib
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from dlcompanion import style

FORWARD, REVERSE = r"$D(p\,\|\,q)$", r"$D(q\,\|\,p)$"
HEIGHTS = np.array([0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 30])  # between the bands
WIDTHS = np.array([0.25, 0.5, 1, 2, 4])  # the ticks of the landscapes
PALE = ListedColormap(1 - 0.5 * (1 - colormaps[style.SURFACE](np.linspace(0.1, 1, 13))[:, :3]))


def split(ax: Axes) -> tuple[Axes, Axes]:
    """Put two panels, one above the other with the same x, where there was one."""
    figure, cells = ax.get_figure(), ax.get_subplotspec().subgridspec(2, 1)
    ax.remove()
    with matplotlib.rc_context(style.SETTINGS):
        upper = figure.add_subplot(cells[0])
        lower = figure.add_subplot(cells[1], sharex=upper)
    for part in (upper, lower):
        part.tick_params(length=3.5, labelsize=8.5, color=style.INK, labelcolor=style.INK)
    upper.tick_params(labelbottom=False)
    return upper, lower


def draw_fits(ax: Axes, yours: bool = True) -> list[Line2D]:
    """Draw p, the two Gaussians that fit it best and one to try; return the lines (Figure 3.6)."""
    looks = [
        ("$p$", {"color": style.INK, "linewidth": 1.6}),
        ("min " + FORWARD, {"color": style.BLUE, "linewidth": 1.6}),
        ("min " + REVERSE, {"color": style.VERMILLION, "linestyle": "--", "linewidth": 1.6}),
        ("your $q$", {"color": style.PURPLE, "linewidth": 2.4}),
    ]
    lines = [ax.plot([], [], label=label, **look)[0] for label, look in looks[: 3 + yours]]
    ax.set(xlim=(-6, 6), ylim=(0, 1.1))
    ax.set_ylabel("density")
    legend = ax.legend(
        ncols=len(lines), loc="lower left", bbox_to_anchor=(-0.22, 0.98), frameon=False,
        fontsize=8.5, labelcolor=style.INK, handlelength=1.0, columnspacing=0.8, handletextpad=0.4,
    )  # fmt: skip
    legend.set_in_layout(False)
    ax.set_title(" ", fontsize=9.5)
    return lines


def draw_areas(ax: Axes) -> list[Polygon]:
    """Draw what the integral of each divergence adds up, for `update_area` (equation 3.50)."""
    areas = [
        Polygon(np.zeros((3, 2)), closed=True, facecolor=colour, alpha=0.35, edgecolor=colour,
                linestyle=dashes, linewidth=1.2)
        for colour, dashes in ((style.BLUE, "-"), (style.VERMILLION, "--"))
    ]  # fmt: skip
    for area in areas:
        ax.add_patch(area)
    ax.axhline(0, color=style.INK, linewidth=0.8)
    ax.set(ylim=(-0.7, 2.3), xlabel="$x$")
    ax.set_ylabel("integrand")
    style.write(ax, -5.9, 2.25, r"$p\,\log(p/q)$", color=style.BLUE, va="top")
    style.write(ax, 5.9, 2.25, r"$q\,\log(q/p)$", color=style.VERMILLION, va="top", ha="right")
    return areas


def update_area(area: Polygon, x, heights) -> None:
    """Fill between zero and a curve."""
    inside = np.clip(np.nan_to_num(heights), -50, 50)
    area.set_xy(np.column_stack([[x[0], *x, x[-1]], [0, *inside, 0]]))


def draw_landscape(ax: Axes, title: str, colour: str, extent) -> tuple[AxesImage, list[Line2D]]:
    """Draw a divergence over all Gaussians q; return the map, minima, path and q (Figure 3.6)."""
    image = ax.imshow(
        np.zeros((2, 2), np.uint8), origin="lower", extent=extent, aspect="auto", cmap=PALE,
        vmin=0, vmax=len(HEIGHTS), interpolation="none",
    )  # fmt: skip
    (path,) = ax.plot([], [], "-", color=style.INK, linewidth=1.6)
    (minima,) = ax.plot([], [], "P", color=colour, markersize=10, markeredgecolor=style.PAPER)
    (here,) = ax.plot([], [], "o", color=style.PURPLE, markersize=9, markeredgecolor=style.PAPER)
    ax.set_yticks(np.log(WIDTHS), [f"{width:g}" for width in WIDTHS])
    ax.set(xlim=extent[:2], ylim=extent[2:], xlabel="mean of $q$")
    style.add_title(ax, title + " of every $q$")
    return image, [minima, path, here]


def update_landscape(image: AxesImage, lines: list[Line2D], heights, fits, path) -> None:
    """Move a landscape made by `draw_landscape` to other heights, minima and path."""
    image.set_data(np.digitize(heights, HEIGHTS).astype(np.uint8))
    for line, points in zip(lines, (fits, path[::4], path[:1]), strict=True):
        line.set_data(*np.atleast_2d(points).T)


def draw_entropy(ax: Axes) -> Line2D:
    """Draw the entropy of a coin; return the dot to move on it (Figure 3.5, equation 3.49)."""
    p = np.linspace(1e-6, 1 - 1e-6, 121)
    ax.plot(p, (p - 1) * np.log(1 - p) - p * np.log(p), color=style.INK)
    (dot,) = ax.plot([], [], "o", color=style.BLUE, markersize=8)
    ax.set(xlim=(0, 1), ylim=(0, 0.75), xlabel="$p$ probability of heads")
    ax.set_ylabel("$H$ entropy (nats)")
    style.add_title(ax, "a coin")
    style.add_grid(ax)
    return dot


def draw_sigmoid(ax: Axes, x, values, slopes) -> None:
    """Draw the sigmoid and its derivative (Figure 3.3, equations 3.30, 3.34)."""
    ax.plot(x, values, color=style.BLUE)
    ax.plot(x, slopes, "--", color=style.VERMILLION)
    style.write(ax, x[-1], 0.93, r"$\sigma(x)$", color=style.BLUE, ha="right", va="top")
    style.write(ax, x[-1], 0.05, r"$\sigma(x)(1 - \sigma(x))$", color=style.VERMILLION, ha="right")
    ax.set(xlim=(x[0], x[-1]), ylim=(0, 1.02), xlabel="$x$")
    style.add_title(ax, "the sigmoid and its slope")
    style.add_grid(ax)


def draw_softplus(ax: Axes, x, values) -> None:
    """Draw the softplus over the kink that it smooths (Figure 3.4, equations 3.31, 3.32)."""
    ax.plot(x, np.maximum(0, x), "--", color=style.VERMILLION)
    ax.plot(x, values, color=style.BLUE)
    style.write(ax, 0.2, 1.6, r"$\zeta(x)$", color=style.BLUE, ha="right")
    style.write(ax, 5, 3.6, r"$x^+ = \max(0, x)$", color=style.VERMILLION)
    ax.set(xlim=(x[0], x[-1]), ylim=(0, x[-1]), xlabel="$x$")
    style.add_title(ax, "the softplus")
    style.add_grid(ax)


def draw_bell(ax: Axes, x, density) -> None:
    """Draw the normal density with its peak and inflections (Figure 3.1, equation 3.21)."""
    ax.plot(x, density, color=style.INK)
    for place, label in ((0, r"peak at $\mu$"), (1, r"inflection at $\mu + \sigma$")):
        height = np.exp(-0.5 * place) / np.sqrt(2 * np.pi)
        ax.plot(place, height, "o", color=style.BLUE)
        style.write(ax, place + 0.15, height, label, va="center")
    ax.set(xlim=(x[0], x[-1]), ylim=(0, 0.45), xlabel="$x$")
    ax.set_ylabel("$p(x)$ density")


def ellipse_of(mean, covariance, radius: float = 2.0) -> np.ndarray:
    """Return points of the curve at a given number of standard deviations (section 3.9.3)."""
    angle = np.linspace(0, 2 * np.pi, 61)
    circle = radius * np.stack([np.cos(angle), np.sin(angle)])
    return np.asarray(mean)[:, None] + np.linalg.cholesky(covariance) @ circle


def draw_entropy_levels(ax: Axes, corners) -> None:
    """Draw curves of equal entropy over the triangle of three probabilities (equation 3.49)."""
    a, b = np.meshgrid(np.linspace(0, 1, 80), np.linspace(0, 1, 80))
    P = np.stack([a, b * (1 - a), (1 - a) * (1 - b)], axis=-1)
    H = -(P * np.log(np.maximum(P, 1e-9))).sum(axis=-1)
    levels, (x, y) = np.arange(0.2, 1.1, 0.2), np.moveaxis(P @ corners, -1, 0)
    ax.contour(x, y, H, levels=levels, colors=style.INK, linewidths=0.8)
