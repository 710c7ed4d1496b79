"""The interactive companion to *Deep Learning* by Goodfellow, Bengio and Courville."""

import importlib

__version__ = "0.1.0"

_LAZY = {"explorers": "dlcompanion.live", "doctor": "dlcompanion.health"}


def __getattr__(name: str):
    """Load what needs JAX or Matplotlib only when it is first used."""
    if name not in _LAZY:
        raise AttributeError(f"module 'dlcompanion' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_LAZY]
