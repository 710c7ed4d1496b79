"""The canvas widget: the kernel's half of what `canvas.js` shows."""

from pathlib import Path

import anywidget
import traitlets


class Canvas(anywidget.AnyWidget):
    """A picture in two layers that keeps frames, with points that can be dragged.

    Attributes:
        static, frame: display lists (see `recorder`).
        present: the indices and positions that `frame` belongs to.
        controls: for each control its name, the reference to its model and how to count its
            positions.
        points: for each draggable point its name, label, axes and count.
        positions: rows of x, y in data coordinates by the point's name, written from both sides.
        prefetch: whether the browser asks for frames ahead.
    """

    _esm = Path(__file__).with_name("canvas.js")
    _css = Path(__file__).with_name("canvas.css")

    title = traitlets.Unicode().tag(sync=True)
    size = traitlets.List().tag(sync=True)
    static = traitlets.Bytes().tag(sync=True)
    frame = traitlets.Bytes().tag(sync=True)
    present = traitlets.List().tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    points = traitlets.List().tag(sync=True)
    positions = traitlets.Dict().tag(sync=True)
    prefetch = traitlets.Bool(True).tag(sync=True)
