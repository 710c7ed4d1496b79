"""What a Binder launch does, with pip in a clean environment: install, then run a notebook."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", ["00-start-here.ipynb"])
def test_a_clean_environment_runs_a_notebook(tmp_path, notebook):
    copy, binaries = tmp_path / "repository", tmp_path / "environment" / "bin"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "__pycache__"))
    for command in (
        [sys.executable, "-m", "venv", binaries.parent],
        [binaries / "pip", "install", "--quiet", "-r", "binder/requirements.txt"],
        [binaries / "jupyter", "execute", "--kernel_name=python3", f"notebooks/{notebook}"],
    ):
        subprocess.run(command, cwd=copy, check=True)
