"""What the commands say and do when something is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path):
    """Run make in a folder that has what the Makefile needs, and an environment made of stubs."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copyfile(ROOT / name, tmp_path / name)

    def script(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(*arguments, **variables):
        outer = {"MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "DLCOMPANION_REQUIRE_BROWSER"}
        env = {name: value for name, value in os.environ.items() if name not in outer} | variables
        command = ["make", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    def environment(finds_chromium):
        script(".venv/bin/python", f"exit {int(not finds_chromium)}")
        script(".venv/bin/pytest", 'echo "pytest $@"')
        script(".venv/bin/ruff", "")
        script(".venv/bin/lint-imports", "")
        (tmp_path / ".venv/.ready").touch()

    run.script, run.environment, run.folder = script, environment, tmp_path
    return run


@pytest.mark.parametrize("python", ["./old", "no-such-python"])
def test_a_python_that_will_not_do_is_explained_in_one_line(make, python):
    make.script("old", f'exec {sys.executable} -c "import sys; sys.version_info = (3, 10); $2"')
    result = make("lab", f"PYTHON={python}")
    explanation, error = result.stderr.splitlines()
    assert f"needs Python 3.11 or newer; '{python}' is older or missing" in explanation
    assert error.startswith("make: ***")
    assert not (make.folder / ".venv").exists()


def test_set_up_is_done_once(make):
    make.environment(finds_chromium=True)
    assert make("--question", ".venv/.ready").returncode == 0
    os.utime(make.folder / "requirements.lock")
    os.utime(make.folder / ".venv/.ready", (0, 0))
    assert make("--question", ".venv/.ready").returncode == 1


def test_everything_runs_where_chromium_is_found(make):
    make.environment(finds_chromium=True)
    result = make("test")
    assert result.stdout.endswith("pytest \n")
    assert not result.stderr


def test_a_missing_chromium_is_said_loudly(make):
    make.environment(finds_chromium=False)
    result = make("test")
    assert result.stdout.endswith("pytest -m not browser\n")
    assert "NO CHROMIUM FOUND" in result.stderr


def test_a_missing_chromium_fails_where_it_is_required(make):
    make.environment(finds_chromium=False)
    result = make("test", DLCOMPANION_REQUIRE_BROWSER="1")
    assert result.returncode != 0
    assert "NO CHROMIUM FOUND" in result.stderr
    assert "pytest" not in result.stdout


def test_bench_runs_every_benchmark(make):
    make.environment(finds_chromium=True)
    assert make("bench").stdout == "There is no benchmark yet.\n"
    for name in ("_shared.py", "latency.py", "size.py"):
        make.script(f"benchmarks/{name}", "")
    assert make("bench").stdout == "== benchmarks/latency.py\n== benchmarks/size.py\n"
