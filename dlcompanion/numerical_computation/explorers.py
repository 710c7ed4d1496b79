"""The explorers of chapter 4."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dlcompanion import style
from dlcompanion.live import Draggable, Explorer, Scene, dropdown, int_slider, log_slider, slider
from dlcompanion.numerical_computation import figures
from dlcompanion.numerical_computation.descent import (
    Trajectory,
    diverged_at,
    gradient_descent,
    line_search_descent,
    newton,
)
from dlcompanion.numerical_computation.quadratics import (
    Quadratic,
    critical_learning_rate,
    quadratic,
)
from dlcompanion.style import say

STEEPEST = 5.0  # the curvature of the walls, whatever the condition number
MAX_STEPS = 100
METHODS = ("constant step", "exact line search", "Newton")
LEARNING_RATES = np.arange(1, 89) * 0.005
FIGURE_4_6_START = (10.0, -4.0)


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
    state = _descend(
        condition_number=condition_number,
        learning_rate=learning_rate,
        method=METHODS.index(method),
        start=np.asarray(start, np.float32),
    )
    figure, axes = style.figure(3, widths=(1.25, 1, 1))
    contours = figures.draw_contours(axes[0], state.bowl)
    path = figures.draw_descent(axes[0], state.path, num_steps)
    loss = figures.draw_loss(axes[1], state.path, num_steps)
    rates = figures.draw_learning_rates(
        axes[2], float(state.limit), LEARNING_RATES, state.losses[:, -1]
    )
    (here,) = axes[2].plot([], [], "o", color=style.GREEN, markersize=8)

    def update(values, state):
        num_steps = values["num_steps"]
        figures.update_contours(contours, state.bowl)
        figures.update_descent(path, state.path, num_steps)
        figures.update_loss(loss, state.path, num_steps)
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
        scene=Scene(figure, [contours, *path, *loss, rates, here], update),
        describe=_describe_canyon,
        view=("num_steps",),
        play="num_steps",
        labels={
            "condition_number": r"\(\kappa\) condition number",
            "learning_rate": r"\(\epsilon\) learning rate",
            "num_steps": "steps shown",
        },
        presets={
            "Fig. 4.6": {"condition_number": 5, "learning_rate": 0.35, "start": FIGURE_4_6_START},
            "long canyon": {"condition_number": 100, "learning_rate": 0.39, "num_steps": 100},
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
    learning_rate = values["learning_rate"]
    floor, walls = 1 - learning_rate * state.bowl.eigenvalues
    if 0 <= state.diverged_at <= num_steps:
        outcome = f"diverged at step {state.diverged_at}, {outcome}"
    return (
        f"ε = {say(learning_rate)} is {say(learning_rate / state.limit)} of the limit 2/λmax = "
        f"{say(state.limit)}. A step multiplies the error across the walls by {say(walls)} "
        f"and along the floor by {say(floor)}: {outcome}"
    )
