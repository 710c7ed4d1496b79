"""All explorers of the companion, found by the name of their room."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

from dlcompanion.book import ROOMS
from dlcompanion.live.explorer import Explorer

PACKAGE = Path(__file__).parents[1]


def explorers() -> dict[str, Callable[..., Explorer]]:
    """Return every explorer's builder, by names such as `"numerical_computation.canyon"`.

    An explorer is a public function of a room's `explorers.py` that is annotated `-> Explorer`.
    """
    found = {}
    for room in ROOMS.values():
        if (PACKAGE / room / "explorers.py").exists():
            module = importlib.import_module(f"dlcompanion.{room}.explorers")
            for name, function in inspect.getmembers(module, inspect.isfunction):
                own = function.__module__ == module.__name__ and not name.startswith("_")
                if own and function.__annotations__.get("return") is Explorer:
                    found[f"{room}.{name}"] = function
    return found
