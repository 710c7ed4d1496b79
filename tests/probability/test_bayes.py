"""Bayes' rule on tables."""

import jax
import numpy as np
from numpy.testing import assert_allclose

from dlcompanion.probability import bayes_rule


def test_joint_over_evidence():
    """The posterior is a column of the joint over its sum (equation 3.42)."""
    joint = np.random.default_rng(0).dirichlet(np.ones(12)).reshape(3, 4)
    prior = joint.sum(axis=1)
    found = jax.vmap(bayes_rule, (None, 1))(prior, joint / prior[:, None])
    assert_allclose(found.probabilities.T, joint / joint.sum(axis=0), atol=1e-12)
    assert_allclose(found.evidence, joint.sum(axis=0), atol=1e-12)


def test_a_rare_disease():
    """A base rate of 1% survives a good test; two tests are one after the other (section 3.11)."""
    prior, positive = np.array([0.01, 0.99]), np.array([0.9, 0.05])
    once = bayes_rule(prior, positive).probabilities
    assert_allclose(once[0], 0.153846, atol=1e-6)
    twice = bayes_rule(once, positive).probabilities
    assert_allclose(twice[0], 0.765957, atol=1e-6)
    assert_allclose(twice, bayes_rule(prior, positive**2).probabilities)


def test_the_impossible_leaves_nothing_to_believe():
    """Evidence zero: the posterior is undefined (equation 3.42)."""
    assert np.isnan(bayes_rule(np.full(2, 0.5), np.zeros(2)).probabilities).all()
