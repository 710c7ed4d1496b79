"""The page that `to_html` writes, read as a file."""

import base64
import json
import re

import numpy as np
import pytest

from dlcompanion import style
from dlcompanion.live import Explorer, Scene, int_slider, log_slider, slider, toggle
from dlcompanion.live.recorder import COORDINATES_PER_PIXEL
from tests.live.small import Wave, unpack, wave

HOME = "4,0,18"  # of wave(): frequency 2 of 0, 0.5 …; sine; 20 shown of 2, 3 …


def written(explorer, path) -> str:
    explorer.to_html(path)
    return path.read_text("utf-8")


def stored_in(page: str) -> dict:
    return json.loads(re.search(r'id="stored">(.*?)</script>', page, re.DOTALL)[1])


def frames_in(page: str) -> dict[str, bytes]:
    return {key: base64.b64decode(text) for key, text in stored_in(page)["frames"].items()}


def assert_same_picture(a: bytes, b: bytes) -> None:
    """At most one quantum apart, since the batch may be computed in another order."""
    a, b = unpack(a), unpack(b)
    assert a.head == b.head
    for i, (_, scale, _) in enumerate(a.head["paths"]):
        np.testing.assert_allclose(a.shapes[i], b.shapes[i], atol=1.01 / scale)
    for one, other in zip(a.offsets, b.offsets, strict=True):
        np.testing.assert_allclose(one, other, atol=1.01 / COORDINATES_PER_PIXEL)


def test_every_position_of_every_control_is_stored(tmp_path):
    explorer = wave()
    frames = frames_in(written(explorer, tmp_path / "wave.html"))
    expected = {HOME}
    for i, control in enumerate(explorer.controls.values()):
        for index in range(len(control.positions)):
            indices = HOME.split(",")
            indices[i] = str(index)
            expected.add(",".join(indices))
    assert set(frames) == expected
    assert len(frames) == 1 + 20 + 1 + 18
    assert frames[HOME] == explorer.frame


@pytest.mark.parametrize(
    ("key", "moved"),
    [
        ("0,0,18", {"frequency": 0.0}),
        ("20,0,18", {"frequency": 10.0}),
        ("4,1,18", {"kind": "cosine"}),
        ("4,0,7", {"shown": 9}),
    ],
)
def test_a_stored_frame_is_what_the_explorer_shows_there(tmp_path, key, moved):
    explorer = wave()
    frame = frames_in(written(explorer, tmp_path / "wave.html"))[key]
    explorer.set(**moved)
    assert_same_picture(frame, explorer.frame)
    assert frame != wave().frame


def test_the_sweeps_go_through_where_the_reader_is(tmp_path):
    explorer = wave()
    explorer.set(frequency=5.0, kind="cosine", anchor=(0.2, -1.0))
    page = written(explorer, tmp_path / "wave.html")
    assert [control["index"] for control in stored_in(page)["controls"]] == [10, 1, 18]
    there = wave(6.0, "cosine", anchor=(0.2, -1.0)).frame
    assert_same_picture(frames_in(page)["12,1,18"], there)


def test_the_explorer_stays_as_it_was(tmp_path):
    explorer = wave()
    explorer.set(frequency=7.0, shown=9, anchor=(0.4, -1.0))
    before = explorer.values, explorer.frame, explorer.description, explorer.png()
    explorer.to_html(tmp_path / "wave.html")
    line = explorer.figure.axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), explorer.state.height[:9])
    after = explorer.values, explorer.frame, explorer.description, explorer.png()
    np.testing.assert_equal(after, before)


def test_a_failed_sweep_leaves_the_explorer_usable(tmp_path):
    """An exception at one position is the caller's to see."""
    explorer = wave()
    before = explorer.frame
    describe = explorer._describe

    def fragile(values, state):
        if values["frequency"] == 3.0:
            raise FloatingPointError("three is unlucky")
        return describe(values, state)

    explorer._describe = fragile
    with pytest.raises(FloatingPointError, match="three is unlucky"):
        explorer.to_html(tmp_path / "wave.html")
    assert explorer.frame == before
    assert not (tmp_path / "wave.html").exists()


def test_what_only_chooses_a_view_is_not_computed_for_each_position(tmp_path):
    calls = []

    def counted(**arguments):
        calls.append(arguments)
        return Wave(np.ones(1), 0)

    explorer = plain(controls={"shown": int_slider(3, 1, 50)}, compute=counted)
    calls.clear()
    assert len(frames_in(written(explorer, tmp_path / "view.html"))) == 50
    assert len(calls) == 1  # once, when the artists are moved back


def test_controls_are_described_as_the_reader_knows_them(tmp_path):
    controls = {
        "offset": slider(-0.5, -1.0, 1.0, step=0.5),
        "penalty_weight": log_slider(0.1, 0.1, 0.2),
        "num_steps": int_slider(3, 2, 4),
        "is_fast": toggle(True),
    }
    labels = {"penalty_weight": r"\(\lambda\) penalty", "num_steps": "steps shown"}
    explorer = plain(controls=controls, labels=labels, view=tuple(controls))
    controls = stored_in(written(explorer, tmp_path / "page.html"))["controls"]
    names, models, kinds, texts, indices = zip(*map(dict.values, controls), strict=True)
    assert models == (0, 1, 2, 3)
    assert names == ("offset", "penalty weight", "steps shown", "is fast")
    assert kinds == ("range", "range", "range", "checkbox")
    assert texts[0] == ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
    assert texts[1:] == (
        ["0.1", "0.11", "0.125", "0.14", "0.16", "0.18", "0.2"], ["2", "3", "4"], ["off", "on"],
    )  # fmt: skip
    assert indices == (1, 0, 1, 1)


def test_an_explorer_without_controls_is_one_picture(tmp_path):
    explorer = plain(controls={})
    assert list(frames_in(written(explorer, tmp_path / "still.html"))) == [""]


@pytest.mark.parametrize(
    "title", ["</script><script>alert(1)</script>", "bias & variance <i>", '"']
)
def test_a_title_is_text_whatever_it_holds(tmp_path, title):
    page = written(plain(title=title), tmp_path / "page.html")
    escaped = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"<title>{escaped.replace(chr(34), '&quot;')}</title>" in page
    assert stored_in(page)["title"] == title
    assert page.count("<script") == page.count("</script>") == 2


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    page = written(wave(), tmp_path / "wave.html")
    assert not re.search(r"https?:|src=(?!\"data:)|@import|url\(|^\s*(import|export) ", page, re.M)
    assert "default-src 'none'" in page


def test_without_javascript_there_is_the_picture(tmp_path):
    explorer = wave()
    page = written(explorer, tmp_path / "wave.html")
    noscript = re.search("<noscript>(.*?)</noscript>", page, re.DOTALL)[1]
    assert base64.b64encode(explorer.png()).decode() in noscript
    assert explorer.title in noscript and explorer.description in noscript


def test_the_path_may_be_text_and_a_missing_folder_is_an_ordinary_error(tmp_path):
    explorer = plain()
    explorer.to_html(str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").exists()
    with pytest.raises(FileNotFoundError):
        explorer.to_html(tmp_path / "nowhere" / "page.html")


def plain(title="What?", compute=lambda **_: Wave(np.ones(1), 0), **parts) -> Explorer:
    parts.setdefault("controls", {"shown": int_slider(3, 1, 5)})
    parts.setdefault("view", tuple(parts["controls"]))
    return Explorer(
        title=title,
        compute=compute,
        scene=Scene(style.figure(1, width=300, height=200)[0], [], lambda values, state: None),
        describe=lambda values, state: f"With {len(values)} controls.",
        **parts,
    )
