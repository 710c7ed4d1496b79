"""One Gaussian for a mixture of several: the two directions of the KL divergence (section 3.13).

On the line, and with q written as [mean, log width], so that every q is a point of a plane and
each direction is a landscape over it (Figure 3.6).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from dlcompanion.arguments import check_count, check_finite
from dlcompanion.probability.distributions import gaussian_log_density

NODES = np.linspace(-5, 5, 161)  # where a standard normal is looked at, an even grid
NODE_WEIGHTS = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
STEP = 0.5  # of the descent, as a share of a Newton step along each coordinate
LONGEST_STEP = 0.3


class Bells(NamedTuple):
    """A mixture of K Gaussians on the line (section 3.9.6, equation 3.29)."""

    weights: Float[Array, "K"]
    means: Float[Array, "K"]
    variances: Float[Array, "K"]

    def log_density(self, x: Real[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
        """Return log p(x) for each x (equation 3.29)."""

        def log_joint(weight, mean, variance):
            return jnp.log(weight) + gaussian_log_density(x, mean, variance)

        return jax.nn.logsumexp(jax.vmap(log_joint)(*self), axis=0)

    def moments(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Return the mean and the variance (section 3.9.6)."""
        mean = self.weights @ self.means
        return mean, self.weights @ (self.variances + (self.means - mean) ** 2)


def forward_kl(q: Float[Array, "2"], p: Bells) -> Float[Array, ""]:
    """Return D(p || q), an average over what p produces (equation 3.50, Figure 3.6).

    The cross-entropy with a Gaussian needs no more of p than its mean and variance.
    """
    nodes = jnp.asarray(NODES, q.dtype)[:, None]
    x = p.means[None] + jnp.sqrt(p.variances)[None] * nodes
    negative_entropy = jnp.asarray(NODE_WEIGHTS, q.dtype) @ (p.log_density(x) @ p.weights)
    mean, variance = p.moments()
    distance = (variance + (mean - q[0]) ** 2) / (2 * jnp.exp(2 * q[1]))
    return negative_entropy + 0.5 * jnp.log(2 * jnp.pi) + q[1] + distance


def reverse_kl(q: Float[Array, "2"], p: Bells) -> Float[Array, ""]:
    """Return D(q || p), an average over what q produces (equation 3.50, Figure 3.6)."""
    z = jnp.asarray(NODES, q.dtype)
    log_ratio = gaussian_log_density(z, 0, 1) - q[1] - p.log_density(q[0] + jnp.exp(q[1]) * z)
    return jnp.asarray(NODE_WEIGHTS, q.dtype) @ log_ratio


def fit_forward(p: Bells) -> Float[Array, "2"]:
    """Return the q that minimizes D(p || q): the one with p's mean and variance (Figure 3.6)."""
    mean, variance = p.moments()
    return jnp.stack([mean, 0.5 * jnp.log(variance)])


@partial(jax.jit, static_argnames=("divergence_fn", "num_steps"))
def roll_downhill(
    divergence_fn, start: Float[Array, "2"], p: Bells, num_steps: int = 80
) -> Float[Array, "iterates 2"]:
    """Follow a divergence downhill from one q and keep every step (Figure 3.6).

    Each coordinate's step is its gradient over its curvature (section 4.3.1), and long steps are
    cut: the path ends in the minimum of the valley it starts in.

    Args:
        divergence_fn: `forward_kl` or `reverse_kl`.
        start: the first q, its mean and the logarithm of its width.
        p: what q is fitted to.
        num_steps: how many steps to make.
    """
    start = check_finite("start", start, (2,))

    def step(q, _):
        grad = jax.grad(divergence_fn)(q, p)
        curvature = jnp.abs(jnp.diag(jax.hessian(divergence_fn)(q, p)))
        change = -STEP * grad / (curvature + 0.2)
        return q + jnp.clip(change, -LONGEST_STEP, LONGEST_STEP), q

    return jax.lax.scan(step, start, length=check_count("num_steps", num_steps) + 1)[1]


def starts_of(p: Bells) -> Float[Array, "starts 2"]:
    """Return each component of p as a q, and last the q with p's mean and variance (Figure 3.6)."""
    components = jnp.stack([p.means, 0.5 * jnp.log(p.variances)], axis=1)
    return jnp.concatenate([components, fit_forward(p)[None]])


@jax.jit
def fit_reverse(p: Bells) -> Float[Array, "starts 2"]:
    """Return where D(q || p) leads from each component and from the whole of p (Figure 3.6).

    There may be a minimum at each component and one that blurs them: all are local, and the
    lowest is the one with the smallest `reverse_kl`.
    """
    return jax.vmap(lambda q: roll_downhill(reverse_kl, q, p)[-1])(starts_of(p))
