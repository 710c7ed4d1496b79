"""What happens on the way down a curve."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from dlcompanion.numerical_computation import Status, gradient_descent, sign_descent
from dlcompanion.numerical_computation.curves import bowl, hilltop, inflection, valleys


def along(curve):
    return lambda x: curve(x[0])


def at(x: float) -> jax.Array:
    return jnp.array([x], dtype=float)


@pytest.mark.parametrize(
    "start, end", [(-3.7, -3), (-2.3, -3), (-1.5, 0), (-0.5, 0), (1.2, 0), (1.7, 0), (2.2, 3)]
)
def test_the_start_decides_which_valley(start, end):
    """Descent ends in the minimum of its own basin, good or poor (Figure 4.3)."""
    path = gradient_descent(along(valleys), at(start), 0.05, 5000)
    assert_allclose(path.params[-1], end, atol=1e-2)
    assert path.status == Status.CONVERGED
    assert_allclose(valleys(jnp.array([-3.0, 0, 3])), [-0.4, -1, -1.1], atol=1e-6)


@pytest.mark.parametrize("start", [-5.0, 5.0])
def test_a_plateau_holds_a_descent(start):
    """Where the slope is all but zero, thousands of steps go nowhere (Figure 4.3)."""
    path = gradient_descent(along(valleys), at(start), 0.05, 5000, tolerance=1e-9)
    assert path.grad_norm[0] < 1e-5
    assert 1e-4 < abs(path.params[-1, 0] - start) < 1e-3
    assert path.status == Status.MAX_STEPS


@pytest.mark.parametrize("curve", [inflection, hilltop])
def test_a_zero_derivative_is_no_minimum(curve):
    """Descent halts at once on an inflection or a hilltop, and leaves beside it (Figure 4.2)."""
    assert gradient_descent(along(curve), at(0.0), 0.1, 10).status == Status.CONVERGED
    path = gradient_descent(along(curve), at(-0.5), 0.1, 200)
    assert path.loss[-1] < -1
    assert path.status != Status.CONVERGED


def test_the_derivative_of_the_bowl_is_x():
    """Left of the minimum it is negative, right of it positive (Figure 4.1)."""
    xs = jnp.linspace(-2, 2, 9)
    assert_allclose(jax.vmap(jax.grad(bowl))(xs), xs, atol=1e-12)


@pytest.mark.parametrize(
    "learning_rate, status",
    [(0.5, "CONVERGED"), (1, "CONVERGED"), (1.5, "CONVERGED"), (2, "MAX_STEPS"), (2.1, "DIVERGED")],
)
def test_what_the_step_size_does_in_one_dimension(learning_rate, status):
    """On x^2 / 2 each step multiplies x by 1 - epsilon (Figure 4.1)."""
    path = gradient_descent(along(bowl), at(1.5), learning_rate, 100)
    assert_allclose(path.params[:20, 0], 1.5 * (1 - learning_rate) ** np.arange(20), atol=1e-12)
    assert Status(int(path.status)).name == status


def test_a_sign_step_never_settles():
    """From 0.3 with steps of 0.5 it goes to -0.2 and back, forever (section 4.3)."""
    path = sign_descent(along(bowl), at(0.3), 0.5, 1000)
    assert_allclose(path.params[:4, 0], [0.3, -0.2, 0.3, -0.2], atol=1e-12)
    assert jnp.abs(path.params).min() > 0.2 - 1e-9
    assert path.status == Status.MAX_STEPS
    assert gradient_descent(along(bowl), at(0.3), 0.5, 1000).status == Status.CONVERGED
    assert sign_descent(along(bowl), at(0.0), 0.5, 5).status == Status.CONVERGED
