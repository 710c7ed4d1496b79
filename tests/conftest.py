"""The settings that the tests of the mathematics run under, and what every test may use."""

import contextlib
import warnings
from pathlib import Path

import hypothesis
import jax
import jaxtyping
import pytest

from dlcompanion.book import ROOMS

# The same examples on every machine, and no failure because a first call compiles.
hypothesis.settings.register_profile(
    "dlcompanion", deadline=None, derandomize=True, database=None, max_examples=50
)
hypothesis.settings.load_profile("dlcompanion")

# In a chapter's folder these test what the reader runs: JAX as it comes.
IN_JAX_DEFAULTS = ("test_figures", "test_explorers", "test_exercises")


def is_mathematics(path: Path) -> bool:
    """Tell whether a test file is about a topic module of a chapter."""
    return path.parent.name in ROOMS.values() and not path.name.startswith(IN_JAX_DEFAULTS)


@pytest.fixture(autouse=True)
def strict_mathematics(request):
    """Test the mathematics in float64, without rank promotion, with warnings as errors."""
    with contextlib.ExitStack() as stack:
        if is_mathematics(request.path):
            stack.enter_context(jax.enable_x64(True))
            stack.enter_context(jax.numpy_rank_promotion("raise"))
            stack.enter_context(jax.default_matmul_precision("highest"))  # matters on a GPU
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("error")
        yield


@pytest.fixture(autouse=True)
def reader_data(tmp_path, monkeypatch):
    """Keep every test's progress in a folder of its own, never in the home of who runs it."""
    folder = tmp_path / "reader-data"
    monkeypatch.setenv("DLCOMPANION_DATA", str(folder))
    return folder


@pytest.fixture
def no_compilation():
    """Return a context in which nothing may be traced or compiled, not even by a small operation.

    Run the code once outside it, then again inside it with other numbers.
    """
    compiled = []

    def listen(event: str, _: float, **details) -> None:
        if event.startswith("/jax/core/compile"):
            compiled.append(f"{event} {details.get('fun_name')}")

    @contextlib.contextmanager
    def check():
        compiled.clear()
        yield
        assert not compiled, f"traced or compiled again: {compiled}"

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield check
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.fixture
def unchecked_signatures():
    """Let bad arguments through to the package's own checks when beartype guards signatures."""
    disabled = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", disabled)
