"""Every notebook again, with each exercise solved: all checks in it say so."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from dlcompanion.practice.registry import exercises

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
EXERCISES = exercises()


def solve(notebook) -> list[str]:
    """Write every solution in the place of its stub; return the ids."""
    solved = []
    for cell in notebook.cells:
        for id, exercise in EXERCISES.items():
            if cell.cell_type == "code" and f'practice.check("{id}", ' in cell.source:
                assert exercise.stub in cell.source
                cell.source = cell.source.replace(exercise.stub, exercise.solution)
                solved.append(id)
    return solved


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_check_of_a_solved_notebook_says_solved(path, tmp_path, monkeypatch):
    notebook = nbformat.read(path, as_version=4)
    text = "".join(cell.source for cell in notebook.cells)
    ids = solve(notebook)
    assert len(ids) == text.count("practice.check(")
    if not ids:
        pytest.skip("no exercise")
    monkeypatch.setenv("PYTHONPATH", str(path.parents[1]))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert [title for title in shown if title.endswith(": solved")] == [
        f"{id}: solved" for id in ids
    ]
