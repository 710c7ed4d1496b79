"""The explorers of chapter 3."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.patches import Polygon

from dlcompanion import style
from dlcompanion.live import Draggable, Explorer, Scene, dropdown, log_slider, slider
from dlcompanion.probability import figures
from dlcompanion.probability.bayes import bayes_rule
from dlcompanion.probability.distributions import (
    exponential_log_density,
    gaussian_log_density,
    laplace_log_density,
    sample_exponential,
    sample_gaussian,
    sample_laplace,
)
from dlcompanion.probability.divergences import (
    Bells,
    forward_kl,
    reverse_kl,
    roll_downhill,
    starts_of,
)
from dlcompanion.probability.information import entropy as entropy_of
from dlcompanion.probability.information import self_information
from dlcompanion.probability.mixtures import (
    Mixture,
    MixtureSample,
    responsibilities,
    sample_mixture,
)
from dlcompanion.style import say

X = np.linspace(-6, 6, 121)
START = (1.0, 0.2)
MEANS, LOG_WIDTHS = np.linspace(-5, 5, 51), np.linspace(np.log(0.2), np.log(5), 41)
EXTENT = (-5.1, 5.1, LOG_WIDTHS[0], LOG_WIDTHS[-1])
FIGURE_3_6 = {"width": 0.5, "left_weight": 0.5, "modes": ((-2.0, 0.0), (2.0, 0.0))}


class KLState(NamedTuple):
    """Your q, and all others: both divergences, their landscapes and their minima."""

    densities: Float[Array, "4 grid"]  # p, both fits, q
    integrands: Float[Array, "2 grid"]
    yours: Float[Array, "2"]  # D(p || q) and D(q || p) of your q
    landscapes: Float[Array, "2 widths means"]
    paths: Float[Array, "2 steps 2"]  # downhill from your q
    fits: Float[Array, "3 2"]  # where D(q || p) leads from each mode and from the middle
    ends: Float[Array, "2"]  # the divergence that each path reaches


@jax.jit
def _compare(width, left_weight, modes, q) -> KLState:
    variances = jnp.full(2, width, jnp.float32) ** 2
    p = Bells(jnp.stack([left_weight, 1 - left_weight]), modes[:, 0], variances)
    starts = jnp.concatenate([q[None], starts_of(p)])
    downhill = jax.vmap(lambda q: roll_downhill(reverse_kl, q, p))(starts)
    paths = jnp.stack([roll_downhill(forward_kl, q, p), downhill[0]])

    def log_density(q):
        return gaussian_log_density(jnp.asarray(X, jnp.float32), q[0], jnp.exp(2 * q[1]))

    log_p = p.log_density(jnp.asarray(X, jnp.float32))
    log_q = [log_density(q) for q in (paths[0, -1], paths[1, -1], q)]
    integrands = jnp.stack([jnp.exp(log_p), -jnp.exp(log_q[2])]) * (log_p - log_q[2])
    plane = jnp.stack(jnp.meshgrid(MEANS, LOG_WIDTHS), axis=-1).astype(jnp.float32)

    def landscape(kl):
        return jax.vmap(jax.vmap(kl, (0, None)), (0, None))(plane, p)

    return KLState(
        jnp.exp(jnp.stack([log_p, *log_q])),
        integrands,
        jnp.stack([forward_kl(q, p), reverse_kl(q, p)]),
        jnp.stack([landscape(forward_kl), landscape(reverse_kl)]),
        paths,
        downhill[1:, -1],
        jnp.stack([forward_kl(paths[0, -1], p), reverse_kl(paths[1, -1], p)]),
    )


def kl_asymmetry(width=0.5, left_weight=0.5, modes=FIGURE_3_6["modes"], q=START) -> Explorer:
    """Fit one Gaussian to two modes by each direction of KL (section 3.13, Figure 3.6)."""
    figure, axes = style.figure(3, widths=(1.5, 1, 1))
    upper, lower = figures.split(axes[0])
    lines, areas = figures.draw_fits(upper), figures.draw_areas(lower)
    maps = [
        figures.draw_landscape(axes[1], figures.FORWARD, style.BLUE, EXTENT),
        figures.draw_landscape(axes[2], figures.REVERSE, style.VERMILLION, EXTENT),
    ]
    axes[1].set_ylabel("width of $q$")

    def update(values, state):
        for line, density in zip(lines, state.densities, strict=True):
            line.set_data(X, density)
        for area, heights in zip(areas, state.integrands, strict=True):
            figures.update_area(area, X, heights)
        for drawn, heights, fits, path in zip(
            maps, state.landscapes, (state.paths[0, -1:], state.fits), state.paths, strict=True
        ):
            figures.update_landscape(*drawn, heights, fits, path)

    return Explorer(
        title="One bell for two modes: which direction?",
        controls={
            "width": slider(width, 0.4, 1.5, step=0.05),
            "left_weight": slider(left_weight, 0.1, 0.9, step=0.05),
        },
        points={
            "modes": Draggable(upper, modes, "a mode of p", lambda xy: xy * [1, 0]),
            "q": Draggable(axes[2], q, "your q, its mean and the logarithm of its width"),
        },
        compute=_compare,
        scene=Scene(figure, [*lines, *areas, *[a for m in maps for a in (m[0], *m[1])]], update),
        describe=_describe_kl,
        labels={
            "width": r"\(\sigma\) width of the modes",
            "left_weight": "first mode's weight",
        },
        presets={
            "Fig. 3.6": FIGURE_3_6 | {"q": START},
            "cover": FIGURE_3_6 | {"q": (0.0, np.log(2.06))},
            "pick one": FIGURE_3_6 | {"q": (2.0, np.log(0.5))},
            "stuck between": FIGURE_3_6 | {"q": (0.1, np.log(1.6))},
        },
    )


def _describe_kl(values, state: KLState) -> str:
    (cover, pick), (d_cover, d_pick) = state.paths[:, -1], state.ends
    distance = np.abs(values["modes"][:, 0] - pick[0])
    picked = distance.min() < 0.25 * distance.max()
    end = "settles on one mode" if picked else "covers both modes"
    best = "" if d_pick < state.landscapes[1].min() + 0.05 else ", not the lowest minimum"
    return (
        f"Your q has D(p‖q) = {say(state.yours[0])} and D(q‖p) = {say(state.yours[1])}. A "
        f"variational method minimizes D(q‖p) and {end}{best} ({say(d_pick)}, width "
        f"{say(np.exp(pick[1]))}); the minimum of D(p‖q) covers both ({say(d_cover)}, width "
        f"{say(np.exp(cover[1]))})."
    )


# The other explorers


class EntropyState(NamedTuple):
    """The entropy of a coin and of three outcomes."""

    coin: Float[Array, ""]
    outcomes: Float[Array, "3"]
    surprise: Float[Array, "3"]
    entropy: Float[Array, ""]


CORNERS = np.array([[0, 0], [1, 0], [0.5, 0.75**0.5]], np.float32)
TO_OUTCOMES = np.linalg.inv(np.vstack([CORNERS.T, np.ones(3)])).astype(np.float32)


def _into_triangle(position) -> np.ndarray:
    outcomes = np.clip(TO_OUTCOMES @ np.append(position, 1), 0.001, None)
    return (outcomes / outcomes.sum() @ CORNERS).astype(np.float32)


@jax.jit
def _surprise(heads, outcomes) -> EntropyState:
    P = jnp.asarray(TO_OUTCOMES) @ jnp.append(outcomes, 1)
    P = jnp.clip(P, 1e-6) / jnp.clip(P, 1e-6).sum()
    coin = entropy_of(jnp.stack([heads, 1 - heads]))
    return EntropyState(coin, P, self_information(P), entropy_of(P))


def entropy(heads=0.2, outcomes=(0.45, 0.2)) -> Explorer:
    """Surprise, weighted by how often it comes (section 3.13, equation 3.49, Figure 3.5)."""
    figure, axes = style.figure(3)
    dot = figures.draw_entropy(axes[0])
    blocks = [Polygon(np.zeros((4, 2)), facecolor=c, alpha=0.5, edgecolor=style.INK)
              for c in (style.BLUE, style.VERMILLION, style.GREEN)]  # fmt: skip
    for block in blocks:
        axes[1].add_patch(block)
    axes[1].set(xlim=(0, 1), ylim=(0, 5), xlabel="$P(x)$ probability, side by side")
    axes[1].set_ylabel(r"$-\log P(x)$ surprise (nats)")
    style.add_title(axes[1], "outcomes A, B, C: the area is $H$")
    axes[2].plot(*CORNERS[[0, 1, 2, 0]].T, color=style.INK)
    for corner, name, at in zip(CORNERS, "ABC", ("right", "left", "center"), strict=True):
        style.write(axes[2], *map(float, corner * 1.12 - 0.12 * CORNERS.mean(0)), name, ha=at)
    figures.draw_entropy_levels(axes[2], CORNERS)
    axes[2].set(xlim=(-0.15, 1.15), ylim=(-0.2, 1.05), aspect="equal", xticks=[], yticks=[])
    axes[2].spines[:].set_visible(False)
    style.add_title(axes[2], "all triples of probabilities")

    def update(values, state):
        dot.set_data([values["heads"]], [state.coin])
        left = np.append(0, np.cumsum(state.outcomes))
        for i, block in enumerate(blocks):
            x0, x1, y = left[i], left[i + 1], min(state.surprise[i], 20)
            block.set_xy([[x0, 0], [x1, 0], [x1, y], [x0, y]])

    return Explorer(
        title="How much surprise should you expect?",
        controls={"heads": slider(heads, 0, 1, step=0.01)},
        points={"outcomes": Draggable(axes[2], outcomes, "the triple", _into_triangle)},
        compute=_surprise,
        scene=Scene(figure, [dot, *blocks], update),
        describe=lambda values, state: (
            f"The coin's entropy is {say(state.coin)} nats = {say(state.coin / np.log(2))} bits. "
            f"The outcomes A, B, C have probabilities {', '.join(map(say, state.outcomes))} and "
            f"surprises {', '.join(map(say, state.surprise))}; on average {say(state.entropy)} "
            f"nats, of {say(np.log(3))} at most."
        ),
        labels={"heads": r"\(p\) probability of heads"},
        presets={"fair": {"heads": 0.5, "outcomes": tuple(map(float, CORNERS.mean(0)))}},
    )


class BayesState(NamedTuple):
    """The posterior after one positive test, after several, and for every base rate."""

    posterior: Float[Array, "tests"]
    evidence: Float[Array, ""]
    curve: Float[Array, "rates"]


RATES = np.logspace(-3, np.log10(0.5), 60).astype(np.float32)


@jax.jit
def _test(base_rate, hit_rate, false_alarms) -> BayesState:
    likelihood = jnp.stack([hit_rate, false_alarms])

    def after(base_rate, num_tests):
        prior = jnp.stack([base_rate, 1 - base_rate])
        return bayes_rule(prior, likelihood**num_tests)

    tests = jax.vmap(lambda n: after(base_rate, n).probabilities[0])(jnp.arange(6.0))
    curve = jax.vmap(lambda rate: after(rate, 1.0).probabilities[0])(jnp.asarray(RATES))
    return BayesState(tests, after(base_rate, 1.0).evidence, curve)


def bayes(base_rate=0.1, hit_rate=0.9, false_alarms=0.05) -> Explorer:
    """What a positive test says about a rare disease (section 3.11, equation 3.42)."""
    figure, axes = style.figure(3)
    sick = Polygon(np.zeros((4, 2)), facecolor=style.BLUE, alpha=0.7)
    well = Polygon(np.zeros((4, 2)), facecolor=style.VERMILLION, alpha=0.35)
    for block in (sick, well):
        axes[0].add_patch(block)
    (border,) = axes[0].plot([], [], color=style.INK, linewidth=1)
    axes[0].set(xlim=(0, 1), ylim=(0, 1), xlabel="everybody: the ill at the left")
    axes[0].set_ylabel("share with a positive test")
    style.add_title(axes[0], "areas are probabilities")
    (curve,) = axes[1].plot([], [], color=style.INK)
    (here,) = axes[1].plot([], [], "o", color=style.BLUE, markersize=8)
    axes[1].set(xscale="log", xlim=(1e-3, 0.5), ylim=(0, 1.02), xlabel="base rate $P(x)$")
    axes[1].set_ylabel(r"posterior $P(x \mid y)$")
    style.add_title(axes[1], "one positive test, every base rate")
    (tests,) = axes[2].plot([], [], "o-", color=style.BLUE)
    axes[2].set(xlim=(-0.2, 5.2), ylim=(0, 1.02), xlabel="positive tests in a row")
    style.add_title(axes[2], "independent tests add up")
    for ax in axes[1:]:
        style.add_grid(ax)

    def update(values, state):
        rate = values["base_rate"]
        for block, x0, x1, y in (
            (sick, 0, rate, values["hit_rate"]), (well, rate, 1, values["false_alarms"])
        ):  # fmt: skip
            block.set_xy([[x0, 0], [x1, 0], [x1, y], [x0, y]])
        border.set_data([rate, rate], [0, 1])
        curve.set_data(RATES, state.curve)
        here.set_data([rate], state.posterior[1:2])
        tests.set_data(np.arange(6), state.posterior)

    return Explorer(
        title="The test is positive. How worried should you be?",
        controls={
            "base_rate": log_slider(base_rate, 0.001, 0.5),
            "hit_rate": slider(hit_rate, 0.5, 1, step=0.01),
            "false_alarms": slider(false_alarms, 0.01, 0.5, step=0.01),
        },
        compute=_test,
        scene=Scene(figure, [sick, well, border, curve, here, tests], update),
        describe=lambda values, state: (
            f"{say(100 * values['base_rate'])}% are ill and {say(100 * state.evidence)}% test "
            f"positive. Of those, {say(100 * state.posterior[1])}% are ill; after a second "
            f"positive test, {say(100 * state.posterior[2])}%."
        ),
        labels={"base_rate": r"\(P(x)\) base rate", "hit_rate": r"\(P(y \mid x)\) hit rate",
                "false_alarms": "false alarms"},
    )  # fmt: skip


class MixtureState(NamedTuple):
    """Samples of a mixture, and what one place says about the component."""

    mixture: Mixture
    samples: MixtureSample
    posterior: Float[Array, "3"]


@jax.jit
def _mix(first_weight, correlation, num_samples, means, probe) -> MixtureState:
    rest = (1 - first_weight) / 2
    off = 1.5 * correlation
    third = jnp.stack([1.5, off, off, 1.5]).reshape(2, 2)
    covariances = jnp.stack([0.6 * jnp.eye(2), jnp.diag(jnp.array([0.3, 2.5])), third])
    model = Mixture(jnp.stack([first_weight, rest, rest]), means, covariances)
    samples = sample_mixture(jax.random.key(0), model, 600)
    shown = jnp.arange(600)[:, None] < num_samples
    points = jnp.where(shown, samples.points, jnp.nan)
    samples = MixtureSample(samples.components, points)
    return MixtureState(model, samples, responsibilities(model, probe))


def mixture(
    first_weight=0.35, correlation=0.8, num_samples=400,
    means=((-5.0, 0.0), (0.0, 0.0), (5.0, 0.0)), probe=(2.0, -0.2),
) -> Explorer:  # fmt: skip
    """Ancestral sampling, and the posterior over the component (section 3.9.6, Figure 3.2)."""
    figure, (ax, bars) = style.figure(2, widths=(2.4, 1))
    looks = [("o", style.BLUE), ("s", style.VERMILLION), ("^", style.GREEN)]
    dots = [ax.plot([], [], m, color=c, markersize=3, alpha=0.6)[0] for m, c in looks]
    rims = [ax.plot([], [], color=c, linewidth=1.6)[0] for _, c in looks]
    ax.set(xlim=(-9, 9), ylim=(-5, 5), aspect="equal", xlabel="$x_1$")
    ax.set_ylabel("$x_2$", rotation=0)
    style.add_title(ax, "samples, and two standard deviations of each component")
    columns = [Polygon(np.zeros((4, 2)), facecolor=c, alpha=0.7) for _, c in looks]
    for column in columns:
        bars.add_patch(column)
    (priors,) = bars.plot([], [], "_", color=style.INK, markersize=34, markeredgewidth=2)
    bars.set(xlim=(-0.6, 2.6), ylim=(0, 1.02), xticks=range(3))
    bars.set_xticklabels(["round", "upright", "tilted"])
    style.add_title(bars, "posterior at the probe (line: prior)")

    def update(values, state):
        for i in range(3):
            dots[i].set_data(*state.samples.points[state.samples.components == i].T)
            rims[i].set_data(
                *figures.ellipse_of(state.mixture.means[i], state.mixture.covariances[i])
            )
            x0, x1, y = i - 0.35, i + 0.35, state.posterior[i]
            columns[i].set_xy([[x0, 0], [x1, 0], [x1, y], [x0, y]])
        priors.set_data(np.arange(3), state.mixture.weights)

    return Explorer(
        title="Which component made this point?",
        controls={
            "first_weight": slider(first_weight, 0.02, 0.96, step=0.01),
            "correlation": slider(correlation, -0.95, 0.95, step=0.05),
            "num_samples": log_slider(num_samples, 20, 600, whole=True),
        },
        points={
            "means": Draggable(ax, means, "mean of a component"),
            "probe": Draggable(ax, probe, "the probe"),
        },
        compute=_mix,
        scene=Scene(figure, [*dots, *rims, *columns, priors], update),
        describe=lambda values, state: (
            "At the probe the round, upright and tilted component have posterior probability "
            f"{', '.join(say(round(float(p), 3)) for p in state.posterior)}; the prior was "
            f"{', '.join(map(say, state.mixture.weights))}."
        ),
        labels={"first_weight": "weight of the round one", "num_samples": "samples shown"},
    )


class GaussianState(NamedTuple):
    """A Gaussian in the plane, its marginal and its conditional over x2."""

    covariance: Float[Array, "2 2"]
    conditional: Float[Array, "2"]  # mean and variance of x2 given x1
    samples: Float[Array, "m 2"]


@jax.jit
def _slice(given, radii) -> GaussianState:
    covariance = radii.T @ radii + 0.1 * jnp.eye(2, dtype=radii.dtype)
    slope = covariance[0, 1] / covariance[0, 0]
    conditional = jnp.stack([slope * given, covariance[1, 1] - slope * covariance[0, 1]])
    samples = sample_gaussian(jax.random.key(0), jnp.zeros(2), covariance, 300)
    return GaussianState(covariance, conditional, samples)


def gaussian_2d(given=1.0, radii=((1.6, 0.8), (-0.4, 0.8))) -> Explorer:
    """Pull a covariance by its ellipse: marginal and conditional (section 3.9.3)."""
    figure, (ax, side) = style.figure(2, widths=(1.3, 1))
    (dots,) = ax.plot([], [], "o", color=style.INK, markersize=2.5, alpha=0.5)
    rims = [ax.plot([], [], color=style.BLUE, linewidth=w)[0] for w in (2, 1)]
    (cut,) = ax.plot([], [], "--", color=style.VERMILLION)
    ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="$x_1$")
    ax.set_ylabel("$x_2$", rotation=0)
    style.add_title(ax, "one and two standard deviations")
    (marginal,) = side.plot([], [], color=style.INK)
    (conditional,) = side.plot([], [], "--", color=style.VERMILLION)
    side.set(xlim=(0, 1.3), ylim=(-4, 4), xlabel="density of $x_2$")
    style.write(side, 1.28, 3.6, "solid: marginal $p(x_2)$", ha="right")
    style.write(side, 1.28, 3.1, r"dashed: $p(x_2 \mid x_1)$", ha="right", color=style.VERMILLION)
    style.add_title(side, "before and after $x_1$ is known")
    x2 = np.linspace(-4, 4, 121)

    def bell(mean, variance):
        return np.exp(-0.5 * (x2 - mean) ** 2 / variance) / np.sqrt(2 * np.pi * variance)

    def update(values, state):
        dots.set_data(*state.samples.T)
        for rim, radius in zip(rims, (1, 2), strict=True):
            rim.set_data(*figures.ellipse_of(np.zeros(2), state.covariance, radius))
        cut.set_data([values["given"]] * 2, [-4, 4])
        marginal.set_data(bell(0, state.covariance[1, 1]), x2)
        conditional.set_data(bell(*state.conditional), x2)

    return Explorer(
        title="What does knowing one coordinate say about the other?",
        controls={"given": slider(given, -3, 3, step=0.1)},
        points={"radii": Draggable(ax, radii, "a radius of the ellipse")},
        compute=_slice,
        scene=Scene(figure, [dots, *rims, cut, marginal, conditional], update),
        describe=_describe_slice,
        labels={"given": r"\(x_1\) known value"},
        presets={"axis-aligned": {"radii": ((2.0, 0.0), (0.0, 0.7))},
                 "isotropic": {"radii": ((1.2, 0.0), (0.0, 1.2))}},
    )  # fmt: skip


def _describe_slice(values, state: GaussianState) -> str:
    (a, b), (_, c) = state.covariance
    mean, variance = state.conditional
    return (
        f"The variances are {say(a)} and {say(c)}, the correlation {say(b / np.sqrt(a * c))}. Once "
        f"x1 = {say(values['given'])} is known, x2 has mean {say(round(float(mean), 3))} and "
        f"standard deviation {say(np.sqrt(variance))} instead of 0 and {say(np.sqrt(c))}."
    )


class DistributionState(NamedTuple):
    """A density on a grid and samples of it."""

    log_density: Float[Array, "grid"]
    counts: Float[Array, "bins"]  # the height of each histogram bar
    mean: Float[Array, ""]
    sd: Float[Array, ""]


BINS = np.linspace(-6, 6, 41)
FAMILIES = ("Gaussian", "Laplace", "exponential")


@jax.jit
def _draw(family, location, scale, num_samples) -> DistributionState:
    x = jnp.asarray(X, jnp.float32)
    key = jax.random.key(1)
    log_density, samples = jax.lax.switch(family, [
        lambda: (gaussian_log_density(x, location, scale**2),
                 sample_gaussian(key, jnp.stack([location]), jnp.eye(1) * scale**2, 2000)[:, 0]),
        lambda: (laplace_log_density(x, location, scale),
                 sample_laplace(key, location, scale, 2000)),
        lambda: (exponential_log_density(x - location, 1 / scale),
                 location + sample_exponential(key, 1 / scale, 2000)),
    ])  # fmt: skip
    shown = (jnp.arange(2000) < num_samples) / num_samples
    counts = jnp.histogram(samples, jnp.asarray(BINS), weights=shown)[0] / 0.3
    mean = shown @ samples
    return DistributionState(log_density, counts, mean, jnp.sqrt(shown @ (samples - mean) ** 2))


def distributions(family=FAMILIES[0], location=0.0, scale=1.0, num_samples=200) -> Explorer:
    """Three densities, their logarithms and their samples (sections 3.9.3, 3.9.4, Figure 3.1)."""
    figure, axes = style.figure(2)
    (steps,) = axes[0].plot([], [], color=style.BLUE, linewidth=1, drawstyle="steps-mid")
    (density,) = axes[0].plot([], [], color=style.INK)
    (log_density,) = axes[1].plot([], [], color=style.INK)
    axes[0].set(xlim=(-6, 6), ylim=(0, 1.6), xlabel="$x$")
    axes[0].set_ylabel("$p(x)$ density")
    axes[1].set(xlim=(-6, 6), ylim=(-12, 1.5), xlabel="$x$")
    axes[1].set_ylabel(r"$\log p(x)$ log-density")
    style.add_title(axes[0], "the density (black) and a histogram of samples (blue)")
    style.add_title(axes[1], "the same on a log scale: the tails")
    for ax in axes:
        style.add_grid(ax)
    middles = (BINS[1:] + BINS[:-1]) / 2

    def update(values, state):
        steps.set_data(middles, state.counts)
        density.set_data(X, np.exp(state.log_density))
        log_density.set_data(X, np.maximum(state.log_density, -100))

    return Explorer(
        title="What do location and scale do, and how heavy are the tails?",
        controls={
            "family": dropdown(family, FAMILIES),
            "location": slider(location, -3, 3, step=0.1),
            "scale": slider(scale, 0.3, 3, step=0.1),
            "num_samples": log_slider(num_samples, 10, 2000, whole=True),
        },
        compute=_draw,
        scene=Scene(figure, [steps, density, log_density], update),
        describe=lambda values, state: (
            f"{values['num_samples']} samples of the {values['family']} density have mean "
            f"{say(state.mean)} and standard deviation {say(state.sd)}; the density peaks at "
            f"{say(np.exp(state.log_density.max()))}."
        ),
        labels={"location": r"\(\mu\) location", "num_samples": "samples",
                "scale": r"scale \(\sigma\), \(\gamma\), \(1/\lambda\)"},
    )  # fmt: skip
