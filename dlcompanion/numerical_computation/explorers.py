"""The explorers of chapter 4."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

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
from dlcompanion.numerical_computation import curves, figures
from dlcompanion.numerical_computation.conditioning import amplification
from dlcompanion.numerical_computation.constrained import projected_gradient_descent
from dlcompanion.numerical_computation.curvature import Outlook, outlook
from dlcompanion.numerical_computation.descent import (
    Trajectory,
    diverged_at,
    gradient_descent,
    line_search_descent,
    newton,
    sign_descent,
)
from dlcompanion.numerical_computation.floating_point import (
    NumberFormat,
    in_format,
    log_softmax,
    logsumexp,
    naive_softmax,
    naive_variance,
    round_to,
    softmax,
    variance,
)
from dlcompanion.numerical_computation.floating_point import number_format as limits_of
from dlcompanion.numerical_computation.least_squares import (
    LeastSquares,
    MultiplierPath,
    critical_multiplier_rate,
    multiplier_ascent,
    penalized_solution,
)
from dlcompanion.numerical_computation.quadratics import (
    Quadratic,
    critical_learning_rate,
    quadratic,
)
from dlcompanion.style import say

STEEPEST = 5.0  # the curvature of the walls, whatever the condition number
MAX_STEPS = 100
SADDLE_STEPS = 40
METHODS = ("constant step", "exact line search", "Newton")
LEARNING_RATES = np.arange(1, 89) * 0.005
FIGURE_4_6_START = (10.0, -4.0)
FIGURE_4_6 = {"condition_number": 5, "learning_rate": 0.35, "num_steps": 30, "method": METHODS[0],
              "start": FIGURE_4_6_START}  # fmt: skip


class CanyonState(NamedTuple):
    """One descent, and the losses of all learning rates beside it."""

    bowl: Quadratic
    limit: Float[Array, ""]  # the critical learning rate
    path: Trajectory
    diverged_at: Int[Array, ""]
    losses: Float[Array, "num_rates num_steps"]


@jax.jit
def _descend(condition_number, learning_rate, method, start) -> CanyonState:
    bowl = quadratic(condition_number, STEEPEST)

    def constant_step(learning_rate):
        return gradient_descent(bowl, start, learning_rate, MAX_STEPS)

    path = jax.lax.switch(
        method,
        [
            lambda: constant_step(learning_rate),
            lambda: line_search_descent(bowl, start, MAX_STEPS),
            lambda: newton(bowl, start, MAX_STEPS),
        ],
    )
    losses = jax.vmap(constant_step)(jnp.asarray(LEARNING_RATES, jnp.float32)).loss
    return CanyonState(bowl, critical_learning_rate(bowl), path, diverged_at(path), losses)


def canyon(
    condition_number=5.0,
    learning_rate=0.35,
    num_steps=30,
    method=METHODS[0],
    start=FIGURE_4_6_START,
) -> Explorer:
    """Gradient descent on a quadratic with a large condition number (section 4.3.1, Figure 4.6)."""
    state = compute_one(
        _descend,
        condition_number=condition_number,
        learning_rate=learning_rate,
        method=METHODS.index(method),
        start=np.asarray(start, np.float32),
    )
    figure, axes = style.figure(3, widths=(1.25, 1, 1))
    contours = figures.draw_contours(axes[0], state.bowl)
    path = figures.draw_descent(axes[0], state.path, num_steps)
    figures.draw_directions(axes[0], state.bowl)
    errors = figures.draw_errors(axes[1], state.bowl, state.path, num_steps)
    rates = figures.draw_learning_rates(
        axes[2], float(state.limit), LEARNING_RATES, state.losses[:, -1]
    )
    (here,) = axes[2].plot([], [], "o", color=style.GREEN, markersize=8)

    def update(values, state):
        num_steps = values["num_steps"]
        figures.update_contours(contours, state.bowl)
        figures.update_descent(path, state.path, num_steps)
        figures.update_errors(errors, state.bowl, state.path, num_steps)
        figures.update_learning_rates(rates, LEARNING_RATES, state.losses[:, num_steps])
        here.set_data([values["learning_rate"]], [max(state.path.loss[num_steps], 1e-30)])

    return Explorer(
        title="How long may a step be, and what does a long canyon cost?",
        controls={
            "condition_number": log_slider(condition_number, 1, 200),
            "learning_rate": slider(learning_rate, 0.005, 0.44, step=0.005),
            "num_steps": int_slider(num_steps, 1, MAX_STEPS),
            "method": dropdown(method, METHODS),
        },
        points={"start": Draggable(axes[0], start, "start of the descent")},
        compute=_descend,
        scene=Scene(figure, [contours, *path, *errors, rates, here], update),
        describe=_describe_canyon,
        view=("num_steps",),
        play="num_steps",
        labels={
            "condition_number": r"\(\kappa\) condition number",
            "learning_rate": r"\(\epsilon\) learning rate",
            "num_steps": "steps shown",
        },
        presets={
            "Fig. 4.6": FIGURE_4_6,
            "too long a step": FIGURE_4_6 | {"learning_rate": 0.41},
            "long canyon": FIGURE_4_6 | {"condition_number": 100, "learning_rate": 0.39},
        },
    )


def _describe_canyon(values, state: CanyonState) -> str:
    num_steps, loss = values["num_steps"], state.path.loss
    steps = "1 step" if num_steps == 1 else f"{num_steps} steps"
    outcome = f"the loss goes from {say(loss[0])} to {say(loss[num_steps])} in {steps}."
    if values["method"] == "Newton":
        return f"Newton's method divides by the curvature, so one step arrives: {outcome}"
    if values["method"] == "exact line search":
        return f"Each step stops at the lowest point of its line and turns 90 degrees: {outcome}"
    floor, walls = np.round(1 - values["learning_rate"] * state.bowl.eigenvalues, 6)
    limit = f"ε = {say(values['learning_rate'])} is {say(values['learning_rate'] / state.limit)} "
    limit += f"of the limit 2/λmax = {say(state.limit)}"
    if 0 <= state.diverged_at <= num_steps:
        return f"{limit}: the walls multiply their error by {say(walls)} a step and win. " + (
            f"It has diverged at step {state.diverged_at}, {outcome}"
        )
    verdict = "still bearable" if walls > -1 else "no longer bearable"
    size = np.clip(abs(floor), 1e-3, 1 - 1e-6)  # a round bowl's floor may be at the limit too
    wait = np.ceil(np.log(1e-3) / np.log(size))
    return (
        f"{limit}. A step multiplies the error across the walls by {say(walls)}, {verdict}, and "
        f"along the floor by {say(floor)}, a thousandth after {wait:.0f} steps: {outcome}"
    )


# Sections 4.3 and 4.3.1
CURVES = {
    "three valleys": curves.valleys,
    "bowl": curves.bowl,
    "hilltop": curves.hilltop,
    "inflection": curves.inflection,
}
RULES = {"gradient step": gradient_descent, "sign step": sign_descent}
STARTS = np.linspace(-figures.REACH, figures.REACH, 81)
GRID = np.linspace(-figures.REACH, figures.REACH, 161)


class Descents(NamedTuple):
    """One descent along a curve, and those from everywhere else (section 4.3)."""

    heights: Float[Array, "grid"]
    path: Float[Array, "num_steps+1"]
    losses: Float[Array, "num_steps+1"]
    slopes: Float[Array, "num_steps+1"]
    others: Float[Array, "starts num_steps+1"]


@jax.jit
def _descend_curve(function, rule, learning_rate, start) -> Descents:
    def height(x):
        return jax.lax.switch(function, list(CURVES.values()), x)

    def descend(x):
        runs = [
            lambda method=method: method(lambda x: height(x[0]), x[None], learning_rate, MAX_STEPS)
            for method in RULES.values()
        ]
        return jax.lax.switch(rule, runs).params[:, 0]

    starts = jnp.append(start[0], jnp.asarray(STARTS, jnp.float32))
    paths = jax.vmap(descend)(starts)
    heights, grid = jax.vmap(height), jnp.asarray(GRID, jnp.float32)
    slopes = jax.vmap(jax.grad(height))(paths[0])
    return Descents(heights(grid), paths[0], heights(paths[0]), slopes, paths[1:])


def descent_1d(
    function="three valleys",
    rule="gradient step",
    learning_rate=0.1,
    num_steps=20,
    start=(1.2, figures.RAIL),
) -> Explorer:
    """Descent on a curve, from one start and from all (section 4.3, Figures 4.1, 4.2, 4.3)."""
    state = compute_one(
        _descend_curve,
        function=list(CURVES).index(function),
        rule=list(RULES).index(rule),
        learning_rate=learning_rate,
        start=np.asarray(start, np.float32),
    )
    figure, axes = style.figure(2, widths=(1.6, 1))
    lines = figures.draw_curve(axes[0], _shown(num_steps, state))
    others = figures.draw_ends(axes[1], STARTS, state.others[:, num_steps])
    (here,) = axes[1].plot([], [], "o", color=style.GREEN, markersize=9)

    def update(values, state):
        num_steps = values["num_steps"]
        figures.update_curve(lines, _shown(num_steps, state))
        others.set_ydata(state.others[:, num_steps])
        here.set_data(state.path[:1], state.path[num_steps : num_steps + 1])

    return Explorer(
        title="Where does the slope lead you, and when does it leave you standing?",
        controls={
            "function": dropdown(function, list(CURVES)),
            "rule": dropdown(rule, list(RULES)),
            "learning_rate": log_slider(learning_rate, 0.005, 2.5),
            "num_steps": int_slider(num_steps, 1, MAX_STEPS),
        },
        points={"start": Draggable(axes[0], start, "start of the descent", _onto_rail)},
        compute=_descend_curve,
        scene=Scene(figure, [*lines, others, here], update),
        describe=_describe_descent,
        view=("num_steps",),
        play="num_steps",
        labels={"learning_rate": r"\(\epsilon\) learning rate", "num_steps": "steps shown"},
        presets={
            "plateau": {"function": "three valleys", "start": (4.6, figures.RAIL)},
            "too long": {"function": "bowl", "learning_rate": 2, "start": (3.0, figures.RAIL)},
        },
    )


def _onto_rail(position: np.ndarray) -> np.ndarray:
    return np.array([position[0], figures.RAIL], np.float32)


def _shown(num_steps, state: Descents) -> figures.CurveDescent:
    parts = state.path[: num_steps + 1], state.losses[: num_steps + 1], state.slopes[num_steps]
    parts = (np.where(np.abs(part) < 1e6, part, np.nan) for part in parts)
    return figures.CurveDescent(np.asarray(state.heights), *parts)


def _describe_descent(values, state: Descents) -> str:
    num_steps, function = values["num_steps"], values["function"]
    x, slope, ends = state.path[num_steps], state.slopes[num_steps], state.others[:, num_steps]
    walked = f"From x = {say(state.path[0])}, {num_steps} steps of ε = "
    walked += say(values["learning_rate"])
    if not abs(x) <= 1e6:
        walked += " run away without end"
    elif abs(x) > figures.REACH:
        walked += f" leave the picture, to x = {say(x)}"
    elif abs(x - state.path[0]) < 0.1 and 0 < abs(slope) < 0.02:
        walked += f" hardly move, because the slope is only {say(slope)}"
    else:
        walked += f" lead to x = {say(x)}, where the slope is {say(slope)}"
    if function != "three valleys":
        return f"{walked}. Of {ends.size} starts, {np.sum(abs(ends) < 0.05)} are at 0 by now."
    best, good, poor = (np.sum(abs(ends - x) < 0.05) for x in (3, 0, -3))
    return (
        f"{walked}. Of {ends.size} starts, {best} are at the global minimum by now, {good} at the "
        f"one nearly as low, {poor} at the poor one."
    )


class StepState(NamedTuple):
    """One step and its prediction, and what every other step gains (section 4.3.1)."""

    here: Outlook
    gains: Float[Array, "steps"]


@jax.jit
def _step(curvature, learning_rate) -> StepState:
    def loss_fn(x):
        return x[0] + 0.5 * curvature * x[0] ** 2

    def look(learning_rate):
        return outlook(loss_fn, jnp.zeros(1), learning_rate)

    return StepState(look(learning_rate), -jax.vmap(look)(jnp.asarray(figures.SLOPE)).loss)


def curvature(curvature=1.0, learning_rate=1.5) -> Explorer:
    """What a slope promises and what the curvature leaves of it (section 4.3.1, Figure 4.4)."""
    state = compute_one(_step, curvature=curvature, learning_rate=learning_rate)
    figure, axes = style.figure(2)
    step = figures.draw_step(axes[0], curvature, learning_rate)
    style.add_title(axes[0], "one step of slope 1: promised (square), true (dot)")
    gain, here, best = figures.draw_gain(axes[1], state.gains)

    def update(values, state):
        figures.update_step(step, values["curvature"], values["learning_rate"])
        gain.set_ydata(state.gains)
        here.set_data([values["learning_rate"]], [-state.here.loss])
        best.set_data(np.minimum([state.here.optimal_step] * 2, 99), [-6, 6])

    return Explorer(
        title="How much of the slope's promise does the curvature keep?",
        controls={
            "curvature": slider(curvature, -2, 4, step=0.1),
            "learning_rate": slider(learning_rate, 0.05, 3, step=0.05),
        },
        compute=_step,
        scene=Scene(figure, [*step, gain, here, best], update),
        describe=_describe_step,
        labels={
            "curvature": r"\(c\) curvature",
            "learning_rate": r"\(\epsilon\) step",
        },
        presets={
            "Fig. 4.4, negative": {"curvature": -1},
            "none": {"curvature": 0},
            "positive": {"curvature": 1},
        },
    )


def _describe_step(values, state: StepState) -> str:
    drop, promised = -state.here.loss, values["learning_rate"]
    taken = promised - drop
    verb = "takes back" if taken >= 0 else "adds"
    change = "lowers" if drop >= 0 else "raises"
    story = f"The slope promises a drop of {say(promised)}; the curvature {verb} {say(abs(taken))}"
    story += f", so the step {change} f by {say(abs(drop))}."
    if not np.isfinite(state.here.optimal_step):
        return f"{story} With no curvature upwards a longer step always looks better."
    best = state.here.optimal_step
    return f"{story} The best step is 1/c = {say(best)}; beyond {say(2 * best)} you climb."


class SaddleState(NamedTuple):
    """Two descents from one start (section 4.3.1)."""

    path: Trajectory
    newton: Trajectory


@jax.jit
def _leave_saddle(learning_rate, start) -> SaddleState:
    def loss_fn(x):
        return x[0] ** 2 - x[1] ** 2

    path = gradient_descent(loss_fn, start, learning_rate, SADDLE_STEPS)
    return SaddleState(path, newton(loss_fn, start, 1))


def saddle(angle=60, learning_rate=0.1, num_steps=12, start=(2.4, 0.3)) -> Explorer:
    """A saddle cut at every angle, and two descents on it (section 4.3.1, Figure 4.5)."""
    start_array = np.asarray(start, np.float32)
    state = compute_one(_leave_saddle, learning_rate=learning_rate, start=start_array)
    figure, axes = style.figure(3, widths=(1.2, 1, 1))
    figures.draw_saddle(axes[0])
    style.add_title(axes[0], "descent (dots), Newton (dashed)")
    (cut,) = axes[0].plot([], [], color=style.BLUE, linewidth=1.4)
    path = figures.draw_descent(axes[0], state.path, num_steps)
    (jump,) = axes[0].plot([], [], "s--", color=style.VERMILLION, markerfacecolor="none")
    sections = figures.draw_sections(axes[1:], angle)

    def update(values, state):
        direction = 5 * np.array([np.cos(phi := np.radians(values["angle"])), np.sin(phi)])
        cut.set_data(*np.stack([-direction, direction], axis=1))
        jump.set_data(*np.asarray(state.newton.params).T)
        figures.update_descent(path, state.path, values["num_steps"])
        figures.update_sections(sections, values["angle"])

    return Explorer(
        title="Which way is up on a saddle, and who gets stuck there?",
        controls={
            "angle": slider(angle, 0, 180, step=5),
            "learning_rate": slider(learning_rate, 0.02, 1.1, step=0.02),
            "num_steps": int_slider(num_steps, 1, SADDLE_STEPS),
        },
        points={"start": Draggable(axes[0], start, "start of both", _onto_axes)},
        compute=_leave_saddle,
        scene=Scene(figure, [cut, *path, jump, *sections], update),
        describe=_describe_saddle,
        view=("angle", "num_steps"),
        play="num_steps",
        labels={
            "angle": r"\(\varphi\) section, degrees",
            "learning_rate": r"\(\epsilon\) learning rate",
            "num_steps": "steps shown",
        },
        presets={"on the ridge": {"start": (2.4, 0.0)}, "level section": {"angle": 45}},
    )


def _onto_axes(position: np.ndarray) -> np.ndarray:
    """Let a point near an axis lie exactly on it: the one place where descent gets stuck."""
    return np.where(abs(position) < 0.08, 0, position).astype(np.float32)


def _describe_saddle(values, state: SaddleState) -> str:
    bend = 2 * np.cos(2 * np.radians(values["angle"]))
    kind = "level" if abs(bend) < 1e-6 else "a valley" if bend > 0 else "a ridge"
    cut = f"At {values['angle']:.0f}° the second derivative is {say(round(bend, 6))}: {kind}."
    x1, x2 = state.path.params[values["num_steps"]]
    steps = "1 step" if values["num_steps"] == 1 else f"{values['num_steps']} steps"
    moved = f"Newton jumps onto the saddle; gradient descent has x₁ = {say(x1)}, x₂ = {say(x2)}"
    grows = f"x₂ grows by {say(1 + 2 * values['learning_rate'])} a step"
    if state.path.params[0, 1] == 0:
        grows = "x₂ = 0 stays 0, exactly on the line that leads to the saddle"
    return f"{cut} {moved} after {steps}, because {grows}."


# Section 4.1
FUNCTIONS = {  # as the formula is written, and rearranged
    "softmax": (naive_softmax, softmax),
    "log-softmax": (lambda x: jnp.log(softmax(x)), log_softmax),
    "log-sum-exp": (lambda x: jnp.log(jnp.exp(x).sum()), logsumexp),
    "variance": (naive_variance, variance),
}
FORMULAS = {
    "softmax": ("exp(x) / sum(exp(x))", "the same with x − max(x) for x"),
    "log-softmax": ("log(softmax(x))", "z − log(sum(exp(z))),  z = x − max(x)"),
    "log-sum-exp": ("log(sum(exp(x)))", "m + log(sum(exp(x − m))),  m = max(x)"),
    "variance": ("mean(x²) − mean(x)²", "mean((x − mean(x))²)"),
}
FORMATS = ("float16", "bfloat16", "float32", "float64")
LIMITS = NumberFormat(*map(np.array, zip(*map(limits_of, FORMATS), strict=True)))
REGION = (1.0, 3000.0, 0.01, 1000.0)  # of shifts and spreads
SHIFTS, SPREADS = np.meshgrid(np.geomspace(1, 3000, 49), np.geomspace(0.01, 1000, 37))


class PrecisionState(NamedTuple):
    """One input in four formats, and the digits that one format keeps at all inputs."""

    inputs: Float[Array, "formats 3"]
    answers: Float[Array, "formats 2 3"]
    kept: Float[Array, "formats 2"]  # fraction of the digits, -1 where not a finite number
    maps: Float[Array, "rows columns 2"]


def _try_both(formulas, limits, shift, spread):
    """Return an input as stored, both answers, and the fraction of digits that each keeps."""
    x = round_to(shift + spread * jnp.array([-1.0, 0.0, 1.0]), limits)
    truth = formulas[1](x)
    answers = jnp.stack([in_format(f, limits)(x) + jnp.zeros(3) for f in formulas])
    wrong = jnp.abs(answers - truth).max(axis=1)
    relative = jnp.where(wrong == 0, 0, wrong / jnp.abs(truth).max())
    kept = jnp.clip(jnp.log2(relative) / jnp.log2(limits.epsilon / 2), 0, 1)
    return x, answers, jnp.where(jnp.isfinite(answers).all(axis=1), kept, -1)


@jax.jit
def _compare(function, number_format, negative, inputs) -> PrecisionState:
    with jax.enable_x64(True):  # wide enough for all four formats
        sign, rest = jnp.where(negative, -1.0, 1.0), np.zeros(SHIFTS.size, int)
        here = inputs.astype(float)[:, None] * jnp.ones(len(FORMATS))
        shifts, spreads = jnp.hstack([here, np.stack([SHIFTS.ravel(), SPREADS.ravel()])])
        which = jnp.hstack([np.arange(len(FORMATS)), rest + number_format])
        limits = jax.tree.map(lambda part: jnp.asarray(part)[which], LIMITS)
        branches = [jax.vmap(partial(_try_both, pair)) for pair in FUNCTIONS.values()]
        parts = jax.lax.switch(function, branches, limits, sign * shifts, spreads)
        x, answers, kept = [part[: len(FORMATS)] for part in parts]
        return PrecisionState(x, answers, kept, parts[2][len(FORMATS) :].reshape(*SHIFTS.shape, 2))


def floating_point(
    function="softmax", number_format="float16", negative=False, inputs=(5.0, 1.0)
) -> Explorer:
    """Find the inputs that break a formula in a format, and a formula that holds (section 4.1)."""
    state = compute_one(
        _compare,
        function=list(FUNCTIONS).index(function),
        number_format=FORMATS.index(number_format),
        negative=negative,
        inputs=np.asarray(inputs, np.float32),
    )
    figure, axes = style.figure(3, widths=(1, 1, 0.9))
    formulas = zip(*FORMULAS.values(), strict=True)
    panels = zip(axes, np.moveaxis(state.maps, -1, 0), formulas, strict=False)
    maps = [figures.draw_digits(ax, REGION, kept, titles) for ax, kept, titles in panels]
    (twin,) = axes[1].plot([], [], "o", color=style.INK, markersize=9, markerfacecolor="none")
    texts = figures.draw_answers(axes[2], FORMATS, state.answers)
    (pointer,) = axes[2].plot([], [], ">", color=style.BLUE, markersize=6)
    moving = [twin, pointer, *texts, *maps[0], *maps[1]]

    def update(values, state):
        for i, parts in enumerate(maps):
            formula = list(FUNCTIONS).index(values["function"])
            figures.update_digits(parts, state.maps[..., i], formula)
        twin.set_data(*values["inputs"][:, None])
        figures.update_answers(texts, state.answers)
        row = FORMATS.index(values["number_format"])
        pointer.set_data([0.005], [figures.TABLE_TOP - figures.TABLE_STEP * row - 0.02])

    return Explorer(
        title="Which inputs break a formula, and which formula holds?",
        controls={
            "function": dropdown(function, list(FUNCTIONS)),
            "number_format": dropdown(number_format, FORMATS),
            "negative": toggle(negative),
        },
        points={"inputs": Draggable(axes[0], inputs, "shift and spread of the inputs")},
        compute=_compare,
        scene=Scene(figure, moving, update),
        describe=_describe_precision,
        labels={"number_format": "format", "negative": "shift downwards, c < 0"},
        presets={
            "overflow": {"function": "softmax", "negative": False, "inputs": (100.0, 1.0)},
            "underflow": {"function": "softmax", "negative": True, "inputs": (100.0, 1.0)},
            "cancellation": {"function": "variance", "number_format": "float32",
                             "inputs": (1000.0, 0.1)},
        },
    )  # fmt: skip


def _describe_precision(values, state: PrecisionState) -> str:
    row = FORMATS.index(values["number_format"])
    digits = -np.log10(LIMITS.epsilon[row] / 2)

    def outcome(answer, kept):
        if kept < 0:
            return "breaks, " + ("0/0 or ∞/∞ or ∞ − ∞" if np.isnan(answer).any() else "infinite")
        return f"keeps {say(kept * digits)} of {say(digits)} digits"

    results = [outcome(*pair) for pair in zip(state.answers[row], state.kept[row], strict=True)]
    x = ", ".join(f"{entry:.6g}" for entry in state.inputs[row]).replace("-", "−")
    return (
        f"{values['function']} of ({x}) in {values['number_format']}: the formula as written "
        f"{results[0]}; rearranged it {results[1]}."
    )


# Section 4.2
CONDITIONING_ANGLE = np.pi / 6  # of the eigenvector that the inverse shrinks most
STEEP, FLAT = (0.866, 0.5), (-0.5, 0.866)
ELLIPSE_ANGLES = np.linspace(0, 2 * np.pi, 73)


class ConditioningState(NamedTuple):
    """What the inverse makes of x, of its perturbation and of all unit vectors."""

    output: Float[Array, "2"]
    change: Float[Array, "2"]
    ellipse: Float[Array, "2 angles"]
    amplification: Float[Array, ""]


@jax.jit
def _perturb(condition_number, x, perturbation) -> ConditioningState:
    A = quadratic(condition_number, condition_number, CONDITIONING_ANGLE).hessian
    circle = jnp.stack([jnp.cos(ELLIPSE_ANGLES), jnp.sin(ELLIPSE_ANGLES)])
    columns = jnp.column_stack([x, perturbation, circle]).astype(A.dtype)
    output = jnp.linalg.solve(A, columns)
    return ConditioningState(
        output[:, 0], output[:, 1], output[:, 2:], amplification(A, x, perturbation)
    )


def _to_unit_length(vector: np.ndarray) -> np.ndarray:
    length = np.hypot(*vector)
    return vector / length if length > 0 else np.array([1, 0], np.float32)


def conditioning(condition_number=8.0, x=(0.87, 0.5), perturbation=(0.6, 0.8)) -> Explorer:
    """Turn an input and its error, and see the inverse magnify the error (section 4.2)."""
    x, perturbation = (_to_unit_length(np.asarray(v, np.float32)) for v in (x, perturbation))
    figure, axes = style.figure(3, widths=(1, 1, 1.1))
    before = figures.draw_perturbation(axes[0], "going in: both of length 1")
    after = figures.draw_perturbation(axes[1], "coming out of $A^{-1}$")
    (here,) = figures.draw_amplification(axes[2])

    def update(values, state):
        circle = np.stack([np.cos(ELLIPSE_ANGLES), np.sin(ELLIPSE_ANGLES)])
        figures.update_perturbation(before, circle, values["x"], values["perturbation"])
        figures.update_perturbation(after, state.ellipse, state.output, state.change)
        here.set_data([values["condition_number"]], [state.amplification])

    return Explorer(
        title="How much larger can an error come out than it went in?",
        controls={"condition_number": log_slider(condition_number, 1, 1000)},
        points={
            "x": Draggable(axes[0], x, "direction of the input x", _to_unit_length),
            "perturbation": Draggable(
                axes[0], perturbation, "direction of its error", _to_unit_length
            ),
        },
        compute=_perturb,
        scene=Scene(figure, [*before, *after, here], update),
        describe=_describe_conditioning,
        labels={"condition_number": r"\(\kappa\) condition number"},
        presets={
            "worst case": {"x": STEEP, "perturbation": FLAT},
            "best case": {"x": FLAT, "perturbation": STEEP},
        },
    )


def _describe_conditioning(values, state: ConditioningState) -> str:
    kappa = values["condition_number"]
    return (
        f"A relative error of the input comes out {say(state.amplification)} times as large; "
        f"the worst that κ = {say(kappa)} allows is {say(kappa)} times, the best 1/{say(kappa)}."
    )


# Section 4.5
BALL_STEPS = 40
MULTIPLIERS = figures.LARGEST_MULTIPLIER * np.linspace(0, 1, 50) ** 2


class UnitBallState(NamedTuple):
    """Least squares in the unit ball: every x(lambda), the solution and two ways to it."""

    bowl: Quadratic
    curve: Float[Array, "num_multipliers 2"]  # x(lambda)
    solution: Float[Array, "2"]
    multiplier: Float[Array, ""]  # the solution's
    limit: Float[Array, ""]  # the ascent's critical learning rate there
    ascent: MultiplierPath
    descent: Trajectory


@jax.jit
def _solve_in_ball(condition_number, learning_rate, optimum, start) -> UnitBallState:
    bowl = quadratic(condition_number, 2.0, 0.4)
    A = jnp.sqrt(bowl.eigenvalues)[:, None] * bowl.eigenvectors.T  # A^T A is the Hessian
    loss = LeastSquares(A, A @ optimum)
    curve = jax.vmap(lambda m: penalized_solution(loss, m))(jnp.asarray(MULTIPLIERS, jnp.float32))
    exact = multiplier_ascent(loss, None, 15)
    solution, multiplier = exact.params[-1], exact.multiplier[-1]
    limit = critical_multiplier_rate(loss, multiplier)
    ascent = multiplier_ascent(loss, learning_rate, BALL_STEPS, 1e-3)
    descent = projected_gradient_descent(loss, start, 0.25, BALL_STEPS)
    return UnitBallState(bowl, curve, solution, multiplier, limit, ascent, descent)


def unit_ball(
    condition_number=4.0, learning_rate=0.1, num_steps=40, optimum=(1.7, 0.9), start=(-0.6, 0.5)
) -> Explorer:
    """Least squares with x^T x <= 1, by climbing in lambda and by projection (section 4.5)."""
    state = compute_one(
        _solve_in_ball,
        condition_number=condition_number,
        learning_rate=learning_rate,
        optimum=np.asarray(optimum, np.float32),
        start=np.asarray(start, np.float32),
    )
    figure, axes = style.figure(3, widths=(1.5, 1, 1))
    contours, curve = figures.draw_ball(axes[0])
    norms = figures.draw_norms(axes[1])
    (target,) = figures.draw_multiplier_axes(axes[2], BALL_STEPS)
    descent = figures.draw_descent(axes[0], state.descent)
    ascent = figures.draw_multiplier_path(axes, state.ascent, num_steps)

    def update(values, state):
        num_steps = values["num_steps"]
        figures.update_contours(contours, state.bowl, values["optimum"], figures.BALL_RADII)
        curve.set_data(*state.curve.T)
        norms.set_data(MULTIPLIERS, np.linalg.norm(state.curve, axis=1))
        target.set_ydata([state.multiplier] * 2)
        figures.update_descent(descent, state.descent, num_steps)
        figures.update_multiplier_path(ascent, state.ascent, num_steps)

    return Explorer(
        title="What does it cost to stay inside the unit ball?",
        controls={
            "condition_number": log_slider(condition_number, 1, 20),
            "learning_rate": log_slider(learning_rate, 0.02, 5),
            "num_steps": int_slider(num_steps, 1, BALL_STEPS),
        },
        points={
            "optimum": Draggable(axes[0], optimum, "minimum without the constraint"),
            "start": Draggable(axes[0], start, "start of the projected descent"),
        },
        compute=_solve_in_ball,
        scene=Scene(figure, [contours, curve, norms, target, *descent, *ascent], update),
        describe=_describe_unit_ball,
        view=("num_steps",),
        play="num_steps",
        labels={
            "condition_number": r"\(\kappa\) condition number of \(A^\top A\)",
            "learning_rate": r"\(\eta\) learning rate of \(\lambda\)",
            "num_steps": "steps shown",
        },
        presets={
            "outside": {"optimum": (1.7, 0.9), "learning_rate": 0.1},
            "inside": {"optimum": (0.5, 0.4)},
            "oscillating": {"optimum": (1.2, 0.6), "learning_rate": 2},
        },
    )


def _describe_unit_ball(values, state: UnitBallState) -> str:
    norm = np.linalg.norm(values["optimum"])
    if norm <= 1:
        return (
            f"The minimum, {say(norm)} from the centre, is feasible: the constraint is inactive, "
            "λ stays 0 and the ball changes nothing."
        )
    steps, rate = values["num_steps"], values["learning_rate"]
    here, length = state.ascent.multiplier[steps], np.linalg.norm(state.ascent.params[steps])
    verdict = ", too much to settle" if rate > state.limit else ""
    return (
        f"The minimum lies {say(norm)} from the centre: the constraint is active, at the price "
        f"λ = {say(state.multiplier)}. η = {say(rate)} is {say(rate / state.limit)} of the limit"
        f"{verdict}: after {steps} steps λ = {say(here)} and ‖x‖ = {say(length)}."
    )
