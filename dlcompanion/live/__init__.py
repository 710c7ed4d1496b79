"""The live engine: a Matplotlib figure that answers its controls within a frame."""

from collections.abc import Callable

from dlcompanion.book import builders
from dlcompanion.live.ahead import compute_one
from dlcompanion.live.controls import dropdown, int_slider, log_slider, slider, toggle
from dlcompanion.live.explorer import Draggable, Explorer, Scene

__all__ = ["Draggable", "Explorer", "Scene", "compute_one",
           "dropdown", "explorers", "int_slider", "log_slider", "slider", "toggle"]  # fmt: skip


def explorers() -> dict[str, Callable[..., Explorer]]:
    """Return every explorer's builder, by names such as `"numerical_computation.canyon"`.

    An explorer is a public function of a room's `explorers.py` that is annotated `-> Explorer`.
    """
    return builders("explorers", Explorer)
