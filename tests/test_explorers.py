"""What holds for every explorer of the companion, whatever it shows."""

import inspect

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

import dlcompanion
from dlcompanion import style
from tests.live.small import read_head

EXPLORERS = dlcompanion.explorers()
FRAME_BUDGET, IMAGE_FRAME_BUDGET = 6_000, 40_000  # bytes


@pytest.fixture(params=EXPLORERS, scope="module")
def builder(request):
    return EXPLORERS[request.param]


@pytest.fixture(scope="module")
def explorer(builder):
    return builder()


def random_settings(explorer, random) -> dict:
    settings = {name: random.choice(c.positions) for name, c in explorer.controls.items()}
    settings = {
        name: getattr(value, "item", lambda v=value: v)() for name, value in settings.items()
    }
    for name, point in explorer._draggables.items():
        limits = np.array([point.ax.get_xlim(), point.ax.get_ylim()]).T
        settings[name] = random.uniform(*np.sort(limits, axis=0), np.shape(point.position))
    return settings


def assert_shows_something(explorer) -> None:
    head = read_head(explorer.frame)
    assert head["operations"], "an empty picture"
    assert head["sentence"] == explorer.description
    assert (
        explorer.description.endswith((".", "?")) and "cannot be shown" not in explorer.description
    )
    assert "nan" not in explorer.description.lower()
    budget = (
        IMAGE_FRAME_BUDGET if any(path < 0 for path, *_ in head["operations"]) else FRAME_BUDGET
    )
    assert len(explorer.frame) <= budget


def test_the_registry_knows_the_canyon():
    assert EXPLORERS["numerical_computation.canyon"].__name__ == "canyon"


def test_moved_equals_built(builder, explorer):
    start, name = explorer.values, next(iter(explorer.controls))
    values = explorer.controls[name].positions
    value = values[len(values) // 3]
    explorer.set(**{name: getattr(value, "item", lambda: value)()})
    assert explorer.frame == builder(**{name: explorer.values[name]}).frame
    explorer.set(**start)


def test_names_are_unique_across_rooms():
    names = [name.split(".")[1] for name in EXPLORERS]
    assert len(names) == len(set(names))


def test_a_control_is_named_after_the_argument_it_sets(builder, explorer):
    assert list(inspect.signature(builder).parameters) == [*explorer.controls, *explorer.points]


def test_every_control_changes_the_picture_and_goes_to_both_ends(explorer):
    start = explorer.values
    for name, control in explorer.controls.items():
        frames = set()
        for value in (control.positions[0], control.positions[-1]):
            explorer.set(**start | {name: value})
            assert_shows_something(explorer)
            frames.add(explorer.frame)
        assert len(frames) == 2, f"{name} changes nothing"
    explorer.set(**start)


def test_every_point_changes_the_picture(explorer):
    start = explorer.values
    before = explorer.frame
    for name, point in explorer._draggables.items():
        middle = np.mean([point.ax.get_xlim(), point.ax.get_ylim()], axis=1)
        explorer.set(**{name: (np.asarray(start[name]) + middle) / 2})
        assert_shows_something(explorer)
        assert explorer.frame != before
        explorer.set(**start)


def test_random_settings_show_something(explorer):
    random = np.random.default_rng(0)
    for _ in range(20):
        explorer.set(**random_settings(explorer, random))
        assert_shows_something(explorer)


def test_every_preset_shows_something(explorer):
    for values in explorer.presets.values():
        explorer.set(**values)
        assert_shows_something(explorer)


def test_nothing_compiles_while_sweeping(explorer, no_compilation):
    random = np.random.default_rng(1)
    explorer.set(**random_settings(explorer, random))
    settings = [random_settings(explorer, random) for _ in range(10)]
    with no_compilation():
        for values in settings:
            explorer.set(**values)


def test_the_layout_stays(explorer):
    boxes = [ax.get_position().bounds for ax in explorer.figure.axes]
    limits = [(ax.get_xlim(), ax.get_ylim()) for ax in explorer.figure.axes]
    explorer.set(**random_settings(explorer, np.random.default_rng(2)))
    explorer.png()
    assert boxes == [ax.get_position().bounds for ax in explorer.figure.axes]
    assert limits == [(ax.get_xlim(), ax.get_ylim()) for ax in explorer.figure.axes]


def test_every_text_is_legible_in_every_theme(explorer):
    """Its colour follows the theme: Matplotlib's black and the palette's tones would not."""
    texts = [text for text in explorer.figure.findobj(Text) if text.get_text().strip()]
    colours = {to_hex(text.get_color()) for text in texts}
    assert colours and colours <= {style.INK, style.BLUE, *style.WORDS.values()}


def test_what_is_counted_is_a_whole_number(explorer):
    """No one draws 12.5 samples."""
    for name, control in explorer.controls.items():
        if name.startswith("num_"):
            assert {type(number) for number in control.positions} == {int}
