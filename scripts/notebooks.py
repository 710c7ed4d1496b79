"""Run notebooks and store them in one normal form: python scripts/notebooks.py FILE..."""

import hashlib
import json
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
    "language_info": {"name": "python"},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def read(path: Path) -> NotebookNode:
    """Read a notebook; a cell without an id gets one that is the same on every run."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    for index, cell in enumerate(raw["cells"]):
        digest = hashlib.sha256(f"{index} {cell['source']}".encode()).hexdigest()
        cell.setdefault("id", digest[:8])
    raw["nbformat_minor"] = 5
    return nbformat.reads(json.dumps(raw), as_version=4)


def normalize(notebook: NotebookNode) -> NotebookNode:
    """Drop what would not outlive the run: widget views, widget state, time stamps."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    return notebook


def main(paths: list[str]) -> None:
    """Execute each notebook in its own folder; store it only when every cell has run."""
    for path in map(Path, paths):
        print(f"Running {path}", flush=True)
        notebook = read(path)
        where = {"metadata": {"path": str(path.parent)}}
        NotebookClient(
            notebook,
            kernel_name="python3",
            resources=where,
            timeout=None,
            coalesce_streams=True,
            record_timing=False,
        ).execute()
        nbformat.write(normalize(notebook), path)


if __name__ == "__main__":
    main(sys.argv[1:])
