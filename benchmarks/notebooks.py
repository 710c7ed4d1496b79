"""What it costs to run a notebook: python benchmarks/notebooks.py

For every notebook in JupyterLab in Chromium: the time from "Run All" until its first explorer is
painted, the time until all cells have run, and the peak memory of the kernel.
"""

import time
from pathlib import Path

from tests.browser.lab import Lab, LabServer, chromium
from tests.browser.test_notebooks import NOTEBOOKS, shown_explorers

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
REPORT = Path(__file__).with_name("notebooks.md")
HEADER = """| notebook | first explorer s | all cells s | peak MiB |
| --- | ---: | ---: | ---: |"""
FIRST, WHOLE, MEMORY = 6, 60, 1024  # the goals: s, s, MiB
PAINTED = """() => Array.from(document.querySelectorAll(".dlc-frame")).some((canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean))"""
ALL_RAN = """() => Array.from(jupyterapp.shell.currentWidget.content.model.cells)
    .every((cell) => cell.type != "code" || cell.executionState == "idle")"""


def kernel_memory(server_pid: int) -> float:
    """Return the largest peak memory of the server's kernels so far, MiB (Linux)."""
    peaks = [0.0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
        except OSError:  # it has ended meanwhile
            continue
        if fields["PPid"] == str(server_pid) and "VmHWM" in fields:
            peaks.append(int(fields["VmHWM"].split()[0]) / 1024)
    return max(peaks)


def measure(lab: Lab, server: LabServer, name: str) -> tuple[float | None, float, float]:
    """Run one notebook; return s to the first explorer, s to the end, MiB at the peak."""
    lab.open(name)
    lab.command("notebook:clear-all-cell-outputs")
    first = next(iter(shown_explorers(name)), None)
    if first is not None:
        lab.cell(first)  # JupyterLab draws only what is on the screen
    start = time.perf_counter()
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    painted = None
    if first is not None:
        lab.page.wait_for_function(PAINTED, polling=50)
        painted = time.perf_counter() - start
    lab.page.wait_for_function(ALL_RAN, polling=50, timeout=180_000)
    return painted, time.perf_counter() - start, kernel_memory(server.pid)


def main() -> None:
    """Measure every notebook, print the table and write it beside this file."""
    rows = []
    with LabServer(FOLDER) as server, chromium() as browser:
        for name in NOTEBOOKS:
            with Lab(server, browser) as lab:
                painted, whole, memory = measure(lab, server, name)
            first = "none" if painted is None else f"{painted:.1f}"
            rows.append(f"| {name} | {first} | {whole:.1f} | {memory:.0f} |")
            print(rows[-1], flush=True)
    table = "\n".join([HEADER, *rows, f"| goal | ≤ {FIRST} | ≤ {WHOLE} | ≤ {MEMORY} |"])
    REPORT.write_text(f"What a notebook costs, JupyterLab in Chromium, two cores.\n\n{table}\n")


if __name__ == "__main__":
    main()
