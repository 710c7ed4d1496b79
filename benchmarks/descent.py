"""How fast a whole row of descents is: python benchmarks/descent.py

Gradient descent on the canyon of Figure 4.6, for 400 learning rates and 1000 steps each: our one
batched call, and four other ways to the same numbers (every iterate, its loss and the norm of its
gradient). All runs are whole runs, compiled before the clock starts, in one process. The table
goes to the screen and to descent.md beside this file; no time makes the benchmark fail.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dlcompanion.numerical_computation import gradient_descent, quadratic

REPORT = Path(__file__).with_name("descent.md")
NUM_RATES, NUM_STEPS = 400, 1000
RATES = np.linspace(0.001, 0.4, NUM_RATES, dtype=np.float32)
BOWL = quadratic(5.0)
START = np.array([10, -4], np.float32)
HESSIAN = np.asarray(BOWL.hessian)
FAST_RUNS = 15  # of the routes that take less than a second; the median counts

batched = jax.jit(jax.vmap(lambda rate: gradient_descent(BOWL, START, rate, NUM_STEPS)[:3]))


def ours() -> np.ndarray:
    return jax.device_get(batched(RATES))[1]


def numpy_loop() -> np.ndarray:
    """A Python loop over the steps, for one learning rate after the other."""
    losses = np.empty((NUM_RATES, NUM_STEPS + 1), np.float32)
    params = np.empty((NUM_RATES, NUM_STEPS + 1, 2), np.float32)
    norms = np.empty_like(losses)
    for i, rate in enumerate(RATES):
        x = START
        for j in range(NUM_STEPS + 1):
            grad = HESSIAN @ x
            params[i, j], losses[i, j], norms[i, j] = x, 0.5 * x @ grad, np.sqrt(grad @ grad)
            x = x - rate * grad
    return losses


def numpy_vectorised() -> np.ndarray:
    """A Python loop over the steps, all learning rates in one array."""
    losses = np.empty((NUM_STEPS + 1, NUM_RATES), np.float32)
    params = np.empty((NUM_STEPS + 1, NUM_RATES, 2), np.float32)
    norms = np.empty_like(losses)
    x = np.tile(START, (NUM_RATES, 1))
    for j in range(NUM_STEPS + 1):
        grad = x @ HESSIAN
        params[j], losses[j] = x, 0.5 * (x * grad).sum(axis=1)
        norms[j] = np.sqrt((grad * grad).sum(axis=1))
        x = x - RATES[:, None] * grad
    return losses.T


def optax_step(x: jax.Array, state: tuple, rate: jax.Array) -> tuple:
    loss, grad = jax.value_and_grad(BOWL)(x)
    change, state = optax.sgd(rate).update(grad, state)
    return optax.apply_updates(x, change), state, loss, jnp.linalg.norm(grad)


compiled_step = jax.jit(optax_step)


def optax_from_python() -> np.ndarray:
    """A compiled optax step, called from a Python loop, as most training scripts do."""
    losses = np.empty((NUM_RATES, NUM_STEPS + 1), np.float32)
    for i, rate in enumerate(RATES):
        x, state, records = jnp.asarray(START), optax.sgd(rate).init(START), []
        for _ in range(NUM_STEPS + 1):
            before = x
            x, state, loss, norm = compiled_step(x, state, rate)
            records.append((before, loss, norm))
        losses[i] = jax.device_get([loss for _, loss, _ in records])
    return losses


@jax.jit
def compiled_loop(rate: jax.Array) -> tuple:
    def step(carry, _):
        x, state, loss, norm = optax_step(*carry, rate)
        return (x, state), (carry[0], loss, norm)

    start = jnp.asarray(START)
    return jax.lax.scan(step, (start, optax.sgd(rate).init(start)), length=NUM_STEPS + 1)[1]


def optax_loops() -> np.ndarray:
    """A whole compiled optax loop, one call for each learning rate."""
    return np.stack([jax.device_get(compiled_loop(rate))[1] for rate in RATES])


ROUTES = {
    "ours: one batched call": (ours, None),
    "NumPy, a loop for each rate": (numpy_loop, 50),
    "optax, a compiled step called from Python": (optax_from_python, 100),
    "optax, a compiled loop for each rate": (optax_loops, None),
    "NumPy, all rates in one array": (numpy_vectorised, None),
}


def seconds(route: Callable[[], np.ndarray]) -> tuple[float, int]:
    """Time whole runs: many of a fast route, one of a slow one."""
    times = []
    while not times or (times[0] < 1 and len(times) < FAST_RUNS):
        begin = time.perf_counter()
        route()
        times.append(time.perf_counter() - begin)
    return statistics.median(times), len(times)


def warm_up() -> None:
    """Compile everything, and see that all compiled routes give the same numbers as NumPy."""
    truth = numpy_vectorised()
    np.testing.assert_allclose(ours(), truth, rtol=0.02, atol=1e-6)
    np.testing.assert_allclose(compiled_loop(RATES[9])[1], truth[9], rtol=0.02, atol=1e-6)
    compiled_step(jnp.asarray(START), optax.sgd(RATES[0]).init(START), RATES[0])


def main() -> None:
    warm_up()
    times = {name: seconds(route) for name, (route, _) in ROUTES.items()}
    base = next(iter(times.values()))[0]
    lines = [
        f"{NUM_RATES} learning rates, {NUM_STEPS} steps each, {os.cpu_count()} cores, all in one\n"
        "run of `benchmarks/descent.py`; whole runs, the median where there is more than one:\n",
        "| route | ms | runs | times ours | goal | met |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (_, goal) in ROUTES.items():
        took, runs = times[name]
        wanted = f"≥ {goal}" if goal else ""
        met = "" if not goal else "yes" if took / base >= goal else "**no**"
        row = f"| {name} | {1000 * took:.1f} | {runs} | {took / base:.1f} | {wanted} | {met} |"
        lines.append(row)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
