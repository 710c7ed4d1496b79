"""Functions whose answers are known, for every test of a method that minimizes."""

from typing import NamedTuple

import jax.numpy as jnp


class Problem(NamedTuple):
    """A smooth function of a vector, where to start and where its minimum is."""

    loss_fn: object
    start: tuple[float, ...]
    minimizer: tuple[float, ...]
    learning_rate: float  # small enough for gradient descent to converge from the start


def canyon(x):
    """The bowl of Figure 4.6, written out: curvature 5 along [1, 1] and 1 along [1, -1]."""
    return 1.5 * x[0] ** 2 + 2 * x[0] * x[1] + 1.5 * x[1] ** 2


def rosenbrock(x):
    """A curved valley, as in `scipy.optimize.rosen`: minimum 0 at [1, 1]."""
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def saddle(x):
    """Figure 4.5: up along the first axis, down along the second, critical at the origin."""
    return x[0] ** 2 - x[1] ** 2


def shifted(x):
    """A quadratic in three dimensions whose minimum is H^-1 b = [2, 1, 13] / 9."""
    H = jnp.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
    return 0.5 * x @ H @ x - jnp.array([1.0, 2, 3]) @ x


def smooth_absolute(x):
    """sqrt(1 + x^2): convex, with curvature at most 1, yet Newton maps x to -x^3."""
    return jnp.sqrt(1 + x @ x)


def quartic(x):
    """x^4: convex, with no curvature at its minimum."""
    return (x**4).sum()


PROBLEMS = {
    "canyon": Problem(canyon, (10.0, 5.0), (0.0, 0.0), 0.35),
    "rosenbrock": Problem(rosenbrock, (-0.5, 0.5), (1.0, 1.0), 1e-3),
    "shifted": Problem(shifted, (5.0, -3.0, 1.0), (2 / 9, 1 / 9, 13 / 9), 0.3),
    "smooth_absolute": Problem(smooth_absolute, (0.9,), (0.0,), 1.0),
}
