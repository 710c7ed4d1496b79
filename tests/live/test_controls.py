import numpy as np
import pytest

from dlcompanion.live.controls import dropdown, int_slider, log_slider, slider, snap, toggle


def test_a_log_slider_offers_preferred_numbers():
    numbers = [number for _, number in log_slider(5, 1, 200).options]
    assert {1, 2, 5, 10, 20, 50, 100, 200} <= set(numbers)
    ratios = np.divide(numbers[1:], numbers[:-1])
    assert 1.08 < ratios.min() and ratios.max() < 1.16
    assert len(log_slider(1e-2, 1e-3, 1e2).options) <= 101


def test_the_ends_of_a_log_slider_are_on_it():
    numbers = [number for _, number in log_slider(0.03, 0.017, 0.23).options]
    assert (numbers[0], numbers[-1]) == (0.017, 0.23)


def test_what_is_counted_is_whole():
    numbers = log_slider(30, 10, 300, whole=True).positions
    assert {10, 12, 32, 71, 300} <= set(numbers)
    assert {type(number) for number in numbers} == {int}


@pytest.mark.parametrize(
    ("control", "asked", "given"),
    [
        (slider(0.35, 0.005, 0.44, step=0.005), 0.3517, 0.35),
        (slider(0.35, 0.005, 0.44, step=0.005), 0.44, 0.44),
        (int_slider(3, 1, 9), 4.4, 4),
        (log_slider(5, 1, 200), 51.0, 50.0),
        (log_slider(30, 10, 300, whole=True), 31.5, 32),
        (dropdown("a", ["a", "b"]), "b", "b"),
        (toggle(False), 1, True),
    ],
)
def test_a_value_goes_to_the_nearest_position(control, asked, given):
    assert snap(control, asked) == pytest.approx(given)
    assert type(snap(control, asked)) is type(given)


@pytest.mark.parametrize(
    ("control", "bad"),
    [
        (slider(0.1, 0.0, 1.0, step=0.1), 1.2),
        (slider(0.1, 0.0, 1.0, step=0.1), float("nan")),
        (int_slider(3, 1, 9), 0),
        (log_slider(5, 1, 200), 0.5),
        (dropdown("a", ["a", "b"]), "c"),
    ],
)
def test_a_value_outside_is_refused(control, bad):
    with pytest.raises(ValueError, match="must"):
        snap(control, bad)


def test_a_slider_built_off_its_grid_starts_on_it():
    assert slider(0.3512, 0.005, 0.44, step=0.005).value == pytest.approx(0.35)
    with pytest.raises(ValueError, match="from 1 to 200, got 300"):
        log_slider(300, 1, 200)
