"""The figures of chapter 5, redrawn from computation."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from dlcompanion import style

TRAIN = {"color": style.BLUE, "marker": "o"}
TEST = {"color": style.VERMILLION, "marker": "s", "linestyle": "--", "markerfacecolor": style.PAPER}
ANGLES = np.linspace(0, 2 * np.pi, 81)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])
SMALLEST = 1e-9  # what an error of zero is drawn as, below every axis


def draw_fit(ax: Axes, limits: tuple, title: str) -> Line2D:
    """Prepare the plane of inputs and targets and make a model's curve in it (Figure 5.2)."""
    ax.set(xlim=limits[:2], ylim=limits[2:])
    ax.set_xlabel("$x$ input")
    ax.set_ylabel("$y$ target")
    style.add_title(ax, title)
    (curve,) = ax.plot([], [], color=style.BLUE, linewidth=2)
    return curve


def draw_error_curves(ax: Axes, xs: np.ndarray, limits: tuple, label: str) -> list[Line2D]:
    """Make the training and the test error over capacity or size (Figures 5.3, 5.4, 5.5).

    Returns:
        the training curve, the test curve, and a mark on each for the present setting.
    """
    lines = [ax.plot(xs, np.ones(len(xs)), markersize=4, linewidth=1.4, **k)[0]
             for k in (TRAIN, TEST)]  # fmt: skip
    lines += [ax.plot([], [], "o", color=k["color"], markersize=9)[0] for k in (TRAIN, TEST)]
    ax.set(xlim=limits[:2], ylim=limits[2:], yscale="log")
    ax.set_xlabel(label)
    ax.set_ylabel("mean squared error")
    style.add_grid(ax)
    return lines


def update_error_curves(
    lines: list[Line2D], errors: np.ndarray, x: float, here: np.ndarray
) -> None:
    """Move curves made by `draw_error_curves`, and the marks (Figures 5.3, 5.4).

    Args:
        lines: made by `draw_error_curves`.
        errors: training and test errors, shape (2, num_xs).
        x: the present setting.
        here: both errors there, shape (2,).
    """
    errors, here = (np.clip(np.nan_to_num(e, nan=1e30), SMALLEST, 1e30) for e in (errors, here))
    for curve, mark, row, height in zip(lines[:2], lines[2:], errors, here, strict=True):
        curve.set_ydata(row)
        mark.set_data([x], [height])


def draw_curves(ax: Axes, color: str) -> LineCollection:
    """Make many thin curves at once, one for each training set (section 5.4.1)."""
    return ax.add_collection(LineCollection([], colors=color, linewidths=0.8, alpha=0.45), False)


def update_curves(curves: LineCollection, x: np.ndarray, ys: np.ndarray) -> None:
    """Set curves made by `draw_curves` to the rows of `ys` (section 5.4.1)."""
    low, high = curves.axes.get_ylim()
    reach = 3 * (high - low)
    ys = np.clip(ys, low - reach, high + reach)
    curves.set_segments([np.column_stack([x, y]) for y in ys])


def draw_bias_and_variance(ax: Axes, degrees: np.ndarray) -> list[Line2D]:
    """Make squared bias, variance and their sum over capacity (Figure 5.6)."""
    looks = [
        {"color": style.GREEN, "marker": "^", "linestyle": ":"},
        {"color": style.ORANGE, "marker": "v", "linestyle": "--"},
        {"color": style.INK, "marker": "o", "linewidth": 2},
    ]
    lines = [ax.plot(degrees, degrees * 0.0, markersize=4, **look)[0] for look in looks]
    lines.append(ax.plot([], [], "o", color=style.INK, markersize=9)[0])
    ax.set(xlim=(-0.3, degrees[-1] + 0.3), ylim=(0, 0.6))
    ax.set_xlabel("degree, the capacity")
    ax.set_ylabel("mean squared error")
    style.add_title(ax, "bias falls, variance rises")
    style.add_grid(ax)
    for y, text, look in zip((0.94, 0.87, 0.80), ("squared bias", "variance", "their sum, the "
                             "error of the fit"), looks, strict=True):  # fmt: skip
        ax.plot(0.42, y, transform=ax.transAxes, markersize=4,
                **{"marker": look["marker"], "color": look["color"]})  # fmt: skip
        style.write(ax, 0.46, y, text, transform=ax.transAxes, va="center")
    return lines


def update_bias_and_variance(
    lines: list[Line2D], bias: np.ndarray, variance: np.ndarray, here: int
) -> None:
    """Move curves made by `draw_bias_and_variance` (Figure 5.6)."""
    total = bias + variance
    for line, ys in zip(lines, (bias, variance, total), strict=False):
        line.set_ydata(ys)
    lines[3].set_data([here], [total[here]])


def draw_density(ax: Axes, limits: tuple) -> list[Artist]:
    """Make a density over data points, with its height at each of them (equation 5.29)."""
    stems = ax.add_collection(LineCollection([], colors=style.INK, linewidths=1.2), False)
    (curve,) = ax.plot([], [], color=style.BLUE, linewidth=2)
    (dots,) = ax.plot([], [], "o", color=style.INK, markersize=5)
    ax.set(xlim=limits[:2], ylim=limits[2:])
    ax.set_xlabel("$x$ data")
    ax.set_ylabel("density $p(x; \\mu, \\sigma)$")
    style.add_title(ax, "the model over the data")
    return [stems, curve, dots]


def update_density(artists: list[Artist], x, density, data, heights) -> None:
    """Move what `draw_density` made (equation 5.29)."""
    stems, curve, dots = artists
    curve.set_data(x, density)
    dots.set_data(data, np.zeros_like(data))
    stems.set_segments(np.stack([np.column_stack([data, 0 * data]),
                                 np.column_stack([data, heights])], axis=1))  # fmt: skip


def draw_likelihood(ax: Axes, extent: tuple) -> list[Artist]:
    """Make the landscape of the negative log-likelihood, its minimum and you (equation 5.58)."""
    image: AxesImage = ax.imshow(
        np.zeros((2, 2)), extent=extent, origin="lower", aspect="auto", cmap=style.SURFACE,
        vmin=0, vmax=1, interpolation="none",
    )  # fmt: skip
    (best,) = ax.plot([], [], "*", color=style.VERMILLION, markersize=13,
                      markeredgecolor=style.PAPER)  # fmt: skip
    (here,) = ax.plot([], [], "o", color=style.BLUE, markersize=9, markeredgecolor=style.PAPER)
    ax.set(xlim=extent[:2], ylim=extent[2:])
    ax.set_xlabel("$\\mu$ mean")
    ax.set_ylabel("$\\sigma$ standard deviation")
    style.add_title(ax, "dark: likely; star: most likely")
    return [image, best, here]


def draw_band(ax: Axes) -> PolyCollection:
    """Make the band of two standard deviations about a prediction (section 5.6)."""
    return ax.add_collection(
        PolyCollection([], facecolors=style.BLUE, alpha=0.18, linewidths=0), False
    )


def update_band(band: PolyCollection, x: np.ndarray, mean: np.ndarray, deviation) -> None:
    """Move a band made by `draw_band` (section 5.6)."""
    upper, lower = np.column_stack([x, mean + 2 * deviation]), np.column_stack(
        [x, mean - 2 * deviation])  # fmt: skip
    band.set_verts([np.concatenate([upper, lower[::-1]])])


def draw_ellipses(ax: Axes, color: str) -> list[Line2D]:
    """Make the ellipses of one and two standard deviations of a Gaussian (equation 5.78)."""
    return [ax.plot([], [], color=color, linewidth=w)[0] for w in (2, 1)]


def update_ellipses(lines: list[Line2D], mean: np.ndarray, covariance: np.ndarray) -> None:
    """Move ellipses made by `draw_ellipses` (equation 5.78)."""
    root = np.linalg.cholesky(covariance)
    for radius, line in enumerate(lines, 1):
        line.set_data(*(mean[:, None] + radius * root @ CIRCLE))


def draw_regression(ax: Axes, data: np.ndarray, weight: float) -> Line2D:
    """Draw examples and the line through the origin with this weight (Figure 5.1, equation 5.3)."""
    line = draw_fit(ax, (-1, 1, -3, 3), "the data and the best line")
    ax.plot(*data.T, "o", color=style.INK, markersize=5)
    ends = np.array([-1.0, 1.0])
    line.set_data(ends, weight * ends)
    return line


def draw_error_bowl(ax: Axes, data: np.ndarray, weight: float) -> Line2D:
    """Draw the training error over the weight, and mark one weight (Figure 5.1, equation 5.14)."""
    x, y = data.T
    weights = np.linspace(weight - 1, weight + 1, 101)
    (bowl,) = ax.plot(weights, ((x * weights[:, None] - y) ** 2).mean(axis=1),
                      color=style.BLUE, linewidth=2)  # fmt: skip
    ax.plot(weight, np.mean((x * weight - y) ** 2), "o", color=style.INK, markersize=8)
    ax.set_xlabel("$w$ weight")
    ax.set_ylabel("training error")
    ax.set_ylim(0)
    style.add_title(ax, "the error of every weight")
    style.add_grid(ax)
    return bowl
