"""Where to start: the weights that a network has before it learns (section 8.4)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Key, Real, ScalarLike

from dlcompanion.arguments import check_count, check_distribution, check_positive, check_shape


class Signals(NamedTuple):
    """What passes through a network without biases, layer by layer (section 8.4)."""

    activations: Float[Array, "layers m n"]
    grads: Float[Array, "layers m n"]  # of a cost, by each layer's activations


def uniform_weights(key: Key[Array, ""], num_inputs: int, num_outputs: int) -> Float[Array, "m n"]:
    """Draw from U(-1 / sqrt(m), 1 / sqrt(m)), for m inputs (section 8.4).

    The variance is 1 / (3 m): a linear layer shrinks what it passes on by sqrt(3).
    """
    return _uniform(key, num_inputs, num_outputs, 1 / num_inputs)


def normalized_weights(
    key: Key[Array, ""], num_inputs: int, num_outputs: int
) -> Float[Array, "m n"]:
    """Draw from the range that suits both the way up and the way down (equation 8.23).

        W_ij ~ U(-sqrt(6 / (m + n)), sqrt(6 / (m + n)))        (8.23)

    The variance 2 / (m + n) lies between those that keep activations (1 / m) and gradients (1 / n).
    """
    return _uniform(key, num_inputs, num_outputs, 6 / (num_inputs + num_outputs))


def rectifier_weights(
    key: Key[Array, ""], num_inputs: int, num_outputs: int
) -> Float[Array, "m n"]:
    """Draw with variance 2 / m: rectifiers halve the mean square (section 8.4).

    (Not in the book.)
    """
    return _uniform(key, num_inputs, num_outputs, 6 / num_inputs)


def orthogonal_weights(
    key: Key[Array, ""], num_inputs: int, num_outputs: int, gain: ScalarLike = 1.0
) -> Float[Array, "m n"]:
    """Draw orthonormal rows or columns, whichever there are fewer of, times a gain (section 8.4).

    Whatever the depth, a product of square ones only turns, and multiplies lengths by gain^depth.
    """
    shape = check_count("num_inputs", num_inputs), check_count("num_outputs", num_outputs)
    Q, R = jnp.linalg.qr(jax.random.normal(key, (max(shape), min(shape))))
    Q = Q * jnp.where(jnp.diag(R) < 0, -1, 1)[None]  # else not every Q is equally likely
    return check_positive("gain", gain).astype(Q.dtype) * (Q if Q.shape == shape else Q.T)


def sparse_weights(
    key: Key[Array, ""], num_inputs: int, num_outputs: int, num_nonzero: int = 15
) -> Float[Array, "m n"]:
    """Give each unit `num_nonzero` Gaussian weights, however many inputs it has (section 8.4)."""
    shape = check_count("num_inputs", num_inputs), check_count("num_outputs", num_outputs)
    key_values, key_places = jax.random.split(key)
    rank = jnp.argsort(jax.random.uniform(key_places, shape), axis=0)
    weights = jax.random.normal(key_values, shape)
    return jnp.where(rank < check_count("num_nonzero", num_nonzero), weights, 0)


def propagate(
    weights: Float[Array, "layers n n"],
    inputs: Float[Array, "m n"],
    output_grads: Float[Array, "m n"],
    unit_fn: Callable = jnp.tanh,
) -> Signals:
    """Pass a minibatch up through layers H <- g(H W), and gradients back down (section 8.4).

    Args:
        weights: one square matrix for each layer.
        inputs: one example in each row.
        output_grads: the gradient of a cost by the last layer's activations.
        unit_fn: g, the activation function.
    """

    def climb(nudges):
        def layer(H, parts):
            W, nudge = parts
            H = unit_fn(H @ W) + nudge
            return H, H

        return jax.lax.scan(layer, inputs, (weights, nudges))

    nothing = jnp.zeros((len(weights), *inputs.shape), inputs.dtype)
    _, pullback, activations = jax.vjp(climb, nothing, has_aux=True)
    return Signals(activations, *pullback(output_grads))


def scale_by_minibatch(
    weights: Float[Array, "layers n n"], inputs: Float[Array, "m n"], unit_fn: Callable = jnp.tanh
) -> Float[Array, "layers n n"]:
    """Scale each layer in turn, so that its sums have standard deviation 1 (section 8.4).

    One minibatch tells; this corrects a depth that a formula has not thought of.
    """

    def layer(H, W):
        W = W / (H @ W).std()
        return unit_fn(H @ W), W

    return jax.lax.scan(layer, inputs, weights)[1]


def output_bias(marginals: Real[ArrayLike, "k"]) -> Float[Array, "k"]:
    """Return b with softmax(b) = c, so that learning need not begin with it (section 8.4).

    Args:
        marginals: c, the share of each class; a class without examples needs a smoothed count.
    """
    return jnp.log(check_distribution("marginals", marginals))


def precision_cost(
    predictions: Real[ArrayLike, "m"], targets: Real[ArrayLike, "m"], precision: ScalarLike
) -> Float[Array, ""]:
    """Return the mean -log N(y; w^T x + b, 1 / beta) (section 8.4, equation 8.24, equation 8.25).

    Args:
        predictions: w^T x + b for each example.
        targets: y for each example.
        precision: beta in the book; the best is 1 over the mean squared error, and where that is
            zero the cost has no lowest point.
    """
    predictions = check_shape("predictions", predictions, ("m",))
    errors = check_shape("targets", targets, predictions.shape) - predictions
    beta = check_positive("precision", precision)
    return 0.5 * (beta * jnp.mean(errors**2) - jnp.log(beta / (2 * jnp.pi)))


def _uniform(key, num_inputs, num_outputs, squared_limit) -> Float[Array, "m n"]:
    shape = check_count("num_inputs", num_inputs), check_count("num_outputs", num_outputs)
    limit = jnp.sqrt(jnp.asarray(squared_limit, float))
    return limit * jax.random.uniform(key, shape, minval=-1, maxval=1)
