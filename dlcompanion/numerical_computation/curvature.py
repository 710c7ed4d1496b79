"""Curvature: what the second derivatives say about a step and about a point (section 4.3.1)."""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Real, ScalarLike

from dlcompanion.arguments import check_finite, check_positive, check_symmetric
from dlcompanion.numerical_computation.quadratics import matrix_free_optimal_step

LossFn = Callable[[Float[Array, "n"]], Float[Array, ""]]


class Outlook(NamedTuple):
    """What a gradient step is promised to do, and what it does (equation 4.9)."""

    slope: Float[Array, ""]  # g^T g
    curvature: Float[Array, ""]  # g^T H g
    optimal_step: Float[Array, ""]  # infinite where the model has no lowest point
    predicted_loss: Float[Array, ""]
    loss: Float[Array, ""]


class CriticalPoint(IntEnum):
    """What the second derivative test says of a point without slope (section 4.3.1)."""

    INCONCLUSIVE = 0
    MINIMUM = 1
    MAXIMUM = 2
    SADDLE = 3


def hessian_times(
    loss_fn: LossFn, x: Float[Array, "n"], vector: Float[Array, "n"]
) -> Float[Array, "n"]:
    """Return H v, the change of the gradient along v, without forming H (equation 4.6)."""
    return jax.jvp(jax.grad(loss_fn), (x,), (vector,))[1]


def taylor_model(loss_fn: LossFn, origin: Real[ArrayLike, "n"]) -> LossFn:
    """Return the quadratic that agrees with f at a point up to curvature (equations 4.8, 4.11)."""
    origin = check_finite("origin", origin, ("n",))
    loss, grad = jax.value_and_grad(loss_fn)(origin)

    def model(x):
        d = x - origin
        return loss + d @ grad + 0.5 * d @ hessian_times(loss_fn, origin, d)

    return model


def outlook(loss_fn: LossFn, x: Real[ArrayLike, "n"], learning_rate: ScalarLike) -> Outlook:
    """Compare a gradient step with its prediction, from products H v (equations 4.9, 4.10).

    Args:
        loss_fn: the function f to minimize.
        x: where the step starts.
        learning_rate: epsilon in the book.
    """
    x = check_finite("x", x, ("n",))
    epsilon = check_finite("learning_rate", learning_rate, ()).astype(x.dtype)
    loss, g = jax.value_and_grad(loss_fn)(x)
    product = partial(hessian_times, loss_fn, x)
    slope, curvature = g @ g, g @ product(g)
    predicted = loss - epsilon * slope + 0.5 * epsilon**2 * curvature
    best = matrix_free_optimal_step(g, product)
    return Outlook(slope, curvature, best, predicted, loss_fn(x - epsilon * g))


def classify(hessian: Real[ArrayLike, "n n"], tolerance: ScalarLike = 1e-5) -> Int[Array, ""]:
    """Tell minimum, maximum and saddle apart by two signs (section 4.3.1, equation 4.7).

    H must be symmetric, as it is where the second derivatives are continuous. Two signs among its
    eigenvalues make a saddle, whatever else is zero. All positive make a minimum, all negative a
    maximum. With a zero and the rest of one sign the test is silent: higher derivatives decide.

    Args:
        hessian: H at a point where the gradient is zero.
        tolerance: eigenvalues no larger in size count as zero, positive.
    """
    hessian = check_symmetric("hessian", hessian)
    return _classify(hessian, check_positive("tolerance", tolerance).astype(hessian.dtype))


@jax.jit
def _classify(hessian: Float[Array, "n n"], tolerance: Float[Array, ""]) -> Int[Array, ""]:
    eigenvalues = jnp.linalg.eigvalsh(hessian)
    lowest, highest = eigenvalues[0], eigenvalues[-1]
    verdict = jnp.where(lowest > tolerance, CriticalPoint.MINIMUM, CriticalPoint.INCONCLUSIVE)
    verdict = jnp.where(highest < -tolerance, CriticalPoint.MAXIMUM, verdict)
    is_saddle = (lowest < -tolerance) & (highest > tolerance)
    return jnp.where(is_saddle, CriticalPoint.SADDLE, verdict).astype(jnp.int32)
