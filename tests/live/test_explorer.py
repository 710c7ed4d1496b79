import gc
import queue
import weakref

import ipywidgets
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.live import (
    Draggable,
    Explorer,
    Scene,
    ahead,
    slider,
)
from dlcompanion.live.ahead import BATCH
from dlcompanion.live.controls import index_of
from tests.live.small import Wave, compute, fragile, read_head, wave


def test_setting_moves_everything_at_once():
    explorer = wave()
    explorer.set(frequency=4.0, kind="cosine", anchor=(0.1, 1.0))
    assert explorer.values["frequency"] == explorer.controls["frequency"].value == 4.0
    np.testing.assert_allclose(explorer.points["anchor"], [0.1, 1.0])
    assert explorer.description == f"cosine ends at {np.cos(4.0) + 1:.2f}."
    assert read_head(explorer.frame)["sentence"] == explorer.description
    assert explorer.canvas.present["frame"] == explorer.frame
    assert explorer.state.kind == 1


def test_moved_equals_built():
    moved = wave()
    first = moved.frame
    moved.set(frequency=7.0, shown=9, kind="cosine", anchor=(0.4, -1.0))
    assert moved.frame == wave(7.0, "cosine", 9, (0.4, -1.0)).frame
    assert moved.frame != first


class Browser:
    """Stands in for canvas.js: asks an explorer for frames and keeps what it is sent."""

    def __init__(self, explorer):
        self.explorer, self.answers = explorer, queue.Queue()
        explorer.canvas.send = lambda content, buffers: self.answers.put((content, buffers))

    def ask(self, how, **content):
        content = {"ask": how, "asked": 1, "positions": self.explorer.canvas.positions} | content
        self.explorer._on_message(self.explorer.canvas, content, [])
        return self.answers.get(timeout=60)


def indices(explorer, **moved) -> list[int]:
    values = explorer.values | moved
    return [index_of(control, values[name]) for name, control in explorer.controls.items()]


def test_the_browser_gets_the_frame_it_asks_for():
    explorer = wave()
    rows = {"anchor": [[0.3, -1.0]]}
    there = indices(explorer, frequency=7.0, kind="cosine")
    content, (frame,) = Browser(explorer).ask("now", key="k", indices=there, positions=rows)
    assert frame == wave(7.0, "cosine", anchor=(0.3, -1.0)).frame
    assert content == {"answer": "now", "keys": ["k"], "failed": False, "positions": rows_of(rows)}
    np.testing.assert_allclose(explorer.points["anchor"], [0.3, -1.0])


def rows_of(rows: dict) -> dict:
    return {name: np.asarray(xy, np.float32).tolist() for name, xy in rows.items()}


def test_frames_ahead_equal_frames_built():
    """At most one quantum apart, since the batch may be computed in another order."""
    explorer = wave()
    before = explorer.values
    there = [indices(explorer, frequency=f / 2) for f in range(BATCH - 3)]
    keys = [str(row) for row in there]
    content, frames = Browser(explorer).ask("ahead", keys=keys, indices=there)
    assert content == {"answer": "ahead", "asked": 1, "failed": False, "keys": keys}
    for half, frame in enumerate(frames):
        built = wave(half / 2).frame
        assert read_head(frame)["sentence"] == read_head(built)["sentence"]
        assert len(frame) == len(built)
        tail = [np.frombuffer(f[len(f) % 2 + 8 :], "<i2").astype(int) for f in (frame, built)]
        assert np.abs(tail[0] - tail[1]).max() <= 1
    assert explorer.values["frequency"] == before["frequency"]
    assert explorer.frame == wave().frame  # and the figure is back where the reader is


def test_a_batch_of_what_takes_no_arguments():
    states = list(ahead.compute_batch(lambda: Wave(jnp.ones(2), 0), [{}, {}]))
    assert len(states) == 2
    np.testing.assert_array_equal(states[1].height, [1, 1])


def test_batches_of_all_sizes_compile_once(no_compilation):
    explorer = wave()
    browser = Browser(explorer)
    browser.ask("ahead", keys=["a"], indices=[indices(explorer)])
    with no_compilation():
        there = [indices(explorer, frequency=f / 2) for f in range(BATCH)]
        browser.ask("ahead", keys=list(map(str, there)), indices=there)


def test_work_ahead_waits_while_a_cell_runs_and_gives_way_to_a_question():
    explorer = wave()
    browser = Browser(explorer)
    there = [indices(explorer, frequency=f / 2) for f in range(BATCH)]
    content = {"ask": "ahead", "asked": 2, "keys": list(map(str, there)), "indices": there}
    ahead.no_cell_runs.clear()
    try:
        explorer._on_message(explorer.canvas, content, [])
        with pytest.raises(queue.Empty):
            browser.answers.get(timeout=0.5)
        assert browser.ask("now", key="k", indices=indices(explorer))[0]["keys"] == ["k"]
    finally:
        ahead.no_cell_runs.set()
    answer, frames = browser.answers.get(timeout=60)
    assert answer == {"answer": "ahead", "asked": 2, "failed": False, "keys": []} and not frames
    del content["ask"]
    assert browser.ask("ahead", **content)[0]["keys"] == content["keys"]


@pytest.mark.parametrize("moved", [{"frequency": 9.0}, {"anchor": (0.5, 1.0)}])
def test_work_ahead_ends_when_the_reader_moves(moved):
    """The frames lie around a place that is left; nobody waits for them any more."""
    explorer = wave()
    browser = Browser(explorer)
    there = [indices(explorer, frequency=f / 2) for f in range(BATCH)]
    content = {"ask": "ahead", "asked": 1, "keys": list(map(str, there)), "indices": there}
    ahead.no_cell_runs.clear()
    try:
        explorer._on_message(explorer.canvas, content, [])
        explorer.set(**moved)
    finally:
        ahead.no_cell_runs.set()
    answer, frames = browser.answers.get(timeout=60)
    assert (answer["keys"], frames, answer["failed"]) == ([], [], False)
    assert explorer.frame == wave(**moved).frame


def test_moves_that_the_browser_drew_by_itself_are_followed_when_somebody_looks():
    calls = []

    def counted(**arguments):
        calls.append(arguments)
        return compute(**arguments)

    explorer = wave(compute=counted)
    calls.clear()
    explorer.controls["frequency"].value = 5.0
    explorer.canvas.positions = {"anchor": [[0.3, -1.0]]}
    assert calls == []
    assert explorer.frame == wave(5.0, anchor=(0.3, -1.0)).frame
    assert len(calls) == 1
    line = explorer.figure.axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), explorer.state.height)
    assert len(calls) == 1


def test_a_constraint_holds_however_a_point_is_moved():
    def on_circle(position):
        return position / np.linalg.norm(position)

    figure, (ax,) = style.figure(1)
    ax.set(xlim=(-2, 2), ylim=(-2, 2))
    explorer = Explorer(
        title="",
        controls={},
        points={"direction": Draggable(ax, (0.0, 2.0), "direction", on_circle)},
        compute=lambda direction: Wave(direction, 0),
        scene=Scene(figure, [], lambda values, state: None),
        describe=lambda values, state: "A direction.",
    )
    np.testing.assert_allclose(explorer.points["direction"], [0, 1])
    explorer.set(direction=(2.0, 0.0))
    np.testing.assert_allclose(explorer.points["direction"], [1, 0])
    rows = {"direction": [[-1.0, 0.0]]}
    content, _ = Browser(explorer).ask(
        "now", key="k", indices=[], positions={"direction": [[-2, 0]]}
    )
    assert content["positions"] == rows


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
    explorer = wave(compute=fragile)
    good = explorer.frame
    browser = Browser(explorer)
    content, (frame,) = browser.ask("now", key="k", indices=indices(explorer, frequency=3.0))
    assert content["failed"]
    assert "FloatingPointError: three is unlucky" in read_head(frame)["sentence"]
    content, (frame,) = browser.ask("now", key="k", indices=indices(explorer))
    assert frame == good and not content["failed"]
    content, frames = browser.ask("ahead", keys=["k"], indices=[indices(explorer, frequency=3.0)])
    assert content["failed"] and (content["keys"], frames) == ([], [])
    with pytest.raises(FloatingPointError):
        explorer.set(frequency=3.0)


def test_numbers_that_are_not_finite_are_drawn_as_gaps():
    def broken(frequency, kind, anchor):
        state = compute(frequency=frequency, kind=kind, anchor=anchor)
        return state._replace(height=state.height.at[5:].set(jnp.nan))

    head = read_head(wave(compute=broken).frame)
    assert head["paths"][-1][0] == 5
    assert "nan" in head["sentence"]


def test_what_only_chooses_a_view_computes_nothing_new():
    explorer = wave()
    explorer.set(shown=5)
    assert read_head(explorer.frame)["paths"][-1][0] < 20
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
    (point,) = explorer.canvas.setup["points"]
    (left, right), (bottom, top) = point["pixels"]
    assert 0 < left < right <= 300 and 0 <= top < bottom < 200
    assert point["limits"] == [[0, 1], [-3, 3]] and point["log"] == [False, False]
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


def test_closing_frees_every_widget():
    before = set(ipywidgets.widgets.widget._instances)
    explorer = wave()
    assert set(ipywidgets.widgets.widget._instances) > before
    explorer.close()
    assert set(ipywidgets.widgets.widget._instances) == before
    held = weakref.ref(explorer)
    del explorer
    gc.collect()
    assert held() is None, "something holds the explorer, its figure and its frames"


def test_matrices_are_multiplied_in_full_precision():
    """On a GPU JAX would round the factors; both ways to a frame ask it not to."""
    seen = []

    def watched(**values):
        seen.append(jax.config.jax_default_matmul_precision)
        return compute(**values)

    explorer = wave()
    explorer._compute = watched
    explorer.set(frequency=4.0)
    list(ahead.compute_batch(watched, [explorer._arguments(explorer.values)]))
    assert seen == ["highest"] * 2
