"""The singular value decomposition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from numpy.testing import assert_allclose

from dlcompanion.linear_algebra import eigendecomposition, svd, truncate, truncation_error

random = np.random.default_rng(0)
MATRICES = {
    "tall": random.normal(size=(4, 3)),
    "wide": random.normal(size=(3, 4)),
    "square": random.normal(size=(3, 3)),
    "rank 1": np.outer([1.0, 2, 3, 4], [1.0, -1, 2]),
    "zero": np.zeros((2, 3)),
}


@pytest.fixture(params=MATRICES)
def A(request):
    return MATRICES[request.param]


def test_every_real_matrix_has_one(A):
    """U and V are orthogonal, D holds falling values on its diagonal (equations 2.42, 2.43)."""
    U, D, V = svd(A)
    m, n = A.shape
    assert U.shape == (m, m) and D.shape == (m, n) and V.shape == (n, n)
    assert_allclose(U @ D @ V.T, A, atol=1e-12)
    assert_allclose(U.T @ U, np.eye(m), atol=1e-12)
    assert_allclose(V.T @ V, np.eye(n), atol=1e-12)
    singular_values = jnp.diagonal(D)
    assert_allclose(singular_values, scipy.linalg.svdvals(A), atol=1e-12)
    assert (singular_values >= 0).all() and (jnp.diff(singular_values) <= 1e-12).all()
    assert jnp.count_nonzero(D) == jnp.count_nonzero(singular_values)


def test_singular_vectors_are_eigenvectors(A):
    """Of A A^T on the left and A^T A on the right, with sigma^2 as eigenvalues (section 2.8)."""
    U, D, V = svd(A)
    squares = np.zeros(max(A.shape))
    squares[: min(A.shape)] = jnp.diagonal(D) ** 2  # the others are zero
    assert_allclose(A @ A.T @ U, U * squares[None, : len(U)], atol=1e-10)
    assert_allclose(A.T @ A @ V, V * squares[None, : len(V)], atol=1e-10)
    assert_allclose(A @ V, U @ D, atol=1e-12)


def test_singular_values_are_not_eigenvalues():
    """A shear has eigenvalues 1 and 1, but stretches by the golden ratio (section 2.8)."""
    golden = (1 + np.sqrt(5)) / 2
    assert_allclose(jnp.diagonal(svd(np.array([[1, 1], [0, 1]])).D), [golden, golden - 1])
    symmetric = np.array([[1, 2], [2, 1]])  # here they are the eigenvalues without their signs
    assert_allclose(sorted(eigendecomposition(symmetric).eigenvalues), [-1, 3])
    assert_allclose(jnp.diagonal(svd(symmetric).D), [3, 1])


@pytest.mark.parametrize("x64, smallest", [(True, 1e-9), (False, 1e-5)])
def test_squaring_loses_small_singular_values(x64, smallest):
    """The eigenvalues of A^T A are no substitute for the decomposition of A (section 2.8)."""
    with jax.enable_x64(x64):
        Q1 = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
        Q2 = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
        A = jnp.asarray(Q1 @ np.diag([1, 0.5, smallest]) @ Q2.T)
        assert_allclose(jnp.diagonal(svd(A).D)[-1], smallest, rtol=0.05)
        square = float(jnp.linalg.eigvalsh(A.T @ A)[0])
        assert square < 0 or abs(np.sqrt(square) - smallest) > 0.5 * smallest


@pytest.mark.parametrize("rank", range(5))
def test_truncation_error_is_what_was_cut(A, rank):
    """The distance is the root of the sum of the cut sigma^2 (section 2.8)."""
    factors = svd(A)
    approximation = truncate(factors, rank)
    assert np.linalg.matrix_rank(approximation, tol=1e-9) <= rank
    error = np.linalg.norm(A - approximation)
    assert_allclose(truncation_error(factors, rank), error, atol=1e-12)


def test_no_matrix_of_that_rank_is_closer():
    """The first r singular values beat 1,000 other matrices of rank r (section 2.8)."""
    A, factors = MATRICES["tall"], svd(MATRICES["tall"])
    for rank in (1, 2):
        U, D, V = (np.asarray(part) for part in factors)
        left = U[:, :rank] * np.diagonal(D)[:rank]
        for _ in range(500):
            other = left + random.normal(scale=0.1, size=left.shape)
            closest = other @ np.linalg.lstsq(other, A)[0]
            assert np.linalg.norm(A - closest) >= truncation_error(factors, rank) - 1e-12


def test_a_slider_of_ranks_compiles_once(no_compilation):
    factors = svd(MATRICES["tall"])
    truncate(factors, 1), truncation_error(factors, 1)
    with no_compilation():
        for rank in range(4):
            truncate(factors, rank), truncation_error(factors, rank)


@pytest.mark.usefixtures("unchecked_signatures")
def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="matrix must be finite"):
        svd([[np.inf]])
    with pytest.raises(ValueError, match="matrix must have shape"):
        svd([1.0])
