"""How much a matrix can magnify an error."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from dlcompanion.numerical_computation import amplification, condition_number, hilbert, worst_case


def symmetric(eigenvalues, seed: int = 0) -> np.ndarray:
    n = len(eigenvalues)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    A = Q @ np.diag(eigenvalues) @ Q.T
    return (A + A.T) / 2


def test_condition_number_as_in_numpy():
    """It is the ratio of the extreme eigenvalues in size (equation 4.2)."""
    for eigenvalues in ([1000, 10, 1, 1], [-1000, 10, 1, 1], [3, -2]):
        A = symmetric(eigenvalues)
        sizes = np.abs(eigenvalues)
        assert_allclose(condition_number(A), sizes.max() / sizes.min(), rtol=1e-6)
        assert_allclose(condition_number(A), np.linalg.cond(A), rtol=1e-6)
    assert condition_number(np.diag([2.0, 0])) == jnp.inf == condition_number(np.zeros((2, 2)))


@given(st.integers(0, 1000), st.floats(1, 1e4))
def test_no_error_grows_more_than_the_condition_number(seed, kappa):
    """The worst case reaches it, and nothing exceeds it (equation 4.2)."""
    A = symmetric([kappa, -np.sqrt(kappa), 1], seed)
    assert_allclose(amplification(A, *worst_case(A)), kappa, rtol=1e-6)
    x, perturbation = np.random.default_rng(seed).normal(size=(2, 3))
    direct = np.linalg.solve(A, x + perturbation) - np.linalg.solve(A, x)
    ratio = np.linalg.norm(direct) / np.linalg.norm(np.linalg.solve(A, x))
    ratio /= np.linalg.norm(perturbation) / np.linalg.norm(x)
    assert_allclose(amplification(A, x, perturbation), ratio, rtol=1e-8)
    assert 1 / kappa <= ratio * (1 + 1e-9) and ratio <= kappa * (1 + 1e-9)


def test_a_tiny_change_flips_the_answer():
    """One part in 40,000 of b moves the solution from (1, 1) to (0, 2) (section 4.2)."""
    A = jnp.array([[1, 1], [1, 1.0001]])
    assert_allclose(condition_number(A), 40002, rtol=1e-4)
    assert_allclose(jnp.linalg.solve(A, jnp.array([2, 2.0001])), [1, 1], atol=1e-6)
    assert_allclose(jnp.linalg.solve(A, jnp.array([2, 2.0002])), [0, 2], atol=1e-6)


def test_hilbert_matrices():
    """Each size loses more digits; float32 has none left at 8 (section 4.2)."""
    for n, kappa in ((5, 4.77e5), (8, 1.53e10), (10, 1.6e13)):
        assert_allclose(condition_number(hilbert(n)), kappa, rtol=1e-2)
    H = np.asarray(hilbert(8))
    assert_array_equal(H[2], 1 / np.arange(3, 11))
    assert np.abs(np.linalg.solve(H, H.sum(axis=1)) - 1).max() < 1e-6
    for n, low, high in ((5, 0, 0.1), (8, 0.5, np.inf)):
        H = np.asarray(hilbert(n))
        solution = np.linalg.solve(np.float32(H), np.float32(H.sum(axis=1)))
        assert low <= np.abs(solution - 1).max() < high


def test_eigenvalues_do_not_tell_for_other_matrices():
    """[[1, 1000], [0, 1]] has eigenvalues 1 and 1, and magnifies a millionfold (section 4.2)."""
    A = np.array([[1.0, 1000], [0, 1]])
    assert_array_equal(np.linalg.eigvals(A), [1, 1])
    assert_allclose(jnp.linalg.cond(A), 1.000002e6, rtol=1e-6)
    U, _, Vt = np.linalg.svd(A)
    assert_allclose(amplification(A, U[:, 0], U[:, 1]), 1.000002e6, rtol=1e-6)


def test_the_condition_number_has_no_units():
    """Scaling changes the determinant, not the condition number (section 4.2)."""
    A = symmetric([5, 2, 1])
    assert_allclose(condition_number(-1e-3 * A), condition_number(A))
    assert condition_number(1e-6 * jnp.eye(4)) == 1
    assert_allclose(jnp.linalg.det(1e-6 * jnp.eye(4)), 1e-24)


def test_squaring_a_matrix_squares_its_condition_number():
    """A^T A may be singular in float32 where A is not (section 4.2)."""
    A = np.random.default_rng(0).normal(size=(5, 3))
    assert_allclose(condition_number(A.T @ A), np.linalg.cond(A) ** 2, rtol=1e-6)
    A = jnp.array([[1, 1], [1e-4, 0], [0, 1e-4]], jnp.float32)
    assert_array_equal(A.T @ A, np.ones((2, 2)))
    assert_allclose(jnp.linalg.svd(A)[1][1], 1e-4, rtol=1e-2)


def test_float32_is_enough():
    """The same holds in JAX's default precision, to its rounding (equation 4.2)."""
    with jax.enable_x64(False):
        A = symmetric([100, 10, 1])
        assert_allclose(amplification(A, *worst_case(A)), 100, rtol=1e-3)
        assert condition_number(A).dtype == hilbert(3).dtype == jnp.float32


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: condition_number(np.ones((2, 3))), "matrix must have shape (n, n), got (2, 3)"),
        (lambda: condition_number([[1.0, 1000.0], [0.0, 1.0]]), "matrix must be symmetric"),
        (lambda: worst_case(np.full((2, 2), np.nan)), "matrix must be finite"),
        (lambda: amplification(np.eye(2), np.ones(3), np.ones(2)), "x must have shape (2,)"),
        (lambda: hilbert(0), "size must be a positive integer, got 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
