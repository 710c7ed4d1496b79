"""How far the reader is: chapters and their sections, and what to do next."""

import base64

import ipywidgets

from dlcompanion.book import ROOMS
from dlcompanion.practice import markup, memory
from dlcompanion.practice.cards import Card, head
from dlcompanion.practice.registry import exercises, place


class Progress(Card):
    """The card of `progress`.

    Attributes:
        upload: the button that takes a progress file.
        text: what was done, as HTML.
    """

    def __init__(self):
        self.text = ipywidgets.HTML()
        self.upload = ipywidgets.FileUpload(accept=".json", description="Import")
        self.upload.observe(self._import, "value")
        self.link = ipywidgets.HTML()
        self._refresh()
        stored = head("Run this cell to see your progress.")
        row = ipywidgets.HBox([self.link, self.upload])
        super().__init__("Your progress", stored, [self.text, row])

    def _refresh(self, note: str = "") -> None:
        entries = memory.load()
        self.text.value = markup.STYLE + _overview(entries) + markup.notice(note)
        data = base64.b64encode(memory.dump(entries)).decode()
        self.link.value = (
            f"<a class='dlc-export jupyter-button' href='data:application/json;base64,{data}'"
            " download='dlcompanion-progress.json'>Export</a>"
        )

    def _import(self, change) -> None:
        for file in change.new:
            try:
                entries = memory.parse(bytes(file["content"]))
                note = memory.merge(entries) or f"{file['name']} was added to your progress."
            except ValueError as error:
                note = str(error)
            self._refresh(note)


def progress() -> Progress:
    """Show what is solved, section by section, and what to do next; export and import it."""
    return Progress()


def _overview(entries: memory.Entries) -> str:
    """Return one row for each chapter, one chip for each of its sections with exercises."""
    known = list(exercises())
    rows = ""
    for chapter, room in ROOMS.items():
        ids = [id for id in known if place(id)[0] == chapter]
        sections = dict.fromkeys(id.partition("-")[0] for id in ids)
        chips = "".join(
            _chip(s, [i for i in ids if i.partition("-")[0] == s], entries) for s in sections
        )
        name = f"{chapter} {room.replace('_', ' ')}"
        rows += f"<tr><th>{name}</th><td>{chips or '–'}</td></tr>" if ids else ""
    made = [e for id, e in entries.items() if id not in known and e["attempts"]]
    solved = sum(bool(entries.get(id, {}).get("solved")) for id in known)
    told = f"{solved} of {len(known)} exercises are solved"
    if made:
        told += f"; {sum(bool(e['solved']) for e in made)} of {len(made)} predictions came true"
    return (
        f"{head('Your progress')}<p>{told}.</p><table>{rows}</table><p>{_next(known, entries)}</p>"
    )


def _chip(section: str, ids: list[str], entries: memory.Entries) -> str:
    solved = sum(bool(entries.get(id, {}).get("solved")) for id in ids)
    tried = sum(bool(entries.get(id, {}).get("attempts")) for id in ids) - solved
    text = f"<b>{section}</b> {solved} of {len(ids)}" + (f", {tried} tried" if tried else "")
    done = " dlc-done" if solved == len(ids) else ""
    return f"<span class='dlc-chip{done}'>{'✓ ' if done else ''}{text}</span>"


def _next(known: list[str], entries: memory.Entries) -> str:
    """Say which exercise to take up: one that was begun, else the first in the book's order."""
    todo = [id for id in known if not entries.get(id, {}).get("solved")]
    begun = [id for id in todo if entries.get(id, {}).get("attempts")]
    if not todo:
        return "Everything is solved."
    id = (begun or todo)[0]
    return f"Next: <code>{id}</code>, in the notebook of chapter {place(id)[0]}."
