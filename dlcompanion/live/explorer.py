"""An explorer: controls, a pure function of them, a picture of its result and a sentence."""

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple

import ipywidgets
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlcompanion import style
from dlcompanion.live import ahead
from dlcompanion.live.canvas import Canvas, build_card, close_all, describe_control
from dlcompanion.live.controls import index_of, snap
from dlcompanion.live.page import write_page
from dlcompanion.live.recorder import record


class Scene(NamedTuple):
    """What is drawn, and how it follows the state.

    Attributes:
        figure: its static part is sent to the browser once.
        moving: the artists that `update` changes; it never adds or removes one.
        update: called with the values and the state; moves the artists.
    """

    figure: Figure
    moving: Sequence[Artist]
    update: Callable[[Mapping[str, Any], tuple], None]


class Draggable(NamedTuple):
    """One or several points of an axes that the reader moves by hand.

    Attributes:
        ax: linear or logarithmic axes; points stay inside them.
        position: where they start, data coordinates, shape (2,) or (n, 2).
        label: what a point is called when it is read aloud.
        constrain: maps a position to the nearest allowed one, same shape.
    """

    ax: Axes
    position: Sequence
    label: str
    constrain: Callable[[np.ndarray], np.ndarray] = lambda position: position

    def allowed(self, position) -> np.ndarray:
        """Return the allowed position nearest to `position`, in the shape of the first one."""
        return self.constrain(np.asarray(position, np.float32).reshape(np.shape(self.position)))

    def checked(self, position) -> np.ndarray:
        """Return the same as `allowed`; a `ValueError` for other shapes and outside the axes."""
        shape, expected = np.shape(position), np.shape(self.position)
        if shape != expected:
            raise ValueError(f"must have shape {expected}, got {shape}")
        low, high = np.sort([self.ax.get_xlim(), self.ax.get_ylim()]).T
        position = np.asarray(position, np.float32)
        if not np.all((position >= low) & (position <= high)):
            limits = f"{low.tolist()} to {high.tolist()}"
            raise ValueError(f"must lie from {limits}, got {position.tolist()}")
        return self.allowed(position)

    def draw_ring(self) -> Artist:
        """Draw the mark that stored pictures show; on screen the browser draws it."""
        (ring,) = self.ax.plot([], [], "o", markersize=10, markerfacecolor="none", zorder=10,
                               markeredgecolor=style.PURPLE, markeredgewidth=2)  # fmt: skip
        return ring

    def describe(self, name: str) -> dict[str, Any]:
        """Return what `canvas.js` needs: the axes' place is in CSS pixels with y down."""
        (x0, y0), (x1, y1) = self.ax.bbox.get_points().tolist()
        height = float(self.ax.get_figure().bbox.height)
        return {
            "name": name,
            "label": self.label,
            "count": len(np.atleast_2d(self.position)),
            "pixels": [[x0, x1], [height - y0, height - y1]],
            "limits": np.array([self.ax.get_xlim(), self.ax.get_ylim()]).tolist(),
            "log": [self.ax.get_xscale() == "log", self.ax.get_yscale() == "log"],
        }


class Shown(NamedTuple):
    """What belongs together at one place of an explorer."""

    values: dict[str, Any]
    state: tuple
    sentence: str
    frame: bytes


class Explorer:
    """A figure that answers its controls and draggable points.

    Attributes:
        controls: the ipywidgets by name.
        points: the draggable points by name, arrays of shape (2,) or (n, 2), data coordinates.
        presets: the values that each preset button sets, by the button's name.
        widget: the whole card as one ipywidget.
    """

    def __init__(
        self,
        *,
        title: str,
        controls: Mapping[str, ipywidgets.ValueWidget],
        compute: Callable[..., tuple],
        scene: Scene,
        describe: Callable[[Mapping[str, Any], tuple], str],
        points: Mapping[str, Draggable] | None = None,
        presets: Mapping[str, Mapping[str, Any]] | None = None,
        view: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        play: str | None = None,
    ):
        """Wire the parts together and compute the first frame.

        Args:
            title: the question that the explorer answers.
            controls: made by `dlcompanion.live.slider` and its siblings, in reading order.
            compute: pure and jitted; takes every control and point by keyword (a dropdown as
                its index), returns a NamedTuple of arrays.
            scene: the picture.
            describe: values and state to one plain sentence with the live numbers.
            points: what can be dragged.
            presets: name of a button -> values that it sets.
            view: names of controls that choose what to look at and do not enter `compute`.
            labels: what the controls are called on screen, LaTeX allowed; else their names.
            play: the control that gets a play button, one whose positions are steps in time.
        """
        self.title, self.controls, self._draggables = title, dict(controls), dict(points or {})
        self._compute, self._scene, self._describe, self._view = compute, scene, describe, view
        self.points = {name: p.allowed(p.position) for name, p in self._draggables.items()}
        self._rings = [point.draw_ring() for point in self._draggables.values()]
        self._lock = threading.RLock()  # JupyterLab delivers moves on threads beside the main one
        self._questions = 0  # of the reader's that were answered
        self.presets = {button: self._checked(row) for button, row in (presets or {}).items()}
        static = _settle_layout(scene, self._rings)
        self._shown = self._render(self.values)
        self.canvas = self._make_canvas(static)
        self.widget = build_card(self, labels or {}, play)
        ahead.watch_cells()

    @property
    def values(self) -> dict[str, Any]:
        """Every control's value and every point's position, by name."""
        return {name: snap(c, c.value) for name, c in self.controls.items()} | self.points

    @property
    def state(self) -> tuple:
        """The result of `compute` for the present values."""
        return self._caught_up().state

    @property
    def description(self) -> str:
        """The sentence that says what the picture shows."""
        return self._caught_up().sentence

    @property
    def frame(self) -> bytes:
        """The display list of the moving artists."""
        return self._caught_up().frame

    @property
    def figure(self) -> Figure:
        """The Matplotlib figure, its artists at the present state."""
        self._caught_up()
        return self._scene.figure

    def set(self, **values) -> None:
        """Move controls and points, then compute and draw once.

        A number goes to the nearest position of its slider.

        Raises:
            ValueError: a name that is no control or point, or a value outside its range.
        """
        settings = self._checked(values)
        with self._lock:
            for name, value in settings.items():
                if name in self.controls:
                    self.controls[name].value = value
                else:
                    self.points[name] = value
            self.canvas.positions = self._rows()
            self.canvas.present = self._place() | {"frame": self.frame}

    def close(self) -> None:
        """Remove the explorer from the page and free what both sides hold for it."""
        close_all(self.widget)

    def png(self) -> bytes:
        """Return the picture as it stands, draggable points included, as a PNG file."""
        with self._lock:
            for ring, position in zip(self._rings, self.points.values(), strict=True):
                ring.set_data(*np.atleast_2d(position).T)
            return style.png(self.figure)

    def to_html(self, path: str | PathLike) -> None:
        """Write one HTML file whose controls work without a kernel or a network.

        It keeps one control at a time: the others, and the points, stay as they are now.
        """
        write_page(self, path)

    def _repr_mimebundle_(self, **_):
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": self.title}
        size = dict(zip(("width", "height"), self.canvas.setup["size"], strict=True))
        return self.widget._repr_mimebundle_() | data, {"image/png": size}

    # From values to a frame.
    def _caught_up(self) -> Shown:
        """Return what belongs to the present values, computed now if nobody has looked since.

        The browser draws frames that it has kept by itself; the state follows only here.
        """
        with self._lock:
            values, shown = self.values, self._shown
            if not (shown and all(np.array_equal(values[n], shown.values[n]) for n in values)):
                self._shown = self._render(values)
            return self._shown

    def _render(self, values: dict[str, Any], state: tuple | None = None) -> Shown:
        """Compute the state unless it is given, move the artists and record them.

        Until it is done nothing is shown for sure: an exception may leave artists half moved.
        """
        self._shown = None
        if state is None:
            state = ahead.compute_one(self._compute, **self._arguments(values))
        self._scene.update(values, state)
        sentence = self._describe(values, state)
        frame = record(self._scene.figure, self._scene.moving, sentence=sentence)
        return Shown(values, state, sentence, frame)

    def _arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `compute` takes: dropdowns as indices, nothing that only chooses a view."""
        return {
            name: self.controls[name].positions.index(value) if isinstance(value, str) else value
            for name, value in values.items()
            if name not in self._view
        }

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._checked_one(name, value) for name, value in values.items()}

    def _checked_one(self, name: str, value):
        try:
            if name in self.controls:
                return snap(self.controls[name], value)
            if name in self._draggables:
                return self._draggables[name].checked(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} {error}") from None
        known = ", ".join([*self.controls, *self._draggables])
        raise ValueError(f"{name} is no control or point of this explorer; there are {known}")

    def _values_at(self, indices: Sequence[int]) -> dict[str, Any]:
        there = zip(self.controls.items(), indices, strict=True)
        return {name: control.positions[index] for (name, control), index in there} | self.points

    # What the browser asks and tells.
    def _make_canvas(self, static: bytes) -> Canvas:
        setup = {
            "title": self.title,
            "size": self._scene.figure.bbox.size.astype(int).tolist(),
            "static": static,
            "points": [point.describe(name) for name, point in self._draggables.items()],
            "controls": [describe_control(*item) for item in self.controls.items()],
            "prefetch": True,
        }
        present = self._place() | {"frame": self.frame}
        canvas = Canvas(setup=setup, positions=self._rows(), present=present)
        canvas.observe(lambda change: self._follow(change.new), "positions")
        canvas.on_msg(self._on_message)
        return canvas

    def _rows(self) -> dict[str, list]:
        """Return points as JSON has them: name -> rows of x, y."""
        return {name: np.atleast_2d(xy).tolist() for name, xy in self.points.items()}

    def _place(self) -> dict[str, Any]:
        indices = [index_of(control, control.value) for control in self.controls.values()]
        return {"indices": indices, "positions": self._rows()}

    def _follow(self, rows: Mapping[str, list]) -> None:
        with self._lock:
            for name, xy in rows.items():
                self.points[name] = self._draggables[name].allowed(xy)

    def _on_message(self, _widget, content: Mapping, _buffers) -> None:
        if content["ask"] == "now":
            self._answer(content)
        elif content["ask"] == "ahead":
            ahead.worker.submit(self._answer_ahead, content, (self._questions, self._place()))

    def _answer(self, content: Mapping) -> None:
        """Send one frame; what goes wrong is said on the card, and the next move recovers."""
        self._questions += 1
        with self._lock:
            self._follow(content["positions"])
            reply = {"answer": "now", "keys": [content["key"]], "positions": self._rows()}
            try:
                self._shown = self._render(self._values_at(content["indices"]))
                frame = self._shown.frame
            except Exception as error:
                sentence = f"This setting cannot be shown ({type(error).__name__}: {error})."
                frame = record(self._scene.figure, [], sentence=sentence)
            self.canvas.send(reply | {"failed": self._shown is None}, [frame])

    def _answer_ahead(self, content: Mapping, asked_at: tuple) -> None:
        """Send a batch of frames around the present values, in slices between all other work.

        A question that the reader is waiting for, or a move, ends the batch early.
        """
        frames, failed = [], False
        rows = [self._values_at(indices) for indices in content["indices"]]
        try:
            states = ahead.compute_batch(self._compute, [self._arguments(row) for row in rows])
            for row, state in zip(rows, states, strict=True):
                ahead.yield_to_reader()
                with self._lock:
                    if (self._questions, self._place()) != asked_at:
                        break
                    frames.append(self._render(row, state).frame)
        except Exception:
            failed = True  # the reader will be told on going there
        reply = {"answer": "ahead", "asked": content["asked"], "failed": failed}
        self.canvas.send(reply | {"keys": content["keys"][: len(frames)]}, frames)


def _settle_layout(scene: Scene, rings: Sequence[Artist]) -> bytes:
    """Fix the layout, so that nothing jumps from here on, and record all that does not move."""
    for artist in (*scene.moving, *rings):
        artist.set_animated(True)
    scene.figure.draw_without_rendering()
    scene.figure.set_layout_engine("none")
    return record(scene.figure)
