"""The controls of explorers: plain ipywidgets whose positions can be counted.

Every control has finitely many positions, so that a position is an index, never a float.
"""

import math
from collections.abc import Sequence

import ipywidgets

# 20 preferred numbers a decade: each about 12 % larger than the last, and 1, 2, 5 among them.
PREFERRED = [
    1,
    1.1,
    1.25,
    1.4,
    1.6,
    1.8,
    2,
    2.2,
    2.5,
    2.8,
    3.15,
    3.5,
    4,
    4.5,
    5,
    5.6,
    6.3,
    7.1,
    8,
    9,
]


def slider(value: float, low: float, high: float, step: float) -> ipywidgets.FloatSlider:
    """Return a linear slider from `low` to `high` in steps of `step`, at most about 100 of them."""
    decimals = next(d for d in range(12) if math.isclose(round(step, d), step))
    control = ipywidgets.FloatSlider(low, min=low, max=high, step=step)
    control.readout_format = f".{decimals}f"
    control.value = snap(control, value)
    return control


def int_slider(value: int, low: int, high: int) -> ipywidgets.IntSlider:
    """Return a slider over the integers from `low` to `high`."""
    control = ipywidgets.IntSlider(low, min=low, max=high)
    control.value = snap(control, value)
    return control


def log_slider(value: float, low: float, high: float) -> ipywidgets.SelectionSlider:
    """Return a slider over the preferred numbers from `low` to `high`, 20 a decade."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    numbers = [float(f"{number}e{decade}") for decade in decades for number in PREFERRED]
    numbers = sorted({float(low), float(high), *(n for n in numbers if low < n < high)})
    control = ipywidgets.SelectionSlider(options=[(f"{number:g}", number) for number in numbers])
    control.value = snap(control, value)
    return control


def dropdown(value: str, options: Sequence[str]) -> ipywidgets.Dropdown:
    """Return a choice among named options; `compute` receives the option's index."""
    control = ipywidgets.Dropdown(options=list(options))
    control.value = snap(control, value)
    return control


def toggle(value: bool) -> ipywidgets.Checkbox:
    """Return a choice between on and off."""
    return ipywidgets.Checkbox(value=value, indent=False)


def positions(control: ipywidgets.ValueWidget) -> list:
    """Return all values that a control can take, in order; `canvas.js` counts them alike."""
    if isinstance(control, ipywidgets.Checkbox):
        return [False, True]
    if isinstance(control, ipywidgets.Dropdown):
        return list(control.options)
    if isinstance(control, ipywidgets.SelectionSlider):
        return [number for _, number in control.options]
    count = round((control.max - control.min) / control.step) + 1
    return [round(control.min + control.step * index, 9) for index in range(count)]


def index_of(control: ipywidgets.ValueWidget, value) -> int:
    """Return the index of the control's position nearest to `value`.

    Raises:
        ValueError: `value` is not among the control's options, or outside its range.
    """
    values = positions(control)
    if isinstance(control, ipywidgets.Dropdown | ipywidgets.Checkbox):
        if value not in values:
            raise ValueError(f"must be one of {', '.join(map(repr, values))}, got {value!r}")
        return values.index(value)
    if not values[0] - 1e-9 <= value <= values[-1] + 1e-9:  # false for NaN too
        raise ValueError(f"must lie from {values[0]:g} to {values[-1]:g}, got {value!r}")
    return min(range(len(values)), key=lambda index: abs(values[index] - value))


def snap(control: ipywidgets.ValueWidget, value):
    """Return the control's position nearest to `value`; a `ValueError` as for `index_of`."""
    return positions(control)[index_of(control, value)]
