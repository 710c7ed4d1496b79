"""A look at the environment: can explorers be shown here, and where does JAX compute?"""

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

FRONT_ENDS = {"ipywidgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}


def doctor() -> None:
    """Print whether this environment is ready, and if not, what to do."""
    import jax

    from dlcompanion import __version__

    device = jax.devices()[0]
    print(f"dlcompanion {__version__}, Python {platform.python_version()}, JAX {jax.__version__}")
    problems = missing_front_ends(_extension_folders())
    if device.platform == "cpu" and shutil.which("nvidia-smi"):
        problems.append('JAX does not use the GPU: run pip install "dlcompanion[cuda]".')
    print(
        "\n".join(
            problems
            or [f"Ready: the widget front ends are there, JAX runs on {device.device_kind}."]
        )
    )


def missing_front_ends(folders: Sequence[Path]) -> list[str]:
    """Return a sentence for each widget front end that is in none of JupyterLab's folders."""
    return [
        f"The front end of {package} is missing: run pip install {package} where JupyterLab is "
        "installed, restart it and reload the page."
        for package, extension in FRONT_ENDS.items()
        if not any((folder / extension / "package.json").is_file() for folder in folders)
    ]


def _extension_folders() -> list[Path]:
    try:
        from jupyter_core.paths import jupyter_path
    except ImportError:  # no Jupyter here at all
        return []
    return [Path(folder) for folder in jupyter_path("labextensions")]
