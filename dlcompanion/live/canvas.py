"""What an explorer is shown with: the canvas of `canvas.js`, and the card around it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
from traitlets import Dict


class Canvas(anywidget.AnyWidget):
    """A picture in two layers that keeps frames, with points that can be dragged.

    Attributes:
        setup: what stays. `title`; `size` in CSS pixels; `static`, a display list (see `recorder`);
            `controls`, each with its name, model and number of positions; `points`, each with its
            name, label, number and axes; `prefetch`, whether the browser asks for frames ahead.
        present: a `frame`, and the controls' `indices` and the `positions` that it belongs to.
        positions: rows of x, y in data coordinates by the point's name, written from both sides.
    """

    # As text: anywidget watches files, and through them would hold every canvas for good.
    _esm = Path(__file__).with_name("canvas.js").read_text("utf-8")
    _css = Path(__file__).with_name("canvas.css").read_text("utf-8")

    setup = Dict().tag(sync=True)
    present = Dict().tag(sync=True)
    positions = Dict().tag(sync=True)


def describe_control(name: str, control: ipywidgets.ValueWidget) -> dict[str, Any]:
    """Return what `canvas.js` needs: it counts a control's positions by itself."""
    count = len(control.positions)
    return {"name": name.replace("_", " "), "model": control.model_id, "count": count}


def build_card(explorer: Any, labels: Mapping[str, str], play: str | None) -> ipywidgets.VBox:
    """Return title and picture, controls, sentence and presets; `canvas.css` lays them out."""
    cells, buttons = [], []
    for name, control in explorer.controls.items():
        control.description = labels.get(name, name.replace("_", " "))
        cells.append(_with_play(control) if name == play else control)
    for name, values in explorer.presets.items():
        buttons.append(ipywidgets.Button(description=name))
        buttons[-1].on_click(lambda _, values=values: explorer.set(**values))
    controls = ipywidgets.GridBox(cells).add_class("dlc-controls")
    presets = ipywidgets.HBox(buttons).add_class("dlc-presets")
    return ipywidgets.VBox([explorer.canvas, controls, presets]).add_class("dlc-explorer")


def _with_play(control: ipywidgets.IntSlider) -> ipywidgets.HBox:
    """Put a play button before a slider, linked in the browser: no kernel is asked."""
    play = ipywidgets.Play(control.value, control.min, control.max, interval=150, show_repeat=False)
    play.link = ipywidgets.jslink((play, "value"), (control, "value"))
    return ipywidgets.HBox([play, control]).add_class("dlc-play")


def close_all(widget: ipywidgets.Widget) -> None:
    """Close a widget with its children, layout, style and link, which would outlive it."""
    parts = [getattr(widget, name, None) for name in ("layout", "style", "link")]
    for part in filter(None, (*getattr(widget, "children", ()), *parts)):
        close_all(part)
    widget.close()
