"""Frames computed before they are asked for, without getting in the reader's way."""

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import Any

import jax
import numpy as np
from IPython import get_ipython

BATCH = 16  # frames asked for at once; shorter batches are padded, so that one compile does
PAUSE = 0.002  # seconds left to everyone else after each frame

worker = ThreadPoolExecutor(1, thread_name_prefix="dlcompanion-ahead")
no_cell_runs = threading.Event()
no_cell_runs.set()


@functools.cache
def watch_cells() -> None:
    """Learn from the kernel when a cell of the reader's runs; work ahead waits meanwhile."""
    if shell := get_ipython():
        shell.events.register("pre_run_cell", lambda _: no_cell_runs.clear())
        shell.events.register("post_run_cell", lambda _: no_cell_runs.set())


def yield_to_reader() -> None:
    """Wait while a cell runs, and a moment in any case."""
    no_cell_runs.wait(timeout=30)  # not forever: a kernel may be shut down while a cell runs
    time.sleep(PAUSE)


def compute_one(compute: Callable[..., tuple], **arguments) -> tuple:
    """Compute one state, in NumPy arrays, by the same compiled function as an explorer."""
    # A GPU rounds the factors of float32 products to ten bits unless told; a CPU never does.
    with jax.default_matmul_precision("highest"):
        return jax.device_get(compute(**arguments))


@functools.lru_cache(maxsize=64)
def _batched(compute: Callable[..., tuple]) -> Callable[..., tuple]:
    return jax.jit(jax.vmap(lambda arguments: compute(**arguments), axis_size=BATCH))


def compute_batch(compute: Callable, batch: Sequence[dict[str, Any]]) -> Iterator[tuple]:
    """Compute states, `BATCH` of them in each call of one compiled function."""
    for start in range(0, len(batch), BATCH):
        part = batch[start : start + BATCH]
        padded = [*part, *[part[-1]] * (BATCH - len(part))]
        stacked = {name: np.stack([row[name] for row in padded]) for name in part[0]}
        states = compute_one(_batched(compute), arguments=stacked)
        yield from (jax.tree.map(itemgetter(row), states) for row in range(len(part)))
