"""An explorer as one HTML file that works without a kernel and without a network."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

import ipywidgets

from dlcompanion.live.ahead import BATCH, compute_batch
from dlcompanion.live.controls import index_of, positions

HERE = Path(__file__).parent
KINDS = {ipywidgets.Dropdown: "select", ipywidgets.Checkbox: "checkbox"}  # all others are sliders


def write_page(explorer: Any, path: str | PathLike) -> None:
    """Write the page of an explorer; the explorer stays as it is."""
    with explorer._lock:
        stored = {
            "title": explorer.title,
            "size": explorer.canvas.size,
            "static": _base64(explorer.canvas.static),
            "controls": [_describe(*item) for item in explorer.controls.items()],
            "frames": {key: _base64(frame) for key, frame in sweep(explorer).items()},
        }
        page = Template(_read("page.html")).substitute(
            title=html.escape(explorer.title),
            sentence=html.escape(explorer.description),
            picture=_base64(explorer.png()),
            style=_read("canvas.css"),
            stored=json.dumps(stored, separators=(",", ":")).replace("<", r"\u003c"),
            script=re.sub(r"^export (default .*)?", "", _read("canvas.js"), flags=re.M)
            + _read("page.js"),
        )
    Path(path).write_text(page, encoding="utf-8")


def sweep(explorer: Any) -> dict[str, bytes]:
    """Return the frames of every position of every control, all others as they are now.

    A frame's key is the tuple of the controls' indices, joined by commas as JavaScript does.
    """
    frames = {}
    values, state = explorer.values, explorer.state
    here = [index_of(control, values[name]) for name, control in explorer.controls.items()]
    explorer._shown = None  # from here on the artists are moved away from the present values
    for i, (name, control) in enumerate(explorer.controls.items()):
        rows = [values | {name: value} for value in positions(control)]
        states = [state] * len(rows) if name in explorer._view else _compute(explorer, rows)
        for index, (row, row_state) in enumerate(zip(rows, states, strict=True)):
            key = ",".join(map(str, [*here[:i], index, *here[i + 1 :]]))
            frames[key] = explorer._render(row, row_state).frame
    return frames | {",".join(map(str, here)): explorer.frame}


def _compute(explorer: Any, rows: list[Mapping[str, Any]]) -> Iterator[tuple]:
    arguments = [explorer._arguments(row) for row in rows]
    for at in range(0, len(rows), BATCH):
        yield from compute_batch(explorer._compute, arguments[at : at + BATCH])


def _describe(name: str, control: ipywidgets.ValueWidget) -> dict[str, Any]:
    """Return a control as `page.js` builds it; no page sets LaTeX, so its plain name stands in."""
    label, plain = control.description, name.replace("_", " ")
    texts = ["off", "on"]
    if hasattr(control, "options"):
        texts = [option if isinstance(option, str) else option[0] for option in control.options]
    elif hasattr(control, "readout_format"):
        numbers = positions(control)
        texts = [format(number, control.readout_format).replace("-", "−") for number in numbers]
    return {
        "name": plain if "\\" in label or "$" in label else label,
        "kind": KINDS.get(type(control), "range"),
        "texts": texts,
        "index": index_of(control, control.value),
    }


def _read(name: str) -> str:
    return HERE.joinpath(name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
