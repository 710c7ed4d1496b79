"""The palette and how numbers are said."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dlcompanion import live, style

PALETTE = {
    name: getattr(style, name)
    for name in ("INK", "BLUE", "VERMILLION", "GREEN", "PURPLE", "ORANGE")
}
# Machado, Oliveira and Fernandes (2009), full severity, acting on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deutan": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritan": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}
JUST_SEEN_APART = 2.3  # a colour difference (CIE 1976) that side by side is barely visible


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* of linear RGB, white point D65."""
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = matrix @ np.clip(rgb, 0, 1) / (matrix @ np.ones(3))
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


DARK_PAPERS = ["#111111", "#000000"]  # of the dark and the high-contrast theme
CSS = (Path(live.__file__).parent / "canvas.css").read_text()
LIGHT, DARK = (  # colours of the themes by token
    dict(re.findall("--dlc-([a-z]+): (#[0-9a-f]{6})", rule))
    for rule in re.findall(r"dlc-explorer \{.*?\}", CSS, re.DOTALL)[:2]
)
WORDS = {"BLUE": style.BLUE} | {
    name: style.WORDS[PALETTE[name]] for name in ("VERMILLION", "GREEN")
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_are_told_apart_with_every_common_colour_vision_deficiency(deficiency):
    dark = {"INK": "#e4e5e8", "BLUE": DARK["blue"]}  # what the two are in a dark theme
    for palette in (PALETTE, PALETTE | dark, {"INK": style.INK} | WORDS):
        seen = [to_lab(np.asarray(DEFICIENCIES[deficiency]) @ linear(c)) for c in palette.values()]
        for i, one in enumerate(seen):
            for other in seen[:i]:
                assert np.linalg.norm(one - other) > 5 * JUST_SEEN_APART


def test_the_measure_notices_a_bad_pair():
    """Pure red and the green of the same lightness are one colour to a deuteranope."""
    red, green = linear("#b40000"), linear("#5a6a00")
    deutan = np.asarray(DEFICIENCIES["deutan"])
    assert np.linalg.norm(to_lab(deutan @ red) - to_lab(deutan @ green)) < 5 * JUST_SEEN_APART
    assert np.linalg.norm(to_lab(red) - to_lab(green)) > 10 * JUST_SEEN_APART


@pytest.mark.parametrize("paper", ["#ffffff", *DARK_PAPERS])
@pytest.mark.parametrize("name", ["BLUE", "VERMILLION", "GREEN"])
def test_lines_stand_out_on_every_theme(name, paper):
    assert contrast(PALETTE[name], paper) >= 3  # WCAG 2.1, 1.4.11: graphics


@pytest.mark.parametrize("paper", DARK_PAPERS)
@pytest.mark.parametrize("token", DARK)
def test_coloured_words_are_read_on_dark_paper(token, paper):
    assert contrast(DARK[token], paper) >= 4.5  # WCAG 2.1, 1.4.3: text


@pytest.mark.parametrize("name", WORDS)
def test_coloured_words_are_read_on_light_paper(name):
    assert contrast(WORDS[name], style.PAPER) >= 4.5


def test_the_themes_know_the_colours_that_follow_them():
    assert {style.THEME[colour]: colour for colour in WORDS.values()} == LIGHT
    for name, token in zip(WORDS, LIGHT, strict=True):
        assert DARK[token] == PALETTE[name] or name == "BLUE"
    script = (Path(live.__file__).parent / "canvas.js").read_text()
    (read,) = re.findall(r"\[(.*)\]\.map\(read\)", script)
    assert json.loads(f"[{read}]") == list(style.THEME.values())


def test_the_grid_of_the_high_contrast_theme_is_seen_and_stays_behind_the_words():
    (grid,) = re.findall(r'High Contrast"\] .dlc-explorer { --dlc-grid: (#[0-9a-f]{6})', CSS)
    assert contrast(grid, "#000000") >= 3
    assert contrast(grid, "#ffffff") >= 4.5


def test_words_are_written_in_their_own_tone_of_a_colour():
    _, (ax,) = style.figure()
    assert style.write(ax, 0, 0, "walls", color=style.GREEN).get_color() == WORDS["GREEN"]
    assert style.write(ax, 0, 0, "walls").get_color() == style.INK


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.35, "0.35"), (-0.75, "−0.75"), (94.0, "94"), (1.4e-6, "1.4 × 10⁻⁶"), (2.5e12, "2.5 × 10¹²"),
     (np.float32(0), "0"), (np.inf, "inf")],
)  # fmt: skip
def test_numbers_are_said_with_two_or_three_digits(value, text):
    assert style.say(value) == text


def test_a_still_figure_shows_itself():
    figure, axes = style.figure(2, width=300, height=200)
    data, metadata = figure._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR") and " at 0x" not in data["text/plain"]
    assert metadata["image/png"] == {"width": 300, "height": 200}
    assert len(axes) == 2
