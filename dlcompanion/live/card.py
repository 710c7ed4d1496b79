"""The card that an explorer is shown on: title and picture, controls, sentence, presets."""

from collections.abc import Mapping
from typing import Any

import ipywidgets


def build_card(explorer: Any, labels: Mapping[str, str], play: str | None) -> ipywidgets.VBox:
    """Return the card as one ipywidget; `canvas.css` lays it out."""
    cells = []
    for name, control in explorer.controls.items():
        control.description = labels.get(name, name.replace("_", " "))
        control.style.description_width = "initial"
        control.layout.width = "auto"
        cells.append(_with_play(control) if name == play else control)
    buttons = [ipywidgets.Button(description=name) for name in explorer.presets]
    for button, values in zip(buttons, explorer.presets.values(), strict=True):
        button.on_click(lambda _, values=values: explorer.set(**values))
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
