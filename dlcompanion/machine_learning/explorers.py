"""The explorers of chapter 5."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dlcompanion import style
from dlcompanion.live import Draggable, Explorer, Scene, int_slider, log_slider, slider
from dlcompanion.machine_learning import figures
from dlcompanion.machine_learning.bayesian_regression import (
    GaussianPosterior,
    bayesian_linear_regression,
)
from dlcompanion.machine_learning.linear_regression import mean_squared_error, ridge_regression
from dlcompanion.style import say

# Capacity

MAX_DEGREE = 10
CURVE = np.linspace(-1.6, 1.6, 97, dtype=np.float32)
TEST_INPUTS = np.linspace(-1.45, 1.45, 16, dtype=np.float32)
NOISY_PARABOLA = (
    (-1.4, 3.1), (-1.15, 2.3), (-0.85, 1.95), (-0.6, 1.1), (-0.25, 1.35),
    (0.1, 0.7), (0.4, 1.1), (0.75, 0.75), (1.05, 1.35), (1.4, 1.2),
)  # fmt: skip


class CapacityState(NamedTuple):
    """One polynomial, and the errors of every degree beside it."""

    curve: Float[Array, "97"]
    train: Float[Array, "num_degrees"]
    test: Float[Array, "num_degrees"]
    longest: Float[Array, ""]  # the largest weight of the polynomial


def _parabola(x):
    return 0.7 * x**2 - 0.5 * x + 0.9


@jax.jit
def _fit_polynomials(degree, log10_weight_decay, data) -> CapacityState:
    x, y = data.T
    weight_decay = 10.0 ** jnp.asarray(log10_weight_decay, data.dtype)
    powers = jnp.arange(1, MAX_DEGREE + 1)

    def fit(degree):
        """Decay all weights but the bias: centre the columns and the targets."""

        def features(x):
            return jnp.where(powers <= degree, x[:, None] ** powers, 0)

        centre = features(x).mean(axis=0)
        weights = ridge_regression(features(x) - centre, y - y.mean(), weight_decay)

        def predict(x):
            return (features(x) - centre) @ weights + y.mean()

        return weights, predict

    def errors(degree):
        _, predict = fit(degree)
        test = mean_squared_error(predict(jnp.asarray(TEST_INPUTS)), _parabola(TEST_INPUTS))
        return mean_squared_error(predict(x), y), test

    weights, predict = fit(degree)
    train, test = jax.vmap(errors)(jnp.arange(MAX_DEGREE + 1))
    return CapacityState(predict(jnp.asarray(CURVE)), train, test, jnp.abs(weights).max())


def capacity(degree=2, log10_weight_decay=-6.0, data=NOISY_PARABOLA) -> Explorer:
    """Underfitting, overfitting, weight decay (section 5.2, Figures 5.2, 5.3, 5.5)."""
    figure, axes = style.figure(2, widths=(1.2, 1))
    (truth,) = axes[0].plot(CURVE, _parabola(CURVE), color=style.INK, linewidth=1, linestyle=":")
    curve = figures.draw_fit(axes[0], (-1.6, 1.6, -0.5, 4), "a polynomial through ten points")
    style.write(axes[0], -1.5, -0.3, "dotted: the truth; squares: the test set", va="center")
    axes[0].plot(TEST_INPUTS, _parabola(TEST_INPUTS), "s", color=style.VERMILLION, markersize=4,
                 markerfacecolor=style.PAPER)  # fmt: skip
    (dots,) = axes[0].plot([], [], "o", color=style.BLUE, markersize=6)
    degrees = np.arange(MAX_DEGREE + 1)
    errors = figures.draw_error_curves(
        axes[1], degrees, (-0.3, MAX_DEGREE + 0.3, 1e-4, 100), "degree, the capacity"
    )
    style.add_title(axes[1], "blue: training error; red: test error")

    def update(values, state):
        curve.set_data(CURVE, np.clip(state.curve, -50, 50))
        dots.set_data(*values["data"].T)
        pair, degree = np.stack([state.train, state.test]), values["degree"]
        figures.update_error_curves(errors, pair, degree, pair[:, degree])

    return Explorer(
        title="How flexible should a model be?",
        controls={
            "degree": int_slider(degree, 0, MAX_DEGREE),
            "log10_weight_decay": slider(log10_weight_decay, -6, 3, step=0.25),
        },
        points={"data": Draggable(axes[0], data, "training point")},
        compute=_fit_polynomials,
        scene=Scene(figure, [curve, dots, *errors], update),
        describe=_describe_capacity,
        labels={
            "degree": "degree of the polynomial",
            "log10_weight_decay": r"\(\log_{10} \lambda\) weight decay",
        },
        presets={
            "underfitting": {"degree": 1, "log10_weight_decay": -6},
            "about right": {"degree": 2, "log10_weight_decay": -6},
            "overfitting": {"degree": 9, "log10_weight_decay": -6},
            "weight decay": {"degree": 9, "log10_weight_decay": -1.5},
        },
    )


def _describe_capacity(values, state: CapacityState) -> str:
    degree, best = values["degree"], int(np.argmin(state.test))
    return (
        f"Degree {degree}: training error {say(state.train[degree])}, test error "
        f"{say(state.test[degree])}; the longest weight is {say(state.longest)}. With this weight "
        f"decay the test set likes degree {best} best."
    )


# The size of the training set

SIZES = np.array([10, 14, 20, 30, 45, 70, 100, 150, 220, 300])
NUM_SETS = 40
COEFFICIENTS = np.array([0.5, 1, -0.8, 1.8, 1.2, 1.8], np.float32)  # of Legendre polynomials
MAX_TERMS = 9
GRID = np.linspace(-1, 1, 61, dtype=np.float32)
NUM_DRAWN = 12


class TrainingSizeState(NamedTuple):
    """Errors on average over forty training sets of each size, and some of the fits."""

    train: Float[Array, "num_sizes"]
    test: Float[Array, "num_sizes"]
    standard_errors: Float[Array, "2 num_sizes"]
    here: Float[Array, "2"]  # both errors for the present number of examples
    fits: Float[Array, "num_drawn 61"]
    floor: Float[Array, ""]  # the error of the best polynomial of this degree


def _legendre(x, num_terms: int = MAX_TERMS):
    """Return the Legendre polynomials at x, shape (..., num_terms)."""
    columns = [jnp.ones_like(x), x]
    for k in range(1, num_terms - 1):
        columns.append(((2 * k + 1) * x * columns[k] - k * columns[k - 1]) / (k + 1))
    return jnp.stack(columns, axis=-1)


@jax.jit
def _fit_training_sets(num_samples, degree, noise) -> TrainingSizeState:
    key_x, key_y = jax.random.split(jax.random.key(0))
    shape = (NUM_SETS, int(SIZES[-1]))
    x = jax.random.uniform(key_x, shape, minval=-1, maxval=1)
    truth = jnp.pad(jnp.asarray(COEFFICIENTS), (0, MAX_TERMS - len(COEFFICIENTS)))
    used = jnp.arange(MAX_TERMS) <= degree
    X = _legendre(x)
    y = X @ truth + noise * jax.random.normal(key_y, shape)
    X = X * used

    def refit(X, y, size):
        mine = jnp.arange(len(y)) < size
        gram, moment = X.T @ (X * mine[:, None]), X.T @ (y * mine)
        eigenvalues, Q = jnp.linalg.eigh(gram)
        inverse = jnp.where(eigenvalues > 1e-4, 1 / jnp.maximum(eigenvalues, 1e-4), 0)
        weights = Q @ (inverse * (Q.T @ moment))
        train = jnp.sum(mine * (X @ weights - y) ** 2) / size
        return weights, train

    each_size = jax.vmap(refit, in_axes=(None, None, 0))
    sizes = jnp.append(jnp.asarray(SIZES), num_samples)
    weights, train = jax.vmap(each_size, in_axes=(0, 0, None))(X, y, sizes)
    norms = 1 / (2 * jnp.arange(MAX_TERMS) + 1)  # the mean square of each Legendre polynomial
    test = noise**2 + ((weights - truth) ** 2) @ norms
    errors = jnp.stack([train, test])
    means = errors.mean(axis=1)
    floor = noise**2 + jnp.where(used, 0, truth**2) @ norms
    fits = weights[:NUM_DRAWN, -1] @ _legendre(jnp.asarray(GRID)).T
    spread = errors[..., :-1].std(axis=1, ddof=1) / jnp.sqrt(NUM_SETS)
    return TrainingSizeState(*means[:, :-1], spread, means[:, -1], fits, floor)


def training_size(num_samples=30, degree=2, noise=1.0) -> Explorer:
    """What more examples do to training and test error (section 5.2, Figure 5.4)."""
    figure, axes = style.figure(2, widths=(1, 1.2))
    figures.draw_fit(axes[0], (-1, 1, -6, 7), "twelve training sets, twelve fits")
    fits = figures.draw_curves(axes[0], style.BLUE)
    truth = np.polynomial.legendre.legval(GRID, COEFFICIENTS)
    axes[0].plot(GRID, truth, color=style.INK, linewidth=2)
    curves = figures.draw_error_curves(
        axes[1], SIZES, (9, 330, 0.03, 30), "$m$ number of training examples (log)"
    )
    axes[1].set_xscale("log")
    axes[1].set_xticks([10, 30, 100, 300], ["10", "30", "100", "300"])
    axes[1].minorticks_off()
    style.add_title(axes[1], "blue: training error; red: test error")
    (bayes,) = axes[1].plot([], [], color=style.INK, linestyle=":", linewidth=1.4)
    (floor,) = axes[1].plot([], [], color=style.ORANGE, linewidth=1.2)
    style.write(axes[1], 0.03, 0.06, "dotted: Bayes error; orange: the best of this degree",
                transform=axes[1].transAxes)  # fmt: skip
    bars = figures.draw_curves(axes[1], style.INK)
    ends = np.array([9, 330])

    def update(values, state):
        figures.update_curves(fits, GRID, state.fits)
        means = np.stack([state.train, state.test])
        figures.update_error_curves(curves, means, values["num_samples"], state.here)
        half = 1.96 * state.standard_errors
        low, high = np.maximum(means - half, figures.SMALLEST), means + half
        bars.set_segments([[(m, a), (m, b)] for row in zip(low, high, strict=True)
                           for m, a, b in zip(SIZES, *row, strict=True)])  # fmt: skip
        bayes.set_data(ends, np.full(2, max(values["noise"] ** 2, figures.SMALLEST)))
        floor.set_data(ends, np.full(2, max(state.floor, figures.SMALLEST)))

    return Explorer(
        title="What do more training examples buy?",
        controls={
            "num_samples": log_slider(num_samples, 10, 300, whole=True),
            "degree": int_slider(degree, 1, MAX_TERMS - 1),
            "noise": slider(noise, 0.2, 2, step=0.1),
        },
        compute=_fit_training_sets,
        scene=Scene(figure, [fits, *curves, bars, bayes, floor], update),
        describe=_describe_training_size,
        labels={
            "num_samples": r"\(m\) training examples",
            "degree": "degree of the model",
            "noise": r"\(\sigma\) noise",
        },
        presets={"too simple": {"degree": 2}, "right": {"degree": 5}, "too rich": {"degree": 8}},
    )


def _describe_training_size(values, state: TrainingSizeState) -> str:
    train, test = state.here
    return (
        f"With {values['num_samples']} examples, on average over {NUM_SETS} training sets: "
        f"training error {say(train)}, test error {say(test)}. However many examples come, degree "
        f"{values['degree']} ends at {say(state.floor)}; the noise alone is "
        f"{say(values['noise'] ** 2)}."
    )


# Bias and variance

MAX_SAMPLES = 100
DEGREES = np.arange(9)
# The truth: every further term is smaller, and is worth having only with more examples.
FADING = np.array([0, 1, -1, -1, 1, 1, -1, -1, 1], np.float32) * np.float32(0.75) ** DEGREES


class BiasVarianceState(NamedTuple):
    """Exact bias and variance of every degree, and fits to some training sets."""

    squared_bias: Float[Array, "num_degrees"]
    variance: Float[Array, "num_degrees"]
    fits: Float[Array, "num_drawn 61"]
    mean_fit: Float[Array, "61"]


@jax.jit
def _split_error(degree, noise, num_samples) -> BiasVarianceState:
    i = jnp.arange(MAX_SAMPLES)
    mine = i < num_samples
    x = jnp.where(mine, 2 * i / (num_samples - 1) - 1, 0)
    truth = mine * (_legendre(x) @ jnp.asarray(FADING))
    basis, R = jnp.linalg.qr(_legendre(x) * mine[:, None])  # one column for each degree
    explained = (basis.T @ truth) ** 2
    squared_bias = jnp.maximum(truth @ truth - jnp.cumsum(explained), 0) / num_samples
    variance = noise**2 * (DEGREES + 1) / num_samples
    noises = noise * jax.random.normal(jax.random.key(1), (NUM_DRAWN, MAX_SAMPLES))
    targets = jnp.concatenate([truth[None], truth + noises * mine])
    used = jnp.arange(MAX_TERMS) <= degree
    on_grid = jax.scipy.linalg.solve_triangular(R.T, _legendre(jnp.asarray(GRID)).T, lower=True)
    fits = (targets @ basis * used) @ on_grid
    return BiasVarianceState(squared_bias, variance, fits[1:], fits[0])


def bias_variance(degree=1, noise=0.5, num_samples=30) -> Explorer:
    """Two ways to be wrong, traded by capacity (section 5.4.4, equation 5.54, Figure 5.6)."""
    figure, axes = style.figure(2)
    mean = figures.draw_fit(
        axes[0], (-1, 1, -2.2, 2.2), "thin: twelve fits; thick: their mean; dotted: the truth"
    )
    truth = np.polynomial.legendre.legval(GRID, FADING)
    axes[0].plot(GRID, truth, color=style.INK, linewidth=1.4, linestyle=":")
    fits = figures.draw_curves(axes[0], style.BLUE)
    lines = figures.draw_bias_and_variance(axes[1], DEGREES)

    def update(values, state):
        figures.update_curves(fits, GRID, state.fits)
        mean.set_data(GRID, state.mean_fit)
        figures.update_bias_and_variance(
            lines, state.squared_bias, state.variance, values["degree"]
        )

    return Explorer(
        title="Is it wrong on average, or wrong by chance?",
        controls={
            "degree": int_slider(degree, 0, int(DEGREES[-1])),
            "noise": slider(noise, 0, 0.8, step=0.05),
            "num_samples": int_slider(num_samples, 12, MAX_SAMPLES),
        },
        compute=_split_error,
        scene=Scene(figure, [fits, mean, *lines], update),
        describe=_describe_bias_variance,
        labels={
            "degree": "degree of the model",
            "noise": r"\(\sigma\) noise",
            "num_samples": r"\(m\) training examples",
        },
        presets={"too simple": {"degree": 1}, "best": {"degree": 4}, "too rich": {"degree": 8}},
    )


def _describe_bias_variance(values, state: BiasVarianceState) -> str:
    degree = values["degree"]
    bias, variance = state.squared_bias[degree], state.variance[degree]
    best = int(np.argmin(state.squared_bias + state.variance))
    return (
        f"Degree {degree}: squared bias {say(bias)} + variance {say(variance)} = "
        f"{say(bias + variance)}. Here degree {best} is best."
    )


# Maximum likelihood

MEANS = np.linspace(-3, 3, 61, dtype=np.float32)
DEVIATIONS = np.linspace(0.2, 3, 57, dtype=np.float32)
DENSITY_X = np.linspace(-5, 5, 101, dtype=np.float32)
EIGHT = tuple((x, 0.0) for x in (-1.9, -0.6, -0.2, 0.4, 0.9, 1.3, 2.1, 3.0))


class LikelihoodState(NamedTuple):
    """A Gaussian over the data, and the landscape of its parameters."""

    heights: Float[Array, "num_points"]
    density: Float[Array, "101"]
    log_likelihood: Float[Array, ""]
    best: Float[Array, "2"]  # mean and standard deviation
    best_log_likelihood: Float[Array, ""]
    landscape: Float[Array, "57 61"]  # 0 at the best, 1 far from it


@jax.jit
def _weigh(mean, deviation, data) -> LikelihoodState:
    x = data[:, 0]

    def log_density(x, mean, deviation):
        return jax.scipy.stats.norm.logpdf(x, mean, deviation)

    best_mean, best_deviation = x.mean(), jnp.maximum(x.std(), 0.05)
    best = log_density(x, best_mean, best_deviation).sum()
    here = log_density(x, mean, deviation)
    surface = log_density(
        x, jnp.asarray(MEANS)[None, :, None], jnp.asarray(DEVIATIONS)[:, None, None]
    )
    drop = best - surface.sum(axis=-1)
    return LikelihoodState(
        heights=jnp.exp(here),
        density=jnp.exp(log_density(jnp.asarray(DENSITY_X), mean, deviation)),
        log_likelihood=here.sum(),
        best=jnp.stack([best_mean, best_deviation]),
        best_log_likelihood=best,
        landscape=jnp.sqrt(jnp.clip(drop / 40, 0, 1)),
    )


def likelihood(mean=-1.0, deviation=1.0, data=EIGHT) -> Explorer:
    """The parameters that make the data most probable (section 5.5, equations 5.57, 5.58)."""
    figure, axes = style.figure(2)
    density = figures.draw_density(axes[0], (-5, 5, -0.08, 1.0))
    landscape = figures.draw_likelihood(axes[1], (-3, 3, 0.2, 3))
    image, best, here = landscape

    def update(values, state):
        x = values["data"][:, 0]
        figures.update_density(density, DENSITY_X, state.density, x, state.heights)
        image.set_data(state.landscape)
        best.set_data(*np.clip(state.best, (-3, 0.2), (3, 3))[:, None])
        here.set_data([values["mean"]], [values["deviation"]])

    return Explorer(
        title="Which bell makes these points most probable?",
        controls={
            "mean": slider(mean, -3, 3, step=0.1),
            "deviation": slider(deviation, 0.2, 3, step=0.05),
        },
        points={
            "data": Draggable(
                axes[0], data, "data point", constrain=lambda p: p * np.array([1, 0], np.float32)
            )
        },
        compute=_weigh,
        scene=Scene(figure, [*density, *landscape], update),
        describe=_describe_likelihood,
        labels={"mean": r"\(\mu\) mean", "deviation": r"\(\sigma\) standard deviation"},
        presets={"a bad guess": {"mean": -2, "deviation": 0.5}},
    )


def _describe_likelihood(values, state: LikelihoodState) -> str:
    product = np.exp(np.float64(state.log_likelihood))
    product = say(product) if product > 0 else "too small for a float64"
    return (
        f"The product of the densities is {product}, the sum of their logarithms "
        f"{say(state.log_likelihood)}. The most likely bell, μ = {say(state.best[0])} and "
        f"σ = {say(state.best[1])}, reaches {say(state.best_log_likelihood)}."
    )


# Bayesian linear regression

NOISE = 0.5
REGRESSION_X = np.linspace(-2, 2, 41, dtype=np.float32)
TRUE_WEIGHTS = (0.5, 0.8)
TWELVE = tuple(
    (x, TRUE_WEIGHTS[0] + TRUE_WEIGHTS[1] * x + e)
    for x, e in zip(
        (0.3, -1.2, 1.5, -0.4, 0.9, -1.8, 1.1, -0.8, 0.0, 1.8, -1.5, 0.6),
        (0.4, -0.3, 0.5, -0.6, 0.1, 0.4, -0.5, 0.3, -0.2, 0.1, -0.4, 0.6),
        strict=True,
    )
)


class BayesianState(NamedTuple):
    """The posterior of a line, and what it predicts."""

    posterior: GaussianPosterior
    mean: Float[Array, "41"]
    deviation: Float[Array, "41"]  # of the next target, noise included
    lines: Float[Array, "num_drawn 41"]  # drawn from the posterior


@jax.jit
def _believe(num_points, prior_deviation, data) -> BayesianState:
    used = (jnp.arange(len(data)) < num_points)[:, None]
    x, y = data[:, :1], data[:, 1]
    design = jnp.concatenate([jnp.ones_like(x), x], axis=1) * used / NOISE
    width = jnp.asarray(prior_deviation, data.dtype)
    prior = GaussianPosterior(jnp.zeros(2), width**2 * jnp.eye(2))
    posterior = bayesian_linear_regression(design, y * used[:, 0] / NOISE, prior)
    grid = jnp.stack([jnp.ones_like(REGRESSION_X), jnp.asarray(REGRESSION_X)], axis=1)
    variance = jnp.einsum("in,nk,ik->i", grid, posterior.covariance, grid) + NOISE**2
    root = jnp.linalg.cholesky(posterior.covariance)
    draws = posterior.mean + jax.random.normal(jax.random.key(0), (NUM_DRAWN, 2)) @ root.T
    return BayesianState(posterior, grid @ posterior.mean, jnp.sqrt(variance), draws @ grid.T)


def bayesian_regression(num_points=2, prior_deviation=1.0, data=TWELVE) -> Explorer:
    """What the examples have not settled yet (section 5.6, equations 5.68, 5.78)."""
    figure, axes = style.figure(2, widths=(1.2, 1))
    mean = figures.draw_fit(
        axes[0], (-2, 2, -3, 4), "the next target: mean, two deviations, lines drawn"
    )
    band, lines = figures.draw_band(axes[0]), figures.draw_curves(axes[0], style.BLUE)
    (used,) = axes[0].plot([], [], "o", color=style.INK, markersize=6)
    (unused,) = axes[0].plot([], [], "o", color=style.INK, markersize=5, alpha=0.3,
                             markerfacecolor=style.PAPER)  # fmt: skip
    ellipses = figures.draw_ellipses(axes[1], style.BLUE)
    axes[1].plot(*TRUE_WEIGHTS, "x", color=style.INK, markersize=9, markeredgewidth=2)
    axes[1].plot(0, 0, "+", color=style.INK, markersize=9)
    axes[1].set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    axes[1].set_xlabel("$w_0$ intercept")
    axes[1].set_ylabel("$w_1$ slope")
    style.add_title(axes[1], "belief about the weights; cross: the truth")

    def update(values, state):
        count = values["num_points"]
        mean.set_data(REGRESSION_X, state.mean)
        figures.update_band(band, REGRESSION_X, state.mean, state.deviation)
        figures.update_curves(lines, REGRESSION_X, state.lines)
        used.set_data(*values["data"][:count].T)
        unused.set_data(*values["data"][count:].T)
        figures.update_ellipses(ellipses, *state.posterior)

    return Explorer(
        title="What have these examples settled, and what not yet?",
        controls={
            "num_points": int_slider(num_points, 0, len(TWELVE)),
            "prior_deviation": log_slider(prior_deviation, 0.1, 10),
        },
        points={"data": Draggable(axes[0], data, "example")},
        compute=_believe,
        scene=Scene(figure, [band, lines, mean, used, unused, *ellipses], update),
        describe=_describe_bayesian,
        labels={
            "num_points": r"\(m\) examples seen",
            "prior_deviation": "width of the prior",
        },
        play="num_points",
        presets={
            "nothing seen": {"num_points": 0},
            "two examples": {"num_points": 2, "prior_deviation": 1},
            "stubborn": {"num_points": 12, "prior_deviation": 0.1},
        },
    )


def _describe_bayesian(values, state: BayesianState) -> str:
    intercept, slope = state.posterior.mean
    deviation = np.sqrt(np.diag(state.posterior.covariance))
    count = values["num_points"]
    return (
        f"After {count} {'example' if count == 1 else 'examples'} the slope is {say(slope)} ± "
        f"{say(deviation[1])}, the intercept {say(intercept)} ± {say(deviation[0])}. At x = 2 the "
        f"next target is {say(state.mean[-1])} ± {say(state.deviation[-1])}, of which the noise "
        f"alone is {say(NOISE)}."
    )
