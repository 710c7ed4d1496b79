"""A zoo of Matplotlib artists: whatever our figures draw, the recorder must be able to record."""

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, FancyArrowPatch, Polygon, Rectangle, Wedge

GRID = np.linspace(-2.0, 2.0, 41)
HEIGHT = np.exp(-(GRID**2) - GRID[:, None] ** 2) + 0.3 * GRID[:, None]


def lines(ax):
    x = np.linspace(0, 7, 200)
    ax.plot(x, np.sin(x), linewidth=2)
    ax.plot(x, np.cos(x), "--", color="#d55e00", dash_capstyle="round")
    ax.plot(x, 0.5 * np.cos(2 * x), "-.", alpha=0.5, solid_joinstyle="round")
    ax.step(x[::20], np.sin(x[::20]), where="mid", color="black")
    ax.axhline(0.2, color="grey")
    ax.grid(True)


def markers(ax):
    for row, marker in enumerate("os^x+D*"):
        ax.plot(np.arange(5), np.full(5, row), marker, markersize=9, markerfacecolor="none")
        ax.plot(np.arange(5) + 0.4, np.full(5, row), marker, markersize=6)


def scatter(ax):
    x, y = np.sin(np.arange(60) * 2.4), np.cos(np.arange(60) * 1.7)
    ax.scatter(x, y, c=x, s=20 + 60 * (y + 1), alpha=0.7, edgecolors="black", linewidths=0.5)


def contours(ax):
    ax.contour(GRID, GRID, HEIGHT, levels=8)


def filled_contours(ax):
    ax.contourf(GRID, GRID, HEIGHT, levels=8, cmap="cividis")


def image(ax):
    ax.imshow(HEIGHT, cmap="cividis", extent=(-2, 2, -2, 2), origin="lower")


def raw_image(ax):
    ax.imshow(HEIGHT[::4, ::4], interpolation="none", extent=(-2, 2, 0, 2), alpha=0.8)


def photograph(ax):
    red, green = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 1, 20))
    ax.imshow(np.stack([red, green, 1 - red], axis=-1), interpolation="none")


def mesh(ax):
    ax.pcolormesh(GRID[::4], GRID[::4], HEIGHT[::4, ::4])


def patches(ax):
    ax.add_patch(Rectangle((0.1, 0.1), 0.3, 0.2, facecolor="#0072b2", edgecolor="black"))
    ax.add_patch(Circle((0.7, 0.3), 0.15, alpha=0.4))
    ax.add_patch(Polygon([[0.1, 0.6], [0.4, 0.9], [0.3, 0.55]], fill=False, linewidth=2))
    ax.add_patch(Wedge((0.7, 0.75), 0.18, 20, 300, facecolor="#009e73"))
    ax.add_patch(Arc((0.5, 0.5), 0.8, 0.5, theta2=120))
    ax.fill_between([0, 0.5, 1], [0, 0.1, 0], [0.05, 0.02, 0.1], color="#e69f00")
    ax.axvspan(0.9, 1.0, color="#e69f00", alpha=0.2)


def arrows(ax):
    ax.add_patch(FancyArrowPatch((0.1, 0.1), (0.8, 0.4), arrowstyle="-|>", mutation_scale=16))
    ax.annotate("here", (0.2, 0.8), (0.6, 0.9), arrowprops={"arrowstyle": "->"})
    x, y = np.meshgrid(np.linspace(0.1, 0.9, 6), np.linspace(0.1, 0.9, 6))
    ax.quiver(x, y, np.cos(5 * x), np.sin(5 * y), color="#0072b2")


def text(ax):
    ax.text(0.05, 0.8, "plain text, and a box", bbox={"facecolor": "#dddddd"})
    ax.text(0.05, 0.5, r"$\epsilon^* = \frac{g^\top g}{g^\top H g}$", fontsize=16)
    ax.text(0.7, 0.2, "rotated", rotation=60, color="#d55e00", alpha=0.7)
    ax.set(xlabel=r"$\lambda_{\max}$  curvature", ylabel="loss", title="A title")


def collections(ax):
    ax.add_collection(LineCollection([[[0, 0], [1, 1]], [[0, 1], [1, 0.5]]], linewidths=[1, 3]))
    squares = [[[x, 0.2], [x + 0.1, 0.2], [x + 0.1, 0.4], [x, 0.4]] for x in (0.1, 0.4, 0.7)]
    ax.add_collection(PolyCollection(squares, facecolors=["red", "green", "blue"], alpha=0.5))
    ax.vlines([0.2, 0.6], 0.5, 0.9, colors="black", linestyles="dashed")
    ax.errorbar([0.3, 0.8], [0.6, 0.7], yerr=0.1, capsize=4)
    ax.legend([*ax.lines[:1]], ["a legend"], loc="lower right")


def logarithmic(ax):
    ax.loglog(np.geomspace(1, 1e3, 30), np.geomspace(1, 1e-6, 30), "o-")
    ax.grid(True, which="both")


def clipped(ax):
    ax.imshow(HEIGHT, extent=(-2, 2, -2, 2)).set_clip_path(
        Circle((0, 0), 1.5, transform=ax.transData)
    )
    ax.plot([-9, 9], [-5, 8], linewidth=6)


def wild(ax):
    """Numbers as a diverged descent makes them."""
    ax.set(xlim=(0, 4), ylim=(-1, 1))
    ax.plot([0, 1, 2, 3, 4], [0, 1e30, -1e30, np.nan, 0.5], "o-")
    ax.plot([0, 1, 2, 3], [0.5, np.inf, 0.5, -0.5], "s--")
    ax.plot([0, 4], [-1e13, 1e13])
    ax.fill_between([0, 2, 4], [-1e6, 0.2, 0.1], [0.3, 1e9, 0.3], alpha=0.3)


EXHIBITS = [lines, markers, scatter, contours, filled_contours, image, raw_image, photograph, mesh,
            patches, arrows, text, collections, logarithmic, clipped, wild]  # fmt: skip


def show(exhibit) -> Figure:
    """Return a figure of 360 by 300 pixels with one exhibit, its layout settled."""
    figure = Figure(figsize=(3.6, 3.0), dpi=100, layout="constrained")
    exhibit(figure.subplots())
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
