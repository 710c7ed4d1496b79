"""The page that `to_html` writes, opened from disk in Chromium without a network."""

import re

import pytest

from dlcompanion.numerical_computation.explorers import canyon
from tests.browser.test_notebooks import PAPER_AND_INK
from tests.live.small import switches, wave

TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
ONE_AT_A_TIME = "This page keeps one control at a time"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    canyon().to_html(folder / "canyon.html")
    wave().to_html(folder / "wave.html")
    return folder


@pytest.fixture
def show(files, browser):
    """Open a page offline; nothing may be asked of anybody, and no script may complain."""
    contexts, asked, errors = [], [], []

    def open_page(name: str, **options):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((files / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert asked and all(re.match("file:|data:|blob:", url) for url in asked)
    assert errors == []


def picture(page) -> str:
    page.evaluate(TWO_FRAMES)
    return page.locator(".dlc-frame").evaluate("canvas => canvas.toDataURL()")


def sentence(page) -> str:
    return page.locator(".dlc-sentence").inner_text()


def kept(page) -> str:
    return page.locator(".dlc-kept").inner_text()


def test_keys_move_a_slider_and_picture_and_sentence_follow(show):
    page = show("canyon")
    kappa = page.get_by_label("condition number")
    assert kappa.get_attribute("type") == "range"
    seen = [(sentence(page), picture(page), kappa.get_attribute("aria-valuetext"))]
    assert "along the floor by 0.65" in sentence(page)
    for key in ("ArrowRight", "End", "Home"):
        kappa.press(key)
        seen.append((sentence(page), picture(page), kappa.get_attribute("aria-valuetext")))
    assert [value for _, _, value in seen] == ["5", "5.6", "200", "1"]
    for part in zip(*seen, strict=True):
        assert len(set(part)) == len(seen), "a move that changed nothing"
    assert page.locator("output").first.inner_text() == "1"
    label = page.get_by_role("img").get_attribute("aria-label")
    assert label == f"{page.title()} {sentence(page)}"


def test_the_mouse_drags_a_slider(show):
    page = show("canyon")
    box = page.get_by_label("learning rate").bounding_box()
    before = picture(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 5, box["y"] + 5, steps=8)
    page.mouse.up()
    assert sentence(page).startswith("ε = 0.44 ") and "diverged" in sentence(page)
    assert picture(page) != before


def test_a_second_control_puts_the_first_back_and_says_so(show):
    page = show("canyon")
    kappa, rate = page.get_by_label("condition number"), page.get_by_label("learning rate")
    home = rate.input_value()
    rate.press("ArrowRight")
    assert sentence(page).startswith("ε = 0.355 ")
    assert kept(page) == f"{ONE_AT_A_TIME}: move another, and the first goes back."
    kappa.press("ArrowRight")
    assert rate.input_value() == home and rate.get_attribute("aria-valuetext") == "0.350"
    assert sentence(page).startswith("ε = 0.35 ") and "along the floor by 0.688" in sentence(page)
    went_back = f"{ONE_AT_A_TIME}: learning rate went back to 0.350."
    assert kept(page) == went_back
    kappa.press("ArrowRight")
    assert kept(page) == went_back, "the reader has had no time to read it"
    page.get_by_label("method").select_option("Newton")
    assert kept(page) == f"{ONE_AT_A_TIME}: condition number went back to 5."
    assert kappa.get_attribute("aria-valuetext") == "5"
    kappa.press("ArrowRight")
    assert page.get_by_label("method").input_value() == "constant step"
    kappa.press("ArrowLeft")
    rate.press("ArrowLeft")
    assert kept(page).endswith("the first goes back."), "nothing had to go back"


def test_a_choice_works_by_keyboard(show):
    page = show("canyon")
    before = picture(page)
    page.get_by_label("steps shown").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.locator(":focus").input_value() == "exact line search"
    assert sentence(page).startswith("Each step stops at the lowest point")
    assert picture(page) != before


def test_a_checkbox_works_by_keyboard(show, files):
    switches().to_html(files / "toggle.html")
    page = show("toggle")
    box = page.get_by_role("checkbox", name="shifted")
    assert box.is_checked()
    box.press("Space")
    assert not box.is_checked() and sentence(page) == "sine, shifted: False."
    page.get_by_label("kind").press("ArrowDown")
    assert box.is_checked() and sentence(page) == "cosine, shifted: True."
    assert kept(page) == f"{ONE_AT_A_TIME}: shifted went back to on."


def test_every_control_has_its_label_and_focus_is_seen(show):
    page = show("canyon")
    for name in ("condition number", "learning rate", "steps shown", "method"):
        control = page.get_by_label(name, exact=True)
        page.keyboard.press("Tab")
        assert control.evaluate("e => e === document.activeElement")
        assert control.evaluate("e => getComputedStyle(e).outlineWidth") == "2px"
        assert control.bounding_box()["height"] >= 24
    assert page.locator("button").count() == 0, "nothing looks as if it could be dragged"


def test_the_page_shows_what_the_explorer_shows(show):
    """At a stored position, sentence by sentence."""
    explorer, page = wave(), show("wave")
    frequency = page.get_by_label("frequency")
    frequency.press("Home")
    for value in (0.0, 0.5, 1.0):
        explorer.set(frequency=value)
        assert sentence(page) == explorer.description
        frequency.press("ArrowRight")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_follows_the_colour_scheme(show, scheme):
    page = show("canyon", color_scheme=scheme)
    for now in (scheme, "dark" if scheme == "light" else "light"):
        page.emulate_media(color_scheme=now)
        page.evaluate(TWO_FRAMES)
        paper, ink = page.locator(".dlc-static").evaluate(PAPER_AND_INK)
        assert paper > 240 and ink < 90 if now == "light" else paper < 40 and ink > 190


@pytest.mark.parametrize("width", [320, 700, 1280])
def test_the_card_fits_the_window(show, width):
    page = show("canyon")
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width == 1280:
        assert page.evaluate("document.documentElement.scrollHeight") <= 800


def test_without_javascript_the_picture_is_there(show):
    page = show("canyon", java_script_enabled=False)
    box = page.locator("noscript img").bounding_box()
    assert box["width"] > 800
    assert "along the floor by 0.65" in page.locator("noscript").inner_text()


def test_a_page_restored_by_the_browser_shows_its_controls_as_they_are(show):
    page = show("canyon")
    page.get_by_label("condition number").press("End")
    page.reload()
    assert page.get_by_label("condition number").get_attribute("aria-valuetext") == "5"
    assert "along the floor by 0.65" in sentence(page)
