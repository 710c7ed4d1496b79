"""Find what the companion has at a number of the book, or about a word."""

import difflib
import html
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dlcompanion.book.coordinates import NAMED, SECTION_OF, TITLES, mentions
from dlcompanion.book.index import ROOT, Thing, plain, read_notebooks, read_package

CODE = ("functions", "figures", "explorers", "exercises")
GROUPS = ("in the book", *CODE, "in the notebooks")
MOST_ROWS = 20


class Found(NamedTuple):
    """An answer to `find`: what there is, group by group, shown as a table."""

    groups: dict[str, list[Thing]]
    note: str

    def __repr__(self) -> str:
        lines = []
        for group, things in self.groups.items():
            lines += [group, *(f"  {thing.name}  {thing.summary}".rstrip() for thing in things)]
        return "\n".join([*lines, self.note]).strip()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        """Show the table in a notebook; its links lead to the notebooks' cells."""
        left, lines = 'style="text-align: left"', []
        for group, things in self.groups.items():
            lines.append(f'<tr><th colspan="2" {left}>{group}</th></tr>')
            for thing in things:
                name, text = html.escape(thing.name), html.escape(thing.summary)
                name = f"<code>{name}</code>" if group in CODE else name
                name = f'<a href="{html.escape(thing.link)}">{name}</a>' if thing.link else name
                lines.append(f"<tr><td {left}>{name}</td><td {left}>{text}</td></tr>")
        table = f"<table>{''.join(lines)}</table>{html.escape(self.note)}"
        return {"text/plain": repr(self), "text/html": table}


def find(query: str) -> Found:
    """Show what the companion has at a number of the book, or about some words; offline.

    Args:
        query: a number with or without its kind, "4.9", "Algorithm 8.7", "Fig. 5.2", or words,
            "pseudoinverse", all of which occur in a title, a name or a first docstring line.
    """
    if not isinstance(query, str) or not plain(query):
        raise ValueError(f'query must be a text such as "4.9" or "pseudoinverse", not {query!r}')
    asked, words = query.strip(" §()."), plain(query).split()
    book = [Thing(GROUPS[0], str(p), title, [p], f"{p} {title}") for p, title in TITLES.items()]
    if re.fullmatch(r"\d+(\.\d+)*", asked) or NAMED.fullmatch(asked):
        named, words = mentions(asked), ["\n"]  # which is in no text
        about = {place for place in TITLES if place in named or place.number == asked}
        about |= {place for place, section in SECTION_OF.items() if section in about}
    else:
        about = {place for thing in book if _holds(thing, words) for place in thing.places}
    things = [*book, *read_package(ROOT, []), *_cells()]
    things = [thing for thing in things if about & {*thing.places} or _holds(thing, words)]
    things.sort(key=lambda thing: not _holds(thing, words))
    groups = {group: [thing for thing in things if thing.group == group] for group in GROUPS}
    groups = {group: _shortened(things) for group, things in groups.items() if things}
    return Found(groups, _note(asked, groups))


def _holds(thing: Thing, words: list[str]) -> bool:
    return all(word in plain(thing.words) for word in words)


def _cells() -> list[Thing]:
    """Read the notebooks that are here, below here, or in the repository."""
    folders = [Path.cwd(), Path.cwd() / "notebooks", ROOT / "notebooks"]
    return next(filter(None, (read_notebooks(folder, []) for folder in folders)), [])


def _shortened(things: list[Thing]) -> list[Thing]:
    more = Thing("", f"and {len(things) - MOST_ROWS} more", "", [], "")
    return things if len(things) <= MOST_ROWS else [*things[:MOST_ROWS], more]


def _note(asked: str, groups: dict) -> str:
    """Say it when there is nothing, and what there is that looks like it."""
    if groups:
        return "" if len(groups) > 1 else "The companion has nothing there yet."
    known = {name for place in TITLES for name in (str(place), place.number)}
    if not re.search(r"\d", asked):
        known = {word for title in TITLES.values() for word in plain(title).split()}
    near = difflib.get_close_matches(asked, sorted(known), 3)
    guess = f" Is it {' or '.join(near)}?" if near else ""
    return f"Chapters 2 to 8 have nothing for {asked}.{guess}"


class Source(str):
    """Source code, which a notebook shows in colours."""

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": str(self), "text/markdown": f"```python\n{self}\n```"}


def source(f: Callable) -> Source:
    """Return the source of a function or class, to be the last line of a notebook's cell."""
    try:
        return Source(inspect.getsource(inspect.unwrap(f)).rstrip())
    except (TypeError, OSError) as error:
        raise ValueError(f"f must be a function written in Python, not {f!r}") from error
