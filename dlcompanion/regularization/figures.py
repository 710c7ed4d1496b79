"""The figures of chapter 7, redrawn from computation."""

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D

from dlcompanion import style
from dlcompanion.linear_algebra.figures import draw_name, draw_plane
from dlcompanion.numerical_computation.figures import update_contours
from dlcompanion.numerical_computation.quadratics import Quadratic

# Sections 7.1 and 7.8
REACH = 3.0  # the plane of the weights is shown from -REACH to REACH
RADII = np.arange(0.5, 3.6, 0.9)  # where the contours cross the steepest direction
TURN = np.linspace(0, 2 * np.pi, 33)
CIRCLE = np.column_stack([np.cos(TURN), np.sin(TURN)])
DIAMOND = CIRCLE / np.abs(CIRCLE).sum(axis=1, keepdims=True)
SHARES = (0, 0.25, 0.5, 0.75, 1)
CHOSEN = {"color": style.BLUE, "linewidth": 2}
OTHER = {"color": style.VERMILLION, "linestyle": "--", "linewidth": 1.4}
OPEN = {"color": style.VERMILLION, "markerfacecolor": style.PAPER, "markeredgewidth": 1.6}


def draw_cost(ax: Axes, title: str) -> list[Artist]:
    """Make the contours of a quadratic cost of two weights and its minimum (Figures 7.1, 7.4)."""
    draw_plane(ax, REACH, title, "w")
    shades = [style.INK, *colormaps[style.SURFACE](np.linspace(0.3, 0.8, len(RADII)))]
    contours = PathCollection([], facecolors="none", edgecolors=shades, linewidths=0.9)
    ax.add_collection(contours, autolim=False)
    return [contours, *ax.plot([], [], "o", color=style.INK, markersize=5)]


def update_cost(artists: list[Artist], bowl: Quadratic, optimum, through) -> None:
    """Turn and move what `draw_cost` made; one contour passes through a point (Figure 7.1)."""
    change = through - optimum
    radius = np.sqrt(max(change @ bowl.hessian @ change, 0) / bowl.eigenvalues[-1])
    update_contours(artists[0], bowl, optimum, [radius, *RADII])
    artists[1].set_data(*optimum[:, None])


def draw_penalties(ax: Axes) -> list[Artist]:
    """Make contours of a penalty and two paths with their ends (Figure 7.1)."""
    rings = LineCollection([], colors=style.INK, linestyles=":", linewidths=(1.8, 0.9, 0.9))
    ax.add_collection(rings, autolim=False)
    paths = [ax.plot([], [], **OTHER)[0], ax.plot([], [], **CHOSEN)[0]]
    (square,) = ax.plot([], [], "s", markersize=7, **OPEN)
    (dot,) = ax.plot([], [], "o", color=style.BLUE, markersize=9, markeredgecolor=style.PAPER)
    return [rings, *paths, square, dot]


def update_penalties(artists: list[Artist], is_l1: bool, paths: tuple, here: tuple) -> None:
    """Move what `draw_penalties` made; paths and ends of the alternative first (Figure 7.1)."""
    rings, *rest = artists
    size = np.abs(here[1]).sum() if is_l1 else np.hypot(*here[1])
    shape = DIAMOND if is_l1 else CIRCLE
    rings.set_segments([radius * shape for radius in (size, 1, 2.5)])
    for line, points in zip(rest, (*paths, here[0][None], here[1][None]), strict=True):
        line.set_data(*points.T)


def draw_kept_shares(ax: Axes, alphas: np.ndarray) -> list[Line2D]:
    """Make the share that weight decay keeps along both eigenvectors (equation 7.13)."""
    lines = [ax.plot(alphas, alphas, color=style.INK, linewidth=1.6, linestyle=dash)[0]
             for dash in ("-", "-.")]  # fmt: skip
    lines += ax.plot([], [], "o", color=style.INK, markersize=7)
    ax.set(xscale="log", xlim=(alphas[0], alphas[-1]), ylim=(-0.03, 1.2), yticks=SHARES)
    ax.set_xlabel(r"$\alpha$  weight decay")
    ax.set_ylabel(r"share kept  $\lambda_i / (\lambda_i + \alpha)$")
    style.add_title(ax, "weight decay, by eigenvector")
    corner = {"transform": ax.transAxes, "ha": "right", "va": "top"}
    style.write(ax, 0.99, 0.99, "solid: along the floor", **corner)
    style.write(ax, 0.99, 0.93, "dash-dot: up the walls", **corner)
    style.add_grid(ax, "y")
    return lines


def update_kept_shares(lines: list[Line2D], shares: np.ndarray, alpha: float, here) -> None:
    """Move what `draw_kept_shares` made to other curvatures (equation 7.13)."""
    for line, ys in zip(lines, shares.T, strict=False):
        line.set_ydata(ys)
    lines[2].set_data([alpha, alpha], here)


def draw_weights(ax: Axes, alphas: np.ndarray) -> list[Line2D]:
    """Make both weights over alpha, for the penalty and for the other one (section 7.1.2)."""
    ax.axhline(0, color=style.GRID, linewidth=1.2, zorder=0)
    lines = [ax.plot(alphas, alphas, **look)[0] for look in (OTHER, OTHER, CHOSEN, CHOSEN)]
    dots = ax.plot([], [], "o", color=style.BLUE, markersize=8, markeredgecolor=style.PAPER)
    names = [draw_name(ax, name, (0, 0.5)) for name in ("w₁", "w₂")]
    ax.set(xscale="log", xlim=(alphas[0], alphas[-1]), ylim=(-REACH - 0.4, REACH + 0.4))
    ax.set_xlabel(r"$\alpha$  strength of the penalty")
    ax.set_ylabel("$w_1$, $w_2$ weights")
    style.add_title(ax, "dashed: the other penalty")
    return [*lines, *dots, *names]


def update_weights(lines: list[Line2D], paths: tuple, alpha: float, here: np.ndarray) -> None:
    """Move what `draw_weights` made; the path of the alternative comes first (section 7.1.2)."""
    for line, ys in zip(lines, np.concatenate(paths, axis=1).T, strict=False):
        line.set_ydata(ys)
    lines[4].set_data([alpha, alpha], here)
    left = 1.2 * lines[0].get_xdata()[0]
    for name, y in zip(lines[5:], paths[1][0], strict=True):  # the higher one is named above
        name.set_data([left], [y + (0.32 if y == paths[1][0].max() else -0.32)])


def draw_stopped(ax: Axes) -> list[Line2D]:
    """Make a descent beside the path of weight decay, and where each stands (Figure 7.4)."""
    return [
        ax.plot([], [], **OTHER)[0],
        ax.plot([], [], color=style.ORANGE, linewidth=2.5)[0],
        ax.plot([], [], "o-", color=style.GREEN, linewidth=1.4, markersize=3.5, markevery=3)[0],
        ax.plot([], [], "s", markersize=7, **OPEN)[0],
        ax.plot([], [], "o", color=style.GREEN, markersize=9, markeredgecolor=style.PAPER)[0],
        ax.plot([], [], "*", color=style.BLUE, markersize=13, markeredgecolor=style.PAPER)[0],
    ]


def update_stopped(lines: list[Line2D], decayed, path, here: tuple, returned) -> None:
    """Move what `draw_stopped` made (Figure 7.4).

    Args:
        lines: made by `draw_stopped`.
        decayed: the path of weight decay, shape (num_alphas, 2).
        path: the descent so far, shape (num_steps + 1, 2).
        here: the weights with weight decay, and those of the descent.
        returned: the weights that early stopping returns.
    """
    moves = decayed, np.stack(here), path, here[0][None], here[1][None], returned[None]
    for line, points in zip(lines, moves, strict=True):
        line.set_data(*points.T)


def draw_shares(ax: Axes, curvatures: np.ndarray) -> list[Line2D]:
    """Make what descent and weight decay leave of a component, by curvature (equation 7.43)."""
    lines = [ax.plot(curvatures, curvatures, **OTHER)[0]]
    lines += ax.plot(curvatures, curvatures, color=style.GREEN, linewidth=2)
    lines += ax.plot([], [], "s", markersize=7, **OPEN)
    lines += ax.plot([], [], "o", color=style.GREEN, markersize=8, markeredgecolor=style.PAPER)
    ax.set(xscale="log", xlim=(curvatures[0], curvatures[-1]), ylim=(-0.05, 1.4), yticks=SHARES)
    ax.set_xlabel(r"$\lambda$  curvature")
    ax.set_ylabel("share of $w^*$ that is learned")
    style.add_title(ax, "alike, not the same")
    corner = {"transform": ax.transAxes, "va": "top"}
    style.write(ax, 0.03, 0.98, r"solid: $1 - (1 - \epsilon\lambda)^\tau$", color=style.GREEN,
                **corner)  # fmt: skip
    style.write(ax, 0.03, 0.9, r"dashed: $\lambda / (\lambda + \alpha)$", color=style.VERMILLION,
                **corner)  # fmt: skip
    style.add_grid(ax, "y")
    return lines


def update_shares(lines: list[Line2D], kept, learned, eigenvalues) -> None:
    """Move what `draw_shares` made; the two eigenvalues' shares come last (equation 7.43)."""
    for line, mark, shares in zip(lines[:2], lines[2:], (kept, learned), strict=True):
        shares = np.clip(shares, -9, 9)
        line.set_ydata(shares[:-2])
        mark.set_data(eigenvalues, shares[-2:])


def draw_learning_curves(ax: Axes, num_steps: int, limits: tuple) -> list[Line2D]:
    """Make training and validation error over the steps, and where it stops (Figure 7.3)."""
    lines = [
        ax.plot([], [], color=style.BLUE, linewidth=1.8)[0],
        ax.plot([], [], color=style.VERMILLION, linestyle="--", linewidth=1.4)[0],
        ax.plot([], [], color=style.ORANGE, linewidth=6, alpha=0.35, solid_capstyle="butt")[0],
        ax.plot([], [], "*", color=style.BLUE, markersize=13, markeredgecolor=style.PAPER)[0],
        ax.plot([], [], "o", color=style.GREEN, markersize=8, markeredgecolor=style.PAPER)[0],
    ]
    ax.set(yscale="log", xlim=(0, num_steps), ylim=limits)
    ax.set_xlabel(r"$\tau$  training step")
    ax.set_ylabel("error")
    style.add_title(ax, "learning curves; star: kept")
    corner = {"transform": ax.transAxes, "ha": "right", "va": "top"}
    style.write(ax, 0.99, 0.98, "dashed: validation", color=style.VERMILLION, **corner)
    style.write(ax, 0.99, 0.91, "solid: training", color=style.BLUE, **corner)
    style.add_grid(ax, "y")
    return lines


def update_learning_curves(lines: list[Line2D], train, valid, best: int, run: int) -> None:
    """Move what `draw_learning_curves` made; the band is the patience (Algorithm 7.1)."""
    low, high = lines[0].axes.get_ylim()
    train, valid = (np.clip(errors, low / 10, 10 * high) for errors in (train, valid))
    lines[0].set_data(np.arange(0, len(train), 2), train[::2])
    lines[1].set_data(np.arange(len(valid)), valid)
    lines[2].set_data(np.arange(best, run + 1), valid[best : run + 1])
    lines[3].set_data([best], [valid[best]])


# Section 7.12
PALE = ListedColormap(1 - 0.55 * (1 - colormaps[style.SURFACE](np.linspace(0.1, 1, 20))[:, :3]))
NODES = np.array([[0.2, 0.1], [0.8, 0.1], [0.2, 0.5], [0.8, 0.5], [0.5, 0.9]])  # x1 x2 h1 h2 y
EDGES = ((0, 2), (0, 3), (1, 2), (1, 3), (2, 4), (3, 4))
SPACING = np.array([1.45, 1.6])


def draw_sub_networks(ax: Axes, masks: np.ndarray) -> list[Artist]:
    """Draw every sub-network, and make the digits of what each says (Figure 7.6).

    Args:
        ax: empty; its frame goes.
        masks: of the two inputs and two hidden units, shape (16, 4).
    """
    corners = SPACING * np.array([(k % 4, -(k // 4)) for k in range(len(masks))])
    nodes, edges = [], []
    for corner, mask in zip(corners, masks, strict=True):
        is_there = np.append(mask, 1) > 0
        nodes.extend(corner + NODES[is_there])
        edges.extend(corner + NODES[[a, b]] for a, b in EDGES if is_there[a] and is_there[b])
    ax.add_collection(LineCollection(edges, colors=style.INK, linewidths=0.7, alpha=0.6))
    ax.plot(*np.transpose(nodes), "o", color=style.INK, markersize=5)
    ax.set(xlim=(-0.1, 3 * SPACING[0] + 1.3), ylim=(-3 * SPACING[1] - 0.1, 1.2), aspect="equal")
    ax.set_axis_off()
    style.add_title(ax, "what each says, in per cent")
    return [draw_name(ax, str(digit), (0.5, 0.5), 9) for digit in range(10)]


def update_sub_networks(digits: list[Artist], shares: np.ndarray) -> None:
    """Write two digits beside the output of every sub-network (Figure 7.6)."""
    corners = SPACING * np.array([(k % 4, -(k // 4)) for k in range(len(shares))])
    per_cent = np.clip(np.rint(100 * shares), 0, 99).astype(int)
    places = np.concatenate([corners + [0.8, 0.93], corners + [0.98, 0.93]])
    written = np.concatenate([per_cent // 10, per_cent % 10])
    for digit, artist in enumerate(digits):
        artist.set_data(*places[written == digit].T)


def draw_disagreement(ax: Axes, extent: float) -> Artist:
    """Make a map of how far weight scaling is from the geometric mean (section 7.12)."""
    image = ax.imshow(np.zeros((2, 2)), origin="lower", extent=2 * (-extent, extent), vmin=0,
                      vmax=0.1, cmap=PALE, interpolation="none")  # fmt: skip
    ax.set_xlabel("$x_1$")
    ax.set_ylabel("$x_2$", rotation=0, labelpad=4)
    style.add_title(ax, "light: weight scaling is off by 0.1")
    return image


def draw_opinions(ax: Axes, num_masks: int) -> list[Artist]:
    """Make what each sub-network says, and three answers for all (equations 7.53, 7.55)."""
    dots = ax.scatter(np.zeros(num_masks), np.arange(num_masks), color=style.INK, zorder=3)
    lines = [ax.plot([], [], **look)[0] for look in (
        {"color": style.BLUE, "linewidth": 2},
        {"color": style.ORANGE, "linewidth": 6, "alpha": 0.5},
        {"color": style.VERMILLION, "linewidth": 2, "linestyle": "--"},
    )]  # fmt: skip
    words = ("arithmetic mean", "geometric mean (wide)", "scaled weights (dashed)")
    for k, (line, word) in enumerate(zip(lines, words, strict=True)):
        style.write(ax, 0.02, num_masks + 3.1 - 1.1 * k, word, color=line.get_color(), va="center")
    ax.set(xlim=(0, 1), ylim=(-1, num_masks + 3.8), yticks=[])
    ax.set_xlabel("$P(y = 1)$ by each sub-network")
    ax.set_ylabel("sub-networks, in the order at the left")
    style.add_title(ax, "dots: larger if likelier")
    style.add_grid(ax, "x")
    return [*lines, dots]


def update_opinions(artists, opinions: np.ndarray, weights: np.ndarray, answers) -> None:
    """Move the dots to other opinions, their areas to other weights, the lines to the answers."""
    *lines, dots = artists
    dots.set_offsets(np.column_stack([opinions, np.arange(len(opinions))[::-1]]))
    dots.set_sizes(6 + 300 * weights)
    for line, answer in zip(lines, answers, strict=True):
        line.set_data([answer, answer], [-1, len(opinions)])


# Sections 7.11 and 7.13
def draw_stack(ax: Axes, titles: tuple[str, ...], ranges: tuple) -> list[Artist]:
    """Make square grey pictures of 8 by 8, one above the other, each named (Figure 7.8)."""
    images = []
    for k, (title, (low, high)) in enumerate(zip(titles, ranges, strict=True)):
        bottom = -9.9 * k
        images.append(
            ax.imshow(np.zeros((8, 8)), extent=(0, 8, bottom, bottom + 8), cmap="gray_r",
                      vmin=low, vmax=high, interpolation="none")
        )  # fmt: skip
        word = style.write(ax, 4, bottom - 0.2, title, ha="center", va="top")
        word.set_in_layout(False)
    ax.set(xlim=(-1, 9), ylim=(-9.9 * len(titles) + 8.4, 8), aspect="equal")
    ax.set_axis_off()
    return images


def draw_verdicts(ax: Axes, words: tuple[str, str]) -> list[Artist]:
    """Make two probabilities for each of ten digits (section 7.13)."""
    (first,) = ax.plot([], [], "o", color=style.BLUE, markersize=8)
    (second,) = ax.plot([], [], "s", markersize=8, **OPEN)
    stems = LineCollection([], colors=style.GRID, linewidths=3, zorder=0)
    ax.add_collection(stems, autolim=False)
    ax.set(xlim=(-0.6, 9.6), ylim=(-0.03, 1.2), xticks=range(10), xlabel="digit")
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    for line, x, word in ((first, -0.3, words[0]), (second, 4.6, words[1])):
        ax.plot(x, 1.13, line.get_marker(), **_look_of(line))
        style.write(ax, x + 0.45, 1.13, word, va="center")
    style.add_grid(ax, "y")
    return [stems, first, second]


def _look_of(line: Line2D) -> dict:
    names = ("color", "markersize", "markerfacecolor", "markeredgewidth")
    return {name: getattr(line, f"get_{name}")() for name in names}


def update_verdicts(artists: list[Artist], first: np.ndarray, second: np.ndarray) -> None:
    """Move the ten pairs of probabilities (section 7.13)."""
    stems, *marks = artists
    places = np.arange(10)
    stems.set_segments(np.stack([np.stack([places, p], axis=1) for p in (first, second)], axis=1))
    for mark, heights in zip(marks, (first, second), strict=True):
        mark.set_data(places, heights)


def draw_curves(ax: Axes, x: np.ndarray, curves, names, **labels) -> Artist:
    """Draw two curves, the upper and the lower, with their names, and a mark (section 7.13)."""
    middle, span = len(x) // 2, x[-1] - x[0]
    for curve, name, look, side in zip(curves, names, (CHOSEN, OTHER), (-1, 1), strict=True):
        ax.plot(x, curve, **look)
        place = float(x[middle] + 0.03 * side * span), float(curve[middle])
        style.write(ax, *place, name, va="center", ha="right" if side < 0 else "left")
    (here,) = ax.plot([], [], "o", color=style.INK, markersize=8)
    ax.set(**labels)
    style.add_grid(ax)
    return here


def draw_bagged(ax: Axes, num_shown: int, x: np.ndarray, truth: np.ndarray) -> list[Artist]:
    """Make the data, some members' curves and their mean, over the truth (section 7.11)."""
    ax.plot(x, truth, color=style.GRID, linewidth=4)
    members = LineCollection([], colors=style.VERMILLION, linewidths=0.7, alpha=0.6)
    ax.add_collection(members, autolim=False)
    (mean,) = ax.plot([], [], **CHOSEN)
    (data,) = ax.plot([], [], "o", color=style.INK, markersize=4)
    ax.set(xlim=(x[0], x[-1]), ylim=(-2.2, 2.2), xlabel="$x$")
    ax.set_ylabel("$y$", rotation=0)
    style.add_title(ax, f"at most {num_shown} members (thin), their mean (thick)")
    return [members, data, mean]


def draw_ensemble_error(ax: Axes, num_members: int) -> list[Artist]:
    """Make the mean squared error for every number of members, and its limit c (equation 7.51)."""
    (floor,) = ax.plot([], [], **OTHER)
    (predicted,) = ax.plot([], [], color=style.INK, linewidth=1.4)
    (measured,) = ax.plot([], [], "o", color=style.BLUE, markersize=3.5)
    (here,) = ax.plot([], [], "o", color=style.BLUE, markersize=10, markerfacecolor="none")
    ax.set(xlim=(0, num_members + 1), ylim=(0.005, 2), yscale="log")
    ax.set_xlabel("$k$  members")
    ax.set_ylabel("squared error against the truth, log scale")
    style.add_title(ax, "dots: these; line: Eq. 7.51; dashed: $c$")
    style.add_grid(ax)
    return [floor, predicted, measured, here]


def draw_sampled_verdicts(ax: Axes) -> list[Artist]:
    """Make what sampled sub-networks say, their mean and the rule's answer (section 7.12)."""
    (each,) = ax.plot([], [], "_", color=style.INK, markersize=12, alpha=0.35)
    (mean,) = ax.plot([], [], "o", color=style.BLUE, markersize=8)
    (scaled,) = ax.plot([], [], "s", markersize=11, **OPEN | {"markerfacecolor": "none"})
    words = ("each mask", "their mean", "scaled weights")
    for line, x, word in zip((each, mean, scaled), (-0.2, 2.9, 6.0), words, strict=True):
        look = _look_of(line) | {"markersize": 8, "alpha": line.get_alpha()}
        ax.plot(x, 1.13, line.get_marker(), **look)
        style.write(ax, x + 0.45, 1.13, word, va="center")
    ax.set(xlim=(-0.6, 9.6), ylim=(-0.03, 1.2), xticks=range(10), xlabel="digit")
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    ax.set_ylabel("probability")
    style.add_grid(ax, "y")
    return [each, mean, scaled]


def update_sampled_verdicts(artists, each: np.ndarray, mean, scaled) -> None:
    """Move the marks to other probabilities; `each` has a row for each mask (section 7.12)."""
    places = np.arange(10)
    artists[0].set_data(np.tile(places, len(each)), each.ravel())
    for line, heights in zip(artists[1:], (mean, scaled), strict=True):
        line.set_data(places, heights)


def draw_training_costs(ax: Axes, steps: np.ndarray, curves: np.ndarray) -> Artist:
    """Draw training and test cost without and with dropout, and a line to move (section 7.12)."""
    looks = ({"color": style.VERMILLION, "linestyle": "--"}, {"color": style.BLUE})
    for pair, look, word in zip(curves, looks, ("plain", "dropout"), strict=True):
        for curve, width, part in zip(pair, (1, 2.4), ("training", "test"), strict=True):
            ax.plot(steps, curve, linewidth=width, **look)
            place = {"va": "top"} if (word, part) == ("dropout", "test") else {"va": "bottom"}
            style.write(ax, 1.02 * float(steps[-1]), float(curve[-1]), f"{word}, {part}", **place)
    (here,) = ax.plot([], [], color=style.INK, linewidth=1)
    ax.set(xlim=(0, 1.42 * steps[-1]), yscale="log", xlabel="steps of training",
           xticks=np.linspace(0, steps[-1], 4))  # fmt: skip
    ax.set_ylabel("mean of $-\\log p(y \\mid x)$, log scale")
    style.add_grid(ax)
    return here
