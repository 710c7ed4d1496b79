"""Batch normalization: let each unit's mean and scale be parameters (section 8.7.1)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_finite, check_probability, check_shape


class Statistics(NamedTuple):
    """Mean and standard deviation of every unit over a minibatch (equations 8.37, 8.38)."""

    mean: Float[Array, "n"]
    deviation: Float[Array, "n"]


def batch_statistics(H: Real[ArrayLike, "m n"], delta: ScalarLike = 1e-8) -> Statistics:
    """Return what a minibatch says about each unit (equations 8.37, 8.38).

        mu = mean_i H_i,  sigma = sqrt(delta + mean_i (H - mu)_i^2)

    Args:
        H: activations, one example in each row.
        delta: keeps the root's derivative finite where a unit is constant, at least 0.
    """
    H, delta = check_finite("H", H, ("m", "n")), check_at_least("delta", delta, 0)
    mean = H.mean(axis=0)
    return Statistics(mean, jnp.sqrt(delta + ((H - mean[None]) ** 2).mean(axis=0)))


def normalize(H: Real[ArrayLike, "m n"], statistics: Statistics) -> Float[Array, "m n"]:
    """Return H' = (H - mu) / sigma, unit by unit (equation 8.36).

    In training the statistics are the minibatch's own, and gradients flow through them. To
    predict, they are running averages, so that an example does not depend on its neighbours.
    """
    H = check_finite("H", H, ("m", "n"))
    return (H - statistics.mean[None]) / statistics.deviation[None]


def batch_norm(
    H: Real[ArrayLike, "m n"],
    scale: Float[Array, "n"],
    shift: Float[Array, "n"],
    delta: ScalarLike = 1e-8,
) -> Float[Array, "m n"]:
    """Normalize by the minibatch, then give mean and scale back as parameters (section 8.7.1).

    Args:
        H: XW without a bias, which the mean would remove; one example in each row.
        scale: gamma in the book.
        shift: beta in the book.
        delta: as in `batch_statistics`.
    """
    return scale[None] * normalize(H, batch_statistics(H, delta)) + shift[None]


def running_average(old: Statistics, new: Statistics, decay_rate: ScalarLike = 0.9) -> Statistics:
    """Mix a minibatch's statistics into those for prediction (section 8.7.1)."""
    keep = check_probability("decay_rate", decay_rate)
    return jax.tree.map(lambda a, b: keep * a + (1 - keep) * b, old, new)


def chain_output(weights: Real[Array, "l"], x: ScalarLike = 1.0) -> Float[Array, ""]:
    """Return the output of a chain of linear units, y = x w_1 w_2 ... w_l (section 8.7.1)."""
    return x * jnp.prod(weights)


@jax.jit
def chain_terms(
    weights: Real[ArrayLike, "l"], steps: Real[ArrayLike, "l"], x: ScalarLike = 1.0
) -> Float[Array, "l+1"]:
    """Return what each order of epsilon adds to the chain's next output (equation 8.35).

        x (w_1 - epsilon g_1) (w_2 - epsilon g_2) ... (w_l - epsilon g_l)        (8.35)

    Entry 0 is the output now, entry 1 the -epsilon g^T g that gradient descent promises, and
    their sum is the output after the step. (The book's example of entry 2 leaves x out.)

    Args:
        weights: w in the book.
        steps: epsilon g.
        x: the input.
    """
    w, x = check_shape("weights", weights, ("l",)), check_shape("x", x, ())

    def multiply(terms, factor):
        raised = jnp.append(jnp.zeros(1, terms.dtype), terms[:-1])
        return factor[0] * terms - factor[1] * raised, None

    one = jnp.zeros(w.size + 1, w.dtype).at[0].set(1)
    factors = jnp.stack([w, check_shape("steps", steps, w.shape)], axis=1)
    return x * jax.lax.scan(multiply, one, factors)[0]


def normalized_chain(weights: Real[Array, "l"], inputs: Real[Array, "m"]) -> Float[Array, "m"]:
    """Return the chain's outputs with its last hidden unit normalized (section 8.7.1).

    Only the sign of the lower weights still counts: y = w_l h', with h' of mean 0 and variance 1.
    """
    hidden = (inputs * jnp.prod(weights[:-1]))[:, None]
    return weights[-1] * normalize(hidden, batch_statistics(hidden))[:, 0]
