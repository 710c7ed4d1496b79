"""What a reader does with the notebooks, in real JupyterLab, with real keys and a real mouse."""

import json
import re

import pytest

from tests.browser.lab import REPOSITORY

NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
SHOWS_AN_EXPLORER = re.compile(r"explorers\.(\w+)\(.*\)$")
NAMES_AN_EXPLORER = re.compile(r"^(\w+) = explorers\.(\w+)\(.*\)$", re.MULTILINE)

# The most frequent grey level of the static layer, and the grey level farthest from it.
PAPER_AND_INK = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const counts = new Array(256).fill(0);
    for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 250) counts[Math.round((data[i] + data[i + 1] + data[i + 2]) / 3)] += 1;
    const paper = counts.indexOf(Math.max(...counts));
    const levels = counts.map((count, level) => (count > 5 ? level : paper));
    const ink = levels.reduce((a, b) => (Math.abs(b - paper) > Math.abs(a - paper) ? b : a), paper);
    return [paper, ink];
}"""
COUNT_COLOUR = """(canvas, colour) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    return pixels.filter((pixel) => (pixel & 0xffffff) == colour).length; // 0xbbggrr
}"""


def stored_pictures(name: str) -> int:
    cells = json.loads((REPOSITORY / "notebooks" / name).read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def canvas_pixels(card) -> str:
    """Return an explorer's moving layer as the browser painted it."""
    return card.locator(".dlc-frame").evaluate("canvas => canvas.toDataURL()")


def show_canyon(lab):
    """Run a notebook that shows the canyon alone; return its card."""
    lab.open("canyon.ipynb")
    lab.run_all()
    return show_card(lab, 1)


def show_card(lab, index: int):
    """Bring the explorer of a cell into view; return its card."""
    card = lab.cell(index).locator(".dlc-explorer")
    card.wait_for()
    lab.idle()
    return card


def notebook_cells(name: str) -> list[dict]:
    cells = json.loads((REPOSITORY / "notebooks" / name).read_text())["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def shown_explorers(name: str) -> dict[int, str]:
    """Return the names of a notebook's explorers by the index of the cell that ends in them."""
    shown, variables = {}, {}
    for index, cell in enumerate(notebook_cells(name)):
        if cell["cell_type"] == "code" and cell["source"]:
            variables |= dict(NAMES_AN_EXPLORER.findall(cell["source"]))
            last = cell["source"].splitlines()[-1]
            match = SHOWS_AN_EXPLORER.match(last)
            explorer = match[1] if match else variables.get(last)
            if explorer:
                shown[index] = explorer
    return shown


def assert_nothing_went_wrong(lab) -> None:
    assert lab.console_errors == []
    assert lab.kernel_log() == ""


def drag(lab, ring, x: float, y: float) -> None:
    """Drag a ring by the mouse, so many pixels from where it is."""
    box = ring.bounding_box()
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(*centre)
    lab.page.mouse.down()
    lab.page.mouse.move(centre[0] + x, centre[1] + y, steps=10)
    lab.page.mouse.up()
    lab.idle()


def test_the_canyon_follows_keyboard_and_mouse(lab):
    card = show_canyon(lab)
    sentence, picture = card.locator(".dlc-sentence"), card.get_by_role("img")
    ring = card.get_by_role("button", name="start of the descent")
    seen = []

    def look() -> str:
        lab.idle()
        seen.append((sentence.inner_text(), canvas_pixels(card)))
        return sentence.inner_text()

    assert "along the floor by 0.65" in look()
    card.get_by_role("slider").nth(0).press("ArrowRight")  # from kappa = 5 to 5.6
    assert "along the floor by 0.688" in look()

    before = ring.bounding_box()
    drag(lab, ring, -90, -70)
    look()
    assert ring.bounding_box()["x"] == pytest.approx(before["x"] - 90, abs=1)
    assert ring.bounding_box()["y"] == pytest.approx(before["y"] - 70, abs=1)
    ring.press("Shift+ArrowUp")
    look()
    assert ring.bounding_box()["y"] < before["y"] - 80
    for part in zip(*seen, strict=True):
        assert len(set(part)) == len(seen), "a move that changed nothing"

    card.get_by_role("button", name="Fig. 4.6").click()
    assert "along the floor by 0.65" in look()
    assert ring.bounding_box()["x"] == pytest.approx(before["x"], abs=1)
    assert picture.get_attribute("aria-label").endswith(sentence.inner_text())
    assert_nothing_went_wrong(lab)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_stored_notebook_shows_pictures_before_it_is_run(lab, name):
    lab.open(name)
    shown = 0
    for index in range(len(json.loads((REPOSITORY / "notebooks" / name).read_text())["cells"])):
        pictures = lab.cell(index).locator(".jp-OutputArea-output img")
        for k in range(pictures.count()):
            width, natural = pictures.nth(k).evaluate("i => [i.clientWidth, i.naturalWidth]")
            assert 200 < width <= natural
            shown += 1
    assert shown == stored_pictures(name)
    text = lab.page.locator(".jp-Notebook").inner_text()
    assert "Error displaying widget" not in text and "model not found" not in text
    assert lab.console_errors == []


def test_ink_follows_the_theme(lab):
    show_canyon(lab)
    static, frame = (lab.page.locator(f".dlc-{layer}").first for layer in ("static", "frame"))
    paper, ink = static.evaluate(PAPER_AND_INK)
    assert paper > 240 and ink < 90
    assert frame.evaluate(COUNT_COLOUR, 0xB27200) > 50
    for theme in ("JupyterLab Dark", "JupyterLab Dark High Contrast"):
        lab.theme(theme)
        paper, ink = static.evaluate(PAPER_AND_INK)
        assert paper < 40 and ink > 190
        assert frame.evaluate(COUNT_COLOUR, 0xC88824) > 50
    lab.theme("JupyterLab Light")
    paper, ink = static.evaluate(PAPER_AND_INK)
    assert paper > 240 and ink < 90
    assert frame.evaluate(COUNT_COLOUR, 0xB27200) > 50


def test_the_picture_is_back_after_scrolling_away(lab):
    card = show_canyon(lab)
    before = canvas_pixels(card)
    lab.cell(0)
    lab.cell(41)
    card = show_card(lab, 1)
    assert canvas_pixels(card) == before
    card.get_by_role("slider").nth(0).press("ArrowRight")
    lab.idle()
    assert canvas_pixels(card) != before


def arrow_of(handle) -> str:
    """Return a key that moves a slider's handle: to the right, or to the left from its end."""
    is_at_end = handle.evaluate("h => h.ariaValueNow === h.ariaValueMax")
    return "ArrowLeft" if is_at_end else "ArrowRight"


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if shown_explorers(name)])
def test_every_explorer_follows_a_key(lab, name):
    lab.open(name)
    lab.run_all()
    for index, explorer in shown_explorers(name).items():
        card = show_card(lab, index)
        box, picture = card.bounding_box(), canvas_pixels(card)
        assert box["height"] < 700, f"{explorer} does not fit a laptop's screen"
        unnamed = "all => all.filter(e => !e.ariaLabel && !e.labels?.length).length"
        assert card.locator("select, input, .noUi-handle").evaluate_all(unnamed) == 0
        moves = [(handle, arrow_of(handle)) for handle in card.get_by_role("slider").all()[:1]]
        moves += [(ring, "Shift+ArrowRight") for ring in card.locator(".dlc-point").all()[:1]]
        assert moves, f"{explorer} has nothing to move"
        for place, key in moves:
            place.press(key)
            lab.idle()
            assert canvas_pixels(card) != picture, f"{explorer} did not follow {key}"
            picture = canvas_pixels(card)
        assert card.bounding_box()["height"] == box["height"], f"{explorer} changed its height"
    assert_nothing_went_wrong(lab)
