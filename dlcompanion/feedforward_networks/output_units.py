"""Output units and the losses that belong to them, one loss for each example (section 6.2.2)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Real

from dlcompanion.arguments import check_shape
from dlcompanion.probability import sigmoid, softplus

# Examples are rows; the last axis holds the outputs of one example.
Outputs = Real[ArrayLike, "*batch d"]
Losses = Float[Array, "*batch"]


def gaussian_loss(means: Outputs, targets: Outputs) -> Losses:
    """Return -log N(y; y_hat, I), half the squared error and a constant (equations 6.13, 6.17)."""
    means, targets = _alike(means, targets)
    return (0.5 * (targets - means) ** 2 + 0.5 * jnp.log(2 * jnp.pi)).sum(axis=-1)


def heteroscedastic_loss(means: Outputs, raw: Outputs, targets: Outputs) -> Losses:
    """Return -log N(y; y_hat, diag(beta)^-1), where beta = softplus(raw) (equation 6.34).

    Neither a square root nor a division by the output of a network is needed.
    """
    means, targets = _alike(means, targets)
    beta = softplus(check_shape("raw", raw, means.shape).astype(means.dtype))
    errors = 0.5 * beta * (targets - means) ** 2
    return (errors - 0.5 * jnp.log(beta) + 0.5 * jnp.log(2 * jnp.pi)).sum(axis=-1)


def bernoulli_probability(
    logits: Real[ArrayLike, "*shape"], targets: Real[ArrayLike, "*shape"]
) -> Float[Array, "*shape"]:
    """Return P(y) = sigmoid((2 y - 1) z), with P(1) the output (equations 6.19-6.23, 6.27)."""
    z, y = _with_labels(logits, targets)
    return sigmoid((2 * y - 1) * z)


def bernoulli_loss(
    logits: Real[ArrayLike, "*shape"], targets: Real[ArrayLike, "*shape"]
) -> Float[Array, "*shape"]:
    """Return -log P(y) = softplus((1 - 2 y) z), flat only where right (equations 6.24-6.26).

    Args:
        logits: z, a number for each example and not its sigmoid.
        targets: y, 0 or 1.

    Raises:
        ValueError: for other targets: with -1 and 1 the formula would be wrong without complaint.
    """
    z, y = _with_labels(logits, targets)
    return softplus((1 - 2 * y) * z)


def squared_error_of_sigmoid(
    logits: Real[ArrayLike, "*shape"], targets: Real[ArrayLike, "*shape"]
) -> Float[Array, "*shape"]:
    """Return (sigmoid(z) - y)^2, flat also where it is wrong (section 6.2.2.2)."""
    z, y = _with_labels(logits, targets)
    return (sigmoid(z) - y) ** 2


def absolute_error_of_sigmoid(
    logits: Real[ArrayLike, "*shape"], targets: Real[ArrayLike, "*shape"]
) -> Float[Array, "*shape"]:
    """Return |sigmoid(z) - y|, which is the probability of the other label (section 6.2.2.2)."""
    z, y = _with_labels(logits, targets)
    return sigmoid((1 - 2 * y) * z)


def clipped_linear(z: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Return max(0, min(1, z)), a probability without a gradient outside (0, 1) (equation 6.18)."""
    z = check_shape("z", z, jnp.shape(z))
    return jnp.where((z > 0) & (z < 1), z, jnp.where(z > 0, 1, 0))


def squared_error_of_clipped(
    z: Real[ArrayLike, "*shape"], targets: Real[ArrayLike, "*shape"]
) -> Float[Array, "*shape"]:
    """Return the squared error of a clipped linear unit (section 6.2.2.2, equation 6.18)."""
    z, y = _with_labels(z, targets)
    return (clipped_linear(z) - y) ** 2


def multinoulli_loss(
    logits: Real[ArrayLike, "*batch n"], labels: Int[ArrayLike, "*batch"]
) -> Losses:
    """Return -log softmax(z)_y = log sum_j exp(z_j) - z_y (equations 6.28-6.30).

    Args:
        logits: z = W^T h + b; a masked class has minus infinity.
        labels: y, from 0 to n - 1.

    Raises:
        ValueError: if a label is no class.
    """
    z = check_shape("logits", logits, jnp.shape(logits))
    if not isinstance(labels, jax.core.Tracer):
        labels = np.asarray(labels)
        if not ((labels >= 0) & (labels < z.shape[-1])).all():
            raise ValueError(f"labels must lie from 0 to {z.shape[-1] - 1}, got {labels}")
    return -jnp.take_along_axis(jax.nn.log_softmax(z), labels[..., None], axis=-1)[..., 0]


def _alike(outputs, targets) -> tuple[Array, Array]:
    """Return outputs and targets with the same shape and dtype."""
    outputs = check_shape("outputs", outputs, jnp.shape(outputs))
    return outputs, check_shape("targets", targets, outputs.shape).astype(outputs.dtype)


def _with_labels(logits, targets) -> tuple[Array, Array]:
    """Return logits and targets alike; a `ValueError` for known targets other than 0 and 1."""
    if not isinstance(targets, jax.core.Tracer) and not np.isin(targets, (0, 1)).all():
        raise ValueError(f"targets must be 0 or 1, got {np.asarray(targets)}")
    return _alike(logits, targets)
