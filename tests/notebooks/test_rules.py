"""What every stored notebook keeps to; nbval compares what the cells print."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_LINES = 12
HEADING = re.compile(r"^(#{2,3}) (\d+\.\d+(?:\.\d+)?) (.+)$", re.MULTILINE)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request) -> dict:
    return json.loads(request.param.read_text(encoding="utf-8"))


def cells(notebook: dict, kind: str) -> list[dict]:
    return [
        cell | {"source": "".join(cell["source"])}
        for cell in notebook["cells"]
        if cell["cell_type"] == kind
    ]


def test_the_notebooks_are_there():
    assert FOLDER.joinpath("00-start-here.ipynb") in NOTEBOOKS
    assert FOLDER.joinpath("04-numerical-computation.ipynb") in NOTEBOOKS


def test_every_cell_was_run_in_order_without_an_error(notebook):
    code = cells(notebook, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = [output["output_type"] for cell in code for output in cell["outputs"]]
    assert "error" not in kinds


def test_stored_outputs_need_no_kernel(notebook):
    assert "widgets" not in notebook["metadata"]
    text = json.dumps(notebook)
    assert "application/vnd.jupyter.widget-view+json" not in text
    assert not re.search(r"0x[0-9a-f]{6,}", text), "an address in an output"


def test_cells_are_short_and_plain(notebook):
    for cell in cells(notebook, "code"):
        source = cell["source"]
        assert len(source.splitlines()) <= MOST_LINES
        assert not re.search(r"^\s*[%!]", source, re.MULTILINE), "a magic"
        assert "warnings" not in source and "pip" not in source
        tags = cell["metadata"].get("tags", [])
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert {"concept", "exercise"} & set(tags), f"{node.name} belongs in the package"


def test_an_output_prints_at_most_three_digits(notebook):
    for cell in cells(notebook, "code"):
        if "nbval-ignore-output" in cell["metadata"].get("tags", []):
            continue
        for output in cell["outputs"]:
            text = "".join(output.get("text", []))
            assert not re.search(r"\d\.\d{4,}", text), text


def test_headings_have_the_books_numbers_in_order(notebook):
    text = "\n".join(cell["source"] for cell in cells(notebook, "markdown"))
    found = [tuple(map(int, number.split("."))) for _, number, _ in HEADING.findall(text)]
    assert found == sorted(found)
    for level, number, _ in HEADING.findall(text):
        assert len(level) == number.count(".") + 1


def test_links_between_notebooks_lead_somewhere(notebook):
    text = "\n".join(cell["source"] for cell in cells(notebook, "markdown"))
    for target in re.findall(r"\]\(([^)#]+\.ipynb)\)", text):
        assert (FOLDER / target).is_file(), target


def test_the_start_notebook_lists_every_chapter():
    start = (FOLDER / "00-start-here.ipynb").read_text(encoding="utf-8")
    for path in NOTEBOOKS[1:]:
        assert path.name in start


def test_the_voice():
    banned = re.compile(
        r"\b(simply|obviously|note that|let's|delve|powerful)\b|(?<!\\)!(?!\[)", re.IGNORECASE
    )
    for path in NOTEBOOKS:
        for cell in cells(json.loads(path.read_text(encoding="utf-8")), "markdown"):
            assert not banned.search(cell["source"]), banned.search(cell["source"])
