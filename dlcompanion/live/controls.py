"""The controls of explorers: plain ipywidgets whose positions can be counted.

Every control has finitely many positions, so that a position is an index, never a float.
"""

import math
from collections.abc import Sequence

import ipywidgets
import numpy as np

# 20 preferred numbers a decade: each about 12 % larger than the last, and 1, 2, 5, 10 among them.
PREFERRED = (1.0, 1.1, 1.25, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5, 2.8, 3.15, 3.5, 4.0, 4.5, 5.0, 5.6, 6.3,
             7.1, 8.0, 9.0)  # fmt: skip


def slider(value: float, low: float, high: float, step: float) -> ipywidgets.FloatSlider:
    """Return a linear slider from `low` to `high` in steps of `step`, at most about 100 of them."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != step:
        decimals += 1
    control = ipywidgets.FloatSlider(
        value=value, min=low, max=high, step=step, readout_format=f".{decimals}f"
    )
    control.value = snap(control, value)
    return control


def int_slider(value: int, low: int, high: int) -> ipywidgets.IntSlider:
    """Return a slider over the integers from `low` to `high`."""
    return ipywidgets.IntSlider(value=value, min=low, max=high)


def log_slider(value: float, low: float, high: float) -> ipywidgets.SelectionSlider:
    """Return a slider over the preferred numbers from `low` to `high`, 20 a decade."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    numbers = [float(f"{number}e{decade}") for decade in decades for number in PREFERRED]
    numbers = sorted({low, high, *(number for number in numbers if low < number < high)})
    options = [(f"{number:g}", float(number)) for number in numbers]
    control = ipywidgets.SelectionSlider(options=options)
    control.value = snap(control, value)
    return control


def dropdown(value: str, options: Sequence[str]) -> ipywidgets.Dropdown:
    """Return a choice among named options; `compute` receives the option's index."""
    return ipywidgets.Dropdown(options=list(options), value=value)


def toggle(value: bool) -> ipywidgets.Checkbox:
    """Return a choice between on and off."""
    return ipywidgets.Checkbox(value=value, indent=False)


def snap(control: ipywidgets.ValueWidget, value):
    """Return the control's position nearest to `value`.

    Raises:
        ValueError: `value` is not among the control's options, or outside its range.
    """
    if isinstance(control, ipywidgets.Checkbox):
        return bool(value)
    if isinstance(control, ipywidgets.Dropdown):
        if value not in control.options:
            raise ValueError(
                f"must be one of {', '.join(map(repr, control.options))}, got {value!r}"
            )
        return value
    if isinstance(control, ipywidgets.SelectionSlider):
        numbers = np.array([number for _, number in control.options])
    else:
        count = round((control.max - control.min) / control.step)
        numbers = (control.min + control.step * np.arange(count + 1)).round(9)
    if not numbers[0] - 1e-9 <= value <= numbers[-1] + 1e-9:  # false for NaN too
        raise ValueError(f"must lie from {numbers[0]:g} to {numbers[-1]:g}, got {value!r}")
    nearest = numbers[np.argmin(np.abs(numbers - value))]
    return int(nearest) if isinstance(control, ipywidgets.IntSlider) else float(nearest)
