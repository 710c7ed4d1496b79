"""A small explorer with every kind of part, for the tests of the engine."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion import style
from dlcompanion.live import Draggable, Explorer, Scene, dropdown, int_slider, slider


class Wave(NamedTuple):
    height: jax.Array
    kind: jax.Array


@jax.jit
def compute(frequency, kind, anchor):
    x = jnp.linspace(0, 1, 20)
    wave = jax.lax.switch(kind, [jnp.sin, jnp.cos], frequency * x)
    return Wave(wave + anchor[1], kind)


def wave(frequency=2.0, kind="sine", shown=20, anchor=(0.2, 0.5), compute=compute):
    """Return a sine or cosine whose foot can be dragged."""
    figure, (ax,) = style.figure(1, width=300, height=200)
    (line,) = ax.plot([], [], color=style.BLUE)
    ax.set(xlim=(0, 1), ylim=(-3, 3))

    def update(values, state):
        line.set_data(np.linspace(0, 1, 20)[: values["shown"]], state.height[: values["shown"]])

    return Explorer(
        title="What is a wave?",
        controls={
            "frequency": slider(frequency, 0.0, 10.0, step=0.5),
            "kind": dropdown(kind, ["sine", "cosine"]),
            "shown": int_slider(shown, 2, 20),
        },
        points={"anchor": Draggable(ax, anchor, "anchor")},
        compute=compute,
        scene=Scene(figure, [line], update),
        describe=lambda values, state: f"{values['kind']} ends at {state.height[-1]:.2f}.",
        view=("shown",),
        play="shown",
        presets={"fast": {"frequency": 10, "kind": "cosine"}},
    )
