"""The book's numbers, and the grammar in which docstrings and notebooks name them."""

import re
from pathlib import Path
from typing import NamedTuple

NUMBER = r"\d+(?:\.\d+)+"
# A docstring's first line ends with a claim: (section 4.3.1, equations 4.3, 4.8-4.10, Figure 4.6).
ITEMS = rf"(?:sections?|equations?|Algorithms?|Figures?) {NUMBER}(?:(?:-|, ){NUMBER})*"
CLAIM = re.compile(rf"\(({ITEMS}(?:, {ITEMS})*)\)\.$")
# Prose is freer: Section 4.3, Eq. 4.9, Equations (4.9) and (4.10), Figures 4.4 to 4.6.
WORD = r"(sections?|sec|equations?|eqs?|algorithms?|algs?|figures?|figs?)\.?\s\(?"
JOINT = r"\)?(?:, and |, | and | or | to |-|–)\(?"
NAMED = re.compile(rf"\b{WORD}({NUMBER}(?:{JOINT}{NUMBER})*)\)?", re.IGNORECASE)
ONE_OR_RANGE = re.compile(rf"({NUMBER})(?:\)?(?: to |-|–)\(?({NUMBER}))?")
LIKE_A_CLAIM = re.compile(rf"\([^()]*\b{WORD}\d[^()]*\)\W*$", re.IGNORECASE)


class Place(NamedTuple):
    """A numbered thing of the book, such as Equation 4.9."""

    kind: str
    number: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


def _read() -> tuple[dict[Place, str], dict[Place, Place]]:
    """Read the list: the title of each place, and the section that it stands in."""
    titles, section_of = {}, {}
    for line in Path(__file__).with_name("coordinates.txt").read_text("utf-8").splitlines():
        kind, number, title = line.split(" ", 2)
        place = Place(kind, number)
        titles[place] = title
        if kind in ("Chapter", "Section"):
            section = place
        else:
            section_of[place] = section
    return titles, section_of


TITLES, SECTION_OF = _read()


def mentions(text: str) -> list[Place]:
    r"""List the places that a text names, `\tag{4.9}` included; a range is all that it spans."""
    places = [Place("Equation", number) for number in re.findall(rf"\\tag\{{({NUMBER})\}}", text)]
    kinds = {"s": "Section", "e": "Equation", "a": "Algorithm", "f": "Figure"}
    for word, numbers in NAMED.findall(text):
        for first, last in ONE_OR_RANGE.findall(numbers):
            stem, _, low = first.rpartition(".")
            last_stem, _, high = (last or first).rpartition(".")
            span = range(int(low), int(high) + 1) if last_stem == stem else ()
            names = [f"{stem}.{k}" for k in span] or [f"{first}-{last}"]  # which is no place
            places += [Place(kinds[word[0].lower()], name) for name in names]
    return places


def split_claim(docstring: str) -> tuple[str, list[Place], str]:
    """Split a docstring's first line into what it says, its places, and what is wrong with them."""
    line = docstring.strip().partition("\n")[0].strip()
    if claim := CLAIM.search(line):
        places = mentions(claim[1])
        return line[: claim.start()].rstrip() + ".", places, unknown(places)
    malformed = LIKE_A_CLAIM.search(line)
    return line, [], f"{malformed[0]} is not like (section 4.3, Figure 4.6)." if malformed else ""


def unknown(places: list[Place]) -> str:
    """Say which places are not in the book; nothing if all are."""
    names = [str(place) for place in places if place not in TITLES]
    return f"{' and '.join(names)} not in chapters 2-8 of the book" if names else ""
