"""Everyone can use an explorer: names, keyboard, touch, reduced motion."""

import re

import numpy as np
import pytest

from tests.browser.lab import Lab
from tests.browser.test_notebooks import assert_nothing_went_wrong, show_canyon


@pytest.fixture
def still_lab(lab_server, browser):
    """A reader who has asked for less motion, on a device with a touch screen."""
    with Lab(lab_server, browser, reduced_motion="reduce", has_touch=True) as page:
        yield page


def test_every_control_has_a_name_and_says_its_value(lab):
    card = show_canyon(lab)
    for name in ("condition number", "learning rate", "num steps"):
        assert card.get_by_role("slider", name=name).count() == 1
    assert card.get_by_label("method").evaluate("e => e.tagName") == "SELECT"
    kappa = card.get_by_role("slider", name="condition number")
    kappa.press("End")
    lab.idle()
    assert kappa.get_attribute("aria-valuetext") == "200"
    picture = card.get_by_role("img")
    assert picture.get_attribute("aria-label").startswith("How long may a step be")
    assert card.locator("[aria-live=polite]").inner_text() in picture.get_attribute("aria-label")


def test_every_control_and_point_is_reached_by_tab_and_shows_its_focus(lab):
    card = show_canyon(lab)
    ring = card.get_by_role("button", name="start of the descent")
    ring.focus()
    lab.page.keyboard.press("ArrowLeft")  # by the keyboard, so that the focus ring shows
    lab.idle()
    assert ring.evaluate("e => getComputedStyle(e).outlineWidth") == "2px"
    size = ring.bounding_box()
    assert size["width"] >= 24 and size["height"] >= 24
    reached = []
    for _ in range(12):
        lab.page.keyboard.press("Tab")
        focused = "e => [e.getAttribute('aria-label'), e.title, e.innerText, e.tagName].join(' ')"
        reached.append(lab.page.locator(":focus").evaluate(focused))
    for name in ("condition number", "learning rate", "num steps", "SELECT", "Fig. 4.6"):
        assert any(name in text for text in reached), f"{name} among {reached}"


def test_a_dropdown_keeps_its_arrow_keys(lab):
    card = show_canyon(lab)
    method = card.get_by_label("method")
    method.press("ArrowDown")
    lab.idle()
    assert method.input_value() == "exact line search"
    assert "Each step stops at the lowest point" in card.locator(".dlc-sentence").inner_text()


def test_the_play_button_steps_without_the_kernel(lab):
    card = show_canyon(lab)
    card.get_by_role("slider", name="num steps").press("Home")
    lab.page.locator(".dlc-stage[data-prefetch=done]").first.wait_for()
    play = card.locator(".widget-play button").first
    play.click()
    sentence = card.locator(".dlc-sentence")
    lab.page.wait_for_function(
        "/ in ([5-9]|1\\d) steps/.test(document.querySelector('.dlc-sentence').innerText)"
    )
    play.click()  # pause
    lab.idle()
    paused = sentence.inner_text()
    lab.page.wait_for_timeout(500)
    assert sentence.inner_text() == paused
    steps = [steps_in(paused)]
    for step in (
        card.get_by_role("button", name="One step").click,
        lambda: card.get_by_role("button", name="One step").press("Enter"),
        lambda: card.get_by_role("slider", name="num steps").press("ArrowRight"),
    ):
        step()
        lab.idle()
        steps.append(steps_in(sentence.inner_text()))
    assert np.all(np.diff(steps) == 1)
    card.get_by_role("slider", name="num steps").press("End")
    lab.idle()
    end = sentence.inner_text()
    card.get_by_role("button", name="One step").click()
    lab.idle()
    assert sentence.inner_text() == end
    assert_nothing_went_wrong(lab)


def steps_in(sentence: str) -> int:
    return int(re.search(r"in (\d+) step", sentence)[1])


def test_who_asked_for_less_motion_gets_no_animation(still_lab):
    card = show_canyon(still_lab)
    assert not card.locator(".widget-play").first.is_visible()
    sentence = card.locator(".dlc-sentence")
    before = steps_in(sentence.inner_text())
    card.get_by_role("button", name="One step").click()  # which is no animation
    still_lab.idle()
    assert steps_in(sentence.inner_text()) == before + 1


@pytest.mark.parametrize("tool", ["finger", "pen"])
def test_a_point_is_dragged_by_touch(still_lab, tool):
    card = show_canyon(still_lab)
    ring = card.get_by_role("button", name="start of the descent")
    ring.evaluate("e => e.addEventListener('pointerdown', (event) => (tool = event.pointerType))")
    box = ring.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    devtools = still_lab.context.new_cdp_session(still_lab.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": px, "y": py} for px, py in points]
        devtools.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})

    def draw(kind: str, *points: tuple[float, float]) -> None:
        what = {"Start": "mousePressed", "Move": "mouseMoved", "End": "mouseReleased"}[kind]
        place = dict(zip("xy", points[0] if points else (x - 90, y - 70), strict=True))
        pen = {"pointerType": "pen", "button": "left", "buttons": 1, "clickCount": 1}
        devtools.send("Input.dispatchMouseEvent", {"type": what} | place | pen)

    move = {"finger": touch, "pen": draw}[tool]
    move("Start", (x, y))
    for k in range(1, 11):
        move("Move", (x - 9 * k, y - 7 * k))
    move("End")
    still_lab.idle()
    assert still_lab.page.evaluate("tool") == {"finger": "touch"}.get(tool, tool)
    assert ring.bounding_box()["x"] == pytest.approx(box["x"] - 90, abs=1)
    assert "loss goes from 94 " not in card.locator(".dlc-sentence").inner_text()


@pytest.mark.parametrize("width", [1280, 900])
def test_a_title_and_its_presets_never_overlap(lab, width):
    """What does not fit in one row goes to the next, on a window of any width."""
    lab.page.set_viewport_size({"width": width, "height": 800})
    card = show_canyon(lab)
    title, presets = (
        card.locator(place).bounding_box() for place in (".dlc-title", ".dlc-presets")
    )
    picture = card.locator(".dlc-stage").bounding_box()
    beside = title["x"] + title["width"] <= presets["x"]
    assert beside or title["y"] + title["height"] <= presets["y"]
    assert presets["y"] + presets["height"] <= picture["y"] + 4
    assert presets["x"] + presets["width"] <= picture["x"] + picture["width"] + 12
