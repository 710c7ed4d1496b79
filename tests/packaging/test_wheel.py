"""The wheel carries everything in the package folder, JavaScript and data included."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]


def test_wheel_holds_the_whole_package(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("dlcompanion-*.whl")
    shipped = {name for name in ZipFile(wheel).namelist() if name.startswith("dlcompanion/")}
    written = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "dlcompanion").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert shipped == written
    assert any(name.endswith(".js") for name in shipped)
