"""The live engine: a Matplotlib figure that answers its controls within a frame."""

from dlcompanion.live.ahead import compute_one
from dlcompanion.live.controls import dropdown, int_slider, log_slider, slider, toggle
from dlcompanion.live.explorer import Draggable, Explorer, Scene
from dlcompanion.live.registry import explorers

__all__ = ["Draggable", "Explorer", "Scene", "compute_one",
           "dropdown", "explorers", "int_slider", "log_slider", "slider", "toggle"]  # fmt: skip
