"""What goes wrong around an explorer, in real JupyterLab: the last picture stays, and is honest."""

import itertools
import json

import nbformat
import numpy as np
import pytest

from tests.browser.lab import Lab, LabServer

SHOW = "from tests.live.small import wave\nexplorer = wave()\nexplorer"
CELLS = {
    "two-views": [SHOW, "explorer"],
    "one": [SHOW, "explorer.points['anchor'].round(3).tolist()"],
    "busy": [SHOW, "import time\ntime.sleep(6)"],
    "switches": [SHOW.replace("wave", "switches"), "import time\ntime.sleep(6)"],
    "fragile": [
        SHOW.replace("import wave", "import fragile, wave").replace("()", "(compute=fragile)")
    ],
    "closed": [SHOW, "explorer.close()"],
    "narrow": [
        SHOW
        + """
from dlcompanion.live.canvas import Canvas
budget = f"CACHE_BYTES = {3.5 * len(explorer.frame)}"
explorer.canvas._esm = str(Canvas._esm).replace("CACHE_BYTES = 8e6", budget)
explorer.canvas.setup = explorer.canvas.setup | {"prefetch": False}
explorer""",
        "explorer._questions",
    ],
    "fifty": [
        "from tests.live.small import wave\nfrom IPython.display import display",
        "display(*[wave(frequency=k / 10) for k in range(50)])",
    ],
}
LOST = "The kernel does not answer"


@pytest.fixture(scope="module")
def server(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("notebooks")
    for name, cells in CELLS.items():
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, folder / f"{name}.ipynb")
    with LabServer(folder) as running:
        yield running


@pytest.fixture
def lab(server, browser):
    with Lab(server, browser) as page:
        yield page


def sentence(lab, k=0) -> str:
    return lab.page.locator(".dlc-sentence").nth(k).inner_text()


def picture(lab, k=0) -> str:
    return lab.page.locator(".dlc-frame").nth(k).evaluate("canvas => canvas.toDataURL()")


def slider(lab, k=0):
    return lab.page.locator(".dlc-explorer").nth(k).get_by_role("slider", name="frequency")


def run_cell(lab, index: int) -> None:
    lab.page.evaluate(f"jupyterapp.shell.currentWidget.content.activeCellIndex = {index}")
    lab.command("notebook:run-cell")
    lab.idle()


def questions(lab) -> int:
    """Run the last cell, which says how often the kernel was asked."""
    run_cell(lab, 1)
    return int(lab.page.locator(".jp-OutputArea-output pre").last.inner_text())


def wait_until_kept(lab, k=0) -> None:
    stage = lab.page.locator(".dlc-stage[data-prefetch=done]")
    stage.nth(k).wait_for()


def test_two_views_show_the_same(lab):
    lab.open("two-views.ipynb")
    lab.run_all()
    slider(lab, 0).press("End")
    lab.idle()
    assert "ends at -0.04" in sentence(lab, 0).replace("−", "-")
    assert sentence(lab, 1) == sentence(lab, 0) and picture(lab, 1) == picture(lab, 0)
    second = lab.page.locator(".dlc-explorer").nth(1)
    second.get_by_role("button", name="anchor").press("Shift+ArrowUp")
    lab.idle()
    assert sentence(lab, 1) == sentence(lab, 0) and picture(lab, 1) == picture(lab, 0)
    places = [lab.page.locator(".dlc-point").nth(k).get_attribute("aria-label") for k in range(2)]
    assert places[0] == places[1] and "anchor at 0.200, 0.500" not in places[0]
    assert lab.console_errors == [] and lab.kernel_log() == ""


def test_a_reload_brings_the_picture_back_as_it_was(lab):
    lab.open("one.ipynb")
    lab.run_all()
    for _ in range(3):
        slider(lab).press("ArrowRight")
    lab.idle()
    before = sentence(lab), picture(lab)
    lab.reload()
    lab.page.locator(".dlc-sentence").wait_for()
    lab.idle()
    assert (sentence(lab), picture(lab)) == before
    slider(lab).press("ArrowRight")
    lab.idle()
    assert sentence(lab) != before[0]


def test_what_was_used_last_is_kept_when_the_memory_is_full(lab):
    lab.open("narrow.ipynb")
    lab.run_all()
    for key in (
        "ArrowRight",
        "ArrowRight",
    ):  # positions 4, 5, 6 are kept: all that there is room for
        slider(lab).press(key)
        lab.idle()
    stage = lab.page.locator(".dlc-stage")
    assert stage.get_attribute("data-cached") == "3"
    # 5 and 4 are used again, so that 3 takes the place of 6, which is asked for in the end.
    for _ in range(3):
        slider(lab).press("ArrowLeft")
        lab.idle()
    assert questions(lab) == 3
    for _ in range(2):
        slider(lab).press("ArrowRight")
        lab.idle()
    assert questions(lab) == 3
    slider(lab).press("ArrowRight")
    lab.idle()
    assert questions(lab) == 4
    assert stage.get_attribute("data-cached") == "3"


@pytest.mark.parametrize("name", ["busy", "switches"])
def test_kept_frames_are_drawn_while_the_kernel_is_busy(lab, name):
    lab.open(f"{name}.ipynb")
    run_cell(lab, 0)
    wait_until_kept(lab)
    lab.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 1")
    lab.page.evaluate("void jupyterapp.commands.execute('notebook:run-cell')")
    status = "jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
    lab.page.wait_for_function(f"{status} == 'busy'")
    seen = [sentence(lab)]
    if name == "busy":
        moves = [lambda: slider(lab).press("ArrowRight")] * 5
    else:  # each through the present point
        box, choice = lab.page.get_by_role("checkbox"), lab.page.get_by_label("kind")
        moves = [box.uncheck, box.check, lambda: choice.press("ArrowDown")]
    for move in moves:
        move()
        seen.append(sentence(lab))
    assert all(one != other for one, other in itertools.pairwise(seen))
    assert lab.page.evaluate(status) == "busy"


def test_frames_ahead_come_nearest_first_along_the_control_touched_last(lab):
    lab.open("one.ipynb")
    lab.page.evaluate("""() => {
        window.batches = [];
        const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        kernel.anyMessage.connect((_, { direction, msg }) => {
            const { ask, indices } = msg.content?.data?.content ?? {};
            if (direction == "send" && ask == "ahead") window.batches.push(indices);
        });
    }""")
    lab.run_all()
    wait_until_kept(lab)
    first, *_, last = lab.page.evaluate("batches")
    assert [kind for _, kind, shown in first] == [0] * 16 and {row[2] for row in first} == {18}
    assert sorted(np.abs([row[0] - 4 for row in first])) == [abs(row[0] - 4) for row in first]
    assert {tuple(row) for row in last} & {(4, 1, 18), (4, 0, 0)}, "every control, to its end"
    lab.page.get_by_role("slider", name="shown").press("ArrowLeft")
    lab.page.evaluate("batches = []")
    lab.page.locator(".dlc-point").press("ArrowUp")  # a place with no frame but its own
    lab.page.wait_for_function("batches.length")
    near = lab.page.evaluate("batches[0]")
    assert [row[:2] for row in near] == [[4, 0]] * 16
    assert [abs(row[2] - 17) for row in near[:3]] == [1, 1, 2]


def test_an_exception_is_said_on_the_card_and_the_next_move_recovers(lab):
    lab.open("fragile.ipynb")
    lab.run_all()
    said = []
    for _ in range(3):  # from 2 over 2.5 and the unlucky 3 to 3.5
        slider(lab).press("ArrowRight")
        lab.idle()
        said.append(sentence(lab))
    assert "This setting cannot be shown (FloatingPointError: three is unlucky)." == said[1]
    assert "ends at" in said[0] and "ends at" in said[2]
    slider(lab).press("ArrowLeft")
    lab.idle()
    assert sentence(lab) == said[1], "a failure is not kept as if it were a frame"
    assert lab.console_errors == [] and lab.kernel_log() == ""


def test_closing_frees_the_browser(lab):
    """No outline of a frame is left, so no list, no cache and no listener that held it."""
    lab.open("closed.ipynb")
    run_cell(lab, 0)
    wait_until_kept(lab)
    assert alive(lab, "Path2D") > 10
    run_cell(lab, 1)
    lab.page.wait_for_function("!document.querySelector('.dlc-stage')")
    assert alive(lab, "Path2D") == 0
    lab.theme("JupyterLab Dark")
    assert lab.console_errors == [] and lab.kernel_log() == ""


def alive(lab, kind: str) -> int:
    """Return how many objects of a kind the page holds after a collection of garbage."""
    devtools = lab.context.new_cdp_session(lab.page)
    devtools.send("HeapProfiler.collectGarbage")
    prototype = devtools.send("Runtime.evaluate", {"expression": f"{kind}.prototype"})
    prototype = {"prototypeObjectId": prototype["result"]["objectId"]}
    found = devtools.send("Runtime.queryObjects", prototype)["objects"]["objectId"]
    count = {"functionDeclaration": "function() { return this.length }", "objectId": found}
    length = devtools.send("Runtime.callFunctionOn", count | {"returnByValue": True})
    devtools.detach()
    return length["result"]["value"]


def test_a_restarted_kernel_leaves_the_last_picture_and_says_what_to_do(lab):
    lab.open("one.ipynb")
    lab.run_all()
    before = picture(lab)
    lab.restart_kernel()
    note = lab.page.locator(".dlc-note")
    note.get_by_text(LOST).wait_for()
    assert picture(lab) == before
    assert lab.console_errors == []


def test_a_lost_connection_is_said(lab):
    lab.open("one.ipynb")
    lab.run_all()
    before = picture(lab)
    lab.context.set_offline(True)
    lab.page.locator(".dlc-point").press("Shift+ArrowRight")
    lab.page.locator(".dlc-note").get_by_text(LOST).wait_for(timeout=15_000)
    assert picture(lab) == before
    for _ in range(30):
        lab.page.locator(".dlc-point").press("ArrowRight")
    lab.page.wait_for_timeout(500)
    for line in lab.console_errors:  # JupyterLab's own look for its server, now and then
        assert "WebSocket" in line or "Failed to load resource" in line


def test_a_flood_of_moves_ends_at_the_last_one(lab):
    lab.open("one.ipynb")
    lab.run_all()
    lab.page.evaluate("""() => {
        window.asked = window.answered = window.behind = 0;
        const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        kernel.anyMessage.connect((_, { direction, msg }) => {
            const { ask, answer } = msg.content?.data?.content ?? {};
            window.asked += direction == "send" && ask == "now";
            window.answered += direction == "recv" && answer == "now";
            window.behind = Math.max(window.behind, window.asked - window.answered);
        });
    }""")
    ring = lab.page.locator(".dlc-point")
    box = ring.bounding_box()
    lab.page.mouse.move(box["x"] + 14, box["y"] + 14)
    lab.page.mouse.down()
    for k in range(200):
        lab.page.mouse.move(box["x"] + 14 + k % 60, box["y"] + 14 - k % 40)
    lab.page.mouse.move(box["x"] + 34, box["y"] - 6)
    lab.page.mouse.up()
    lab.idle()
    lab.page.wait_for_timeout(400)
    lab.idle()
    place = ring.get_attribute("aria-label")
    run_cell(lab, 1)
    anchor = json.loads(lab.outputs()[1][0]["data"]["text/plain"])
    assert place.startswith(f"anchor at {anchor[0]:#.3g}, {anchor[1]:#.3g}")
    end = float(sentence(lab).split("ends at ")[1].rstrip("."))
    assert end == pytest.approx(0.909297 + anchor[1], abs=0.01)
    asked, behind = lab.page.evaluate("[window.asked, window.behind]")
    assert 1 < asked < 150 and behind == 1, "a queue of questions"
    assert lab.kernel_log() == ""


def test_fifty_explorers_in_one_notebook(lab):
    lab.open("fifty.ipynb")
    lab.run_all()
    lab.page.wait_for_function("document.querySelectorAll('.dlc-sentence').length == 50")
    lab.page.wait_for_timeout(1500)
    states = lab.page.locator(".dlc-stage").evaluate_all("all => all.map(e => e.dataset.prefetch)")
    assert states.count(None) > 40, "explorers out of sight ask for nothing"
    last = lab.page.locator(".dlc-explorer").nth(49)
    last.scroll_into_view_if_needed()
    before = sentence(lab, 49)
    slider(lab, 49).press("ArrowRight")
    lab.idle()
    assert sentence(lab, 49) != before
    assert lab.console_errors == [] and lab.kernel_log() == ""
