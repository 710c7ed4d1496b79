import subprocess
import sys

import dlcompanion
from dlcompanion.health import FRONT_ENDS, missing_front_ends


def test_a_front_end_that_is_there_is_not_missed(tmp_path):
    for extension in FRONT_ENDS.values():
        folder = tmp_path / extension
        folder.mkdir(parents=True)
        (folder / "package.json").write_text("{}")
    assert missing_front_ends([tmp_path / "elsewhere", tmp_path]) == []


def test_a_missing_front_end_is_named_with_what_to_do(tmp_path):
    problems = missing_front_ends([tmp_path])
    assert len(problems) == 2
    assert "pip install ipywidgets" in problems[0] and "pip install anywidget" in problems[1]


def test_the_doctor_finds_this_environment_ready(capsys):
    dlcompanion.doctor()
    dlcompanion.doctor()  # a second call finds the function, not a module of its name
    first, verdict = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith(f"dlcompanion {dlcompanion.__version__}, Python 3.")
    assert verdict.startswith("Ready: the widget front ends are there, JAX runs on ")


def test_importing_the_package_is_cheap_and_changes_nothing():
    code = "import sys, dlcompanion; print({'jax', 'matplotlib', 'numpy'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
