"""Quadratic bowls, where what a step will do can be said before it is made (section 4.3.1)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import (
    check_at_least,
    check_finite,
    check_positive,
    check_positive_definite,
    check_shape,
)


class Quadratic(NamedTuple):
    """The bowl f(x) = 1/2 x^T H x, with its curvatures and their directions (section 4.3.1).

    Made by `quadratic` or `quadratic_from_hessian`. It is a function of x and also a pytree of
    arrays: it can be an argument of a compiled function, and `vmap` can make a family of bowls.
    """

    hessian: Float[Array, "n n"]
    eigenvalues: Float[Array, "n"]  # ascending: the last is the steepest curvature
    eigenvectors: Float[Array, "n n"]  # one in each column

    def __call__(self, x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
        """Return the height of the bowl at one point (section 4.3.1)."""
        x = check_shape("x", x, self.eigenvalues.shape)
        return 0.5 * x @ self.hessian @ x


def quadratic(
    condition_number: ScalarLike, steepest: ScalarLike = 5.0, angle: ScalarLike = jnp.pi / 4
) -> Quadratic:
    """Make a bowl in two dimensions with a given condition number (section 4.3.1, Figure 4.6).

    `quadratic(5)` is the canyon of Figure 4.6, H = [[3, 2], [2, 3]]: its walls have curvature 5
    along [1, 1], its floor has curvature 1 along [1, -1].

    Args:
        condition_number: largest curvature over smallest, at least 1.
        steepest: the largest curvature lambda_max, positive.
        angle: direction of the largest curvature, in radians from the first axis.

    Raises:
        ValueError: if an argument is not a scalar, not finite or out of its range.
    """
    return _bowl(
        check_at_least("condition_number", condition_number, 1),
        check_positive("steepest", steepest),
        check_finite("angle", angle, ()),
    )


@jax.jit
def _bowl(
    condition_number: Float[Array, ""], steepest: Float[Array, ""], angle: Float[Array, ""]
) -> Quadratic:
    """Build the bowl of `quadratic` from its eigenvalues and eigenvectors (equation 2.41)."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    eigenvalues = jnp.stack([steepest / condition_number, steepest])
    Q = jnp.array([[sin, cos], [-cos, sin]])
    return Quadratic(Q @ jnp.diag(eigenvalues) @ Q.T, eigenvalues, Q)


def quadratic_from_hessian(hessian: Real[ArrayLike, "n n"]) -> Quadratic:
    """Make the bowl that has a given Hessian (section 4.3.1).

    Args:
        hessian: H in the book, symmetric and positive definite.

    Raises:
        ValueError: if the matrix is not square, finite, symmetric and positive definite.
    """
    hessian = check_positive_definite("hessian", hessian)
    return Quadratic(hessian, *jnp.linalg.eigh(hessian))


def critical_learning_rate(bowl: Quadratic) -> Float[Array, ""]:
    """Return 2 / lambda_max, where gradient descent on a bowl stops converging (section 4.3.1).

    A step multiplies the error along each eigenvector by 1 - epsilon lambda. Below this learning
    rate every factor is smaller than 1 in size; above it the steepest direction diverges. The
    smallest curvature has no say. (The book's 1 / lambda_max is the step that is best along the
    steepest direction, half as long.)
    """
    return 2 / bowl.eigenvalues[-1]


def best_learning_rate(bowl: Quadratic) -> Float[Array, ""]:
    """Return 2 / (lambda_min + lambda_max), the best constant step on a bowl (section 4.3.1).

    At this learning rate the flattest and the steepest direction shrink equally fast, by the
    factor (kappa - 1) / (kappa + 1) a step, where kappa is the condition number; any other
    constant step is slower along one of the two. (Not in the book.)
    """
    return 2 / (bowl.eigenvalues[0] + bowl.eigenvalues[-1])


@jax.jit
def predicted_loss(
    loss: ScalarLike,
    grad: Real[ArrayLike, "n"],
    hessian: Real[ArrayLike, "n n"],
    learning_rate: ScalarLike,
) -> Float[Array, ""]:
    """Predict the loss after a gradient step from the slope and the curvature (equation 4.9).

        f(x - epsilon g) ~ f(x) - epsilon g^T g + 1/2 epsilon^2 g^T H g        (4.9)

    Args:
        loss: f(x) where the step starts.
        grad: the gradient g there.
        hessian: the Hessian H there.
        learning_rate: epsilon in the book.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    loss = check_shape("loss", loss, ())
    epsilon = check_shape("learning_rate", learning_rate, ())
    g = check_shape("grad", grad, ("n",))
    H = check_shape("hessian", hessian, (g.size, g.size))
    return loss - epsilon * (g @ g) + 0.5 * epsilon**2 * (g @ H @ g)


@jax.jit
def optimal_step(grad: Real[ArrayLike, "n"], hessian: Real[ArrayLike, "n n"]) -> Float[Array, ""]:
    """Return the learning rate that lowers the quadratic model most (equation 4.10).

        epsilon* = g^T g / g^T H g        (4.10)

    Where g^T H g is zero or negative the model is unbounded below: it promises more the longer
    the step, and the answer is infinity. At g = 0 there is nowhere to go, and the answer is 0.

    Args:
        grad: the gradient g.
        hessian: the Hessian H; it need not be positive definite.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    g = check_shape("grad", grad, ("n",))
    H = check_shape("hessian", hessian, (g.size, g.size))
    return matrix_free_optimal_step(g, lambda v: H @ v)


def matrix_free_optimal_step(
    grad: Real[ArrayLike, "n"], hessian_times_fn: Callable[[Float[Array, "n"]], Float[Array, "n"]]
) -> Float[Array, ""]:
    """Return `optimal_step` from products H v alone, without forming H (equation 4.10).

    Args:
        grad: the gradient g.
        hessian_times_fn: maps a vector v to H v, such as a `jax.jvp` of the gradient.

    Raises:
        ValueError: if the gradient is not a vector.
    """
    grad = check_shape("grad", grad, ("n",))
    largest = jnp.abs(grad).max()
    # Every multiple of g has the same epsilon*; this one's square cannot underflow.
    g = grad / jnp.where(largest == 0, 1, largest)
    slope, curvature = g @ g, g @ hessian_times_fn(g)
    unbounded = curvature <= 0
    step = jnp.where(unbounded, jnp.inf, slope / jnp.where(unbounded, 1, curvature))
    return jnp.where(slope == 0, 0, step)
