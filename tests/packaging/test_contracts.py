"""Each rule about who may import what is broken on purpose, and seen to be caught."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "style": ["matplotlib"],
    "live.explorer": ["anywidget", "ipywidgets", "matplotlib", "dlcompanion.book"],
    "practice.check": ["ipywidgets", "dlcompanion.live.explorer", "dlcompanion.book"],
    "probability.sampling": ["jax", "dlcompanion.arguments", "dlcompanion.linear_algebra.norms"],
    "probability.figures": ["matplotlib", "dlcompanion.style", "dlcompanion.probability.sampling"],
    "probability.explorers": ["dlcompanion.live.explorer", "dlcompanion.probability.figures"],
    "probability.exercises": ["dlcompanion.practice.check", "dlcompanion.probability.sampling"],
    "optimization.figures": ["dlcompanion.probability.figures"],
}
FORBIDDEN = [
    ("linear_algebra.norms", "dlcompanion.probability.sampling"),
    ("probability.figures", "dlcompanion.optimization.figures"),
    ("probability.sampling", "dlcompanion.probability.figures"),
    ("probability.sampling", "dlcompanion.live.explorer"),
    ("probability.sampling", "dlcompanion.practice.check"),
    ("probability.sampling", "dlcompanion.style"),
    ("probability.sampling", "matplotlib"),
    ("probability.sampling", "ipywidgets"),
    ("probability.sampling", "anywidget"),
    ("probability.figures", "dlcompanion.live.explorer"),
    ("probability.figures", "dlcompanion.probability.explorers"),
    ("probability.explorers", "dlcompanion.probability.exercises"),
    ("probability.explorers", "dlcompanion.practice.check"),
    ("probability.exercises", "dlcompanion.probability.figures"),
    ("live.explorer", "dlcompanion.practice.check"),
    ("live.explorer", "dlcompanion.probability.sampling"),
    ("practice.check", "dlcompanion.probability.exercises"),
    ("arguments", "dlcompanion.linear_algebra.norms"),
    ("book", "dlcompanion.optimization.figures"),
]


def lint_imports(folder, imports):
    """Check the project's contracts on a package that has just these imports."""
    for module, names in {"arguments": [], "linear_algebra.norms": [], **imports}.items():
        path = folder / "dlcompanion" / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"import {name}\n" for name in names))
    for package in [folder / "dlcompanion", *(folder / "dlcompanion").glob("*/")]:
        (package / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", folder)
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    wide = {**os.environ, "COLUMNS": "300"}
    return subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    imports = {module: list(names) for module, names in ALLOWED.items()}
    for importer, imported in FORBIDDEN:
        imports.setdefault(importer, []).append(imported)
    return lint_imports(tmp_path_factory.mktemp("broken"), imports).stdout


def test_a_clean_package_passes(tmp_path):
    result = lint_imports(tmp_path, ALLOWED)
    assert result.returncode == 0, result.stdout


def test_a_module_without_a_place_fails(tmp_path):
    assert "dlcompanion.utils" in lint_imports(tmp_path, {**ALLOWED, "utils": []}).stdout


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN)
def test_a_forbidden_import_is_caught(report, importer, imported):
    assert f"dlcompanion.{importer} -> {imported} (l." in report


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import matplotlib.pyplot as plt", "TID251"),
        ("from matplotlib import pyplot", "TID251"),
        ("from numpy import random", "TID251"),
        ("import numpy as np\n\nnp.random.default_rng(0)", "TID251"),
        ("def norm(x):\n    return x", "D103"),
        ("def f(a, b, c, d, e, g):\n    return a", "PLR0913"),
    ],
)
def test_ruff_holds_the_package_to_its_rules(code, rule):
    ruff = [Path(sys.executable).with_name("ruff"), "check", "--output-format=concise", "-"]
    where = "--stdin-filename=dlcompanion/probability/sampling.py"
    result = subprocess.run([*ruff, where], cwd=ROOT, input=code, capture_output=True, text=True)
    assert f" {rule} " in result.stdout
