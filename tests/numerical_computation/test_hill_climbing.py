"""Hill climbing on bit strings."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcompanion.numerical_computation import Status, hill_climb


def deceptive(bits):
    """The number of ones, except that all zeros is worth one more than all ones."""
    return jnp.where(bits.sum() == 0, bits.size + 1, bits.sum())


@given(st.lists(st.integers(0, 1), min_size=10, max_size=10))
def test_counting_ones_is_solved(start):
    """Ten flips are enough from anywhere (section 4.3)."""
    climb = hill_climb(jnp.sum, np.array(start), 10)
    assert (climb.bits[-1] == 1).all()
    assert climb.status == Status.CONVERGED
    assert (climb.value[:-1] <= climb.value[1:]).all()


@given(st.lists(st.integers(0, 1), min_size=10, max_size=10).filter(lambda bits: sum(bits) >= 2))
def test_a_deceptive_hill_traps(start):
    """With two ones or more it ends at all ones, one below the best value (section 4.3)."""
    climb = hill_climb(deceptive, np.array(start), 10)
    assert climb.value[-1] == 10 and climb.status == Status.CONVERGED
    assert hill_climb(deceptive, np.eye(10)[0], 10).value[-1] == 11


@pytest.mark.parametrize("seed", range(5))
def test_as_a_plain_loop_does(seed):
    """Every move equals that of a search over all neighbours in NumPy (section 4.3)."""
    weights = np.random.default_rng(seed).normal(size=(6, 6))
    bits = np.random.default_rng(seed).integers(0, 2, 6)
    climb = hill_climb(lambda b: b @ jnp.asarray(weights) @ b, bits, 8)

    def value(b):
        return b @ weights @ b

    for found in climb.bits:
        np.testing.assert_array_equal(found, bits)
        neighbours = [np.where(np.arange(6) == i, 1 - bits, bits) for i in range(6)]
        best = max(neighbours, key=value)
        bits = best if value(best) > value(bits) else bits
    assert climb.status == Status.CONVERGED


def test_a_climb_that_is_cut_short_says_so():
    """One flip of ten is not the top (section 4.3)."""
    climb = hill_climb(jnp.sum, np.zeros(10), 1)
    assert climb.status == Status.MAX_STEPS and climb.value[-1] == 1


def test_it_works_in_single_precision_and_inside_jit():
    with jax.enable_x64(False):
        climb = jax.jit(lambda bits: hill_climb(jnp.sum, bits, 10))(jnp.zeros(10, int))
        assert climb.value[-1] == 10


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: hill_climb(5, [0, 1], 3), "objective_fn must be a function, got 5"),
        (lambda: hill_climb(jnp.sum, 1, 3), "start must have shape (n,), got ()"),
        (lambda: hill_climb(jnp.sum, [0, 1], 0), "num_steps must be a positive integer, got 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
