"""The explorers of chapter 8."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dlcompanion import style
from dlcompanion.live import (
    Draggable,
    Explorer,
    Scene,
    compute_one,
    dropdown,
    int_slider,
    log_slider,
    slider,
    toggle,
)
from dlcompanion.numerical_computation import figures as bowls
from dlcompanion.numerical_computation.descent import Trajectory, line_search_descent
from dlcompanion.numerical_computation.quadratics import Quadratic, quadratic
from dlcompanion.optimization import figures
from dlcompanion.optimization.adaptive import adagrad, adam, rmsprop
from dlcompanion.optimization.batch_normalization import (
    chain_output,
    chain_terms,
    normalized_chain,
)
from dlcompanion.optimization.challenges import recurrent_cost, with_clipping
from dlcompanion.optimization.initialization import (
    normalized_weights,
    orthogonal_weights,
    propagate,
    rectifier_weights,
    sparse_weights,
    uniform_weights,
)
from dlcompanion.optimization.momentum import momentum as plain_momentum
from dlcompanion.optimization.momentum import nesterov_momentum, stability_limits
from dlcompanion.optimization.second_order import Search
from dlcompanion.optimization.second_order import conjugate_gradients as search_conjugate
from dlcompanion.optimization.sgd import minimize, sgd, walk
from dlcompanion.style import say

# Sections 8.3.2 and 8.3.3
PUSH_STEPS = 60
NUM_ARROWS = 16
FIGURE_8_5 = {"condition_number": 50, "learning_rate": 1.8, "momentum": 0.7, "nesterov": False,
              "num_steps": 30, "start": (-11.0, 6.0)}  # fmt: skip


class Push(NamedTuple):
    """A descent with momentum, and what it would be without (section 8.3.2)."""

    bowl: Quadratic
    pushed: Trajectory
    plain: Trajectory
    arrows: Float[Array, "iterates 2"]  # the step of plain descent, on the way of the other


@jax.jit
def _push(condition_number, learning_rate, momentum, nesterov, start) -> Push:
    bowl = quadratic(condition_number, 1.0, 1.9)
    runs = [
        minimize(bowl, optimizer, start, PUSH_STEPS)
        for optimizer in (
            plain_momentum(learning_rate, momentum),
            nesterov_momentum(learning_rate, momentum),
            sgd(learning_rate),
        )
    ]
    pushed = jax.tree.map(lambda one, other: jnp.where(nesterov, other, one), *runs[:2])
    return Push(bowl, pushed, runs[2], -learning_rate * pushed.params @ bowl.hessian)


PUSH_LABELS = {
    "condition_number": r"\(\kappa\) condition number",
    "learning_rate": r"\(\epsilon\) learning rate",
    "momentum": r"\(\alpha\) momentum",
    "nesterov": "Nesterov",
    "num_steps": "steps shown",
}
PUSH_PRESETS = {
    "Fig. 8.5": FIGURE_8_5,
    "no momentum": FIGURE_8_5 | {"momentum": 0},
    "long steps": FIGURE_8_5 | {"learning_rate": 3},
    "Nesterov": FIGURE_8_5 | {"learning_rate": 1.2, "nesterov": True},
}


def momentum(
    condition_number=50.0,
    learning_rate=1.8,
    momentum=0.7,
    nesterov=False,
    num_steps=30,
    start=(-11.0, 6.0),
) -> Explorer:
    """Momentum in a canyon, with the steps of plain descent on its way (Figure 8.5)."""
    state = compute_one(
        _push,
        condition_number=condition_number,
        learning_rate=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
        start=np.asarray(start, np.float32),
    )
    figure, axes = style.figure(3, widths=(1.3, 1, 0.9))
    contours = bowls.draw_contours(axes[0], state.bowl)
    style.add_title(axes[0], "arrows: the steps of plain descent")
    (without,) = axes[0].plot([], [], "--", color=style.VERMILLION, linewidth=1)
    path = bowls.draw_descent(axes[0], state.pushed)
    arrows = figures.draw_arrows(axes[0])
    losses = bowls.draw_loss(axes[1], state.pushed, num_steps)
    (plain,) = axes[1].plot([], [], "--", color=style.VERMILLION)
    style.add_title(axes[1], "the loss; dashed: plain descent")
    axes[1].set(ylim=(1e-8, 1e4))
    edge, here = figures.draw_stability(axes[2])

    def update(values, state):
        num_steps, shown = values["num_steps"], slice(values["num_steps"] + 1)
        bowls.update_contours(contours, state.bowl)
        bowls.update_descent(path, state.pushed, num_steps)
        plain_path = state.plain.params[shown]
        without.set_data(*np.where(np.abs(plain_path) < 2 * bowls.EXTENT, plain_path, np.nan).T)
        first = slice(min(num_steps + 1, NUM_ARROWS))
        figures.update_arrows(arrows, state.pushed.params[first], state.arrows[first])
        bowls.update_loss(losses, state.pushed, num_steps)
        plain.set_data(range(PUSH_STEPS + 1), np.maximum(state.plain.loss, bowls.SMALLEST_LOSS))
        alphas = np.linspace(0, 1, 21)
        edge.set_data(alphas, stability_limits(alphas)[values["nesterov"]])
        here.set_data([values["momentum"]] * 2, values["learning_rate"] * state.bowl.eigenvalues)

    return Explorer(
        title="What does it help to remember the last steps?",
        controls={
            "condition_number": log_slider(condition_number, 1, 200),
            "learning_rate": slider(learning_rate, 0.05, 4, step=0.05),
            "momentum": slider(momentum, 0, 0.99, step=0.01),
            "nesterov": toggle(nesterov),
            "num_steps": int_slider(num_steps, 1, PUSH_STEPS),
        },
        points={"start": Draggable(axes[0], start, "start of both descents")},
        compute=_push,
        scene=Scene(figure, [contours, without, *path, arrows, *losses, plain, edge, here], update),
        describe=_describe_push,
        view=("num_steps",),
        play="num_steps",
        labels=PUSH_LABELS,
        presets=PUSH_PRESETS,
    )


def _describe_push(values, state: Push) -> str:
    num_steps, alpha = values["num_steps"], values["momentum"]
    limit = stability_limits(alpha)[values["nesterov"]]
    steps = "1 step" if num_steps == 1 else f"{num_steps} steps"
    pushed, plain = state.pushed.loss[num_steps], state.plain.loss[num_steps]
    name = "Nesterov momentum" if values["nesterov"] else "momentum"
    ends = [say(loss) if loss < 1e6 else "no end" for loss in (pushed, plain)]
    return (
        f"The velocity can grow to {say(1 / (1 - alpha))} plain steps; {name} bears ελ up to "
        f"{say(limit)}, and the walls have {say(values['learning_rate'])}. After {steps} the loss "
        f"has gone from {say(state.plain.loss[0])} to {ends[0]}, without momentum to {ends[1]}."
    )


# Section 8.5
RACE_STEPS = 100
RATES = np.geomspace(1e-3, 3.15, 36)
METHODS = sgd, plain_momentum, nesterov_momentum, adagrad, rmsprop, adam
SURFACES = ("canyon", "rotated canyon", "Rosenbrock", "saddle", "plateau", "cliff")
CANYON_EDGE = 0.2  # 2 / lambda_max of both canyons


@jax.jit
def _heights(x) -> Float[Array, "surfaces ..."]:
    """Return the height of every surface; all have a minimum of 0."""

    def canyon(floor, wall):
        return 0.05 * floor**2 + 5 * wall**2

    u, v = x[0] / 1.5, (x[1] + 1.2) / 1.5
    wall = jnp.exp(jnp.minimum(25 * (x[0] - 1.5), 60))
    return jnp.stack(
        [
            canyon(x[0], x[1]),
            canyon((x[0] - x[1]) / 2**0.5, (x[0] + x[1]) / 2**0.5),
            (1 - u) ** 2 + 5 * (v - u**2) ** 2,
            x[0] ** 2 / 2 + (1 - x[1] ** 2 / 4) ** 2,
            1 - jnp.exp(-(x[0] ** 2 + 2 * x[1] ** 2) / 1.3),
            1.33125 - x[0] + wall + 0.15 * x[1] ** 2,
        ]
    )


class Race(NamedTuple):
    """Six optimizers from one start, and each with every learning rate (section 8.5)."""

    rates: Float[Array, "optimizers"]  # with which each runs
    paths: Float[Array, "optimizers iterates 2"]
    losses: Float[Array, "optimizers iterates"]
    all_losses: Float[Array, "optimizers num_rates iterates"]
    edge: Float[Array, ""]  # 2 / lambda_max of a quadratic, else NaN


@jax.jit
def _race(surface, learning_rate, tuned, start) -> Race:
    rates = jnp.append(learning_rate, jnp.asarray(RATES, jnp.float32))

    def grad_fn(_, x):
        return jax.grad(lambda x: _heights(x)[surface])(x)

    def run(method):
        return jax.vmap(lambda rate: walk(method(rate), grad_fn, start, np.arange(RACE_STEPS)))(
            rates
        )

    paths = jnp.stack([run(method) for method in METHODS])
    losses = _heights(jnp.moveaxis(paths, -1, 0))[surface]
    best = jnp.nan_to_num(figures.settled(losses[:, 1:], RACE_STEPS), nan=jnp.inf).argmin(axis=1)
    i, of = jnp.where(tuned, 1 + best, 0), np.arange(len(METHODS))
    edge = jnp.where(surface < 2, CANYON_EDGE, jnp.nan)
    return Race(rates[i], paths[of, i], losses[of, i], losses[:, 1:], edge)


def arena(
    surface="canyon", learning_rate=0.1, tuned=False, num_steps=RACE_STEPS, start=(-2.4, 1.0)
) -> Explorer:
    """Six optimizers on one surface, and all their learning rates (sections 8.3, 8.5, 8.5.4)."""
    grid = np.linspace(-figures.PLANE, figures.PLANE, 61, dtype=np.float32)
    heights = np.asarray(_heights(np.stack(np.meshgrid(grid, grid))))
    contours = [figures.level_sets(surface) for surface in heights]
    figure, axes = style.figure(3, widths=(1.1, 1, 1))
    race = figures.draw_race(axes, RATES, RACE_STEPS)

    def update(values, state):
        segments, shades = contours[SURFACES.index(values["surface"])]
        race[0].set(segments=segments, edgecolors=shades)
        figures.update_race(race, state, values["num_steps"])

    return Explorer(
        title="Which optimizer is best, and what does that depend on?",
        controls={
            "surface": dropdown(surface, SURFACES),
            "learning_rate": log_slider(learning_rate, 1e-3, 3.15),
            "tuned": toggle(tuned),
            "num_steps": int_slider(num_steps, 1, RACE_STEPS),
        },
        points={"start": Draggable(axes[0], start, "start of all six")},
        compute=_race,
        scene=Scene(figure, race, update),
        describe=_describe_race,
        view=("num_steps",),
        play="num_steps",
        labels={
            "learning_rate": r"\(\epsilon\) learning rate of all",
            "tuned": "each with its own best",
            "num_steps": "steps shown",
        },
        presets={
            "canyon": {"surface": "canyon", "tuned": True, "start": (-2.4, 1.0)},
            "rotated": {"surface": "rotated canyon", "tuned": True, "start": (-2.4, 1.0)},
            "saddle": {"surface": "saddle", "tuned": False, "start": (-2.4, 0.02)},
            "plateau": {"surface": "plateau", "tuned": False, "start": (-2.4, 1.0)},
            "cliff": {"surface": "cliff", "tuned": False, "start": (-2.4, 1.0)},
        },
    )


def _describe_race(values, state: Race) -> str:
    losses = np.nan_to_num(figures.settled(state.losses, values["num_steps"]), nan=np.inf)
    names, first, last = list(figures.LOOKS), np.argmin(losses), np.argmax(losses)
    steps = "1 step" if values["num_steps"] == 1 else f"{values['num_steps']} steps"
    rates = "each with its best ε" if values["tuned"] else f"all with ε = {say(state.rates[0])}"
    end = f"highest, {say(losses[last])}" if losses[last] < 1e6 else "lost, it has diverged"
    story = f"After {steps}, {rates}, the loss of {names[first]} stays lowest, "
    story += f"{say(losses[first])}, and that of {names[last]} {end}."
    if np.isfinite(state.edge) and not values["tuned"]:
        part = say(state.rates[0] / state.edge)
        story += f" ε is {part} of SGD's limit 2/λmax = {say(state.edge)}."
    return story


# Section 8.2.4
CLIFF_RUN = 60


class CliffState(NamedTuple):
    """Two runs of gradient descent from one start (section 8.2.4)."""

    plain: Trajectory
    clipped: Trajectory


@jax.jit
def _approach(learning_rate, threshold, start) -> CliffState:
    rule = sgd(learning_rate)
    plain = minimize(recurrent_cost, rule, start, CLIFF_RUN)
    clipped = minimize(recurrent_cost, with_clipping(rule, threshold), start, CLIFF_RUN)
    return CliffState(plain, clipped)


def cliff(learning_rate=0.2, threshold=0.1, num_steps=60, start=(5.24, -2.36)) -> Explorer:
    """Gradient descent at a cliff, with and without clipping (section 8.2.4, Figure 8.3)."""
    figure, axes = style.figure(2, widths=(1.5, 1))
    cost_fn = jax.jit(jax.vmap(recurrent_cost))
    moving = figures.draw_cliff(axes, cost_fn, CLIFF_RUN)

    def update(values, state):
        figures.update_cliff(moving, *state, values["threshold"], values["num_steps"])

    return Explorer(
        title="What does a cliff do to a long step?",
        controls={
            "learning_rate": log_slider(learning_rate, 0.02, 1),
            "threshold": log_slider(threshold, 0.05, 20),
            "num_steps": int_slider(num_steps, 1, CLIFF_RUN),
        },
        points={"start": Draggable(axes[0], start, "start of both runs")},
        compute=_approach,
        scene=Scene(figure, moving, update),
        describe=_describe_cliff,
        view=("num_steps",),
        play="num_steps",
        labels={
            "learning_rate": r"\(\epsilon\) learning rate",
            "threshold": "clip where the norm exceeds",
            "num_steps": "steps shown",
        },
        presets={
            "catapult": {"learning_rate": 0.2, "threshold": 0.1, "start": (5.24, -2.36)},
            "threshold too high": {"threshold": 20},
            "tiny steps": {"learning_rate": 0.02},
        },
    )


def _describe_cliff(values, state: CliffState) -> str:
    last, rate = values["num_steps"], values["learning_rate"]
    norms, costs = state.plain.grad_norm[:last], [run.loss[last] for run in state]
    worst = int(norms.argmax())
    told = (
        f"The steepest gradient without clipping has norm {say(norms[worst])}, and its step, "
        f"number {worst + 1}, length {say(rate * norms[worst])}"
    )
    if norms[worst] <= values["threshold"]:
        return f"{told}: below the threshold, so that both runs are the same, J = {say(costs[0])}."
    away = "" if _on_map(state.plain.params[: last + 1]) else ", off the map"
    return (
        f"{told}{away}; after {last} steps J = {say(costs[0])}. Clipped, no step is longer than "
        f"{say(rate * values['threshold'])}, and J = {say(costs[1])}."
    )


def _on_map(path: np.ndarray) -> bool:
    left, right, bottom, top = figures.CLIFF_BOX
    return bool(((path >= (left, bottom)) & (path <= (right, top))).all())


# Section 8.6.2
SEARCHES = 12


class SearchState(NamedTuple):
    """Two ways down a bowl, and how their first two directions stand (section 8.6.2)."""

    bowl: Quadratic
    steepest: Trajectory
    conjugate: Search
    cosines: Float[Array, "2"]  # d_1^T H d_0 of each way, over the lengths in the same product


@jax.jit
def _search_twice(condition_number, angle, start) -> SearchState:
    bowl = quadratic(condition_number, 1.0, jnp.radians(angle))
    steepest = line_search_descent(bowl, start, SEARCHES)
    conjugate = search_conjugate(bowl, start, SEARCHES)

    def cosine(steps):
        H = steps @ bowl.hessian @ steps.T
        lengths = jnp.sqrt(jnp.maximum(H[0, 0] * H[1, 1], 1e-12))
        return jnp.where(H[1, 1] > 1e-9 * H[0, 0], H[0, 1] / lengths, 0)

    steps = jnp.diff(steepest.params[:3], axis=0)
    cosines = jnp.stack([cosine(steps), cosine(conjugate.direction[:2])])
    return SearchState(bowl, steepest, conjugate, cosines)


def conjugate_gradients(
    condition_number=6.3, angle=60, num_steps=12, start=(-8.6, 7.1)
) -> Explorer:
    """Steepest descent zigzags, conjugate directions arrive in two (section 8.6.2, Figure 8.6)."""
    figure, axes = style.figure(3, widths=(1.1, 1.1, 1))
    moving = figures.draw_searches(axes, SEARCHES)

    def update(values, state):
        searches = state.steepest, state.conjugate
        figures.update_searches(moving, state.bowl, searches, values["num_steps"])

    return Explorer(
        title="Why do two conjugate steps suffice?",
        controls={
            "condition_number": log_slider(condition_number, 1, 100),
            "angle": int_slider(angle, 0, 90),
            "num_steps": int_slider(num_steps, 1, SEARCHES),
        },
        points={"start": Draggable(axes[0], start, "start of both")},
        compute=_search_twice,
        scene=Scene(figure, moving, update),
        describe=_describe_searches,
        view=("num_steps",),
        play="num_steps",
        labels={
            "condition_number": r"\(\kappa\) condition number",
            "angle": "angle of the walls, degrees",
            "num_steps": "line searches shown",
        },
        presets={
            "worst start": {"condition_number": 6.3, "angle": 60, "start": (-8.6, 7.1)},
            "lucky start": {"condition_number": 6.3, "angle": 60, "start": (4.5, 7.8)},
            "round bowl": {"condition_number": 1},
        },
    )


def _describe_searches(values, state: SearchState) -> str:
    last, cosines = values["num_steps"], np.round(state.cosines, 2) + 0.0
    start = state.steepest.loss[0]
    if not start > 0:
        return "The start is the minimum: there is nothing to search."
    shares = [100 * run.loss[last] / start for run in (state.steepest, state.conjugate)]
    left = ["less than a millionth" if share < 1e-4 else f"{say(share)}%" for share in shares]
    steps = "one line search" if last == 1 else f"{last} line searches"
    return (
        f"After {steps} steepest descent has {left[0]} of the cost left, conjugate gradients "
        f"{left[1]}. On the scale from −1 to 1, d₁ᵀHd₀ is {say(cosines[0])} for the "
        f"steepest directions and {say(cosines[1])} for the conjugate ones."
    )


# Section 8.4
LAYERS, WIDTH, EXAMPLES = 20, 64, 50
SCHEMES = {
    "uniform, 1/√m": uniform_weights,
    "normalized, Eq. 8.23": normalized_weights,
    "for rectifiers, 2/m": rectifier_weights,
    "orthogonal": orthogonal_weights,
    "sparse, 15 of them": sparse_weights,
}
UNITS = {"tanh": jnp.tanh, "rectifier": jax.nn.relu, "linear": lambda x: x}


class SignalState(NamedTuple):
    """How large the signals are in every layer, both ways (section 8.4)."""

    sizes: Float[Array, "layers"]
    grad_sizes: Float[Array, "layers"]
    counts: Float[Array, "layers bins"]
    saturated: Float[Array, ""]  # the share of the last layer's activations beyond 0.95


@cache
def _initial_weights() -> np.ndarray:
    """Draw the weights of all schemes once, shape (schemes, layers, width, width)."""

    def draw(key):
        return jnp.stack([scheme(key, WIDTH, WIDTH) for scheme in SCHEMES.values()])

    keys = jax.random.split(jax.random.key(0), LAYERS)
    return np.asarray(jax.jit(jax.vmap(draw, out_axes=1))(keys), np.float32)


def _sizes(parts: Float[Array, "layers m n"]) -> Float[Array, "layers"]:
    """Return standard deviations whose squares may overflow."""
    largest = jnp.maximum(jnp.abs(parts).max((1, 2), keepdims=True), 1e-30)
    return largest[:, 0, 0] * (parts / largest).std((1, 2))


@jax.jit
def _send(unit, scheme, scale) -> SignalState:
    weights = scale * jnp.asarray(_initial_weights())[scheme]
    inputs, grads = jax.random.normal(jax.random.key(1), (2, EXAMPLES, WIDTH))
    passes = [lambda f=f: propagate(weights, inputs, grads, f) for f in UNITS.values()]
    signals = jax.lax.switch(unit, passes)
    low, width = figures.HISTOGRAM[0], np.diff(figures.HISTOGRAM)[0]
    bins = jnp.floor((signals.activations[..., None] - low) / width)
    counts = (bins == jnp.arange(figures.HISTOGRAM.size - 1)).sum((1, 2))
    saturated = jnp.mean(jnp.abs(signals.activations[-1]) > 0.95)
    return SignalState(*map(_sizes, signals), counts, saturated)


def initialization(unit="tanh", scheme="uniform, 1/√m", scale=1.0) -> Explorer:
    """Signals through twenty layers of random weights (section 8.4, equation 8.23)."""
    _initial_weights()  # here, not while `_send` is traced
    figure, axes = style.figure(2, widths=(1.15, 1))
    moving = figures.draw_signals(axes, LAYERS)

    def update(values, state):
        figures.update_signals(moving, *state[:3])

    return Explorer(
        title="What survives twenty random layers?",
        controls={
            "unit": dropdown(unit, list(UNITS)),
            "scheme": dropdown(scheme, list(SCHEMES)),
            "scale": log_slider(scale, 0.25, 4),
        },
        compute=_send,
        scene=Scene(figure, moving, update),
        describe=_describe_signals,
        labels={"scheme": "weights", "scale": "all weights times"},
        presets={
            "vanishes": {"unit": "tanh", "scheme": "uniform, 1/√m", "scale": 1},
            "kept": {"unit": "tanh", "scheme": "normalized, Eq. 8.23", "scale": 1},
            "saturates": {"unit": "tanh", "scheme": "sparse, 15 of them", "scale": 1},
            "rectifiers": {"unit": "rectifier", "scheme": "for rectifiers, 2/m", "scale": 1},
        },
    )


def _describe_signals(values, state: SignalState) -> str:
    up, down = state.sizes[-1] / state.sizes[0], state.grad_sizes[0]

    def fate(ratio):
        fates = ("vanish", "shrink", "keep their size", "grow", "explode")
        return f"{fates[np.searchsorted((0.01, 0.1, 10, 100), ratio)]} (times {say(ratio)})"

    saturation = ""
    if values["unit"] == "tanh" and state.saturated > 0.2:
        saturation = f" {say(100 * state.saturated)}% of the last layer is saturated."
    return (
        f"From the first layer to the last the activations {fate(up)}; from the last to the "
        f"first the gradients {fate(down)}.{saturation}"
    )


# Section 8.7.1
CHAIN = 20
CHAIN_RATES = np.geomspace(1e-4, 1, 61)


class ChainState(NamedTuple):
    """What a step does to a chain of layers, without and with normalization (section 8.7.1)."""

    kept: Float[Array, "2 rates"]  # the decrease over the promised one
    promised: Float[Array, "2"]
    decrease: Float[Array, "2"]
    terms: Float[Array, "orders"]


@jax.jit
def _step_chain(num_layers, weight, learning_rate) -> ChainState:
    present = jnp.arange(CHAIN) >= CHAIN - num_layers  # the others are 1, and stay
    weights = jnp.where(present, weight, 1.0)

    def step(output_fn, rate):
        g = jnp.where(present, jax.grad(output_fn)(weights), 0)
        return rate * g @ g, output_fn(weights) - output_fn(weights - rate * g)

    def normalized(weights):
        return normalized_chain(weights, jnp.array([1.0, -1.0]))[0]

    rates = jnp.append(jnp.asarray(CHAIN_RATES, jnp.float32), learning_rate)
    ways = [jax.vmap(lambda rate, f=f: step(f, rate))(rates) for f in (chain_output, normalized)]
    promised, decrease = (jnp.stack(parts) for parts in zip(*ways, strict=True))
    g = jnp.where(present, jax.grad(chain_output)(weights), 0)
    terms = chain_terms(weights, learning_rate * g)
    kept = decrease / promised
    return ChainState(kept[:, :-1], promised[:, -1], decrease[:, -1], terms)


def batch_norm(num_layers=10, weight=1.2, learning_rate=0.01) -> Explorer:
    """A step through a chain of linear layers, plain and normalized (equation 8.35)."""
    figure, axes = style.figure(2)
    moving = figures.draw_promises(axes, CHAIN_RATES, CHAIN)

    def update(values, state):
        here = float(state.decrease[0] / state.promised[0])
        figures.update_promises(moving, state.kept, values["learning_rate"], here, state.terms)

    return Explorer(
        title="Does a step through many layers do what its gradient promises?",
        controls={
            "num_layers": int_slider(num_layers, 2, CHAIN),
            "weight": slider(weight, 0.8, 1.5, step=0.05),
            "learning_rate": log_slider(learning_rate, 1e-4, 1),
        },
        compute=_step_chain,
        scene=Scene(figure, moving, update),
        describe=_describe_chain,
        labels={
            "num_layers": r"\(l\) layers",
            "weight": r"\(w\) all weights",
            "learning_rate": r"\(\epsilon\) learning rate",
        },
        presets={
            "kept": {"num_layers": 10, "weight": 1, "learning_rate": 0.01},
            "a third": {"num_layers": 10, "weight": 1.5, "learning_rate": 0.01},
            "it rises": {"num_layers": 20, "weight": 1.2, "learning_rate": 0.1},
        },
    )


def _describe_chain(values, state: ChainState) -> str:
    fell, promised = state.decrease[0], state.promised[0]
    amount = say(abs(fell)) if abs(fell) < 1e9 else "more than a billion"
    return (
        f"Plain, the step promises to lower the output by {say(promised)}; it "
        f"{'falls' if fell >= 0 else 'rises'} by {amount}, because layers also act in pairs, "
        f"{say(state.terms[2])}, in threes and so on. Normalized, only the last weight counts: "
        f"{say(state.promised[1])} promised, {say(state.decrease[1])} kept."
    )
