"""What the companion has: read from the source of the package, its tests and its notebooks."""

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dlcompanion.book.coordinates import TITLES, Place, mentions, split_claim, unknown
from dlcompanion.book.rooms import ROOMS

ROOT = Path(__file__).parents[2]
HEADING = re.compile(r"^#+ ((?:(\d+(?:\.\d+)*) )?(.+))$", re.MULTILINE)
MADE = {"explorers": "Explorer", "exercises": "Exercise"}


class Thing(NamedTuple):
    """A function, figure, explorer, exercise or notebook cell, and what it belongs to."""

    group: str
    name: str
    summary: str
    places: list[Place]
    words: str  # what a search for words looks at
    link: str = ""


@cache
def _docstrings(path: Path, changed: int) -> list[tuple]:
    """List a module's docstrings: whose, its group, what it says, its places, what is wrong."""
    tree, found = ast.parse(path.read_text("utf-8")), []
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in [tree, *tree.body, *(method for each in classes for method in each.body)]:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            summary, places, wrong = split_claim(ast.get_docstring(node) or "")
            name = getattr(node, "name", "_")
            group = "" if name.startswith("_") or node not in tree.body else _group(path.stem, node)
            in_room = path.parent.name in ROOMS.values()
            if in_room and group and isinstance(node, ast.FunctionDef) and not places:
                wrong = wrong or "the first docstring line ends without the book's number"
            wrong = [f"{path.parent.name}/{path.name}, {name}: {wrong}"] if wrong else []
            found.append((name, group, summary, places, wrong))
    return found


def _group(module: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    """Tell what a public thing is to the reader; nothing if it only serves others."""
    if module in MADE:
        return module if getattr(getattr(node, "returns", None), "id", "") == MADE[module] else ""
    if module == "figures":
        return module if node.name.startswith("draw_") else ""
    return "" if module.startswith("test_") else "functions"


def read_package(root: Path, problems: list[str]) -> list[Thing]:
    """Read every public function, figure, explorer and exercise of the rooms that are there."""
    things, package = [], root / "dlcompanion"
    inits = [package / name / "__init__.py" for name in (".", *ROOMS.values())]
    for init in filter(Path.is_file, inits):
        tree = ast.parse(init.read_text("utf-8"))
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        passed_on = {alias.name for node in imports for alias in node.names}
        for path in sorted(init.parent.glob("*.py")):
            for name, group, summary, places, wrong in _docstrings(path, path.stat().st_mtime_ns):
                problems += wrong
                direct = group == "functions" and name in passed_on
                module = path.parent if direct else path.with_suffix("")
                if group and places:
                    path_name = ".".join([*module.relative_to(root).parts, name])
                    things.append(Thing(group, path_name, summary, places, f"{name} {summary}"))
    return things


def read_tests(root: Path, problems: list[str]) -> set[Place]:
    """Return the places that the tests claim."""
    tested = set()
    folder = root / "tests" if (root / "pyproject.toml").is_file() else root / "no repository"
    for path in sorted(folder.rglob("test_*.py")):
        for name, _, _, places, wrong in _docstrings(path, path.stat().st_mtime_ns):
            problems += wrong
            tested |= {*places} if name.startswith("test_") else set()
    return tested


def read_notebooks(folder: Path, problems: list[str]) -> list[Thing]:
    """Read every cell of the notebooks in a folder; links lead there from the current folder."""
    cells, here = [], Path.cwd()
    for path in sorted(folder.glob("[0-9][0-9]-*.ipynb")):
        current = ""
        for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"], 1):
            source, wrong = "".join(cell["source"]), []
            places = [place for place in mentions(source) if re.match(r"[2-8]\.", place.number)]
            # practice.check("4.1-softmax", softmax) belongs to Section 4.1.
            places += [Place("Section", k) for k in re.findall(r'"(\d+(?:\.\d+)+)-\w', source)]
            headings = HEADING.findall(source) if cell["cell_type"] == "markdown" else []
            for heading, coordinate, title in headings:
                current = heading
                place = Place("Section" if "." in coordinate else "Chapter", coordinate)
                if coordinate:
                    places.append(place)
                    right = TITLES.get(place, title)
                    wrong.append("" if plain(right) == plain(title) else f"{place} is {right}")
            wrong.append(unknown(places))
            problems += [f"{path.name}, cell {number}: {what}" for what in wrong if what]
            to = path.relative_to(here).as_posix() if here in path.parents else ""
            link = f"{to}#cell-id={cell.get('id')}" if to else ""
            name = f"{path.stem}, cell {number}"
            cells.append(Thing("in the notebooks", name, current, places, source, link))
    return cells


@cache
def plain(text: str) -> str:
    """Reduce a text to what a search compares: lower case, only words and digits."""
    return " ".join(re.sub(r"[\W_]+", " ", re.sub(r"[$^{}]", "", text.casefold())).split())
