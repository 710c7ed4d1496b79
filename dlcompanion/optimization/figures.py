"""The figures of chapter 8, redrawn from computation."""

from collections.abc import Callable, Sequence

import numpy as np
from jax.typing import ArrayLike
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from dlcompanion import style
from dlcompanion.feedforward_networks.figures import ON_MAP
from dlcompanion.linear_algebra.figures import draw_name
from dlcompanion.numerical_computation import figures as bowls
from dlcompanion.numerical_computation.descent import Trajectory
from dlcompanion.numerical_computation.quadratics import Quadratic, quadratic
from dlcompanion.optimization.momentum import stability_limits

# Sections 8.3 and 8.5
PLANE = 3.0  # the arena is shown from -PLANE to PLANE
LOSSES = (1e-6, 1e2)  # of the race
LOOKS = {
    "SGD": {"color": style.INK, "marker": "o"},
    "momentum": {"color": style.BLUE, "marker": "s"},
    "Nesterov": {"color": "#56b4e9", "marker": "D", "linestyle": "--"},
    "AdaGrad": {"color": style.ORANGE, "marker": "^"},
    "RMSProp": {"color": style.GREEN, "marker": "v", "linestyle": "-."},
    "Adam": {"color": style.VERMILLION, "marker": "P", "linestyle": "--"},
}
LEVELS = 16  # of the map: half decades of the loss, after one colour for above the start
LOSS_COLOURS = ListedColormap(
    [style.VERMILLION, *colormaps[style.SURFACE](np.linspace(0, 0.95, LEVELS + 1))]
)


def level_sets(heights: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the contours of a surface on the arena's plane, and their colours (section 8.5)."""
    grid = np.linspace(-PLANE, PLANE, len(heights))
    levels = np.quantile(heights, [0.03, 0.1, 0.22, 0.38, 0.56, 0.76])
    shades = colormaps[style.SURFACE](np.linspace(0.3, 0.8, len(levels)))
    sets = Figure().subplots().contour(grid, grid, heights, levels).allsegs
    lines = [(line, shade) for lines, shade in zip(sets, shades, strict=True) for line in lines]
    return [line for line, _ in lines], np.array([shade for _, shade in lines])


def draw_race(axes: np.ndarray, rates: np.ndarray, num_steps: int) -> list[Artist]:
    """Make contours, six paths and losses, and a map of all learning rates (section 8.5)."""
    arena, losses, chart = axes
    arena.set(xlim=(-PLANE, PLANE), ylim=(-PLANE, PLANE), aspect="equal")
    arena.set_xlabel(r"$\theta_1$")
    arena.set_ylabel(r"$\theta_2$", rotation=0)
    losses.set(yscale="log", xlim=(0, num_steps), ylim=LOSSES, xlabel="step")
    losses.set_ylabel(r"$J(\theta)$  loss")
    style.add_grid(losses)
    chart.set(xscale="log", xlim=(rates[0], rates[-1]), ylim=(5.5, -0.5))
    chart.set_yticks(range(6), LOOKS)
    chart.set_xlabel(r"$\epsilon$  learning rate  (dark: low loss)")
    style.add_title(arena, "the way down")
    style.add_title(losses, "the loss, step by step")
    style.add_title(chart, "the loss at every $\\epsilon$; red: it rose")
    contours = arena.add_collection(LineCollection([], linewidths=0.9), autolim=False)
    image = chart.imshow(
        np.zeros((6, len(rates))), extent=(0, 1, 0, 1), transform=chart.transAxes, aspect="auto",
        interpolation="none", cmap=LOSS_COLOURS, vmin=-0.5, vmax=LEVELS + 1.5,
    )  # fmt: skip
    (edge,) = chart.plot([], [], color=style.INK, linewidth=2)
    edge_name = draw_name(chart, "2/λmax", (1, 0.5))
    (here,) = chart.plot([], [], "o", color=ON_MAP[1], markeredgecolor=ON_MAP[0], markersize=8)
    moving = [contours, image, edge, edge_name, here]
    for look in LOOKS.values():
        newest = look | {"linewidth": 1.4, "markersize": 6, "markevery": [-1]}
        moving += arena.plot([], [], **newest) + losses.plot([], [], **newest)
    names = [arena.plot([], [], linewidth=1.4, **look)[0] for look in LOOKS.values()]
    arena.get_figure().legend(
        names, LOOKS, loc="outside upper center", ncols=6, frameon=False, labelcolor=style.INK
    )
    return moving


def update_race(artists: list[Artist], race: tuple, num_steps: int) -> None:
    """Move the artists of `draw_race` to the first steps of another race (section 8.5)."""
    contours, image, edge, edge_name, here, *lines = artists
    ends = settled(race.all_losses, num_steps)
    level = np.round(2 * np.log10(np.clip(ends, *LOSSES) / LOSSES[0]))
    image.set_data(np.where(ends <= race.losses[0, 0], 1 + level, 0))
    edge.set_data([race.edge, race.edge], [-0.5, 0.5])
    edge_name.set_data([0.93 * race.edge], [0.33])
    here.set_data(race.rates, range(6))
    losses = np.nan_to_num(race.losses, nan=1e12).clip(1e-12, 1e12)
    paths = np.where(np.abs(race.paths) < 3 * PLANE, race.paths, np.nan)
    for i, path in enumerate(paths):
        lines[2 * i].set_data(*path[: num_steps + 1].T)
        lines[2 * i + 1].set_data(np.arange(num_steps + 1), losses[i, : num_steps + 1])


def settled(losses: ArrayLike, num_steps: int) -> ArrayLike:
    """Return the highest of the last ten losses: a dip in passing does not count (section 8.5)."""
    return losses[..., max(num_steps - 9, 0) : num_steps + 1].max(axis=-1)


def draw_stability(ax: Axes) -> list[Artist]:
    """Draw what both momenta bear; return the edge in force and a bowl's range (section 8.3.3)."""
    alphas = np.linspace(0, 1, 51)
    for name, limits in zip(("momentum", "Nesterov"), stability_limits(alphas), strict=True):
        ax.plot(alphas, limits, color=style.INK, linewidth=1)
        style.write(ax, 1.03, limits[-1], name, va="center")
    (edge,) = ax.plot([], [], color=style.ORANGE, linewidth=6, alpha=0.5)
    (bowl,) = ax.plot([], [], "o-", color=style.GREEN, linewidth=1, markersize=7)
    ax.set(xlim=(0, 1), ylim=(0, 4.1))
    ax.set_xlabel(r"$\alpha$  momentum")
    ax.set_ylabel(r"$\epsilon\lambda$  learning rate times curvature")
    style.add_title(ax, "above its edge it diverges")
    return [edge, bowl]


def draw_arrows(ax: Axes) -> LineCollection:
    """Make arrows, for `update_arrows` to set (Figure 8.5)."""
    arrows = LineCollection([], color=style.INK, linewidth=1.1, capstyle="round", zorder=3)
    return ax.add_collection(arrows, autolim=False)


def update_arrows(arrows: LineCollection, tails: np.ndarray, steps: np.ndarray) -> None:
    """Let an arrow of each step begin at each tail (Figure 8.5)."""
    tips, length = tails + steps, np.linalg.norm(steps, axis=1, keepdims=True)
    along = steps / np.maximum(length, 1e-6) * np.minimum(0.5, length / 2)
    across = 0.5 * along[:, ::-1] * [-1, 1]
    wings = tips - along + across, tips - along - across
    arrows.set_segments(np.stack([tails, tips, wings[0], tips, wings[1]], axis=1))


# Sections 8.2 and 8.6
CLIFF_BOX = (4.5, 6.3, -3.2, -1.9)  # of w and b
NORMS = (1e-2, 1e2)
PLAIN = {"color": style.VERMILLION, "linestyle": "--", "marker": "s", "markersize": 3}


def draw_noisy_run(axes: np.ndarray, grad_norms: np.ndarray, errors: np.ndarray) -> None:
    """Draw the gradients that a run followed, and how well it did (Figure 8.1)."""
    steps, window = np.arange(len(grad_norms)), 200
    axes[0].plot(steps[::10], grad_norms[::10], ".", color=style.INK, markersize=2, alpha=0.4)
    averages = np.convolve(grad_norms, np.ones(window) / window, "valid")
    axes[0].plot(steps[window - 1 :], averages, color=style.BLUE, linewidth=2)
    axes[1].plot(np.arange(len(errors))[::20], errors[::20], color=style.BLUE)
    axes[0].set(xlabel="step", ylim=(0, 1))
    axes[0].set_ylabel(r"$\|\hat g\|$  norm of the gradient")
    axes[1].set(xlabel="step", ylim=(0, 0.6))
    axes[1].set_ylabel("share misclassified")
    style.add_title(axes[0], "the gradient does not shrink")
    style.add_title(axes[1], "and yet the error falls")


def draw_two_weights(ax: Axes, cost_fn: Callable, path: Trajectory) -> None:
    """Draw a descent from near a saddle to a curved valley (Figure 8.2)."""
    grid = np.linspace(-2.2, 2.2, 89)
    cost = np.reshape(cost_fn(np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)), (89, 89))
    ax.contour(grid, grid, cost, np.geomspace(0.02, 8, 9), cmap=style.SURFACE, linewidths=0.9)
    ax.plot(0, 0, "x", color=style.INK, markersize=8)
    style.write(ax, 0.1, -0.3, "saddle")
    style.write(ax, 1.2, 1.4, "valley", backgroundcolor=style.PAPER)
    bowls.draw_descent(ax, path)
    ax.set(aspect="equal", xlabel="$w_1$  weight")
    ax.set_ylabel("$w_2$  weight")


def draw_wrong_side(ax: Axes, cost_fn: Callable, paths: Sequence[Trajectory]) -> None:
    """Draw descents from both sides of a hill without a minimum (Figure 8.4)."""
    x = np.linspace(-7, 7, 141)
    ax.plot(x, cost_fn(x[:, None]), color=style.INK)
    for path, look in zip(paths, ("s", "o"), strict=True):
        params, loss = np.asarray(path.params)[::50, 0], np.asarray(path.loss)[::50]
        ax.plot(params, loss, look, color=style.GREEN, markersize=5)
    style.write(ax, -6.9, 0.55, "the wrong side")
    style.write(ax, 6.9, 0.12, "the right side", ha="right")
    ax.set(ylim=(0, 1.4), xlabel=r"$\theta$  parameter")
    ax.set_ylabel(r"$J(\theta)$  cost")


def draw_cliff(axes: np.ndarray, cost_fn: Callable, num_steps: int) -> list[Artist]:
    """Draw the cost of a recurrent unit; make two runs and their gradients (Figure 8.3).

    Args:
        axes: the map, and the norms of the gradients.
        cost_fn: of many parameters (w, b), shape (m, 2).
        num_steps: of the runs.
    """
    place, norms = axes
    w, b = np.meshgrid(np.linspace(*CLIFF_BOX[:2], 101), np.linspace(*CLIFF_BOX[2:], 121))
    cost = np.reshape(cost_fn(np.stack([w, b], axis=-1).reshape(-1, 2)), w.shape)
    place.contourf(w, b, cost, 14, cmap=style.SURFACE, alpha=0.45)
    place.contour(w, b, cost, 14, cmap=style.SURFACE, linewidths=0.6)
    style.write(place, 4.56, -3.14, "high plain, J ≈ 0.4")
    style.write(place, 6.24, -1.99, "low plain, J < 0.1", ha="right")
    place.set(xlim=CLIFF_BOX[:2], ylim=CLIFF_BOX[2:], aspect="equal")
    place.set_xlabel("$w$  weight")
    place.set_ylabel("$b$  bias")
    style.add_title(place, "the cost $J(w, b)$, a cliff between two plains")
    norms.set(yscale="log", xlim=(0, 1.3 * num_steps), ylim=NORMS, xlabel="step")
    norms.set_xticks(range(0, num_steps + 1, 20))
    norms.set_ylabel(r"$\|g\|$  norm of the gradient")
    style.add_title(norms, "the gradient at every step")
    style.add_grid(norms)
    runs = [ax.plot([], [], linewidth=1.3, **PLAIN)[0] for ax in axes]
    runs += [ax.plot([], [], "o-", color=style.GREEN, linewidth=1.6, markersize=3.5)[0]
             for ax in axes]  # fmt: skip
    (limit,) = norms.plot([0, num_steps], [1, 1], ":", color=style.INK, linewidth=1.2)
    (newest,) = place.plot([], [], "o", color=style.GREEN, markersize=8,
                           markeredgecolor=style.PAPER)  # fmt: skip
    return [*runs, newest, limit, draw_name(norms, "threshold", (0, 0.5))]


def update_cliff(
    artists: list[Artist], plain: Trajectory, clipped: Trajectory, threshold: float, num_steps: int
) -> None:
    """Move the artists of `draw_cliff` to the first steps of two other runs (Figure 8.3)."""
    *lines, newest, limit, name = artists
    steps = np.arange(num_steps + 1)
    for (path, norms), run in zip((lines[:2], lines[2:]), (plain, clipped), strict=True):
        path.set_data(*run.params[: num_steps + 1].T)
        norms.set_data(steps, np.clip(run.grad_norm[: num_steps + 1], 1e-6, 1e6))
    newest.set_data(*clipped.params[num_steps, :, None])
    limit.set_ydata([threshold, threshold])
    name.set_data([1.02 * limit.get_xdata()[1]], [threshold])


def draw_searches(axes: np.ndarray, num_steps: int) -> list[Artist]:
    """Make two paths on a bowl, on the bowl made round, and their losses (Figure 8.6).

    Args:
        axes: the bowl, the round bowl, the losses.
        num_steps: of both paths.
    """
    moving = [bowls.draw_contours(ax, quadratic(1.0)) for ax in axes[:2]][:1]  # one stays round
    for ax in axes:
        moving += ax.plot([], [], **PLAIN)
        moving += ax.plot([], [], "o-", color=style.GREEN, linewidth=1.8, markersize=6)
    style.add_title(axes[0], "dashed: steepest; solid: conjugate")
    style.add_title(axes[1], "the same, stretched until it is round")
    axes[1].set_xlabel(r"$(H^{1/2}\theta)_1$, scaled")
    axes[1].set_ylabel("")
    axes[2].set(yscale="log", xlim=(0, num_steps), ylim=(1e-6, 1e2), xlabel="line searches")
    axes[2].set_ylabel(r"$J(\theta)$  cost")
    style.add_title(axes[2], "the cost, step by step")
    style.add_grid(axes[2])
    return moving


def update_searches(
    artists: list[Artist], bowl: Quadratic, searches: Sequence[tuple], num_steps: int
) -> None:
    """Move the artists of `draw_searches` to two other paths (Figure 8.6)."""
    stretch = np.sqrt(bowl.eigenvalues / bowl.eigenvalues[-1])
    root = (bowl.eigenvectors * stretch) @ bowl.eigenvectors.T
    root *= 10 / max(np.linalg.norm(searches[0].params[0] @ root), 1e-6)
    bowls.update_contours(artists[0], bowl)
    for line, plane, search in zip(artists[1:3], artists[3:5], searches, strict=True):
        path = search.params[: num_steps + 1]
        line.set_data(*path.T)
        plane.set_data(*(path @ root).T)
    for line, search in zip(artists[5:], searches, strict=True):
        line.set_data(np.arange(num_steps + 1), np.maximum(search.loss[: num_steps + 1], 1e-9))


# Sections 8.4 and 8.7.1
HISTOGRAM = np.linspace(-2.55, 2.55, 52)  # the edges of its bins: -1, 0 and 1 are centres


def draw_signals(axes: np.ndarray, num_layers: int) -> list[Artist]:
    """Make the sizes of activations and gradients, and their histograms (section 8.4)."""
    sizes, histograms = axes
    layers = np.arange(1, num_layers + 1)
    (up,) = sizes.plot(layers, layers, "o-", color=style.BLUE, linewidth=1.8, markersize=5)
    (down,) = sizes.plot(layers, layers, marker="s", color=style.VERMILLION, linestyle="--",
                         linewidth=1.8, markersize=5, markerfacecolor=style.PAPER)  # fmt: skip
    sizes.set(yscale="log", xlim=(0.5, num_layers + 0.5), ylim=(1e-12, 1e12))
    sizes.axhspan(0.1, 10, color=style.GRID, alpha=0.5, linewidth=0)
    sizes.set_ylabel("standard deviation")
    style.add_title(sizes, "solid: activations up; dashed: gradients down")
    style.add_grid(sizes)
    image = histograms.imshow(
        np.zeros((len(HISTOGRAM) - 1, num_layers)), origin="lower", aspect="auto", vmin=0, vmax=1,
        extent=(0.5, num_layers + 0.5, HISTOGRAM[0], HISTOGRAM[-1]), interpolation="none",
        cmap=style.SURFACE,
    )  # fmt: skip
    for ax in axes:
        ax.set_xticks([1, *range(5, num_layers + 1, 5)])
        ax.set_xlabel("layer")
    histograms.set_ylabel("activation")
    style.add_title(histograms, "how they are spread; bright: many")
    return [up, down, image]


def update_signals(
    artists: list[Artist], sizes: np.ndarray, grad_sizes: np.ndarray, counts: np.ndarray
) -> None:
    """Move the artists of `draw_signals`; `counts` has a row for each layer (section 8.4)."""
    artists[0].set_ydata(np.clip(sizes, 1e-30, 1e30))
    artists[1].set_ydata(np.clip(grad_sizes, 1e-30, 1e30))
    artists[2].set_data(np.sqrt(counts / np.maximum(counts.max(axis=1, keepdims=True), 1)).T)


def draw_promises(axes: np.ndarray, rates: np.ndarray, num_layers: int) -> list[Artist]:
    """Make what steps keep of their promise, and the orders of one step (equation 8.35)."""
    kept, orders = axes
    kept.axhspan(-2, 0, color=style.ORANGE, alpha=0.2, linewidth=0)
    style.write(kept, 1.2 * rates[0], -1.9, "the output rises")
    style.write(kept, 1.2 * rates[0], 1.3, "solid: normalized; dashed: plain")
    (plain,) = kept.plot(rates, rates, linewidth=1.8, color=style.VERMILLION, linestyle="--")
    (normalized,) = kept.plot(rates, rates, linewidth=1.8, color=style.BLUE)
    (here,) = kept.plot([], [], "s", color=style.VERMILLION, markersize=8)
    kept.set(xscale="log", xlim=(rates[0], rates[-1]), ylim=(-2, 2))
    kept.set_xlabel(r"$\epsilon$  learning rate")
    kept.set_ylabel("decrease, in units of the promised one")
    style.add_title(kept, "what a step keeps of its promise")
    style.add_grid(kept)
    (lower,) = orders.plot([], [], "o-", color=style.INK, markersize=6, linewidth=0.8)
    (raised,) = orders.plot([], [], marker="s", color=style.VERMILLION, markersize=6,
                            linestyle="--", linewidth=0.8, markerfacecolor=style.PAPER)  # fmt: skip
    orders.set(yscale="log", xlim=(0, num_layers + 0.5), ylim=(1e-6, 1e6))
    orders.set_xticks([1, *range(5, num_layers + 1, 5)])
    orders.set_xlabel("order: how many layers act together")
    orders.set_ylabel("size, in units of the first order")
    style.add_title(orders, "plain chain: dots lower the output, squares raise it")
    style.add_grid(orders)
    return [plain, normalized, here, lower, raised]


def update_promises(
    artists: list[Artist], kept: np.ndarray, rate: float, here: float, terms: np.ndarray
) -> None:
    """Move the artists of `draw_promises`; `kept` is plain, normalized (equation 8.35)."""
    for line, share in zip(artists[:2], kept, strict=True):
        line.set_ydata(np.clip(share, -1e3, 1e3))
    artists[2].set_data([rate], [np.clip(here, -1e3, 1e3)])
    orders = np.flatnonzero(terms)[1:]
    sizes = np.clip(np.abs(terms[orders] / terms[1]), 1e-30, 1e30)
    for line, ours in zip(artists[3:], (terms[orders] < 0, terms[orders] > 0), strict=True):
        line.set_data(orders[ours], sizes[ours])
