"""What README.md says of the project agrees with the project."""

from pathlib import Path

import dlcompanion

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_latencies_are_those_that_the_benchmark_wrote():
    section = README.split("## How fast")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    measured = (ROOT / "benchmarks" / "latency.md").read_text(encoding="utf-8").splitlines()
    assert len(rows) > 4
    assert set(rows) <= set(measured)


def test_the_table_of_chapters_names_every_notebook_and_explorer():
    section = README.split("## Chapters")[1].split("\n## ")[0]
    for path in sorted((ROOT / "notebooks").glob("0[2-8]-*.ipynb")):
        assert f"notebooks/{path.name}" in section
    for name in dlcompanion.explorers():
        assert f"`{name.split('.')[1]}`" in section


def test_the_picture_is_there():
    assert (ROOT / "docs" / "canyon.png").stat().st_size > 10_000
