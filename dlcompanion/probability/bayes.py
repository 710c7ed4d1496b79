"""Bayes' rule: from P(y | x) to P(x | y) (section 3.11)."""

from typing import NamedTuple

import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from dlcompanion.arguments import check_shape


class Posterior(NamedTuple):
    """What is believed after an observation, and how likely the observation was (section 3.11)."""

    probabilities: Float[Array, "k"]  # P(x | y) for each of the k states of x
    evidence: Float[Array, ""]  # P(y)


@jax.jit
def bayes_rule(prior: Real[ArrayLike, "k"], likelihood: Real[ArrayLike, "k"]) -> Posterior:
    """Turn a prior and the likelihood of one observation y into a posterior (equation 3.42).

    An observation of probability zero leaves nothing to believe: the posterior is NaN.

    Args:
        prior: P(x) for each state of x.
        likelihood: P(y | x) for each state: how likely each makes what was seen. It need not add
            up to one.
    """
    prior = check_shape("prior", prior, ("k",))
    joint = prior * check_shape("likelihood", likelihood, prior.shape)
    evidence = joint.sum()
    return Posterior(joint / evidence, evidence)
