"""The interactive companion to *Deep Learning* by Goodfellow, Bengio and Courville."""

import importlib

__version__ = "0.1.0"

_LAZY = {
    "doctor": "dlcompanion.health",
    "explorers": "dlcompanion.live",
    "find": "dlcompanion.book",
    "practice": "dlcompanion.practice",
}


def __getattr__(name: str):
    """Load what needs JAX or Matplotlib only when it is first used."""
    if name not in _LAZY:
        raise AttributeError(f"module 'dlcompanion' has no attribute {name!r}")
    module = importlib.import_module(_LAZY[name])
    return getattr(module, name, module)


def __dir__() -> list[str]:
    return [*globals(), *_LAZY]
