"""A learner's hour, in real JupyterLab: wrong, hinted, shown, predicted, exported."""

import json
import re

import nbformat
import pytest

from tests.browser.lab import Lab, LabServer

SETUP = """from dlcompanion import practice
from dlcompanion.practice import registry
from tests.live.small import wave
from tests.practice import toys
registry.exercises().update(toys.by_id())"""
CELLS = [
    SETUP,
    'def slope(x):\n    ...\n\npractice.check("4.3-slope", slope)',
    "view = wave()\nview",
    'practice.predict("How fast?", "choice", "fast", id="4.3-fast", options=("slow", "fast"),'
    ' explorer=view, settings={"frequency": 7.5}, because="That is $7.5$.")',
    "practice.progress()",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("notebooks")
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "practice.ipynb")
    with LabServer(folder) as running:
        yield running


@pytest.fixture
def lab(server, browser):
    with Lab(server, browser, size=(1280, 1600)) as page:
        page.open("practice.ipynb", sidebar=False)
        page.run_all()
        yield page
        assert page.console_errors == [] and page.kernel_log() == ""


def card(lab, k):
    return lab.page.locator(".dlc-practice").nth(k)


def press(lab, button, key) -> None:
    button.focus()
    lab.page.keyboard.press(key)
    lab.idle()


def write(lab, cell: int, old: str, new: str) -> None:
    """Type over a part of a cell, then run it."""
    lab.page.evaluate(
        "([cell, old, now]) => { const { content } = jupyterapp.shell.currentWidget;"
        "content.activeCellIndex = cell;"
        "const model = content.activeCell.model.sharedModel;"
        "model.setSource(model.getSource().replace(old, now)); }",
        [cell, old, new],
    )
    lab.command("notebook:run-cell")
    lab.idle()


def test_a_wrong_gradient_is_told_where_and_why_then_solved(lab):
    assert "4.3-slope: not attempted yet" in card(lab, 0).inner_text()
    write(lab, 1, "...", "return 2 * x")
    assert "4.3-slope: not yet" in card(lab, 0).inner_text()
    cells = card(lab, 0).locator("table").first.locator("td, th").all_inner_texts()
    assert [text.strip() for text in cells] == [
        "input", "x = [1]", "returned", "[2]", "expected by jax.grad", "[1]",
    ]  # fmt: skip
    assert "Likely cause:" in card(lab, 0).inner_text()
    card(lab, 0).locator("mjx-container").first.wait_for()  # the formula is typeset
    write(lab, 1, "2 * x", "x")
    assert "4.3-slope: solved" in card(lab, 0).inner_text()


def test_hints_come_by_the_keyboard_and_the_solution_after_a_question(lab):
    hint = card(lab, 0).get_by_role("button", name="Hint")
    press(lab, hint, "Enter")
    assert card(lab, 0).locator("li").count() == 1
    press(lab, hint, "Space")
    assert card(lab, 0).locator("li").count() == 2
    assert "return 1.0 * x" not in card(lab, 0).inner_text()
    press(lab, card(lab, 0).get_by_role("button", name="Solution", exact=True), "Enter")
    lab.page.keyboard.press("Tab")
    assert lab.page.locator(":focus").inner_text() == "Yes, show me the solution"
    lab.page.keyboard.press("Enter")
    lab.idle()
    assert "return 1.0 * x" in card(lab, 0).inner_text()


def test_a_prediction_is_committed_and_the_explorer_moves(lab):
    commit = card(lab, 1).get_by_role("button", name="Commit")
    before = lab.page.locator(".dlc-sentence").inner_text()
    commit.click()
    card(lab, 1).get_by_text("Choose one of the answers first.").wait_for()
    card(lab, 1).get_by_role("button", name="slow").press("Space")
    commit.click()
    card(lab, 1).get_by_text("You said slow; it is fast.").wait_for()
    lab.idle()
    assert lab.page.locator(".dlc-sentence").inner_text() != before
    assert commit.is_disabled()


def test_progress_is_exported(lab, tmp_path):
    write(lab, 1, "...", "return x")
    write(lab, 4, "progress()", "progress() ")
    with lab.page.expect_download() as download:
        card(lab, 2).get_by_text("Export", exact=True).click()
    download.value.save_as(tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["entries"]["4.3-slope"]["solved"] == 1
    with lab.page.expect_file_chooser() as chooser:
        card(lab, 2).get_by_role("button", name=re.compile("Import")).click()
    chooser.value.set_files(tmp_path / "p.json")
    card(lab, 2).get_by_text("was added to your progress").wait_for()


def test_the_stored_notebook_shows_the_card_without_a_kernel(lab):
    (output,) = lab.outputs()[1]
    assert output["data"]["text/plain"] == "4.3-slope: not attempted yet"
    assert "not attempted yet" in output["data"]["text/html"]
