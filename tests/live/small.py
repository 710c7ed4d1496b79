"""A small explorer with every kind of part, for the tests of the engine."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion import style
from dlcompanion.live import Draggable, Explorer, Scene, dropdown, int_slider, slider, toggle
from dlcompanion.live.recorder import COORDINATES_PER_PIXEL


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


def fragile(frequency, kind, anchor):
    """Compute a wave; three is unlucky."""
    if frequency == 3.0:
        raise FloatingPointError("three is unlucky")
    return compute(frequency=frequency, kind=kind, anchor=anchor)


def switches(shifted=True, kind="sine"):
    """Return an explorer without sliders, whose sentence alone follows."""
    controls = {"shifted": toggle(shifted), "kind": dropdown(kind, ["sine", "cosine"])}
    return Explorer(
        title="What is a wave?",
        controls=controls,
        compute=lambda **_: (0.0,),
        scene=Scene(style.figure(1)[0], [], lambda values, state: None),
        describe=lambda values, state: f"{values['kind']}, shifted: {values['shifted']}.",
        view=tuple(controls),
    )


class Drawing(NamedTuple):
    """A display list, unpacked: what `decode` of canvas.js makes of it."""

    head: Mapping
    shapes: list  # of each path, px from its first point
    codes: list
    offsets: list  # of each operation, px; an image has none


def unpack(display_list: bytes) -> Drawing:
    size = int.from_bytes(display_list[:4], "little")
    head, at = json.loads(display_list[4 : 4 + size]), 4 + size

    def take(count, dtype):
        nonlocal at
        taken = np.frombuffer(display_list, dtype, count, at)
        at += taken.nbytes
        return taken

    shapes, codes, offsets = [], [], []
    for count, scale, curved in head["paths"]:
        shapes.append(take(2 * count, "<i2").reshape(-1, 2) / scale)
        codes.append(take(count if curved else 0, np.uint8))
    for path, _, rest in head["operations"]:
        if path < 0:
            width, height, _, palette, _ = rest
            take(width * height * (1 if palette else 4), np.uint8)
        stamps = take(2 * rest if path >= 0 else 0, "<i2")
        offsets.append(stamps.reshape(-1, 2) / COORDINATES_PER_PIXEL)
    assert at == len(display_list)
    return Drawing(head, shapes, codes, offsets)


def read_head(display_list: bytes) -> Mapping:
    return unpack(display_list).head
