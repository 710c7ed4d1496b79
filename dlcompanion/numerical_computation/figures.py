"""The figures of chapter 4, redrawn from computation."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from dlcompanion import style
from dlcompanion.linear_algebra.figures import draw_name
from dlcompanion.numerical_computation import curves
from dlcompanion.numerical_computation.conditioning import hilbert
from dlcompanion.numerical_computation.descent import Trajectory
from dlcompanion.numerical_computation.floating_point import gap, number_format
from dlcompanion.numerical_computation.least_squares import MultiplierPath
from dlcompanion.numerical_computation.quadratics import Quadratic

LOSS_LIMITS = (1e-12, 1e4)
SMALLEST_LOSS = 1e-30  # what a loss of exactly zero is drawn as, far below the axis
EXTENT = 12.0  # the plane is shown from -EXTENT to EXTENT
CONTOUR_RADII = np.arange(1.5, 17.0, 2.2)  # where the contours cross the steepest direction


class CurveDescent(NamedTuple):
    """A descent in one dimension, as `draw_curve` shows it (section 4.3)."""

    heights: np.ndarray  # of the curve, on a grid
    path: np.ndarray
    losses: np.ndarray  # along the path
    slope: float  # where the path ends


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


def update_contours(
    contours: PathCollection, bowl: Quadratic, center=(0.0, 0.0), radii=CONTOUR_RADII
) -> None:
    """Turn and stretch the level sets to those of another quadratic, around another centre.

    The set f(x) = c is the unit circle with its axes stretched by sqrt(2 c / lambda) along the
    eigenvectors of the Hessian.
    """
    curvatures, directions = np.asarray(bowl.eigenvalues), np.asarray(bowl.eigenvectors)
    axes = directions * np.sqrt(curvatures[-1] / curvatures)
    ellipse = np.eye(3)
    ellipse[:2, 2] = center
    paths = []
    for radius in radii:
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


# Sections 4.3 and 4.3.1
RAIL = -0.09  # where the start of `draw_curve` slides, below the curve
REACH = 5.0  # curves are shown from -REACH to REACH
SLOPE = np.linspace(0, 3.2, 81)  # the steps of Figure 4.4
ANGLES = np.linspace(0, 180, 61)  # the sections of Figure 4.5
SADDLE_EXTENT = 3.0


def draw_downhill(ax: Axes) -> None:
    """Draw a bowl, its derivative, and which way the derivative sends you (Figure 4.1)."""
    xs = np.linspace(-2, 2, 81)
    ax.plot(xs, curves.bowl(xs), color=style.INK)
    ax.plot(xs, xs, "--", color=style.VERMILLION)
    style.write(ax, 2.05, 2, "$f(x) = x^2/2$", va="bottom")
    style.write(ax, 2.05, 1.85, "$f'(x) = x$", va="top", color=style.VERMILLION)
    for x, text in ((-1.4, "$f' < 0$: go right"), (1.4, "$f' > 0$: go left")):
        ends = {"xy": (0.5 * x, curves.bowl(0.5 * x)), "xytext": (x, curves.bowl(x))}
        arrow = {"arrowstyle": "-|>", "color": style.GREEN, "linewidth": 2, "shrinkB": 0}
        ax.annotate("", **ends, arrowprops=arrow)
        style.write(ax, x, curves.bowl(x) + 0.35, text, ha="center", va="bottom")
    ax.plot(0, 0, "o", color=style.GREEN)
    style.write(ax, 0.15, -0.1, "$f' = 0$: halt", va="top")
    ax.set(xlim=(-2, 3.1), ylim=(-2, 2.2), xlabel="$x$", ylabel="$f(x)$ cost and $f'(x)$ slope")
    style.add_grid(ax)


def draw_critical_points(axes: Iterable[Axes]) -> None:
    """Draw three points without slope: minimum, maximum, saddle (Figure 4.2)."""
    names = {"a minimum": curves.bowl, "a maximum": curves.hilltop, "a saddle": curves.inflection}
    xs = np.linspace(-1.5, 1.5, 61)
    for ax, (name, curve) in zip(axes, names.items(), strict=True):
        ax.plot(xs, curve(xs), color=style.INK)
        ax.plot([-0.6, 0.6], [0, 0], "--", color=style.VERMILLION)
        ax.plot(0, 0, "o", color=style.GREEN)
        ax.set(ylim=(-1.2, 1.2), xlabel="$x$", ylabel="$f(x)$ cost")
        style.add_title(ax, name)


def draw_valleys(ax: Axes) -> None:
    """Draw a cost with a poor, a good and a best minimum, and plateaus (Figure 4.3)."""
    xs = np.linspace(-REACH, REACH, 301)
    ax.plot(xs, curves.valleys(xs), color=style.INK)
    notes = {-3: "poor local minimum", 0: "nearly as low\nas the best", 3: "global minimum"}
    for x, text in notes.items():
        y = float(curves.valleys(x))
        ax.plot(x, y, "o", color=style.GREEN)
        style.write(ax, x, y - 0.06, text, ha="center", va="top")
    for x in (-4.5, -1.75, 1.75, 4.5):
        style.write(ax, x, 0.04, "plateau", ha="center")
    ax.set(ylim=(-1.4, 0.2), xlabel="$x$", ylabel="$f(x)$ cost")


def draw_curve(ax: Axes, shown: CurveDescent) -> list[Line2D]:
    """Draw a descent on a curve that fills the panel; return what moves (Figures 4.1, 4.3)."""
    lines = [
        ax.plot([], [], color=style.INK, linewidth=1.6)[0],
        ax.plot([], [], "o-", color=style.GREEN, linewidth=0.8, markersize=4)[0],
        ax.plot([], [], "--", color=style.VERMILLION, linewidth=1.6)[0],
        ax.plot([], [], ":", color=style.PURPLE, linewidth=1.4)[0],
        ax.plot([], [], "o", color=style.GREEN, markersize=9, markeredgecolor=style.PAPER)[0],
    ]
    ax.set(xlim=(-REACH, REACH), ylim=(2 * RAIL, 1.05), xlabel="$x$", yticks=[])
    ax.set_ylabel("$f(x)$ cost, scaled to the panel")
    style.add_title(ax, "your descent; dashed: the slope where it stands")
    update_curve(lines, shown)
    return lines


def update_curve(lines: list[Line2D], shown: CurveDescent) -> None:
    """Move lines made by `draw_curve` to another descent."""
    low, height = shown.heights.min(), np.ptp(shown.heights)
    x, y, curve = shown.path, (shown.losses - low) / height, (shown.heights - low) / height
    run = np.array([-0.7, 0.7])
    lines[0].set_data(np.linspace(-REACH, REACH, curve.size), curve)
    lines[1].set_data(x, y)
    lines[2].set_data(x[-1] + run, y[-1] + shown.slope / height * run)
    lines[3].set_data([x[0], x[0]], [RAIL, y[0]])
    lines[4].set_data(x[-1:], y[-1:])


def draw_ends(ax: Axes, starts, ends) -> Line2D:
    """Draw where every start has got to; return the dots (Figure 4.3)."""
    ax.plot([-REACH, REACH], [-REACH, REACH], "--", color=style.GRID, linewidth=1.4)
    style.write(ax, 3.3, 1.8, "not moved", rotation=45, rotation_mode="anchor")
    (dots,) = ax.plot(starts, ends, "o", color=style.INK, markersize=3)
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH - 0.4, REACH + 0.4), aspect="equal")
    ax.set(xlabel="$x^{(0)}$ start", ylabel="$x$ reached")
    style.add_title(ax, "every start at once")
    style.add_grid(ax)
    return dots


def draw_step(ax: Axes, curvature: float, learning_rate: float) -> list[Line2D]:
    """Draw a step on a parabola of slope -1 and what the slope promised (Figure 4.4)."""
    lines = [
        ax.plot([], [], color=style.INK, linewidth=1.8)[0],
        ax.plot(SLOPE, -SLOPE, "--", color=style.VERMILLION)[0],
        ax.plot([], [], color=style.ORANGE, linewidth=4, alpha=0.6, solid_capstyle="butt")[0],
        ax.plot([], [], "s", color=style.VERMILLION, markersize=8, markerfacecolor="none")[0],
        ax.plot([], [], "o-", color=style.GREEN, markersize=8, linewidth=0.8)[0],
    ]
    ax.axhline(0, color=style.GRID, linewidth=1.2, zorder=0)
    style.write(ax, 3.2, -3.3, "promised", color=style.VERMILLION, va="top", ha="right")
    ax.set(xlim=(-0.2, 3.3), ylim=(-6, 3))
    ax.set(xlabel=r"$\epsilon$ distance walked", ylabel=r"$f(x - \epsilon g)$ cost")
    update_step(lines, curvature, learning_rate)
    return lines


def update_step(lines: list[Line2D], curvature: float, learning_rate: float) -> None:
    """Move lines made by `draw_step` to another curvature and step."""
    here = -learning_rate + 0.5 * curvature * learning_rate**2
    lines[0].set_data(SLOPE, -SLOPE + 0.5 * curvature * SLOPE**2)
    lines[2].set_data([learning_rate] * 2, [-learning_rate, here])
    lines[3].set_data([learning_rate], [-learning_rate])
    lines[4].set_data([0, learning_rate], [0, here])


def draw_curvatures(axes: Iterable[Axes], learning_rate: float = 1.5) -> None:
    """Draw the same step under three curvatures: less, as much, more than promised (Figure 4.4)."""
    names = {-1.0: "negative curvature", 0.0: "no curvature", 1.0: "positive curvature"}
    for ax, (curvature, name) in zip(axes, names.items(), strict=True):
        draw_step(ax, curvature, learning_rate)
        style.add_title(ax, name)


def draw_gain(ax: Axes, gains) -> tuple[Line2D, Line2D, Line2D]:
    """Draw what every step gains; return curve, dot and the best step's line (equation 4.10)."""
    ax.axhspan(-6, 0, color=style.ORANGE, alpha=0.2, linewidth=0)
    style.write(ax, 0.1, -5.8, "climbs", va="bottom")
    ax.plot(SLOPE, SLOPE, "--", color=style.VERMILLION)
    style.write(ax, 2.6, 2.85, "promised", color=style.VERMILLION, ha="right")
    (best,) = ax.plot([], [], ":", color=style.BLUE, linewidth=1.8)
    (curve,) = ax.plot(SLOPE, gains, color=style.INK, linewidth=1.8)
    (here,) = ax.plot([], [], "o", color=style.GREEN, markersize=9, markeredgecolor=style.PAPER)
    ax.set(xlim=(0, 3.2), ylim=(-6, 6), xlabel=r"$\epsilon$ step", ylabel="decrease of $f$")
    style.add_title(ax, "what each step gains; dotted: the best, $1/c$")
    return curve, here, best


def draw_saddle(ax: Axes) -> None:
    """Draw the level sets of x1^2 - x2^2, up along x1 and down along x2 (Figure 4.5)."""
    xs = np.linspace(-SADDLE_EXTENT, SADDLE_EXTENT, 61)
    heights = xs**2 - xs[:, None] ** 2
    ax.contour(xs, xs, heights, [-7, -5, -3, -1, 1, 3, 5, 7], cmap=style.SURFACE, alpha=0.8,
               linewidths=0.9)  # fmt: skip
    ax.contour(xs, xs, heights, [0], colors=style.GRID, linewidths=1.2)
    style.write(ax, -2.4, 0, "high", ha="center", va="center")
    style.write(ax, 0, -2.65, "low", ha="center", va="center")
    ax.set(xlim=(-SADDLE_EXTENT, SADDLE_EXTENT), ylim=(-SADDLE_EXTENT, SADDLE_EXTENT))
    ax.set(aspect="equal", xlabel="$x_1$")
    ax.set_ylabel("$x_2$", rotation=0)


def draw_sections(axes: Iterable[Axes], angle: float) -> list[Line2D]:
    """Draw a section through the saddle and the curvature of all; return lines (Figure 4.5)."""
    cut, curvature = axes
    cut.axhline(0, color=style.GRID, zorder=0)
    curvature.axhline(0, color=style.GRID, zorder=0)
    curvature.plot(ANGLES, 2 * np.cos(2 * np.radians(ANGLES)), color=style.INK)
    for x, y, text in ((4, 2.15, r"$\lambda = 2$"), (90, -2.15, r"$\lambda = -2$")):
        style.write(curvature, x, y, text, ha="center" if x > 50 else "left", va="center")
    cut.set(xlim=(-3, 3), ylim=(-9.5, 9.5), xlabel="$t$ along the section", ylabel="$f(t\\,d)$")
    curvature.set(xlim=(0, 180), ylim=(-2.4, 2.4), xticks=[0, 45, 90, 135, 180])
    curvature.set(xlabel=r"$\varphi$ angle, degrees", ylabel=r"$d^\top H d$ curvature")
    style.add_title(cut, "the section as a curve")
    style.add_title(curvature, "the curvature of every section")
    (line,) = cut.plot([], [], color=style.BLUE, linewidth=2)
    (here,) = curvature.plot([], [], "o", color=style.BLUE, markersize=9)
    update_sections([line, here], angle)
    return [line, here]


def update_sections(lines: list[Line2D], angle: float) -> None:
    """Turn the section of `draw_sections` to another angle, in degrees."""
    ts, half = np.linspace(-3, 3, 61), np.cos(2 * np.radians(angle))
    lines[0].set_data(ts, half * ts**2)
    lines[1].set_data([angle], [2 * half])


def draw_directions(ax: Axes, bowl: Quadratic) -> None:
    """Mark the two eigenvectors of a bowl, its floor and its walls (Figure 4.6)."""
    styles = {"color": style.BLUE}, {"color": style.VERMILLION, "linestyle": "--"}
    for direction, options in zip(np.asarray(bowl.eigenvectors).T, styles, strict=True):
        ax.plot(*np.outer(direction, [-20, 20]), linewidth=0.9, alpha=0.7, zorder=1, **options)
    style.write(ax, -11.5, 9.6, "floor", color=style.BLUE)
    style.write(ax, 11.5, 9.6, "walls", color=style.VERMILLION, ha="right")


def draw_errors(ax: Axes, bowl: Quadratic, trajectory: Trajectory, num_steps: int) -> list[Line2D]:
    """Draw the errors across the walls and along the floor; return the lines (section 4.3.1)."""
    styles = {"color": style.BLUE}, {"color": style.VERMILLION, "linestyle": "--"}
    lines = [ax.plot([], [], **options)[0] for options in styles]
    lines += [ax.plot([], [], "o", color=options["color"], markersize=8)[0] for options in styles]
    ax.set(yscale="log", xlim=(0, len(trajectory.loss) - 1), ylim=(1e-6, 1e4), xlabel="step")
    style.add_title(ax, "the two errors, step by step")
    corner = {"ha": "right", "va": "top"}
    style.write(ax, 97, 5e3, "dashed: across the walls", color=style.VERMILLION, **corner)
    style.write(ax, 97, 9e2, "solid: along the floor", color=style.BLUE, **corner)
    style.add_grid(ax)
    update_errors(lines, bowl, trajectory, num_steps)
    return lines


def update_errors(
    lines: list[Line2D], bowl: Quadratic, trajectory: Trajectory, num_steps: int
) -> None:
    """Move lines made by `draw_errors` to another trajectory and number of steps."""
    errors = np.abs(np.asarray(trajectory.params) @ np.asarray(bowl.eigenvectors))
    errors = np.maximum(errors, SMALLEST_LOSS)
    for i in (0, 1):
        lines[i].set_data(np.arange(len(errors)), errors[:, i])
        lines[i + 2].set_data([num_steps], [errors[num_steps, i]])


# Sections 4.1 and 4.2
DIGIT_LEVELS = 8
DIGIT_COLOURS = ListedColormap(  # broken, then from no digit right to all of them
    [style.VERMILLION, *colormaps[style.SURFACE](np.linspace(0.95, 0.3, DIGIT_LEVELS))]
)
TABLE_TOP, TABLE_STEP = 0.86, 0.19  # of the answers beside the maps, in heights of the axes


def draw_numbers(ax: Axes, value: float) -> None:
    """Draw the numbers that three formats have around a value (section 4.1)."""
    window = 3.3 * float(gap(value, number_format("bfloat16")))
    for row, name in enumerate(("float32", "float16", "bfloat16")):
        nearest = float(np.asarray(value, jnp.dtype(name)))
        spacing = float(gap(value, number_format(name)))
        steps = np.arange(-window // spacing, window // spacing + 1)
        numbers = nearest + spacing * (steps if len(steps) < 300 else np.linspace(-1e9, 1e9, 2))
        marks = {"marker": "|", "markersize": 16, "linewidth": 12 * (len(numbers) == 2)}
        ax.plot(numbers, np.full(len(numbers), row), color=style.INK, alpha=0.75, **marks)
        ax.plot(nearest, row, "o", color=style.BLUE, markersize=9, markeredgecolor=style.PAPER)
        note = f"gap {style.say(spacing)}, off by {style.say(abs(nearest - value))}"
        style.write(ax, value - window, row + 0.36, f"{name}: {note}", va="center")
    ax.axvline(value, color=style.VERMILLION, linestyle="--", linewidth=1.4)
    ax.set(xlim=(value - window, value + window), ylim=(-0.5, 2.6), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(f"numbers around {value:g}")


def draw_digits(ax: Axes, extent: tuple, kept, formulas: Iterable[str]) -> list[Artist]:
    """Draw how many digits survive at every input; return map and titles (section 4.1)."""
    left, right, bottom, top = extent
    options = {"cmap": DIGIT_COLOURS, "vmin": -0.5, "vmax": DIGIT_LEVELS + 0.5}
    image = ax.imshow(
        np.zeros(np.shape(kept)), origin="lower", aspect="auto", interpolation="none",
        transform=ax.transAxes, extent=(0, 1, 0, 1), **options,
    )  # fmt: skip
    ax.set(xscale="log", yscale="log", xlim=(left, right), ylim=(bottom, top))
    ax.set_xlabel(r"$|c|$  shift of the inputs")
    ax.set_ylabel("$s$  spread of the inputs")
    style.add_title(ax, " ")  # keeps the place of the titles
    titles = [draw_name(ax, formula, size=9.5) for formula in formulas]
    for title in titles:
        title.set(transform=ax.transAxes, clip_on=False, in_layout=False, data=([0.0], [1.025]))
    update_digits([image, *titles], kept, 0)
    return [image, *titles]


def update_digits(parts: Sequence[Artist], kept, formula: int) -> None:
    """Show other fractions of digits kept, negative where the answer is not a number."""
    level = 1 + np.minimum(np.floor(np.asarray(kept) * DIGIT_LEVELS), DIGIT_LEVELS - 1)
    parts[0].set_data(np.where(np.asarray(kept) < 0, 0, level))
    for i, title in enumerate(parts[1:]):
        title.set_visible(i == formula)


def draw_answers(ax: Axes, formats: tuple[str, ...], answers) -> list[Text]:
    """Write what both formulas return in every format, shape (formats, 2, 3) (section 4.1)."""
    ax.set_axis_off()
    for x, heading in ((0.29, "as written"), (0.66, "rearranged")):
        style.write(ax, x, TABLE_TOP + 0.1, heading, transform=ax.transAxes, weight="bold")
    heights = [TABLE_TOP - TABLE_STEP * row for row in range(len(formats))]
    for y, name in zip(heights, formats, strict=True):
        style.write(ax, 0.03, y, name, transform=ax.transAxes, va="top")
    key = {"cmap": DIGIT_COLOURS, "aspect": "auto", "transform": ax.transAxes}
    ax.imshow([np.arange(DIGIT_LEVELS + 1)], extent=(0.03, 0.97, 0.05, 0.1), **key)
    for x, word in ((0.03, "broken"), (0.23, "0 digits right"), (0.82, "all")):
        style.write(ax, x, 0.03, word, transform=ax.transAxes, va="top")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    cells = [(x, y) for y in heights for x in (0.29, 0.66)]
    texts = [style.write(ax, x, y, "", va="top", linespacing=1.15) for x, y in cells]
    update_answers(texts, answers)
    return texts


def update_answers(texts: list[Text], answers) -> None:
    """Write other answers; equal entries are written once."""
    for text, answer in zip(texts, np.reshape(answers, (len(texts), -1)), strict=True):
        words = [("" if np.isfinite(x) else "✗ ") + style.say(x) for x in answer]
        words = "\n".join(words if len(set(words)) > 1 else words[:1])
        text.set_text(words.replace("nan", "NaN").replace("inf", "∞"))


def draw_perturbation(ax: Axes, title: str) -> list[Line2D]:
    """Draw a ring of all directions, x and its error on it; return the lines (section 4.2)."""
    (ring,) = ax.plot([], [], color=style.ORANGE, linewidth=1.6)
    (x,) = ax.plot([], [], "o-", color=style.INK, markersize=6, markevery=[-1])
    (error,) = ax.plot([], [], "s--", color=style.VERMILLION, markersize=6, markevery=[-1])
    ax.plot(0, 0, "+", color=style.INK, markersize=8)
    ax.set(xlim=(-1.25, 1.25), ylim=(-1.15, 1.35), aspect="equal")
    style.write(ax, -1.2, 1.25, "● input", va="center")
    style.write(ax, -1.2, 1.1, "■ its error", va="center", color=style.VERMILLION)
    style.add_title(ax, title)
    ax.set_xlabel("first entry")
    ax.set_ylabel("second entry")
    return [ring, x, error]


def update_perturbation(lines: list[Line2D], ring, x, error) -> None:
    """Move the ring, the tip of x and the tip of its error."""
    lines[0].set_data(*np.asarray(ring))
    for line, tip in zip(lines[1:], (x, error), strict=True):
        line.set_data([0, tip[0]], [0, tip[1]])


def draw_amplification(ax: Axes) -> list[Line2D]:
    """Draw what each condition number allows, with Hilbert matrices (section 4.2, equation 4.2).

    Each Hilbert matrix is solved in float32 for the vector of ones; its mark is the error of the
    solution over the error of rounding, 2^-24.
    """
    kappas = np.geomspace(1, 1e8, 9)
    ax.plot(kappas, kappas, color=style.ORANGE)
    for corner in (1e8, 1e-8):
        ax.fill([1, 1, 1e8], [1, corner, corner], color=style.ORANGE, alpha=0.2, linewidth=0)
    style.write(ax, 1.3, 4e-3, r"less than 1/$\kappa$")
    style.write(ax, 30, 3e5, "more than $\\kappa$:\nimpossible", va="center", ha="center")
    for n in range(2, 7):
        H = np.asarray(hilbert(n), np.float64)
        solution = np.linalg.solve(H.astype(np.float32), H.sum(axis=1).astype(np.float32))
        error = float(np.sqrt(np.mean((solution - 1.0) ** 2))) * 2**24
        ax.plot(np.linalg.cond(H), error, "s", color=style.BLUE, markerfacecolor="none")
        style.write(ax, 1.6 * np.linalg.cond(H), error / 3, f"{n}")
    style.write(ax, 3e4, 2, "Hilbert matrices,\n$n$ = 2 to 6", color=style.BLUE)
    ax.set(xscale="log", yscale="log", xlim=(1, 1e8), ylim=(1e-3, 1e8))
    ax.set_xlabel(r"$\kappa$  condition number")
    ax.set_ylabel("error out / error in")
    style.add_title(ax, r"what $\kappa$ allows")
    return ax.plot([], [], "o", color=style.INK, markersize=8)


# Sections 4.4 and 4.5
BALL_EXTENT = 2.2  # the plane around the unit ball
BALL_RADII = np.arange(0.3, 5.0, 0.55)  # of the contours, across the steepest direction
LARGEST_MULTIPLIER = 5.0


def draw_inner_maximum(ax: Axes, x, losses, maxima: dict[float, np.ndarray]) -> None:
    """Draw f and what an adversary makes of it, bound by bound (equations 4.15, 4.17, 4.18).

    Args:
        ax: where to draw.
        x: a grid, shape (n,).
        losses: f on the grid.
        maxima: the inner maximum on the grid for every bound B.
    """
    for alpha, (bound, values) in zip((0.4, 0.65, 1), maxima.items(), strict=True):
        ax.plot(x, values, "--", color=style.VERMILLION, alpha=alpha, linewidth=1.6)
        start = np.argmax(np.asarray(values) < 7.8)
        style.write(ax, x[start] + 0.08, values[start], f"$B = {bound:g}$", va="center")
    ax.plot(x, losses, color=style.INK)
    lowest = np.argmin(values)
    ax.plot(x[lowest], values[lowest], "o", color=style.BLUE, markersize=9)
    ax.set(xlim=(x[0], x[-1]), ylim=(0, 8))
    ax.set_xlabel("$x$")
    ax.set_ylabel(r"$f(x)$ and $\max_{0 \leq \alpha \leq B} L(x, \alpha)$")


def draw_ball(ax: Axes) -> tuple[PathCollection, Line2D]:
    """Draw the unit ball; return contours and curve of x(lambda), to be moved (section 4.5)."""
    shades = colormaps[style.SURFACE](np.linspace(0.3, 0.8, len(BALL_RADII)))
    contours = PathCollection([], facecolors="none", edgecolors=shades, linewidths=0.9)
    ax.add_collection(contours, autolim=False)
    ax.add_patch(Circle((0, 0), 1, facecolor=style.BLUE, alpha=0.1, linewidth=0))
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=style.INK, linewidth=1.4))
    ax.plot(0, 0, "+", color=style.INK, markersize=8)
    above = {"fontsize": 9.5, "weight": "bold", "va": "bottom"}
    style.write(ax, -2.2, 2.3, r"$x(\lambda)$ as $\lambda$ climbs", color=style.BLUE, **above)
    style.write(ax, 2.2, 2.3, "projected steps", color=style.GREEN, ha="right", **above)
    (curve,) = ax.plot([], [], color=style.BLUE, linewidth=1.2, alpha=0.6)
    limits = (-BALL_EXTENT, BALL_EXTENT)
    ax.set(xlim=limits, ylim=limits, aspect="equal", xlabel="$x_1$")
    ax.set_ylabel("$x_2$", rotation=0)
    return contours, curve


def draw_norms(ax: Axes) -> Line2D:
    """Draw which norms of x(lambda) are feasible; return its curve, to be moved (section 4.5)."""
    ax.axhspan(1, 3.2, color=style.ORANGE, alpha=0.15, linewidth=0)
    ax.axhline(1, color=style.INK, linewidth=1.4)
    style.write(ax, LARGEST_MULTIPLIER, 0.97, "feasible", ha="right", va="top")
    style.write(ax, LARGEST_MULTIPLIER, 1.03, r"infeasible, raise $\lambda$", ha="right")
    (curve,) = ax.plot([], [], color=style.BLUE, linewidth=1.2, alpha=0.6)
    ax.set(xlim=(-0.1, LARGEST_MULTIPLIER), ylim=(0, 3.2))
    style.add_title(ax, "a price on the norm")
    ax.set_xlabel(r"$\lambda$  multiplier")
    ax.set_ylabel(r"$\Vert x(\lambda) \Vert$  norm")
    return curve


def draw_multiplier_axes(ax: Axes, num_steps: int) -> list[Line2D]:
    """Draw axes for lambda step by step; return the solution's line, to be moved (section 4.5)."""
    ax.set(xlim=(-1, num_steps + 1), ylim=(-0.1, LARGEST_MULTIPLIER))
    style.add_title(ax, r"$\lambda$, step by step")
    style.add_grid(ax)
    ax.set_xlabel("step")
    ax.set_ylabel(r"$\lambda$  multiplier")
    return ax.plot([0, num_steps], [0, 0], color=style.INK, linewidth=1.4)


def draw_multiplier_path(axes, path: MultiplierPath, num_steps: int) -> list[Line2D]:
    """Draw x(lambda), its norm and lambda step by step; return the lines (section 4.5)."""
    lines = []
    for ax, shape in zip(axes, ("o", "o", "o-"), strict=True):
        lines += ax.plot([], [], shape, color=style.BLUE, linewidth=0.9, markersize=3.5)
        lines += ax.plot([], [], "o", color=style.BLUE, markersize=9, markeredgecolor=style.PAPER)
    update_multiplier_path(lines, path, num_steps)
    return lines


def update_multiplier_path(lines: list[Line2D], path: MultiplierPath, num_steps: int) -> None:
    """Move lines made by `draw_multiplier_path` to another ascent and number of steps."""
    steps, x = np.arange(num_steps + 1), np.asarray(path.params[: num_steps + 1])
    multiplier = np.asarray(path.multiplier[: num_steps + 1])
    points = (x.T, (multiplier, np.linalg.norm(x, axis=1)), (steps, multiplier))
    for i, (right, up) in enumerate(points):
        lines[2 * i].set_data(right, up)
        lines[2 * i + 1].set_data(right[-1:], up[-1:])
