"""scripts/notebooks.py stores what a reader without a kernel can see, and nothing that changes."""

import json

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from scripts import notebooks

VIEW = {"model_id": "a1", "version_major": 2, "version_minor": 0}


def cell(source, *outputs, **other):
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"execution": {"iopub.status.busy": "2026-01-01"}, "tags": ["concept"]},
        "outputs": list(outputs),
        "source": source,
        **other,
    }


def write(path, *cells):
    metadata = {"widgets": {"state": {}}, "language_info": {"name": "python", "version": "3.11.7"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(notebook))
    return path


def test_widgets_and_time_stamps_go_and_pictures_stay(tmp_path):
    data = {"text/plain": "Canyon", "image/png": "iVBO", notebooks.WIDGET_VIEW: VIEW}
    shown = {"output_type": "display_data", "metadata": {}, "data": data}
    path = write(tmp_path / "a.ipynb", cell("canyon()", shown))
    notebook = notebooks.normalize(notebooks.read(path))
    nbformat.validate(notebook)
    assert notebook.metadata == notebooks.METADATA
    assert notebook.cells[0].metadata == {"tags": ["concept"]}
    assert notebook.cells[0].outputs[0].data == {"text/plain": "Canyon", "image/png": "iVBO"}


def test_missing_ids_are_given_once_and_for_all(tmp_path):
    path = write(tmp_path / "a.ipynb", cell("1"), cell("1"), cell("1", id="mine"))
    first, second = ([c.id for c in notebooks.read(path).cells] for _ in range(2))
    assert first == second
    assert len(set(first)) == 3
    assert first[2] == "mine"


def test_a_run_is_stored_and_running_again_changes_nothing(tmp_path):
    path = write(tmp_path / "a.ipynb", cell("import os\nprint(os.path.exists('a.ipynb'))"))
    notebooks.main([str(path)])
    stored = path.read_text()
    (output,) = json.loads(stored)["cells"][0]["outputs"]
    assert output["text"] == ["True\n"]
    assert stored.startswith('{\n "cells"')
    notebooks.main([str(path)])
    assert path.read_text() == stored


def test_an_exception_stops_it_and_leaves_the_file_alone(tmp_path):
    path = write(tmp_path / "a.ipynb", cell("1 / 0"))
    before = path.read_text()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.main([str(path)])
    assert path.read_text() == before
