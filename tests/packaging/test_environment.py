"""The lock, and everything that installs it, agree with pyproject.toml."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK, BINDER = ROOT / "requirements.lock", ROOT / "binder" / "requirements.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKED = [*PROJECT["dependencies"], *EXTRAS["notebooks"], *EXTRAS["test"]]
BROUGHT = {"ipython", "jupyter_core", "pil", "traitlets"}  # by ipywidgets, Jupyter and Matplotlib


def lines(path):
    return path.read_text().replace("\\\n", "").splitlines()


def pins(path):
    return {line.split("--hash")[0].strip() for line in lines(path)} - {"."}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def test_only_lower_bounds():
    for text in [*PROJECT["dependencies"], *sum(EXTRAS.values(), [])]:
        assert [bound.operator for bound in Requirement(text).specifier] == [">="], text


def test_lock_holds_every_dependency():
    versions = dict(re.match(r"(\S+)==(\S+)", pin).groups() for pin in pins(LOCK))
    for requirement in map(Requirement, LOCKED):
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier


def test_lock_is_hashed_and_names_no_address():
    for line in lines(LOCK):
        assert re.fullmatch(r"\S+==\S+( ; [^;]+?)?( +--hash=sha256:[0-9a-f]{64})+", line)
    assert "://" not in LOCK.read_text() + BINDER.read_text()


def test_binder_installs_the_lock_and_the_package():
    assert pins(BINDER) == pins(LOCK)
    assert lines(BINDER)[-1] == "."


def test_conda_installs_what_binder_installs():
    *packages, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert "pip" in packages
    assert pip == {"pip": ["-r binder/requirements.txt"]}


@pytest.mark.parametrize("route", ["environment.yml", "binder/runtime.txt"])
def test_python_is_supported(route):
    (version,) = re.findall(r"python[=-](\d\.\d+)$", (ROOT / route).read_text(), re.MULTILINE)
    assert version in SpecifierSet(PROJECT["requires-python"])


def test_package_imports_only_what_it_declares():
    declared = {Requirement(text).name for text in PROJECT["dependencies"]} | BROUGHT
    for path in (ROOT / "dlcompanion").rglob("*.py"):
        used = {name.partition(".")[0] for name in imports(path)}
        foreign = used - {"dlcompanion"} - sys.stdlib_module_names
        assert {name.lower() for name in foreign} <= declared, path
