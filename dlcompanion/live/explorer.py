"""An explorer: controls, a pure function of them, a picture of its result and a sentence."""

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets
import jax
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlcompanion import style
from dlcompanion.live.canvas import Canvas
from dlcompanion.live.controls import snap
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
    update: Callable[[Mapping[str, Any], NamedTuple], None]


class Draggable(NamedTuple):
    """One or several points of an axes that the reader moves by hand.

    Attributes:
        ax: linear or logarithmic axes; points stay inside them.
        position: where they start, data coordinates, shape (2,) or (n, 2).
        label: what a point is called when it is read aloud.
    """

    ax: Axes
    position: np.ndarray
    label: str


class Explorer:
    """A figure that answers its controls and draggable points.

    Attributes:
        controls: the ipywidgets by name.
        points: the draggable points by name, arrays in data coordinates.
        values: controls and points together, by name.
        presets: the values that each preset button sets, by the button's name.
        state: the result of `compute` for these values.
        figure: the Matplotlib figure, its artists at this state.
        frame: the display list of the moving artists.
        description: the sentence that says what the picture shows.
        widget: the whole card as one ipywidget.
    """

    def __init__(
        self,
        *,
        title: str,
        controls: Mapping[str, ipywidgets.ValueWidget],
        compute: Callable[..., NamedTuple],
        scene: Scene,
        describe: Callable[[Mapping[str, Any], NamedTuple], str],
        points: Mapping[str, Draggable] | None = None,
        presets: Mapping[str, Mapping[str, Any]] | None = None,
        view: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
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
        """
        self.title, self.controls, self.figure = title, dict(controls), scene.figure
        self._compute, self._scene, self._describe, self._view = compute, scene, describe, view
        self._lock = threading.RLock()  # JupyterLab delivers moves on threads beside the main one
        self._draggables = dict(points or {})
        self._positions = {
            name: np.asarray(point.position, np.float32) for name, point in self._draggables.items()
        }
        self._rings = [_draw_ring(point) for point in self._draggables.values()]
        self.presets = {
            button: {name: self._checked(name, value) for name, value in values.items()}
            for button, values in (presets or {}).items()
        }
        static = self._settle_layout()
        self._refresh()
        self.canvas = Canvas(
            title=title,
            size=[int(self.figure.bbox.width), int(self.figure.bbox.height)],
            static=static,
            frame=self.frame,
            points=[_describe_axes(name, point) for name, point in self._draggables.items()],
            positions=self._rows(),
        )
        self.widget = self._build_card(labels or {})
        for control in self.controls.values():
            control.observe(self._on_change, "value")
        self.canvas.observe(self._on_drag, "positions")

    @property
    def points(self) -> dict[str, np.ndarray]:
        """The draggable points by name, arrays of shape (2,) or (n, 2) in data coordinates."""
        return dict(self._positions)

    @property
    def values(self) -> dict[str, Any]:
        """Every control's value and every point's position, by name."""
        return {name: control.value for name, control in self.controls.items()} | self.points

    def set(self, **values) -> None:
        """Move controls and points, then compute and draw once.

        A number goes to the nearest position of its slider.

        Raises:
            ValueError: a name that is no control or point, or a value outside its range.
        """
        settings = {name: self._checked(name, value) for name, value in values.items()}
        with self._lock:
            self._quiet = True
            try:
                for name, value in settings.items():
                    if name in self.controls:
                        self.controls[name].value = value
                    else:
                        self._positions[name] = value
                self.canvas.positions = self._rows()
            finally:
                self._quiet = False
            self._refresh()
            self.canvas.frame = self.frame

    def _repr_mimebundle_(self, **_):
        data = self.widget._repr_mimebundle_()
        data["image/png"] = base64.b64encode(self.png()).decode()
        data["text/plain"] = self.title
        width, height = self.canvas.size
        return data, {"image/png": {"width": width, "height": height}}

    def png(self) -> bytes:
        """Return the picture as it stands, draggable points included, as a PNG file."""
        with self._lock:
            for ring, positions in zip(self._rings, self._rows().values(), strict=True):
                ring.set_data(*np.transpose(positions))
            return style.png(self.figure)

    # From values to a frame.
    def _refresh(self) -> None:
        values = self.values
        self.state = jax.device_get(self._compute(**self._arguments(values)))
        self._scene.update(values, self.state)
        self.description = self._describe(values, self.state)
        self.frame = record(self.figure, self._scene.moving, sentence=self.description)

    def _arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `compute` takes: dropdowns as indices, nothing that only chooses a view."""
        return {
            name: self.controls[name].index if isinstance(value, str) else value
            for name, value in values.items()
            if name not in self._view
        }

    def _settle_layout(self) -> bytes:
        for artist in (*self._scene.moving, *self._rings):
            artist.set_animated(True)
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")  # nothing jumps from here on
        return record(self.figure)

    # From the browser to values.
    _quiet = False

    def _on_change(self, _change) -> None:
        if not self._quiet:
            self._answer()

    def _on_drag(self, change) -> None:
        if self._quiet:
            return
        for name, rows in change.new.items():
            position = self._positions[name]
            self._positions[name] = np.asarray(rows, np.float32).reshape(position.shape)
        self._answer()

    def _answer(self) -> None:
        """Follow the reader; what goes wrong is said on the card, and the next move recovers."""
        with self._lock:
            try:
                self._refresh()
            except Exception as error:
                self.description = (
                    f"This setting cannot be shown ({type(error).__name__}: {error})."
                )
                self.frame = record(self.figure, [], sentence=self.description)
            self.canvas.frame = self.frame

    def _checked(self, name: str, value):
        if name not in self.controls and name not in self._positions:
            known = ", ".join([*self.controls, *self._positions])
            raise ValueError(f"{name} is no control or point of this explorer; there are {known}")
        try:
            if name in self.controls:
                return snap(self.controls[name], value)
            return _inside_axes(self._draggables[name].ax, value, self._positions[name].shape)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} {error}") from None

    def _rows(self) -> dict[str, list]:
        """Return the points as JSON has them: name -> rows of x, y."""
        return {name: np.atleast_2d(xy).tolist() for name, xy in self._positions.items()}

    def _build_card(self, labels: Mapping[str, str]) -> ipywidgets.VBox:
        for name, control in self.controls.items():
            control.description = labels.get(name, name.replace("_", " "))
            control.style.description_width = "initial"
            control.layout.width = "auto"
        buttons = [ipywidgets.Button(description=name) for name in self.presets]
        for button, values in zip(buttons, self.presets.values(), strict=True):
            button.on_click(lambda _, values=values: self.set(**values))
        rows = ipywidgets.GridBox([*self.controls.values()]).add_class("dlc-controls")
        corner = ipywidgets.HBox(buttons).add_class("dlc-presets")
        return ipywidgets.VBox([self.canvas, rows, corner]).add_class("dlc-explorer")


def _draw_ring(point: Draggable):
    """Draw the mark of a draggable point in stored pictures; on screen the browser draws it."""
    (ring,) = point.ax.plot(
        [], [], "o", markersize=10, markerfacecolor="none", zorder=10,
        markeredgecolor=style.PURPLE, markeredgewidth=2,
    )  # fmt: skip
    return ring


def _describe_axes(name: str, point: Draggable) -> dict:
    """Return where a point's axes lie on the canvas, CSS pixels with y down, for `canvas.js`."""
    ax = point.ax
    height = ax.get_figure().bbox.height
    (x0, y0), (x1, y1) = ax.bbox.get_points()
    return {
        "name": name,
        "label": point.label,
        "count": len(np.atleast_2d(point.position)),
        "axes": {
            "box": [float(x0), float(height - y1), float(x1), float(height - y0)],
            "xlim": list(map(float, ax.get_xlim())),
            "ylim": list(map(float, ax.get_ylim())),
            "log": [ax.get_xscale() == "log", ax.get_yscale() == "log"],
        },
    }


def _inside_axes(ax: Axes, position, shape: tuple[int, ...]) -> np.ndarray:
    position = np.asarray(position, np.float32)
    if position.shape != shape:
        raise ValueError(f"must have shape {shape}, got {position.shape}")
    low, high = np.sort([ax.get_xlim(), ax.get_ylim()]).T
    if not np.all((position >= low) & (position <= high)):
        raise ValueError(
            f"must lie from {low.tolist()} to {high.tolist()}, got {position.tolist()}"
        )
    return position
