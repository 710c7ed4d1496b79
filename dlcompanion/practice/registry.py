"""All exercises of the companion, found by their ids."""

import difflib
import functools

from dlcompanion.book import ROOMS, builders
from dlcompanion.practice.exercise import Exercise


@functools.cache
def exercises(chapter: int | None = None) -> dict[str, Exercise]:
    """Return every exercise of a chapter, or of all, by its id, in the book's order.

    An exercise is made by a public function of a room's `exercises.py` annotated `-> Exercise`.

    Raises:
        ValueError: if two exercises have the same id.
    """
    found = {}
    for make in builders("exercises", Exercise, chapter).values():
        exercise = make()
        if exercise.id in found:
            raise ValueError(f"two exercises have the id {exercise.id!r}")
        found[exercise.id] = exercise
    return dict(sorted(found.items(), key=lambda item: place(item[0])))


def find_exercise(id: str) -> Exercise:
    """Return the exercise of an id.

    Raises:
        ValueError: if there is none; the message lists the ids that look like it.
    """
    chapter = next(iter(place(str(id))), None)
    if chapter in ROOMS and id in exercises(chapter):  # the other chapters are not loaded
        return exercises(chapter)[id]
    known = exercises()
    if id not in known:
        near = difflib.get_close_matches(str(id), known, n=3, cutoff=0.3) or list(known)[:3]
        raise ValueError(f"there is no exercise {id!r}; near it are {', '.join(near) or 'none'}")
    return known[id]


def place(id: str) -> tuple[int, ...]:
    """Return the section of an id as numbers, by which ids are sorted."""
    section = id.partition("-")[0].split(".")
    return tuple(int(part) for part in section if part.isdigit())
