"""The recorder and the canvas together draw what Matplotlib's own Agg renderer draws."""

import base64
import io

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from dlcompanion import style
from dlcompanion.live.recorder import record
from tests.browser.lab import REPOSITORY
from tests.live import zoo

SCALE = 3  # device pixels per CSS pixel: Agg puts markers on whole ones
# Both renderers smooth edges in their own way, so pictures are compared after averaging over
# WINDOW x WINDOW pixels. Measured: the worst window of the whole zoo differs by 34 of 255, and
# leaving out a single thin line makes it differ by more than 60.
WINDOW, TOLERANCE = 15, 40
MODULE = (REPOSITORY / "dlcompanion" / "live" / "canvas.js").read_text()
PAINT = """async ([source, data, width, height, scale, theme]) => {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { decode, paint } = await import(url);
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width * scale, height * scale];
    paint(canvas.getContext("2d"), decode(new DataView(bytes.buffer)), scale, theme);
    return canvas.toDataURL();
}"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def on_canvas(page, display_list: bytes, width: int, height: int) -> np.ndarray:
    """Return what the browser paints on white, shape (height, width, 3), 0 to 255."""
    theme = {token: colour for colour, token in style.THEME.items()}
    data = base64.b64encode(display_list).decode()
    url = page.evaluate(PAINT, [MODULE, data, width, height, SCALE, theme])
    picture = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("RGB"), float)


def with_agg(figure) -> np.ndarray:
    figure.set_dpi(figure.dpi * SCALE)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), float)[..., :3]


def worst_window(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference between window averages."""
    total = np.cumsum(np.cumsum(np.pad(a - b, ((1, 0), (1, 0), (0, 0))), axis=0), axis=1)
    w = WINDOW
    sums = total[w:, w:] - total[:-w, w:] - total[w:, :-w] + total[:-w, :-w]
    return float(np.abs(sums).max() / w**2)


def compare(page, exhibit, forget=None) -> float:
    with matplotlib.rc_context({"path.snap": False, "text.hinting": "no_hinting"}):
        figure = zoo.show(exhibit)
        size = int(figure.bbox.width), int(figure.bbox.height)
        forgotten = forget and forget(figure.axes[0])
        if forgotten:
            forgotten.set_visible(False)
        display_list = record(figure)
        if forgotten:
            forgotten.set_visible(True)
        return worst_window(on_canvas(page, display_list, *size), with_agg(figure))


@pytest.mark.parametrize("exhibit", zoo.EXHIBITS, ids=lambda exhibit: exhibit.__name__)
def test_canvas_and_agg_agree(page, exhibit):
    assert compare(page, exhibit) < TOLERANCE


@pytest.mark.parametrize(
    ("exhibit", "forget"),
    [
        (zoo.lines, lambda ax: ax.lines[2]),  # half transparent, thin, dashed
        (zoo.markers, lambda ax: ax.lines[1]),
        (zoo.patches, lambda ax: ax.patches[4]),
        (zoo.text, lambda ax: ax.xaxis.label),
        (zoo.clipped, lambda ax: ax.lines[0]),
    ],
)
def test_a_forgotten_artist_would_be_noticed(page, exhibit, forget):
    assert compare(page, exhibit, forget) > 1.5 * TOLERANCE
