"""The explorers of chapter 2."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dlcompanion import style
from dlcompanion.datasets import digits
from dlcompanion.linear_algebra import figures
from dlcompanion.linear_algebra.eigendecomposition import Eigendecomposition, recompose
from dlcompanion.linear_algebra.norms import lp_norm
from dlcompanion.linear_algebra.pca import principal_components, reconstruction_error
from dlcompanion.linear_algebra.pseudoinverse import pseudoinverse as invert
from dlcompanion.linear_algebra.pseudoinverse import pseudoinverse_limit
from dlcompanion.linear_algebra.svd import SVD, svd, truncate, truncation_error
from dlcompanion.live import (
    Draggable,
    Explorer,
    Scene,
    dropdown,
    int_slider,
    log_slider,
    slider,
    toggle,
)
from dlcompanion.style import say

CLOUD = ((-1.6, -1.4), (-0.4, 0.6), (0.6, -0.4), (1.4, 1.8), (2.2, 0.8), (2.8, 2.6), (4.2, 2.2))
FAR_CLOUD = tuple((4 + 0.2 * y, y) for y in (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0))
CURVE_ANGLES = np.linspace(0, 180, 91)


class CloudState(NamedTuple):
    """A cloud's principal components, and the direction tried beside them."""

    origin: Float[Array, "2"]  # what is subtracted: the mean, or nothing
    best: Float[Array, "2"]
    eigenvalues: Float[Array, "2"]
    yours: Float[Array, "2"]
    error: Float[Array, ""]  # of your direction
    best_angle: Float[Array, ""]
    errors: Float[Array, "num_angles"]  # of all directions, as a share of ||X||^2


@jax.jit
def _find_components(angle, centred, data) -> CloudState:
    origin = jnp.where(centred, data.mean(axis=0), 0)
    X = data - origin
    decoder, eigenvalues = principal_components(X, 1)
    best = decoder[:, 0]

    def error_at(degrees):
        radians = jnp.deg2rad(degrees)
        d = jnp.stack([jnp.cos(radians), jnp.sin(radians)])
        return d, reconstruction_error(X, d[:, None])

    yours, error = error_at(jnp.asarray(angle, X.dtype))
    _, errors = jax.vmap(error_at)(jnp.asarray(CURVE_ANGLES, X.dtype))
    total = jnp.maximum((X**2).sum(), 1e-12)
    best_angle = jnp.rad2deg(jnp.arctan2(best[1], best[0])) % 180
    return CloudState(origin, best, eigenvalues, yours, error, best_angle, errors / total)


def pca(angle=100.0, centred=True, data=CLOUD) -> Explorer:
    """The axis that loses least, under your hand (section 2.12, equations 2.67, 2.72, 2.84)."""
    figure, axes = style.figure(2)
    figures.draw_plane(axes[0], 6.0, "the cloud, its best axis and yours")
    other = figures.draw_projection(
        axes[0], figures.OTHER, {"color": style.VERMILLION, "linewidth": 0.8}
    )
    best = figures.draw_projection(axes[0], figures.BEST, {"color": style.ORANGE, "linewidth": 2.2})
    (dots,) = axes[0].plot([], [], "o", color=style.INK, markersize=5)
    (origin,) = axes[0].plot([], [], "+", color=style.INK, markersize=11)
    errors = figures.draw_direction_errors(axes[1], CURVE_ANGLES)

    def update(values, state):
        points = values["data"]
        figures.update_projection(best, points, state.origin, state.best)
        figures.update_projection(other, points, state.origin, state.yours)
        dots.set_data(*points.T)
        origin.set_data(*state.origin[:, None])
        total = max(state.eigenvalues.sum(), 1e-12)
        figures.update_direction_errors(
            errors,
            state.errors,
            (state.best_angle, state.eigenvalues[1] / total),
            (values["angle"], state.error / total),
        )

    return Explorer(
        title="Along which direction does a cloud of points lose least?",
        controls={"angle": slider(angle, 0, 180, step=2), "centred": toggle(centred)},
        points={"data": Draggable(axes[0], data, "data point")},
        compute=_find_components,
        scene=Scene(figure, [*other, *best, dots, origin, *errors], update),
        describe=_describe_cloud,
        labels={"angle": "angle of your direction", "centred": "subtract the mean"},
        presets={
            "a cloud": {"data": CLOUD, "centred": True},
            "far from the origin": {"data": FAR_CLOUD, "centred": False},
        },
    )


def _describe_cloud(values, state: CloudState) -> str:
    kept, lost = np.maximum(state.eigenvalues, 0)
    return (
        f"The best direction, at {state.best_angle:.0f} degrees, keeps the larger eigenvalue of "
        f"XᵀX, {say(kept)}, and loses the smaller, {say(lost)}. "
        f"Yours, at {values['angle']:.0f} degrees, loses {say(state.error)}."
    )


NUM_SHOWN = 500  # digits written into the plane; the components are those of all 1,797


class DigitsBasis(NamedTuple):
    """The principal components of the digits, worked out once."""

    mean: Float[np.ndarray, "64"]
    decoder: Float[np.ndarray, "64 64"]
    losses: Float[np.ndarray, "65"]  # share of the variance lost with so many components
    codes: Float[np.ndarray, "shown 64"]


class DigitState(NamedTuple):
    """One digit, and what its code brings back."""

    index: Int[Array, ""]
    image: Float[Array, "8 8"]
    reconstruction: Float[Array, "8 8"]
    error: Float[Array, ""]  # share of this digit's squared distance from the mean


@cache
def _digits_basis() -> DigitsBasis:
    X = digits().design_matrix
    mean = X.mean(axis=0)
    decoder, eigenvalues = map(np.asarray, principal_components(X - mean, 64))
    kept = np.cumsum(np.append(0, np.maximum(eigenvalues, 0)))
    return DigitsBasis(mean, decoder, 1 - kept / kept[-1], (X[:NUM_SHOWN] - mean) @ decoder)


@jax.jit
def _reconstruct_nearest(num_components, code) -> DigitState:
    mean, decoder, _, codes = map(jnp.asarray, _digits_basis())
    index = jnp.argmin(((codes[:, :2] - code) ** 2).sum(axis=1))
    kept = jnp.where(jnp.arange(64) < num_components, codes[index], 0)
    error = 1 - (kept**2).sum() / (codes[index] ** 2).sum()
    images = (mean + decoder @ jnp.stack([codes[index], kept], axis=1).T[..., None])[..., 0]
    return DigitState(index, *images.reshape(2, 8, 8), jnp.maximum(error, 0))


def pca_digits(num_components=8, code=(21.0, 8.0)) -> Explorer:
    """Handwritten digits from a few numbers each (section 2.12, equations 2.66-2.68)."""
    basis = _digits_basis()
    figure, axes = style.figure(3, widths=(0.55, 1, 1.15))
    images = figures.draw_image_pair(
        axes[0], ("the digit $x$", "its reconstruction $r(x)$"), 8, 16, stacked=True
    )
    figures.draw_digit_codes(axes[2], basis.codes[:, :2], digits().labels[:NUM_SHOWN])
    here = figures.draw_losses(
        axes[1], basis.losses, "$l$  numbers kept for each digit", "share of the squares lost"
    )
    style.add_title(axes[1], "discarded eigenvalues")
    (chosen,) = axes[2].plot([], [], "o", color=style.BLUE, markersize=13, markerfacecolor="none",
                             markeredgewidth=1.8)  # fmt: skip

    def update(values, state):
        for image, pixels in zip(images, (state.image, state.reconstruction), strict=True):
            image.set_data(pixels)
        here[0].set_data([values["num_components"]], [basis.losses[values["num_components"]]])
        chosen.set_data(*basis.codes[state.index, :2, None])

    def describe(values, state):
        num_components = values["num_components"]
        numbers = "1 number" if num_components == 1 else f"{num_components} numbers"
        return (
            f"This {digits().labels[state.index]} comes back from {numbers} instead of 64, with "
            f"{state.error:.0%} of its squared distance from the mean digit lost; over all "
            f"1,797 digits it is {basis.losses[num_components]:.0%}."
        )

    return Explorer(
        title="How many numbers does a handwritten digit need?",
        controls={"num_components": int_slider(num_components, 1, 64)},
        points={"code": Draggable(axes[2], code, "code, which takes the nearest digit")},
        compute=_reconstruct_nearest,
        scene=Scene(figure, [*images, *here, chosen], update),
        describe=describe,
        labels={"num_components": r"\(l\) numbers kept"},
        play="num_components",
    )


MODES = ("the two columns", "the two eigenpairs")
FIGURE_2_3 = ((2.165, 1.25), (-0.25, 0.433))  # lambda v: 2.5 at 30 degrees and 0.5 across


class MapState(NamedTuple):
    """A matrix and its eigenvectors, NaN where they are not real."""

    A: Float[Array, "2 2"]
    eigenvalues: Float[Array, "2"]  # real parts
    imaginary: Float[Array, ""]  # imaginary part of the first
    eigenvectors: Float[Array, "2 2"]
    u: Float[Array, "2"]
    turn: Float[Array, ""]  # from u to A u, degrees


def _from_columns(handles):
    A = handles.T
    eigenvalues, V = jnp.linalg.eig(A)
    order = jnp.argsort(-eigenvalues.real)
    eigenvalues, V = eigenvalues[order], V[:, order].real
    imaginary = jnp.abs(eigenvalues[0].imag)
    V = V * jnp.where(V[0] + 1e-3 * V[1] < 0, -1, 1)
    V = jnp.where(imaginary > 1e-3, jnp.nan, V)
    return A, eigenvalues.real, imaginary, V


def _from_eigenpairs(handles):
    eigenvalues = jnp.maximum(jnp.linalg.norm(handles, axis=1), 1e-6)
    V = handles.T / eigenvalues
    A = jnp.where(jnp.abs(jnp.linalg.det(V)) < 0.02, jnp.nan,
                  recompose(Eigendecomposition(eigenvalues, V)))  # fmt: skip
    return A, eigenvalues, jnp.zeros_like(eigenvalues[0]), V


@jax.jit
def _map_plane(handle, angle, vectors) -> MapState:
    A, *parts = jax.lax.switch(handle, [_from_columns, _from_eigenpairs], vectors)
    radians = jnp.deg2rad(jnp.asarray(angle, A.dtype))
    u = jnp.stack([jnp.cos(radians), jnp.sin(radians)])
    image = A @ u
    across = u[0] * image[1] - u[1] * image[0]
    return MapState(A, *parts, u, jnp.rad2deg(jnp.arctan2(across, u @ image)))


def matrix_map(handle=MODES[1], angle=90.0, vectors=FIGURE_2_3) -> Explorer:
    """What a matrix does to a circle and to its own eigenvectors (section 2.7, Figure 2.3)."""
    figure, axes = style.figure(2)
    artists = figures.draw_matrix_map(axes)

    def update(values, state):
        figures.update_matrix_map(artists, state.A, state.eigenvalues, state.eigenvectors, state.u)

    return Explorer(
        title="Which directions does a matrix leave alone?",
        controls={"handle": dropdown(handle, MODES), "angle": slider(angle, 0, 355, step=5)},
        points={"vectors": Draggable(axes[1], vectors, "column or eigenvector")},
        compute=_map_plane,
        scene=Scene(figure, artists, update),
        describe=_describe_map,
        labels={"handle": "the two rings are", "angle": r"angle of \(u\), degrees"},
        presets={
            "Fig. 2.3": {"handle": MODES[1], "vectors": FIGURE_2_3},
            "skewed": {"handle": MODES[0], "vectors": ((2, 0), (1, 3))},
            "shear": {"handle": MODES[0], "vectors": ((1, 0), (1, 1))},
            "rotation": {"handle": MODES[0], "vectors": ((0.5, 1.5), (-1.5, 0.5))},
            "reflection": {"handle": MODES[0], "vectors": ((0, 2), (2, 0))},
            "singular": {"handle": MODES[0], "vectors": ((1, 2), (0.5, 1))},
        },
    )


def _describe_map(values, state: MapState) -> str:
    if not np.isfinite(state.A).all():
        return "No matrix has these two eigenvectors: they point the same way."
    area = abs(np.linalg.det(state.A))
    end = f"Areas are multiplied by |det A| = {say(area)}."
    if area < 1e-3:
        end = "The plane is flattened, |det A| = 0: A is singular."
    first, second = map(say, state.eigenvalues)
    if state.imaginary > 1e-3:
        return (
            f"The eigenvalues {first} ± {say(state.imaginary)}i are complex: every real direction "
            f"is turned. {end}"
        )
    if abs(np.linalg.det(state.eigenvectors)) < 0.02:
        return f"The eigenvalue {first} has one direction of eigenvectors instead of two. {end}"
    turned = say(round(float(state.turn)))
    return (
        f"A multiplies v⁽¹⁾ by {first} and v⁽²⁾ by {second}, and turns u by {turned} degrees. {end}"
    )


POWERS = np.geomspace(0.3, 20, 61)


class BallState(NamedTuple):
    """The unit ball of one p, and the lengths of two ways for every p."""

    ball: Float[Array, "num_angles 2"]
    corner: Float[Array, ""]  # ||x|| + ||y||
    straight: Float[Array, ""]  # ||x + y||
    corners: Float[Array, "num_powers"]
    straights: Float[Array, "num_powers"]


@jax.jit
def _measure(p, x, y) -> BallState:
    circle = jnp.asarray(figures.CIRCLE.T, jnp.float32)
    # More points near the axes, where the star of a small p has its tips.
    circle = jnp.sign(circle) * jnp.abs(circle) ** 2
    ball = jax.vmap(lambda u: u / lp_norm(u, p))(circle)

    def two_ways(p):
        return lp_norm(x, p) + lp_norm(y, p), lp_norm(x + y, p)

    return BallState(ball, *two_ways(p), *jax.vmap(two_ways)(jnp.asarray(POWERS, jnp.float32)))


def unit_balls(p=2.0, x=(1.2, 0.2), y=(0.3, 1.0)) -> Explorer:
    """Which p make a norm, and what its unit ball looks like (section 2.5, equation 2.30)."""
    figure, axes = style.figure(2)
    ball = figures.draw_unit_ball(axes[0])
    ways = figures.draw_triangle_inequality(axes[1], POWERS)

    def update(values, state):
        figures.update_unit_ball(ball, state.ball, values["x"], values["y"])
        figures.update_triangle_inequality(
            ways, values["p"], state.straight, state.corners, state.straights
        )

    return Explorer(
        title="Which p measure a length?",
        controls={"p": log_slider(p, 0.3, 20)},
        points={
            "x": Draggable(axes[0], x, "the vector x"),
            "y": Draggable(axes[0], y, "the vector y"),
        },
        compute=_measure,
        scene=Scene(figure, [*ball, *ways], update),
        describe=_describe_ball,
        labels={"p": r"\(p\)"},
        presets={
            "p = 1": {"p": 1},
            "p = 2": {"p": 2},
            "nearly the max norm": {"p": 20},
            "no norm": {"p": 0.5, "x": (1, 0), "y": (0, 1)},
        },
    )


def _describe_ball(values, state: BallState) -> str:
    kept = state.straight <= state.corner * (1 + 1e-5)
    verdict = "at most" if kept else "more than"
    why = "" if kept else " The triangle inequality fails, so this is no norm."
    return (
        f"With p = {say(values['p'])} the straight way is {say(state.straight)} long, {verdict} "
        f"the {say(state.corner)} round the corner.{why}"
    )


class PictureState(NamedTuple):
    """A picture rebuilt from its first singular values."""

    picture: Float[Array, "m n"]
    error: Float[Array, ""]  # share of the squared Frobenius norm that is lost


@cache
def _picture_factors() -> SVD:
    return SVD(*map(np.asarray, svd(figures.photograph())))


@jax.jit
def _cut(rank) -> PictureState:
    factors = SVD(*map(jnp.asarray, _picture_factors()))
    share = (truncation_error(factors, rank) / truncation_error(factors, 0)) ** 2
    return PictureState(truncate(factors, rank), share)


def low_rank(rank=10) -> Explorer:
    """A photograph from its largest singular values (section 2.8, equation 2.43)."""
    original, squares = figures.photograph(), np.diagonal(_picture_factors().D) ** 2
    figure, axes = style.figure(2, widths=(2, 1))
    images = figures.draw_image_pair(axes[0], ("the photograph $A$", "what is kept"), 96, 1)
    for image, pixels in zip(images, (original, original), strict=True):
        image.set(cmap="gray", data=pixels)
    spectrum = np.sqrt(squares / squares[0])
    axes[1].plot(range(1, 97), spectrum, color=style.INK, linewidth=1.4)
    axes[1].set(yscale="log", xlim=(0, 97), ylim=(1e-5, 2))
    axes[1].set_xlabel("$i$, largest first")
    axes[1].set_ylabel(r"singular value $\sigma_i / \sigma_1$, log scale")
    style.add_title(axes[1], "kept, and cut")
    style.add_grid(axes[1])
    (kept,) = axes[1].plot([], [], linewidth=3, **figures.BEST)

    def update(values, state):
        images[1].set_data(np.clip(state.picture, 0, 1))
        kept.set_data(range(1, values["rank"] + 1), spectrum[: values["rank"]])

    def describe(values, state):
        rank = values["rank"]
        numbers = rank * (96 + 96 + 1)
        return (
            f"{rank} of 96 singular values keep {1 - state.error:.2%} of the squares; the factors "
            f"hold {numbers:,} numbers, the photograph {96 * 96:,}."
        )

    return Explorer(
        title="How much of a picture is in its largest singular values?",
        controls={"rank": int_slider(rank, 1, 96)},
        compute=_cut,
        scene=Scene(figure, [images[1], kept], update),
        describe=describe,
        labels={"rank": "singular values kept"},
        play="rank",
    )


DATA = ((-3.0, -1.6), (-2.0, 0.2), (-0.8, -0.6), (0.6, 1.4), (2.0, 1.0), (3.0, 2.8))


class InverseState(NamedTuple):
    """What the pseudoinverse makes of a tall and of a wide system."""

    fit: Float[Array, "2"]  # intercept and slope
    fit_limit: Float[Array, "2"]
    residual: Float[Array, ""]  # ||A x - y|| of the fit
    shortest: Float[Array, "2"]
    other: Float[Array, "2"]  # another solution: A sends the difference to zero
    shortest_limit: Float[Array, "2"]


@jax.jit
def _solve(alpha, t, data, row) -> InverseState:
    tall, y = jnp.stack([jnp.ones(len(data)), data[:, 0]], axis=1), data[:, 1]
    wide, two = row[None, :], jnp.full(1, 2.0)
    fit = invert(tall) @ y
    shortest = invert(wide) @ two
    along = jnp.stack([row[1], -row[0]]) / jnp.maximum(jnp.linalg.norm(row), 1e-6)
    return InverseState(
        fit,
        pseudoinverse_limit(tall, alpha) @ y,
        jnp.linalg.norm(tall @ fit - y),
        shortest,
        shortest + t * along,
        pseudoinverse_limit(wide, alpha) @ two,
    )


def pseudoinverse(alpha=1.0, t=1.2, data=DATA, row=(2.4, 1.2)) -> Explorer:
    """The closest answer and the shortest one (section 2.9, equations 2.46, 2.47)."""
    figure, axes = style.figure(2)
    fit = figures.draw_fit(axes[0])
    solutions = figures.draw_solutions(axes[1])
    (dots,) = axes[0].plot([], [], "o", color=style.INK, markersize=5)

    def update(values, state):
        dots.set_data(*values["data"].T)
        figures.update_fit(fit, values["data"], state.fit, state.fit_limit)
        figures.update_solutions(
            solutions, values["row"], state.shortest, state.other, state.shortest_limit
        )

    return Explorer(
        title="What can stand in for an inverse where there is none?",
        controls={"alpha": log_slider(alpha, 1e-3, 100), "t": slider(t, -4, 4, step=0.1)},
        points={
            "data": Draggable(axes[0], data, "measurement"),
            "row": Draggable(axes[1], row, "the row of A"),
        },
        compute=_solve,
        scene=Scene(figure, [*fit, dots, *solutions], update),
        describe=_describe_inverse,
        labels={
            "alpha": r"\(\alpha\) of the limit",
            "t": r"\(t\) along the solutions",
        },
    )


def _describe_inverse(values, state: InverseState) -> str:
    gap = np.linalg.norm(state.fit_limit - state.fit)
    length = np.linalg.norm(state.shortest)
    other = np.linalg.norm(state.other)
    return (
        f"Tall: no line meets all six points, the closest misses by {say(state.residual)}. "
        f"Wide: A⁺y has length {say(length)}, your solution {say(other)}. "
        f"With α = {say(values['alpha'])} the limit is still {say(gap)} from A⁺y on the left."
    )
