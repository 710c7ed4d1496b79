"""All explorers of the companion, found by the name of their room."""

import importlib
import importlib.util
import inspect
from collections.abc import Callable

from dlcompanion.book import ROOMS
from dlcompanion.live.explorer import Explorer


def explorers() -> dict[str, Callable[..., Explorer]]:
    """Return every explorer's builder, by names such as `"numerical_computation.canyon"`.

    An explorer is a public function of a room's `explorers.py` that is annotated `-> Explorer`.
    """
    found = {}
    for room in ROOMS.values():
        name = f"dlcompanion.{room}"
        if importlib.util.find_spec(name) is None or not importlib.util.find_spec(
            f"{name}.explorers"
        ):
            continue
        module = importlib.import_module(f"{name}.explorers")
        for builder_name, builder in inspect.getmembers(module, inspect.isfunction):
            own = builder.__module__ == module.__name__ and not builder_name.startswith("_")
            if own and builder.__annotations__.get("return") is Explorer:
                found[f"{room}.{builder_name}"] = builder
    return found
