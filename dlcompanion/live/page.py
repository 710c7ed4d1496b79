"""An explorer as one HTML file that works without a kernel and without a network."""

import base64
import html
import json
import re
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

from ipywidgets import Checkbox, Dropdown

from dlcompanion.live.ahead import compute_batch
from dlcompanion.live.controls import index_of

PARTS = ("page.html", "canvas.css", "canvas.js", "page.js")
KINDS = {Dropdown: "select", Checkbox: "checkbox"}  # all other controls are sliders


def write_page(explorer: Any, path: str | PathLike) -> None:
    """Write the page of an explorer; the explorer stays as it is."""
    page, style, canvas, script = (Path(__file__).with_name(n).read_text("utf-8") for n in PARTS)
    with explorer._lock:
        controls = [_describe(i, *item) for i, item in enumerate(explorer.controls.items())]
        stored = {"controls": controls, "points": [], "prefetch": False, "frames": sweep(explorer)}
        stored = json.dumps(explorer.canvas.setup | stored, default=_base64)
        text = Template(page).substitute(
            title=html.escape(explorer.title),
            sentence=html.escape(explorer.description),
            picture=_base64(explorer.png()),
            style=style,
            stored=stored.replace("<", r"\u003c"),
            script=re.sub(r"^export (default .*)?", "", canvas, flags=re.M) + script,
        )
    Path(path).write_text(text, "utf-8")


def sweep(explorer: Any) -> dict[str, bytes]:
    """Return a frame for each position of each control, all others and the points as they are.

    A frame's key is all controls' indices, joined as JavaScript joins them.
    """
    values, state, frames = explorer.values, explorer.state, {}
    here = [index_of(control, values[name]) for name, control in explorer.controls.items()]
    for i, (name, control) in enumerate(explorer.controls.items()):
        rows = [values | {name: value} for value in control.positions]
        states = [state] * len(rows)  # which is all that a view needs
        if name not in explorer._view:
            states = compute_batch(explorer._compute, [explorer._arguments(row) for row in rows])
        for index, (row, state_there) in enumerate(zip(rows, states, strict=True)):
            key = ",".join(map(str, [*here[:i], index, *here[i + 1 :]]))
            frames[key] = explorer._render(row, state_there).frame
    return frames | {",".join(map(str, here)): explorer.frame}


def _describe(model: int, name: str, control: Any) -> dict[str, Any]:
    """Return a control as `page.js` builds it: LaTeX gives way to the plain name."""
    kind, index = KINDS.get(type(control), "range"), index_of(control, control.value)
    has_latex = re.search(r"[\\$]", control.description)
    name = name.replace("_", " ") if has_latex else control.description
    return {"name": name, "model": model, "kind": kind, "texts": control.texts, "index": index}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
