"""One palette and one set of Matplotlib settings for every figure of the companion."""

import base64
import io
from collections.abc import Sequence
from typing import SupportsFloat

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

INK = "#21242a"
PAPER = "#fefefe"
GRID = "#dcdee2"

# Okabe and Ito's palette: told apart with every common colour-vision deficiency.
BLUE = "#0072b2"  # the model, the estimate, q
VERMILLION = "#d55e00"  # the alternative, always dashed or open
GREEN = "#009e73"  # a descent path
PURPLE = "#cc79a7"  # what can be dragged
ORANGE = "#e69f00"  # error, danger

# Words are a tone darker, to be read on white; orange ones would look like vermillion then.
WORDS = {VERMILLION: "#c05500", GREEN: "#00865a", ORANGE: INK}

# Colours that follow the reader's theme: the live canvas replaces these exact values.
THEME = {
    INK: "ink",
    PAPER: "paper",
    GRID: "grid",
    BLUE: "blue",
    WORDS[VERMILLION]: "vermillion",
    WORDS[GREEN]: "green",
}

SURFACE = "cividis"  # contours and heat maps

DPI = 100  # a figure's pixel is a CSS pixel: 8.8 in by 4 in is 880 px by 400 px
STORED_DPI = 150  # of the pictures that notebooks keep

SETTINGS = {
    "figure.dpi": DPI,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "font.size": 8.5,
    "text.color": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}


class StillFigure(Figure):
    """A Matplotlib figure that a notebook shows when a cell ends in it."""

    def _repr_mimebundle_(self, **_):
        size = {"width": self.bbox.width, "height": self.bbox.height}
        picture = base64.b64encode(png(self)).decode()
        return {"image/png": picture, "text/plain": repr(self)}, {"image/png": size}


def png(picture: Figure) -> bytes:
    """Return a figure as a small PNG file, sharp enough for print."""
    full, small = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context(SETTINGS):
        picture.savefig(full, format="png", dpi=STORED_DPI)
    Image.open(full).convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()


def figure(
    panels: int = 1,
    *,
    width: float = 880,
    height: float = 400,
    widths: Sequence[float] | None = None,
) -> tuple[Figure, np.ndarray]:
    """Return a figure in the companion's style and its row of axes, shape (panels,).

    Args:
        panels: how many axes side by side, 1 to 3.
        width: in CSS pixels.
        height: in CSS pixels.
        widths: relative widths of the panels.
    """
    with matplotlib.rc_context(SETTINGS):
        result = StillFigure(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")
        axes = result.subplots(1, panels, squeeze=False, width_ratios=widths)[0]
        for ax in axes:  # ticks are made lazily, so their style is fixed here
            ax.tick_params(length=3.5, width=0.8, labelsize=8.5, color=INK, labelcolor=INK)
    return result, axes


def add_grid(ax: Axes, axis: str = "both") -> None:
    """Draw a light grid, for axes whose values are read off."""
    ax.grid(True, axis=axis, which="major", color=GRID, linewidth=0.7)


def add_title(ax: Axes, text: str) -> None:
    """Say above a panel, at its left, what it shows."""
    ax.set_title(text, loc="left", fontsize=9.5, color=INK)


def write(ax: Axes, x: float, y: float, text: str, *, color: str = INK, **options) -> Text:
    """Write a direct label in the companion's size, in ink or a colour, at data coordinates."""
    return ax.text(x, y, text, color=WORDS.get(color, color), **{"fontsize": 8.5, **options})


def say(value: SupportsFloat) -> str:
    """Return a number as a sentence shows it: two or three digits, a true minus, powers of ten."""
    text = f"{value:.3g}"
    if "e" in text:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return text.replace("-", "−")


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
