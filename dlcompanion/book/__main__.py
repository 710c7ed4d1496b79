"""Print how much of the book is covered: python -m dlcompanion.book [CHAPTER ...]."""

import sys
from pathlib import Path

from dlcompanion.book.coordinates import SECTION_OF, TITLES, Place
from dlcompanion.book.index import ROOT, read_notebooks, read_package, read_tests
from dlcompanion.book.rooms import ROOMS

KINDS = ("Section", "Equation", "Algorithm", "Figure")


def coverage(root: Path) -> tuple[dict[str, set[Place]], list[str]]:
    """Return what has code, a test and a notebook's cell; and every wrong coordinate."""
    problems = []
    covered = {
        "code": {place for entry in read_package(root, problems) for place in entry.places},
        "test": read_tests(root, problems),
        "cell": {p for cell in read_notebooks(root / "notebooks", problems) for p in cell.places},
    }
    for places in covered.values():  # what stands in a section covers the section
        places |= {SECTION_OF[place] for place in places & {*SECTION_OF}}
    return covered, problems


def main(chapters: list[str], root: Path = ROOT) -> int:
    """Print the coverage of every chapter, and what the chapters that are named still miss."""
    if not {*chapters} <= {str(chapter) for chapter in ROOMS}:
        print(__doc__, "A chapter is a number from 2 to 8.")
        return 2
    covered, problems = coverage(root)
    print(f"{'':40}{'in the book':>11}{'code':>8}{'test':>8}{'cell':>8}")
    for chapter in chapters or map(str, ROOMS):
        print(f"{chapter} {TITLES['Chapter', chapter]}")
        inside = [place for place in TITLES if place.number.startswith(f"{chapter}.")]
        for kind in KINDS:
            there = {place for place in inside if place.kind == kind}
            counts = "".join(f"{len(there & got):8}" for got in covered.values())
            print(f"  {kind.lower() + 's':38}{len(there):11}{counts}")
        for place in inside if chapters else ():
            if lacks := [f"no {what}" for what, got in covered.items() if place not in got]:
                print(f"  {place} {TITLES[place]}: {', '.join(lacks)}")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
