"""The rooms, and what they make: explorers and exercises are found by their annotations."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).parents[1]

# The chapters that have a notebook and the subpackage (the room) that holds their mathematics.
ROOMS = {
    2: "linear_algebra",
    3: "probability",
    4: "numerical_computation",
    5: "machine_learning",
    6: "feedforward_networks",
    7: "regularization",
    8: "optimization",
}


def builders(part: str, kind: type, chapter: int | None = None) -> dict[str, Callable]:
    """Return the builders that a part of the rooms has, by names such as `"probability.bayes"`.

    Args:
        part: `"explorers"` or `"exercises"`; rooms that lack it are skipped.
        kind: what a builder is annotated to return.
        chapter: whose room alone is loaded; None loads all.
    """
    found = {}
    for room in ROOMS.values() if chapter is None else [ROOMS[chapter]]:
        if (PACKAGE / room / f"{part}.py").exists():
            module = importlib.import_module(f"dlcompanion.{room}.{part}")
            found |= {f"{room}.{name}": make for name, make in builders_of(module, kind).items()}
    return found


def builders_of(module: ModuleType, kind: type) -> dict[str, Callable]:
    """Return the public functions that a module defines and annotates to return a kind."""
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and function.__annotations__.get("return") is kind
    }
