"""The controls of explorers: plain ipywidgets whose positions can be counted.

Every control has finitely many positions, so that a position is an index, never a float.
"""

import math
from collections.abc import Sequence

import ipywidgets

# 20 preferred numbers a decade: each about 12% larger than the last, and 1, 2, 5 among them.
PREFERRED = (1, 1.1, 1.25, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.8,
             3.15, 3.5, 4, 4.5, 5, 5.6, 6.3, 7.1, 8, 9)  # fmt: skip


def slider(value: float, low: float, high: float, step: float) -> ipywidgets.FloatSlider:
    """Return a linear slider from `low` to `high` in steps of `step`, at most about 100 of them."""
    decimals = next(d for d in range(12) if math.isclose(round(step, d), step))
    numbers = [round(low + step * index, 9) for index in range(round((high - low) / step) + 1)]
    form = f".{decimals}f"
    texts = [format(number, form).replace("-", "−") for number in numbers]
    control = ipywidgets.FloatSlider(low, min=low, max=high, step=step, readout_format=form)
    return _started(control, numbers, texts, value)


def int_slider(value: int, low: int, high: int) -> ipywidgets.IntSlider:
    """Return a slider over the integers from `low` to `high`."""
    numbers = list(range(low, high + 1))
    texts = [str(number).replace("-", "−") for number in numbers]
    return _started(ipywidgets.IntSlider(low, min=low, max=high), numbers, texts, value)


def log_slider(value: float, low: float, high: float, whole=False) -> ipywidgets.SelectionSlider:
    """Return a slider over the preferred numbers from `low` to `high`, 20 a decade.

    What is counted needs `whole` numbers, integers: 12 for 12.5, 32 for 31.5.
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    numbers = [float(f"{number}e{decade}") for decade in decades for number in PREFERRED]
    numbers = [number for number in (low, high, *numbers) if low <= number <= high]
    numbers = sorted(set(map(round if whole else float, numbers)))
    texts = [f"{number:g}" for number in numbers]
    control = ipywidgets.SelectionSlider(options=list(zip(texts, numbers, strict=True)))
    return _started(control, numbers, texts, value)


def dropdown(value: str, options: Sequence[str]) -> ipywidgets.Dropdown:
    """Return a choice among named options; `compute` receives the option's index."""
    return _started(ipywidgets.Dropdown(options=options), list(options), list(options), value)


def toggle(value: bool) -> ipywidgets.Checkbox:
    """Return a choice between on and off."""
    return _started(ipywidgets.Checkbox(indent=False), [False, True], ["off", "on"], value)


def index_of(control: ipywidgets.ValueWidget, value) -> int:
    """Return the index of the control's position nearest to `value`.

    Raises:
        ValueError: `value` is not among the control's options, or outside its range.
    """
    values = control.positions
    if value in values:
        return values.index(value)
    if isinstance(values[0], str):
        raise ValueError(f"must be one of {', '.join(map(repr, values))}, got {value!r}")
    if not values[0] - 1e-9 <= value <= values[-1] + 1e-9:  # false for NaN too
        raise ValueError(f"must lie from {values[0]:g} to {values[-1]:g}, got {value!r}")
    return min(range(len(values)), key=lambda index: abs(values[index] - value))


def snap(control: ipywidgets.ValueWidget, value):
    """Return the control's position nearest to `value`; a `ValueError` as for `index_of`."""
    return control.positions[index_of(control, value)]


def _started(control: ipywidgets.ValueWidget, positions: list, texts: list[str], value):
    """Add all values that the control takes, as `canvas.js` counts them, and what they read."""
    control.positions, control.texts = positions, texts
    control.value = snap(control, value)
    return control
