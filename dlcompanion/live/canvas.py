"""The canvas widget: the kernel's half of what `canvas.js` shows."""

from pathlib import Path

import anywidget
import traitlets


class Canvas(anywidget.AnyWidget):
    """A picture in two layers with points that can be dragged.

    `static` and `frame` are display lists (see `recorder`). `points` tells, for each draggable
    point, its name, label, axes and count; `positions` maps its name to rows of x, y in data
    coordinates and is written from both sides.
    """

    _esm = Path(__file__).with_name("canvas.js")
    _css = Path(__file__).with_name("canvas.css")

    title = traitlets.Unicode().tag(sync=True)
    size = traitlets.List().tag(sync=True)
    static = traitlets.Bytes().tag(sync=True)
    frame = traitlets.Bytes().tag(sync=True)
    points = traitlets.List().tag(sync=True)
    positions = traitlets.Dict().tag(sync=True)
