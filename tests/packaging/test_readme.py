"""What README.md says of the project agrees with the project."""

import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("path", ["README.md", "notebooks/00-start-here.ipynb"])
def test_every_chapter_has_a_picture_of_one_of_its_explorers(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    names = [name.split(".")[1] for name in dlcompanion.explorers()]
    shown = re.findall(r'src=\\?"(?:notebooks/)?pictures/(\w+)\.png\\?" [^>]*alt=\\?"[^"\\]', text)
    assert len(shown) == len(set(shown)) == 7
    for name in shown:
        assert name in names
        assert (ROOT / "notebooks" / "pictures" / f"{name}.png").stat().st_size > 10_000
