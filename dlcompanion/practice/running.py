"""Running a learner's function: within a time limit, and with errors told in its own lines."""

import contextlib
import ctypes
import inspect
import io
import linecache
import signal
import sys
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

SECONDS = 5.0  # that one call may take
STUCK = (
    "This answer is still running. A compiled loop such as lax.while_loop cannot be stopped from "
    "here: press ■ (interrupt the kernel), and if nothing changes, restart the kernel (↻).\n"
)
_LIBRARIES = (
    *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
    str(Path(__file__).parents[1]),
    "<frozen",
)


class TimeUp(BaseException):
    """Raised inside code that runs too long; `except Exception` does not catch it."""


class Outcome(NamedTuple):
    """What one call of a learner's function led to.

    Attributes:
        value: what it returned.
        error: what it raised, if it did.
        line: the learner's own line where that happened, or "".
        changed: whether it wrote into its arguments.
    """

    value: Any = None
    error: BaseException | None = None
    line: str = ""
    changed: bool = False


def run(function: Callable, args: tuple) -> Outcome:
    """Call a function with JAX arrays; if it cannot work with them, with NumPy arrays."""
    outcome = _run(function, convert(args, jnp.asarray))
    if not isinstance(outcome.error, Exception):
        return outcome
    other = run_in_numpy(function, args)
    return outcome if other.error else other


def run_in_numpy(function: Callable, args: tuple) -> Outcome:
    """Call a function with copies that can be written into, and see whether it does."""
    copies = convert(args, np.array)
    outcome = _run(function, copies)
    pairs = zip(jax.tree.leaves(copies), jax.tree.leaves(args), strict=False)
    changed = any(
        is_array(a) and not (a.shape == b.shape and np.array_equal(a, b, equal_nan=True))
        for a, b in pairs
    )
    return outcome._replace(changed=changed)


def _run(function: Callable, args: tuple) -> Outcome:
    quiet = contextlib.redirect_stdout(io.StringIO())
    try:
        with quiet, warnings.catch_warnings(), time_limit(SECONDS):
            warnings.simplefilter("ignore")
            return Outcome(jax.block_until_ready(function(*args)))
    except (Exception, SystemExit, TimeUp) as error:
        return Outcome(error=error, line=own_line(error))


def is_array(leaf: Any) -> bool:
    """Tell whether a leaf is an array of numbers (random keys are not)."""
    return isinstance(leaf, np.ndarray) or (
        isinstance(leaf, jax.Array) and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    )


def convert(args: tuple, array: Callable) -> tuple:
    """Convert the arrays among a call's arguments, inside tuples too; leave all else."""
    return jax.tree.map(lambda leaf: array(leaf) if is_array(leaf) else leaf, args)


def own_line(error: BaseException) -> str:
    """Return the line of the learner's own code where an error came up, or ""."""
    frames = list(traceback.walk_tb(error.__traceback__))
    for frame, number in reversed(frames):
        filename = frame.f_code.co_filename
        line = linecache.getline(filename, number, frame.f_globals).strip()
        if line and not filename.startswith(_LIBRARIES):
            return line
    return ""


def is_stub(function: Callable) -> bool:
    """Tell whether a function that returned nothing still has an ellipsis for a body."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        return code is not None and code.co_code == (lambda: None).__code__.co_code
    return any(line.rpartition(":")[2].strip() == "..." for line in source.splitlines())


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` in the code within when its time is over.

    Python code is stopped wherever it is. Compiled code is not: after a second more, a line says
    what the reader can do.
    """
    watch = threading.Timer(seconds + 1, print, [STUCK], {"file": sys.stderr, "flush": True})
    watch.daemon = True
    watch.start()
    in_main = threading.current_thread() is threading.main_thread()
    try:
        with _alarm(seconds) if in_main and hasattr(signal, "setitimer") else _thread(seconds):
            yield
    finally:
        watch.cancel()


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Be interrupted by the system's alarm clock, which only a main thread can hear."""
    rang = threading.Event()

    def ring(*_):
        rang.set()
        raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if rang.is_set():  # and the learner's code caught it
        raise TimeUp


@contextlib.contextmanager
def _thread(seconds: float) -> Iterator[None]:
    """Be interrupted by another thread, between two of Python's instructions."""
    here = ctypes.c_ulong(threading.get_ident())
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
    clock = threading.Timer(seconds, interrupt, [here, ctypes.py_object(TimeUp)])
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()
