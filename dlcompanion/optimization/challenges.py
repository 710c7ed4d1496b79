"""What makes the cost of a network hard to descend (sections 8.2.1-8.2.7)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Key, Real, ScalarLike

from dlcompanion.arguments import check_count, check_finite, check_positive
from dlcompanion.numerical_computation.quadratics import predicted_loss
from dlcompanion.optimization.sgd import Optimizer, sample_batches, sgd, train

CLIFF_STEPS = 12  # of the recurrent unit: more make the cliff steeper, and too thin to see
CLIFF_TARGET = 0.7


class NoisyRun(NamedTuple):
    """What a run of stochastic gradient descent looks like from outside (Figure 8.1)."""

    grad_norms: Float[Array, "num_steps"]  # of the minibatches that it followed
    errors: Float[Array, "num_steps+1"]  # the share misclassified, by the true labels


def step_change(
    grad: Real[ArrayLike, "n"], hessian: Real[ArrayLike, "n n"], learning_rate: ScalarLike
) -> Float[Array, ""]:
    """Return what a step -epsilon g adds to a quadratic cost (equation 8.10).

        1/2 epsilon^2 g^T H g - epsilon g^T g        (8.10)

    Ill-conditioning is a problem where the first term exceeds the second: the step climbs.

    Args:
        grad: the gradient g.
        hessian: the Hessian H.
        learning_rate: epsilon in the book.
    """
    return predicted_loss(0.0, grad, hessian, learning_rate)


@jax.jit
def noisy_training(key: Key[Array, ""], flipped: ScalarLike) -> NoisyRun:
    """Train a small network on examples of which some are mislabelled (section 8.2.1, Figure 8.1).

    The class of a point is the sign of x_1 x_2. The gradient that a step follows need not become
    small for the error to become so.

    Args:
        key: draws the examples, the first weights and the minibatches.
        flipped: the share of wrong labels in training, from 0 to 1.
    """
    keys = jax.random.split(key, 4)
    x = jax.random.uniform(keys[0], (400, 2), minval=-1, maxval=1)
    is_flipped = jax.random.uniform(keys[1], (400,)) < flipped
    signs = jnp.sign(x[:, 0] * x[:, 1])
    start = 0.4 * jax.random.normal(keys[2], (64,))
    batches = sample_batches(keys[3], 400, 16, 2000)
    data = x, jnp.where(is_flipped, -signs, signs)
    params = train(_net_cost, data, sgd(0.5), start, batches).params
    grads = jax.vmap(lambda p, i: jax.grad(_net_cost)(p, (x[i], data[1][i])))(params[:-1], batches)
    errors = jax.vmap(lambda p: jnp.mean(_net(p, x) * signs < 0))(params)
    return NoisyRun(jnp.linalg.norm(grads, axis=1), errors)


def two_weight_cost(weights: Float[Array, "2"]) -> Float[Array, ""]:
    """Return 1/2 (1 - w_1 w_2)^2, the smallest linear network's cost (section 8.2.3, Figure 8.2).

    It has no local minimum that is not global: a saddle at zero, and the valley w_1 w_2 = 1.
    """
    return 0.5 * (1 - weights[0] * weights[1]) ** 2


def random_hessian(key: Key[Array, ""], size: int, shift: ScalarLike = 0.0) -> Float[Array, "n n"]:
    """Draw a symmetric Gaussian matrix and add `shift` times the identity (section 8.2.3).

    The entries above the diagonal have variance 1/2, those on it 1. A positive shift stands in for
    a low cost, where eigenvalues are more often positive.
    """
    size, shift = check_count("size", size), check_finite("shift", shift, ())
    G = jax.random.normal(key, (size, size))
    return (G + G.T) / 2 + shift * jnp.eye(size)


@jax.jit
def is_minimum(hessians: Real[Array, "m n n"]) -> Bool[Array, "m"]:
    """Tell of many Hessians which have only positive eigenvalues (section 8.2.3)."""
    return jnp.linalg.eigvalsh(hessians)[:, 0] > 0


def recurrent_cost(params: Float[Array, "2"]) -> Float[Array, ""]:
    """Return the squared error of a unit that feeds itself (section 8.2.4, Figure 8.3).

        x_t = w sigmoid(x_{t-1}) + b,  x_0 = 1/2,  J = (sigmoid(x_12) - 0.7)^2

    Args:
        params: w and b.
    """
    w, b = params

    def step(x, _):
        return w * jax.nn.sigmoid(x) + b, None

    last, _ = jax.lax.scan(step, jnp.full_like(w, 0.5), length=CLIFF_STEPS)
    return (jax.nn.sigmoid(last) - CLIFF_TARGET) ** 2


def clip_norm(grad: Real[ArrayLike, "n"], threshold: ScalarLike) -> Float[Array, "n"]:
    """Shorten a gradient to a norm, and keep its direction (section 8.2.4).

    Args:
        grad: g in the book; one that is short enough stays as it is.
        threshold: the largest norm allowed, positive.
    """
    grad, threshold = check_finite("grad", grad, ("n",)), check_positive("threshold", threshold)
    norm = jnp.linalg.norm(grad)
    return jnp.where(norm > threshold, threshold / jnp.where(norm > 0, norm, 1), 1) * grad


def clip_values(grad: Real[ArrayLike, "n"], threshold: ScalarLike) -> Float[Array, "n"]:
    """Cut every entry of a gradient at a size; this may turn its direction (section 8.2.4)."""
    threshold = check_positive("threshold", threshold)
    return jnp.clip(check_finite("grad", grad, ("n",)), -threshold, threshold)


def with_clipping(optimizer: Optimizer, threshold: ScalarLike) -> Optimizer:
    """Give an optimizer gradients of at most a norm (section 8.2.4)."""
    threshold = check_positive("threshold", threshold)
    return Optimizer(optimizer.init, Partial(_clipped, optimizer.update, threshold))


def matrix_power(matrix: Real[ArrayLike, "n n"], power: ScalarLike) -> Float[Array, "n n"]:
    """Return W^t by raising the eigenvalues to the power t (section 8.2.5, equation 8.11).

        W^t = V diag(lambda)^t V^-1        (8.11)

    Only for matrices with n independent eigenvectors. The result is the real part: a real W has
    real powers.
    """
    eigenvalues, V = jnp.linalg.eig(check_finite("matrix", matrix, ("n", "n")))
    return jnp.real(V @ jnp.diag(eigenvalues**power) @ jnp.linalg.inv(V))


def wrong_side_cost(x: Float[Array, "1"]) -> Float[Array, ""]:
    """Return a hill whose foot is higher at the left than at the right (section 8.2.7, Figure 8.4).

        J(x) = 1 / (1 + x^2) + 0.4 / (1 + e^2x)

    It has no minimum and no saddle: the only critical point is the top.
    """
    return 1 / (1 + x[0] ** 2) + 0.4 * jax.nn.sigmoid(-2 * x[0])


def _clipped(update, threshold, grad_fn, params, state) -> tuple:
    return update(lambda x: clip_norm(grad_fn(x), threshold), params, state)


def _net(params: Float[Array, "64"], x: Float[Array, "m 2"]) -> Float[Array, "m"]:
    W, b, u = params[:32].reshape(2, 16), params[32:48], params[48:]
    return jnp.tanh(x @ W + b[None]) @ u


def _net_cost(params, examples) -> Float[Array, ""]:
    x, signs = examples
    return jnp.mean(jax.nn.softplus(-signs * _net(params, x)))
