"""The list of the book's numbers, the grammar that names them, and what is found by them."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlcompanion
from dlcompanion.book import ROOMS, find, search, source
from dlcompanion.book.__main__ import coverage, main
from dlcompanion.book.coordinates import SECTION_OF, TITLES, Place, mentions, split_claim
from dlcompanion.book.index import ROOT, plain, read_notebooks, read_package
from dlcompanion.live import explorers

LAST = {  # in chapters 2 to 8
    "Equation": (84, 56, 27, 103, 59, 67, 41),
    "Algorithm": (0, 0, 1, 1, 6, 3, 9),
    "Figure": (3, 8, 6, 13, 11, 9, 7),
}
SECTIONS = (12, 22, 6, 34, 29, 17, 34)
KINDS = ("Section", *LAST)


def numbers(kind: str, chapter: int) -> list[tuple[int, ...]]:
    places = [place for place in TITLES if place.kind == kind]
    found = [tuple(map(int, place.number.split("."))) for place in places]
    return [number for number in found if number[0] == chapter]


@pytest.mark.parametrize("chapter", ROOMS)
@pytest.mark.parametrize("kind", LAST)
def test_every_numbered_thing_is_listed_once_in_order(kind, chapter):
    last = LAST[kind][chapter - 2]
    assert numbers(kind, chapter) == [(chapter, k) for k in range(1, last + 1)]


@pytest.mark.parametrize("chapter", ROOMS)
def test_every_section_follows_its_elder_or_its_parent(chapter):
    found = numbers("Section", chapter)
    assert len(found) == SECTIONS[chapter - 2]
    for before, section in zip([(chapter,), *found], found, strict=False):
        successors = [before[:k] + (before[k] + 1,) for k in range(1, len(before))]
        assert section in [(*before, 1), *successors]


def test_titles_are_short_and_in_sentence_case():
    for place, title in TITLES.items():
        assert title == title.strip(" .") and title[0] in title[0].upper() + "k$"
        assert place.kind == "Section" or len(title.split()) <= 8, title
    assert {place.kind for place in SECTION_OF} == set(LAST)
    assert all(section.number.startswith(place.number[0]) for place, section in SECTION_OF.items())


claims = st.lists(
    st.tuples(st.sampled_from(KINDS), st.lists(st.sampled_from(list(TITLES)), min_size=1)),
    min_size=1,
)


@given(claims)
def test_a_claim_is_read_as_it_is_written(claims):
    groups, places = [], []
    for kind, chosen in claims:
        chosen = [Place(kind, f"{place.number}.1") for place in chosen]
        word = kind.lower() if kind in ("Section", "Equation") else kind
        plural = "s" if len(chosen) > 1 else ""
        groups.append(f"{word}{plural} {', '.join(place.number for place in chosen)}")
        places += chosen
    summary, found, wrong = split_claim(f"Do it (at once) ({', '.join(groups)}).\n\nMore.")
    assert (summary, found) == ("Do it (at once).", places)
    assert all(str(place) in wrong for place in places if place not in TITLES)


def test_a_range_is_all_that_it_spans():
    _, places, wrong = split_claim("Solve XOR (section 6.1, equations 6.9-6.11, Figure 6.1).")
    assert [place.number for place in places] == ["6.1", "6.9", "6.10", "6.11", "6.1"]
    assert [place.kind for place in places[-2:]] == ["Equation", "Figure"]
    assert not wrong


@pytest.mark.parametrize("end", ["", " (at a rate of 0.5).", " (first order).", " (Adam, 8 bits)."])
def test_a_line_may_claim_nothing(end):
    assert split_claim(f"Make a step{end}") == (f"Make a step{end}", [], "")


@pytest.mark.parametrize(
    "claim",
    [
        "(equation 4.9)",  # without a full stop
        "(Equation 4.9).",
        "(eq. 4.9).",
        "(algorithm 4.1).",
        "(section 4).",
        "(section 4.3 and Figure 4.6).",
        "(section 4.3; Figure 4.6).",
        "(see section 4.3).",
        "(equation 4.28).",
        "(section 4.3.2).",
        "(Figure 9.1).",
        "(equations 4.3-5.4).",
        "(equations 4.6-4.3).",
        "(equations 4.26-4.28).",
    ],
)
def test_a_wrong_claim_is_noticed(claim):
    assert split_claim(f"Make a step {claim}")[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$$x \tag{4.9}$$", ["Equation 4.9"]),
        ("Setting the derivative of Equation 4.9 to zero", ["Equation 4.9"]),
        ("Equations 4.9 and 4.10", ["Equation 4.9", "Equation 4.10"]),
        ("Equations (4.9), (4.10), and (4.8)", ["Equation 4.9", "Equation 4.10", "Equation 4.8"]),
        ("Figures 4.4 to 4.6", ["Figure 4.4", "Figure 4.5", "Figure 4.6"]),
        ("Figures 4.4–4.6", ["Figure 4.4", "Figure 4.5", "Figure 4.6"]),
        ("Algorithm 4.1. It", ["Algorithm 4.1"]),
        ("(Section 2.7, Eq. 2.41)", ["Section 2.7", "Equation 2.41"]),
        ("x = y  # equation 4.9", ["Equation 4.9"]),
        ("it equals 2.5, figured 3.5, version 4.9", []),
    ],
)
def test_prose_names_places(text, expected):
    assert sorted(map(str, mentions(text))) == sorted(expected)


def test_every_docstring_test_and_heading_names_what_is_in_the_book():
    _, problems = coverage(ROOT)
    assert not problems, "\n".join(problems)


def test_headings_have_the_books_numbers_and_titles():
    cells = read_notebooks(ROOT / "notebooks", [])
    headings = {cell.summary for cell in cells}
    assert {"4 Numerical computation", "Start here"} < headings
    for heading in headings:
        if numbered := re.match(r"(\d+(?:\.\d+)+) (.+)", heading):
            assert plain(TITLES[Place("Section", numbered[1])]) == plain(numbered[2])


def test_what_is_read_from_the_source_is_what_can_be_imported():
    entries = read_package(ROOT, [])
    for entry in entries:
        module, _, name = entry.name.rpartition(".")
        if entry.group == "functions":
            thing = getattr(importlib.import_module(module), name)
            assert thing.__doc__.strip().startswith(entry.summary[:-1])
    read = {entry.name for entry in entries if entry.group == "explorers"}
    assert read == {f"dlcompanion.{name.replace('.', '.explorers.')}" for name in explorers()}


def rows(found, group: str) -> list[str]:
    return [row.name for row in found.groups.get(group, [])]


def test_find_an_equation():
    found = find("4.9")
    assert rows(found, "in the book") == ["Equation 4.9"]
    assert "dlcompanion.numerical_computation.predicted_loss" in rows(found, "functions")
    (cell, *_) = [row for row in found.groups["in the notebooks"] if row.name.startswith("04")]
    assert cell.summary == "4.3.1 Beyond the gradient: Jacobian and Hessian matrices"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("4.1", ["Section 4.1", "Equation 4.1", "Figure 4.1", "Algorithm 4.1"]),
        ("Algorithm 8.7", ["Algorithm 8.7"]),
        ("Alg. 4.1", ["Algorithm 4.1"]),
        ("Fig. 5.2", ["Figure 5.2"]),
        ("figure 5.2", ["Figure 5.2"]),
        ("Eq. (4.9)", ["Equation 4.9"]),
        ("Equation 4.9", ["Equation 4.9"]),
        ("(4.9)", ["Equation 4.9"]),
        ("§3.3.2", ["Section 3.3.2"]),
        ("Section 4.2", ["Section 4.2", "Equation 4.2"]),
        ("Equations 4.9-4.11", ["Equation 4.9", "Equation 4.10", "Equation 4.11"]),
        ("4", ["Chapter 4"]),
        ("Chapter 4", ["Chapter 4"]),
        ("pseudoinverse", ["Section 2.9", "Equation 2.46", "Equation 2.47", "Equation 7.29"]),
        ("Newton METHOD", ["Equation 4.11", "Section 8.6.1", "Algorithm 8.8"]),
        ("Log-softmax", ["Equation 6.30"]),
        ("L2", ["Section 7.1.1"]),
        ("canyon", ["Figure 4.6", "Figure 8.5"]),
    ],
)
def test_find_places_by_number_and_by_word(query, expected):
    assert rows(find(query), "in the book") == expected


def test_find_by_a_name_and_by_a_section():
    for query in ("canyon", "Section 4.3.1", "Figure 4.6"):
        found = find(query)
        assert "dlcompanion.numerical_computation.explorers.canyon" in rows(found, "explorers")
        assert "dlcompanion.numerical_computation.figures.draw_canyon" in rows(found, "figures")
        assert rows(found, "in the notebooks")
    assert "Equation 4.9" in rows(find("Section 4.3.1"), "in the book")


@pytest.mark.parametrize("query", ["Equation 4.99", "9.1", "Figure 12.3", "psuedoinverse", "xyzzy"])
def test_find_nothing_says_so(query):
    found = find(query)
    assert not found.groups
    assert str(found).startswith(f"Chapters 2 to 8 have nothing for {query}.")
    assert query in found._repr_mimebundle_()["text/html"]
    assert "Is it pseudoinverse" in str(find("psuedoinverse"))
    assert "Equation 4.9" in str(find("Equation 4.99"))


@pytest.mark.parametrize("query", ["", "  ", "?", None, 4.9, ["4.9"]])
def test_find_wants_a_text(query, unchecked_signatures):
    with pytest.raises(ValueError, match="query must be a text"):
        find(query)


@settings(max_examples=15)
@given(st.text().filter(plain))
def test_find_answers_every_text(query):
    bundle = find(query)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}


def test_a_long_answer_is_shortened():
    found = find("the")
    for group in found.groups.values():
        assert len(group) <= search.MOST_ROWS + 1
    assert re.fullmatch(r"and \d+ more", found.groups["in the book"][-1].name)


def test_find_needs_neither_jax_nor_matplotlib_nor_a_network():
    code = """
import socket, sys
socket.socket = None
import dlcompanion
assert not [name for name in sys.modules if name.startswith("dlcompanion.")]
print(dlcompanion.find("4.9"))
assert not {"jax", "numpy", "matplotlib", "IPython"} & set(sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.startswith("in the book\n  Equation 4.9  "), run.stderr
    assert "find" in dir(dlcompanion)


MODULE = '''
def step(x):
    """Make a step (section 4.3, equation 4.5)."""


@jit
class Path(NamedTuple):
    """Every iterate (section 4.3)."""


def _hidden(x):
    """Help."""
'''
FIGURES = '''
def draw_path(ax):
    """Draw the iterates (Figure 4.6)."""


def update_path(line):
    """Move the line."""
'''
EXPLORERS = '''
class State(NamedTuple):
    """What is computed."""


def walk(x=1.0) -> Explorer:
    """Walk down a hill (Figure 4.1)."""
'''
EXERCISES = '''
def softmax() -> Exercise:
    """Softmax that survives large logits (section 4.1, equation 4.1)."""
    return Exercise(id="4.1-softmax")
'''
TESTS = '''
def problem():
    """Return a hill."""


def test_step():
    """A step goes down (equation 4.5)."""
'''
CELLS = {
    "# 4 Numerical computation": "markdown",
    "## 4.1 Overflow and underflow\n\nWrite `softmax`.": "markdown",
    'practice.check("4.1-softmax", softmax)': "code",
    "## 4.3 Gradient-based optimization\n\n$$x' \\tag{4.5}$$": "markdown",
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small repository, and the functions of this package looking at it."""
    room = tmp_path / "dlcompanion" / "numerical_computation"
    files = {room / "__init__.py": "from a.b import step\n", room / "descent.py": MODULE}
    files |= {room / "figures.py": FIGURES, room / "explorers.py": EXPLORERS}
    files |= {room / "exercises.py": EXERCISES, tmp_path / "pyproject.toml": ""}
    files |= {tmp_path / "tests" / "numerical_computation" / "test_descent.py": TESTS}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write_notebook(tmp_path, CELLS)
    monkeypatch.setattr(search, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


def write_notebook(tree: Path, cells: dict[str, str]):
    kinds = [{"cell_type": kind, "source": text} for text, kind in cells.items()]
    (tree / "notebooks").mkdir(exist_ok=True)
    text = json.dumps({"cells": [cell | {"id": f"c-{k}"} for k, cell in enumerate(kinds)]})
    (tree / "notebooks" / "04-numerical-computation.ipynb").write_text(text)


def test_find_shows_what_there_is_of_every_kind(tree):
    assert str(find("4.1")) == (
        "in the book\n"
        "  Section 4.1  Overflow and underflow\n"
        "  Equation 4.1  Softmax\n"
        "  Figure 4.1  Following the derivative downhill\n"
        "  Algorithm 4.1  Least squares by gradient descent\n"
        "explorers\n"
        "  dlcompanion.numerical_computation.explorers.walk  Walk down a hill.\n"
        "exercises\n"
        "  dlcompanion.numerical_computation.exercises.softmax"
        "  Softmax that survives large logits.\n"
        "in the notebooks\n"
        "  04-numerical-computation, cell 2  4.1 Overflow and underflow\n"
        "  04-numerical-computation, cell 3  4.1 Overflow and underflow"
    )
    assert rows(find("Equation 4.5"), "functions") == ["dlcompanion.numerical_computation.step"]
    assert rows(find("iterate"), "functions") == ["dlcompanion.numerical_computation.descent.Path"]
    assert rows(find("Figure 4.6"), "figures") == [
        "dlcompanion.numerical_computation.figures.draw_path"
    ]
    assert str(find("Equation 8.1")).endswith("The companion has nothing there yet.")


def test_find_links_to_the_cells(tree, monkeypatch):
    link = '<a href="04-numerical-computation.ipynb#cell-id=c-3">'
    assert link in find("4.5")._repr_mimebundle_()["text/html"]
    monkeypatch.chdir(tree)
    assert link.replace("04", "notebooks/04") in find("4.5")._repr_mimebundle_()["text/html"]
    monkeypatch.chdir(tree / "tests")  # a page there could not follow a link
    assert rows(find("4.5"), "in the notebooks")
    assert "href" not in find("4.5")._repr_mimebundle_()["text/html"]


def test_find_works_without_notebooks_tests_or_rooms(tree, monkeypatch):
    (tree / "notebooks" / "04-numerical-computation.ipynb").unlink()
    assert set(find("4.5").groups) == {"in the book", "functions"}
    monkeypatch.setattr(search, "ROOT", tree / "nowhere")
    assert set(find("4.5").groups) == {"in the book"}


def test_what_holds_the_words_comes_first(tree):
    path = tree / "dlcompanion" / "numerical_computation" / "descent.py"
    path.write_text(
        'def near(x):\n    """Go on (section 4.2)."""\n\n\n'
        'def solve(x):\n    """Meet poor conditioning (section 4.3)."""\n'
    )
    names = [name.rpartition(".")[2] for name in rows(find("conditioning"), "functions")]
    assert names == ["solve", "near"]


def test_the_tests_beside_an_installed_package_are_not_ours(tree):
    path = tree / "tests" / "test_theirs.py"
    path.write_text('"""Ours (equation 9.99)."""\n')
    assert main([], tree) == 1
    (tree / "pyproject.toml").unlink()
    assert main([], tree) == 0


def test_what_is_shown_is_escaped(tree):
    path = tree / "dlcompanion" / "numerical_computation" / "descent.py"
    path.write_text('def less(x):\n    """Return x < <b>1</b> (section 4.2)."""\n')
    assert "x &lt; &lt;b&gt;1" in find("4.2")._repr_mimebundle_()["text/html"]


def test_coverage_counts_code_tests_and_cells(tree, capsys):
    assert main([], tree) == 0
    printed = capsys.readouterr().out
    assert "no code" not in printed
    (sections, equations, algorithms, figures) = re.findall(
        r"4 Numerical computation\n.*sections +(.*)\n.*equations +(.*)\n"
        r".*algorithms +(.*)\n.*figures +(.*)\n",
        printed,
    )[0]
    assert sections.split() == ["6", "3", "1", "2"]
    assert equations.split() == ["27", "2", "1", "1"]
    assert algorithms.split() == ["1", "0", "0", "0"]
    assert figures.split() == ["6", "2", "0", "0"]


def test_coverage_lists_what_a_chapter_misses(tree, capsys):
    assert main(["4"], tree) == 0
    printed = capsys.readouterr().out
    assert "  Equation 4.1 Softmax: no test, no cell\n" in printed
    assert "  Equation 4.2 Condition number: no code, no test, no cell\n" in printed
    assert "Equation 4.5 " not in printed and "Equation 5.1 " not in printed


@pytest.mark.parametrize("arguments", [["9"], ["four"], ["--help"]])
def test_coverage_wants_chapters_of_the_companion(arguments, capsys):
    assert main(arguments) == 2
    assert "python -m dlcompanion.book" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("descent", "equation 4.5", "equation 4.28", "step: Equation 4.28 not in chapters 2-8"),
        ("descent", "equation 4.5", "Eq. 4.5", "step: (section 4.3, Eq. 4.5). is not like"),
        ("descent", " (section 4.3, equation 4.5)", "", "step: the first docstring line ends"),
        ("descent", '"Help.', '"Help (section 4.6).', "_hidden: Section 4.6 not in chapters 2-8"),
        ("figures", "Figure 4.6", "Figure 4.7", "draw_path: Figure 4.7 not in chapters 2-8"),
        ("explorers", " (Figure 4.1)", "", "walk: the first docstring line ends"),
        ("exercises", "section 4.1", "section 4.9", "softmax: Section 4.9 not in chapters 2-8"),
    ],
)
def test_a_wrong_docstring_fails(tree, file, right, wrong, said):
    path = tree / "dlcompanion" / "numerical_computation" / f"{file}.py"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    _, (problem,) = coverage(tree)
    assert problem.startswith(f"numerical_computation/{file}.py, {said}")
    assert main([], tree) == 1


def test_a_wrong_claim_of_a_test_fails(tree, capsys):
    path = tree / "tests" / "numerical_computation" / "test_descent.py"
    path.write_text(TESTS.replace("equation 4.5", "equations 4.5 and 4.6"))
    assert main([], tree) == 1
    assert "test_descent.py, test_step: (equations 4.5 and 4.6)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("## 4.6 Further reading", "Section 4.6 not in chapters 2-8"),
        ("## 4.2 Poor conditions", "Section 4.2 is Poor conditioning"),
        ("# 9 Convolutional networks", "Chapter 9 not in chapters 2-8"),
        (r"$$x \tag{4.28}$$", "Equation 4.28 not in chapters 2-8"),
        ("See Figures 4.5 and 4.7.", "Figure 4.7 not in chapters 2-8"),
    ],
)
def test_a_wrong_cell_fails(tree, capsys, cell, said):
    write_notebook(tree, CELLS | {cell: "markdown"})
    assert main([], tree) == 1
    assert f"04-numerical-computation.ipynb, cell 5: {said}" in capsys.readouterr().out


def test_later_chapters_may_be_named_and_code_is_no_heading(tree):
    write_notebook(tree, {"See Section 10.11.1, Section 9.2.": "markdown", "# 9 steps": "code"})
    assert main([], tree) == 0


def test_source_is_shown_as_it_is_written():
    from dlcompanion.numerical_computation import Trajectory, predicted_loss

    shown = source(predicted_loss)
    assert "def predicted_loss(" in shown and shown == shown.strip()
    assert shown._repr_mimebundle_()["text/plain"] == shown
    assert shown._repr_mimebundle_()["text/markdown"] == f"```python\n{shown}\n```"
    assert source(Trajectory).startswith("class Trajectory(NamedTuple):")
    with pytest.raises(ValueError, match="f must be a function written in Python"):
        source(len)


def test_the_module_runs():
    run = subprocess.run(
        [sys.executable, "-m", "dlcompanion.book", "2"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.stdout.count("2 Linear algebra") == 1, run.stderr
