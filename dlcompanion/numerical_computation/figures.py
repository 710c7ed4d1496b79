"""The figures of chapter 4, redrawn from computation."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from dlcompanion import style
from dlcompanion.numerical_computation.descent import Trajectory
from dlcompanion.numerical_computation.quadratics import Quadratic

LOSS_LIMITS = (1e-12, 1e4)
SMALLEST_LOSS = 1e-30  # what a loss of exactly zero is drawn as, far below the axis
EXTENT = 12.0  # the plane is shown from -EXTENT to EXTENT
CONTOUR_RADII = np.arange(1.5, 17.0, 2.2)  # where the contours cross the steepest direction


def draw_contours(ax: Axes, bowl: Quadratic) -> PathCollection:
    """Draw the level sets of a two-dimensional quadratic; return them (Figure 4.6)."""
    shades = colormaps[style.SURFACE](np.linspace(0.3, 0.72, len(CONTOUR_RADII)))
    contours = PathCollection([], facecolors="none", edgecolors=shades, linewidths=0.9)
    ax.add_collection(contours, autolim=False)
    ax.plot(0, 0, "+", color=style.INK, markersize=8)
    ax.set(xlim=(-EXTENT, EXTENT), ylim=(-EXTENT, EXTENT), aspect="equal")
    style.add_title(ax, "the path over the contours of $f$")
    ax.set_xlabel("$x_1$")
    ax.set_ylabel("$x_2$", rotation=0)
    update_contours(contours, bowl)
    return contours


def update_contours(contours: PathCollection, bowl: Quadratic) -> None:
    """Turn and stretch the level sets to those of another quadratic.

    The set f(x) = c is the unit circle with its axes stretched by sqrt(2 c / lambda) along the
    eigenvectors of the Hessian.
    """
    curvatures, directions = np.asarray(bowl.eigenvalues), np.asarray(bowl.eigenvectors)
    axes = directions * np.sqrt(curvatures[-1] / curvatures)
    ellipse = np.eye(3)
    paths = []
    for radius in CONTOUR_RADII:
        ellipse[:2, :2] = radius * axes
        paths.append(Affine2D(ellipse).transform_path(Path.unit_circle()))
    contours.set_paths(paths)


def draw_descent(ax: Axes, trajectory: Trajectory, num_steps: int | None = None) -> list[Line2D]:
    """Draw the iterates as a path with dots, the newest larger; return both lines (section 4.3)."""
    (path,) = ax.plot([], [], "o-", color=style.GREEN, linewidth=1.6, markersize=3.5)
    (newest,) = ax.plot([], [], "o", color=style.GREEN, markersize=8, markeredgecolor=style.PAPER)
    update_descent([path, newest], trajectory, num_steps)
    return [path, newest]


def update_descent(
    lines: list[Line2D], trajectory: Trajectory, num_steps: int | None = None
) -> None:
    """Move lines made by `draw_descent` to the first `num_steps` steps of a trajectory."""
    iterates = np.asarray(trajectory.params)
    iterates = iterates if num_steps is None else iterates[: num_steps + 1]
    lines[0].set_data(*iterates.T)
    lines[1].set_data(*iterates[-1:].T)


def draw_loss(ax: Axes, trajectory: Trajectory, num_steps: int) -> list[Line2D]:
    """Draw the loss after each step, later steps faintly; return the lines (section 4.3)."""
    (coming,) = ax.plot([], [], color=style.GREEN, linewidth=1.2, alpha=0.35)
    (done,) = ax.plot([], [], color=style.GREEN)
    (newest,) = ax.plot([], [], "o", color=style.GREEN, markersize=8, markeredgecolor=style.PAPER)
    last = len(trajectory.loss) - 1
    ax.set(yscale="log", xlim=(0, last), ylim=LOSS_LIMITS)
    style.add_title(ax, "the loss, step by step")
    ax.set_xlabel("step")
    ax.set_ylabel("loss $f(x)$")
    style.add_grid(ax)
    update_loss([coming, done, newest], trajectory, num_steps)
    return [coming, done, newest]


def update_loss(lines: list[Line2D], trajectory: Trajectory, num_steps: int) -> None:
    """Move lines made by `draw_loss` to another trajectory and number of steps."""
    loss = np.maximum(trajectory.loss, SMALLEST_LOSS)
    steps = np.arange(len(loss))
    lines[0].set_data(steps, loss)
    lines[1].set_data(steps[: num_steps + 1], loss[: num_steps + 1])
    lines[2].set_data([num_steps], [loss[num_steps]])


def draw_learning_rates(ax: Axes, edge: float, learning_rates, losses) -> Line2D:
    """Draw the loss reached with every learning rate and the edge of divergence (section 4.3.1).

    Args:
        ax: where to draw.
        edge: the critical learning rate, 2 / lambda_max.
        learning_rates: shape (num_rates,).
        losses: the loss that each reaches, shape (num_rates,).
    """
    right = float(learning_rates[-1]) + 0.01
    ax.axvspan(edge, right, color=style.ORANGE, alpha=0.2, linewidth=0)
    ax.axvline(edge, color=style.ORANGE, linewidth=1.4)
    top, bottom = LOSS_LIMITS[1] / 3, LOSS_LIMITS[0] * 3
    style.write(ax, edge - 0.008, top, r"edge $2/\lambda_{\max}$", ha="right", va="top")
    style.write(ax, (edge + right) / 2, bottom, "diverges", rotation=90, ha="center", va="bottom")
    (line,) = ax.plot([], [], color=style.INK, linewidth=1.4)
    ax.set(yscale="log", xlim=(0, right), ylim=LOSS_LIMITS)
    style.add_title(ax, "all learning rates at once")
    ax.set_xlabel(r"$\epsilon$  learning rate")
    style.add_grid(ax)
    update_learning_rates(line, learning_rates, losses)
    return line


def update_learning_rates(line: Line2D, learning_rates, losses) -> None:
    """Move a line made by `draw_learning_rates` to other losses."""
    line.set_data(learning_rates, np.maximum(losses, SMALLEST_LOSS))


def draw_canyon(ax: Axes, bowl: Quadratic, trajectory: Trajectory) -> None:
    """Draw gradient descent zig-zagging down a long, narrow bowl (Figure 4.6)."""
    draw_contours(ax, bowl)
    draw_descent(ax, trajectory)
    ax.plot(*np.asarray(trajectory.params[0]), "o", markersize=11, markerfacecolor="none",
            markeredgecolor=style.GREEN)  # fmt: skip
