"""All explorers of the companion, found by the name of their room."""

from collections.abc import Callable

from dlcompanion.book import builders
from dlcompanion.live.explorer import Explorer


def explorers() -> dict[str, Callable[..., Explorer]]:
    """Return every explorer's builder, by names such as `"numerical_computation.canyon"`.

    An explorer is a public function of a room's `explorers.py` that is annotated `-> Explorer`.
    """
    return builders("explorers", Explorer)
