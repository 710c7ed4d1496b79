"""Fixtures `lab_server` and `lab`; everything in this folder is marked `browser`."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tests.browser.lab import REPOSITORY, Lab, LabServer, chromium, find_chromium

ARTIFACTS = REPOSITORY / "test-artifacts"
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items):
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.browser)
    # last: once Playwright has started, no test in this process can call `asyncio.run`
    items[:] = [item for item in items if item not in ours] + ours


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def browser():
    if not find_chromium():
        stop = pytest.fail if os.environ.get("DLCOMPANION_REQUIRE_BROWSER") == "1" else pytest.skip
        stop("NO BROWSER TEST RUNS: no Chromium on the path; install one or set CHROMIUM to it")
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def lab_server(browser, tmp_path_factory):
    """JupyterLab over the repository's notebooks, and one that shows the canyon alone."""
    folder = tmp_path_factory.mktemp("lab") / "notebooks"
    shutil.copytree(REPOSITORY / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))
    lines = ["from dlcompanion.numerical_computation import explorers", "explorers.canyon()"]
    cells = [nbformat.v4.new_code_cell(line) for line in lines]
    cells += [nbformat.v4.new_markdown_cell("a cell to scroll past") for _ in range(40)]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    canyon = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(canyon, folder / "canyon.ipynb")
    with LabServer(folder) as server:
        yield server


@pytest.fixture
def lab(lab_server, browser, request):
    """A fresh page; if the test fails, its picture and logs stay in test-artifacts/."""
    with Lab(lab_server, browser) as page:
        yield page
        if request.node.stash.get(FAILED, False):
            ARTIFACTS.mkdir(exist_ok=True)
            name = re.sub(r"[^\w.-]+", "-", request.node.name)
            page.screenshot(ARTIFACTS / f"{name}.png")
            logs = [*page.console_errors, page.kernel_log(), lab_server.log]
            (ARTIFACTS / f"{name}.log").write_text("\n\n".join(logs))
