from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.live import Draggable, Explorer, Scene, dropdown, int_slider, slider
from dlcompanion.live.recorder import read_head


class Wave(NamedTuple):
    height: jax.Array
    kind: jax.Array


@jax.jit
def compute(frequency, kind, anchor):
    x = jnp.linspace(0, 1, 20)
    wave = jax.lax.switch(kind, [jnp.sin, jnp.cos], frequency * x)
    return Wave(wave + anchor[1], kind)


def wave(frequency=2.0, kind="sine", shown=20, anchor=(0.2, 0.5), compute=compute):
    """A small explorer with every kind of part."""
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
        presets={"fast": {"frequency": 10, "kind": "cosine"}},
    )


def test_setting_moves_everything_at_once():
    explorer = wave()
    explorer.set(frequency=4.0, kind="cosine", anchor=(0.1, 1.0))
    assert explorer.values["frequency"] == explorer.controls["frequency"].value == 4.0
    np.testing.assert_allclose(explorer.points["anchor"], [0.1, 1.0])
    assert explorer.description == f"cosine ends at {np.cos(4.0) + 1:.2f}."
    assert read_head(explorer.frame)["sentence"] == explorer.description
    assert explorer.canvas.frame == explorer.frame
    assert explorer.state.kind == 1


def test_moved_equals_built():
    moved = wave()
    first = moved.frame
    moved.set(frequency=7.0, shown=9, kind="cosine", anchor=(0.4, -1.0))
    assert moved.frame == wave(7.0, "cosine", 9, (0.4, -1.0)).frame
    assert moved.frame != first


def test_controls_and_points_answer_the_browser():
    explorer = wave()
    first = explorer.frame
    explorer.controls["frequency"].value = 5.0
    second = explorer.frame
    assert second != first
    explorer.canvas.positions = {"anchor": [[0.3, -1.0]]}
    assert explorer.frame != second
    np.testing.assert_allclose(explorer.points["anchor"], [0.3, -1.0])
    assert explorer.canvas.frame == explorer.frame


def test_a_preset_sets_its_values():
    explorer = wave()
    (button,) = explorer.widget.children[-1].children
    button.click()
    assert explorer.values["frequency"] == 10.0
    assert explorer.frame == wave(10.0, "cosine").frame


def test_a_preset_outside_a_control_is_refused_at_once():
    with pytest.raises(ValueError, match="frequency must lie from 0 to 10, got 99"):
        Explorer(
            title="",
            controls={"frequency": slider(1.0, 0.0, 10.0, step=1.0)},
            compute=lambda frequency: Wave(frequency, frequency),
            scene=Scene(style.figure(1)[0], [], lambda values, state: None),
            describe=lambda values, state: "",
            presets={"too fast": {"frequency": 99}},
        )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frequency": 11}, "frequency must lie from 0 to 10, got 11"),
        ({"frequency": float("nan")}, "frequency must lie"),
        ({"kind": "square"}, "kind must be one of 'sine', 'cosine'"),
        ({"anchor": (0.5, 9.0)}, "anchor must lie from"),
        ({"anchor": (0.5,)}, r"anchor must have shape \(2,\), got \(1,\)"),
        ({"anchor": (0.5, float("nan"))}, "anchor must lie from"),
        ({"speed": 1}, "speed is no control or point"),
    ],
)
def test_bad_values_are_named_and_change_nothing(values, message):
    explorer = wave()
    before = explorer.frame, explorer.controls["shown"].value
    with pytest.raises(ValueError, match=message):
        explorer.set(shown=3, **values)
    assert (explorer.frame, explorer.controls["shown"].value) == before


def test_an_exception_is_said_and_the_next_move_recovers():
    def fragile(frequency, kind, anchor):
        if frequency == 3.0:
            raise FloatingPointError("three is unlucky")
        return compute(frequency=frequency, kind=kind, anchor=anchor)

    explorer = wave(compute=fragile)
    good = explorer.frame
    explorer.controls["frequency"].value = 3.0
    assert "FloatingPointError: three is unlucky" in explorer.description
    assert read_head(explorer.canvas.frame)["sentence"] == explorer.description
    explorer.controls["frequency"].value = 2.0
    assert explorer.frame == good
    with pytest.raises(FloatingPointError):
        explorer.set(frequency=3.0)


def test_numbers_that_are_not_finite_are_drawn_as_gaps():
    def broken(frequency, kind, anchor):
        state = compute(frequency=frequency, kind=kind, anchor=anchor)
        return state._replace(height=state.height.at[5:].set(jnp.nan))

    head = read_head(wave(compute=broken).frame)
    assert head["paths"][0][0] == 5
    assert "nan" in head["sentence"]


def test_what_only_chooses_a_view_computes_nothing_new():
    explorer = wave()
    explorer.set(shown=5)
    assert read_head(explorer.frame)["paths"][0][0] < 20
    assert "shown" not in explorer._arguments(explorer.values)


def test_the_bundle_has_widget_picture_and_title():
    explorer = wave()
    data, metadata = explorer._repr_mimebundle_()
    assert data["text/plain"] == "What is a wave?"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["image/png"].startswith("iVBOR")
    assert metadata["image/png"] == {"width": 300, "height": 200}


def test_the_stored_picture_shows_the_point_where_it_is():
    explorer = wave()
    before = explorer.png()
    explorer.set(anchor=(0.8, 0.5))
    assert explorer.png() != before
    (ring,) = explorer._rings
    np.testing.assert_allclose(ring.get_xydata(), [[0.8, 0.5]])


def test_the_browser_learns_where_the_axes_lie():
    explorer = wave()
    (point,) = explorer.canvas.points
    left, top, right, bottom = point["axes"]["box"]
    assert 0 < left < right <= 300 and 0 <= top < bottom < 200
    assert point["axes"]["xlim"] == [0, 1] and point["axes"]["log"] == [False, False]
    assert (point["name"], point["label"], point["count"]) == ("anchor", "anchor", 1)


def test_several_points_can_be_dragged():
    figure, (ax,) = style.figure(1)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    start = [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]
    explorer = Explorer(
        title="",
        controls={},
        points={"data": Draggable(ax, start, "datum")},
        compute=lambda data: Wave(jnp.mean(data), 0),
        scene=Scene(figure, [], lambda values, state: None),
        describe=lambda values, state: f"{state.height:.2f}",
    )
    assert explorer.description == "0.35"
    explorer.canvas.positions = {"data": [[0.1, 0.2], [0.3, 0.4], [0.5, 1.0]]}
    assert explorer.points["data"].shape == (3, 2)
    assert explorer.description == "0.42"
