"""What an explorer is shown with: the canvas of `canvas.js`, and the card around it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
from traitlets import Bool, Bytes, Dict, List, Unicode


class Canvas(anywidget.AnyWidget):
    """A picture in two layers that keeps frames, with points that can be dragged.

    Attributes:
        static, frame: display lists (see `recorder`).
        present: the indices and positions that `frame` belongs to.
        controls: for each control its name, its model and how to count its positions.
        points: for each draggable point its name, label, axes and count.
        positions: rows of x, y in data coordinates by the point's name, written from both sides.
        prefetch: whether the browser asks for frames ahead.
    """

    _esm = Path(__file__).with_name("canvas.js")
    _css = Path(__file__).with_name("canvas.css")

    title = Unicode().tag(sync=True)
    size = List().tag(sync=True)
    static = Bytes().tag(sync=True)
    frame = Bytes().tag(sync=True)
    present = List().tag(sync=True)
    controls = List().tag(sync=True)
    points = List().tag(sync=True)
    positions = Dict().tag(sync=True)
    prefetch = Bool(True).tag(sync=True)


def describe_control(name: str, control: ipywidgets.ValueWidget) -> dict[str, Any]:
    """Return what `canvas.js` needs to count a control's positions by itself."""
    return {
        "name": name.replace("_", " "),
        "model": control.model_id,
        "by": "index" if hasattr(control, "index") else "value",
        "low": getattr(control, "min", 0),
        "step": getattr(control, "step", 1),
        "count": len(control.positions),
    }


def build_card(explorer: Any, labels: Mapping[str, str], play: str | None) -> ipywidgets.VBox:
    """Return title and picture, controls, sentence and presets; `canvas.css` lays them out."""
    cells = []
    for name, control in explorer.controls.items():
        control.description = labels.get(name, name.replace("_", " "))
        control.style.description_width = "initial"
        control.layout.width = "auto"
        cells.append(_with_play(control) if name == play else control)
    buttons = []
    for name, values in explorer.presets.items():
        buttons.append(ipywidgets.Button(description=name))
        buttons[-1].on_click(lambda _, values=values: explorer.set(**values))
    controls = ipywidgets.GridBox(cells).add_class("dlc-controls")
    presets = ipywidgets.HBox(buttons).add_class("dlc-presets")
    return ipywidgets.VBox([explorer.canvas, controls, presets]).add_class("dlc-explorer")


def _with_play(control: ipywidgets.IntSlider) -> ipywidgets.HBox:
    """Put a play button before a slider, linked in the browser: no kernel is asked."""
    button = ipywidgets.Play(value=control.value, min=control.min, max=control.max, interval=150)
    button.link = ipywidgets.jslink((button, "value"), (control, "value"))
    return ipywidgets.HBox([button, control]).add_class("dlc-play")


def close_all(widget: ipywidgets.Widget) -> None:
    """Close a widget with its children, layout, style and link, which would outlive it."""
    parts = [getattr(widget, name, None) for name in ("layout", "style", "link")]
    for part in (*getattr(widget, "children", ()), *parts):
        if isinstance(part, ipywidgets.Widget):
            close_all(part)
    widget.close()
