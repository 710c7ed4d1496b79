"""Eigenvalues, eigenvectors and what they decide."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dlcompanion.linear_algebra import (
    Eigendecomposition,
    definiteness,
    eigendecomposition,
    quadratic_form,
    recompose,
    symmetric_eigendecomposition,
)

seeds = st.integers(0, 1000)
SKEWED = np.array([[2.0, 1.0], [0.0, 3.0]])  # eigenvectors [1, 0] and [1, 1]
FIGURE_2_3 = np.array([[2, np.sqrt(3) / 2], [np.sqrt(3) / 2, 1]])


def random_matrix(seed: int, n: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, n))


def random_symmetric(seed: int, n: int = 6) -> np.ndarray:
    A = random_matrix(seed, n)
    return A + A.T


# Any square matrix


def test_eigenvectors_keep_their_direction():
    """[[2, 1], [1, 2]] triples [1, 1] and keeps [1, -1]; so for multiples (equation 2.39)."""
    A = np.array([[2.0, 1.0], [1.0, 2.0]])
    for s in (1, -2.5, 10):
        assert_allclose(A @ [s, s], [3 * s, 3 * s])
        assert_allclose(A @ [s, -s], [s, -s])
    assert_allclose(sorted(eigendecomposition(A).eigenvalues), [1, 3])


@given(seeds)
def test_eigendecomposition_as_in_scipy(seed):
    """A v = lambda v for every pair, and the eigenvalues are SciPy's (equation 2.39)."""
    A = random_matrix(seed)
    eigenvalues, V = eigendecomposition(A)
    assert_allclose(A @ V, V * eigenvalues[None], atol=1e-10)
    assert_allclose(np.sort_complex(eigenvalues), np.sort_complex(scipy.linalg.eigvals(A)))
    assert_allclose(recompose(Eigendecomposition(eigenvalues, V)), A, atol=1e-8)


def test_a_skewed_matrix_needs_the_inverse_of_v():
    """V diag(lambda) V^-1 rebuilds A, V diag(lambda) V^T does not (equation 2.40)."""
    found = eigendecomposition(SKEWED)
    V = found.eigenvectors
    assert_allclose(recompose(found), SKEWED, atol=1e-12)
    assert np.abs(V @ np.diag(found.eigenvalues) @ V.T - SKEWED).max() > 0.4
    V = np.array([[1.0, 1.0], [0.0, 1.0]])  # by hand, not of unit length
    assert_allclose(V @ np.diag([2, 3]) @ np.linalg.inv(V), SKEWED)
    assert np.linalg.norm(V @ np.diag([2, 3]) @ V.T - SKEWED) > 1


def test_left_eigenvectors():
    """The rows of V^-1 satisfy v^T A = lambda v^T (section 2.7)."""
    assert_allclose(np.array([1, -1]) @ SKEWED, 2 * np.array([1, -1]))
    assert_allclose(np.array([0, 1]) @ SKEWED, 3 * np.array([0, 1]))
    eigenvalues, V = eigendecomposition(SKEWED)
    left = np.linalg.inv(V)
    assert_allclose(left @ SKEWED, eigenvalues[:, None] * left, atol=1e-12)


def test_some_matrices_have_no_eigendecomposition():
    """A shear has one direction of eigenvectors only, and is refused (equation 2.40)."""
    shear = np.array([[1.0, 1.0], [0.0, 1.0]])
    assert np.linalg.matrix_rank(shear - np.eye(2)) == 1
    eigenvalues, V = jnp.linalg.eig(shear)
    assert np.linalg.cond(V) > 1e12
    assert not np.allclose(recompose(Eigendecomposition(eigenvalues, V)), shear)
    with pytest.raises(ValueError, match="too few independent eigenvectors"):
        eigendecomposition(shear)


def test_a_rotation_has_complex_eigenvalues():
    """A quarter turn leaves no real direction alone (section 2.7)."""
    found = eigendecomposition(np.array([[0, -1], [1, 0]]))
    assert_allclose(sorted(found.eigenvalues.imag), [-1, 1])
    assert_allclose(found.eigenvalues.real, 0, atol=1e-12)
    assert_allclose(recompose(found), [[0, -1], [1, 0]], atol=1e-12)


def test_singular_means_an_eigenvalue_is_zero():
    """[[1, 2], [2, 4]] has rank 1 and eigenvalues 0 and 5 (section 2.7)."""
    assert_allclose(
        sorted(eigendecomposition(np.array([[1, 2], [2, 4]])).eigenvalues), [0, 5], atol=1e-12
    )
    assert np.linalg.matrix_rank(np.array([[1, 2], [2, 4]])) == 1
    assert min(eigendecomposition(np.array([[2, 1], [1, 2]])).eigenvalues) == pytest.approx(1)


# Symmetric matrices


@given(seeds)
def test_symmetric_as_in_numpy(seed):
    """Q is orthogonal, lambda real and falling, and Q diag(lambda) Q^T is A (equation 2.41)."""
    A = random_symmetric(seed)
    eigenvalues, Q = symmetric_eigendecomposition(A)
    assert_allclose(eigenvalues, np.linalg.eigvalsh(A)[::-1], atol=1e-12)
    assert_allclose(Q.T @ Q, np.eye(6), atol=1e-12)
    assert_allclose(Q @ np.diag(eigenvalues) @ Q.T, A, atol=1e-12)
    one_by_one = sum(l * np.outer(q, q) for l, q in zip(eigenvalues, Q.T, strict=True))
    assert_allclose(one_by_one, A, atol=1e-12)


def test_order_and_signs_are_free():
    """Columns in another order or with other signs rebuild the same A (equation 2.41)."""
    A = random_symmetric(0)
    eigenvalues, Q = symmetric_eigendecomposition(A)
    order, signs = np.array([3, 1, 0, 5, 4, 2]), np.array([1.0, -1, -1, 1, -1, 1])
    changed = Q[:, order] * signs[None]
    assert_allclose(changed @ np.diag(eigenvalues[order]) @ changed.T, A, atol=1e-12)


def test_equal_eigenvalues_leave_the_directions_free():
    """diag(2, 2, 1) stays as it is under a turn of its first two axes (section 2.7)."""
    turn = np.eye(3)
    turn[:2, :2] = [[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]]
    assert_allclose(turn @ np.diag([2.0, 2, 1]) @ turn.T, np.diag([2.0, 2, 1]), atol=1e-12)
    distinct = np.diag([2.0, 1.9, 1])
    assert np.abs(turn @ distinct @ turn.T - distinct).max() > 0.04
    assert np.linalg.norm(turn @ distinct @ turn.T - distinct) > 0.05


def test_circle_to_ellipse():
    """The circle becomes an ellipse with half-axes lambda_i along v_i (Figure 2.3)."""
    eigenvalues, Q = symmetric_eigendecomposition(FIGURE_2_3)
    assert_allclose(eigenvalues, [2.5, 0.5])
    assert_allclose(np.abs(Q[:, 0]), [np.sqrt(3) / 2, 0.5])
    angles = np.linspace(0, 2 * np.pi, 2001)
    ellipse = FIGURE_2_3 @ [np.cos(angles), np.sin(angles)]
    lengths = np.linalg.norm(ellipse, axis=0)
    assert_allclose([lengths.max(), lengths.min()], [2.5, 0.5], atol=1e-5)
    x, y = ellipse
    area = 0.5 * abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())
    assert_allclose(area, 1.25 * np.pi, rtol=1e-4)
    assert_allclose(area, np.pi * abs(np.linalg.det(FIGURE_2_3)), rtol=1e-4)


# The quadratic form


def test_quadratic_form_on_the_unit_sphere():
    """It stays between the extreme eigenvalues and reaches them at eigenvectors (section 2.7)."""
    A = random_symmetric(0, 5)
    eigenvalues, Q = symmetric_eigendecomposition(A)
    x = np.random.default_rng(1).normal(size=(10_000, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    values = jax.vmap(lambda x: quadratic_form(A, x))(x)
    assert eigenvalues[-1] - 1e-9 <= values.min() and values.max() <= eigenvalues[0] + 1e-9
    assert_allclose([quadratic_form(A, q) for q in Q.T], eigenvalues)


@pytest.mark.parametrize(
    "matrix, eigenvalues, expected",
    [
        ([[2, -1], [-1, 2]], [3, 1], "positive definite"),
        ([[1, -1], [-1, 1]], [2, 0], "positive semidefinite"),
        ([[-2, 1], [1, -2]], [-1, -3], "negative definite"),
        ([[-1, 1], [1, -1]], [0, -2], "negative semidefinite"),
        ([[1, 2], [2, 1]], [3, -1], "indefinite"),
        ([[0, 0], [0, 0]], [0, 0], "positive semidefinite"),
    ],
)
def test_definiteness_by_the_signs(matrix, eigenvalues, expected):
    """All positive, none negative, and their mirror images (section 2.7)."""
    assert_allclose(
        symmetric_eigendecomposition(np.array(matrix)).eigenvalues, eigenvalues, atol=1e-12
    )
    assert definiteness(np.array(matrix)) == expected


@given(seeds)
def test_semidefinite_forms_are_never_negative(seed):
    """B^T B is never below zero; with fewer rows than columns it can be zero (section 2.7)."""
    random = np.random.default_rng(seed)
    B = random.normal(size=(3, 5))
    A = B.T @ B
    assert definiteness(A) == "positive semidefinite"
    assert quadratic_form(A, random.normal(size=5)) >= 0
    assert_allclose(quadratic_form(A, np.linalg.svd(B)[2][-1]), 0, atol=1e-12)
    assert definiteness(B @ B.T) == "positive definite"


def test_a_semidefinite_form_may_vanish_away_from_zero():
    """[1, 1] gives 0 under [[1, -1], [-1, 1]]; a definite form allows only x = 0 (section 2.7)."""
    assert quadratic_form(np.array([[1, -1], [-1, 1]]), np.ones(2)) == 0
    assert quadratic_form(np.array([[2, -1], [-1, 2]]), np.ones(2)) == 2


def test_positive_entries_do_not_make_a_positive_form():
    """[[1, 2], [2, 1]] gives -2 at [1, -1] (section 2.7)."""
    assert quadratic_form(np.array([[1, 2], [2, 1]]), np.array([1, -1])) == -2


def test_the_signs_speak_only_for_symmetric_matrices():
    """[[1, -10], [0, 1]] has eigenvalues 1 and 1, and still gives -8 (section 2.7)."""
    A = np.array([[1.0, -10.0], [0.0, 1.0]])
    assert_allclose(np.linalg.eigvals(A), 1)
    assert quadratic_form(A, np.ones(2)) == -8
    with pytest.raises(ValueError, match="must be symmetric"):
        definiteness(A)
    symmetric_part = (A + A.T) / 2
    assert_allclose(symmetric_eigendecomposition(symmetric_part).eigenvalues, [6, -4])
    assert quadratic_form(symmetric_part, np.ones(2)) == -8


def test_float32_is_enough():
    """The same in JAX's default precision, to its rounding (equations 2.40, 2.41)."""
    with jax.enable_x64(False):
        for decompose in (eigendecomposition, symmetric_eigendecomposition):
            found = decompose(FIGURE_2_3)
            assert found.eigenvalues.dtype == jnp.float32
            assert_allclose(recompose(found), FIGURE_2_3, atol=1e-5)
        assert definiteness(np.array([[1, -1], [-1, 1]])) == "positive semidefinite"


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: eigendecomposition(np.ones((2, 3))), "must have shape (n, n), got (2, 3)"),
        (lambda: eigendecomposition([[np.nan]]), "matrix must be finite, got [[nan]]"),
        (lambda: symmetric_eigendecomposition([[1, 2], [3, 4]]), "matrix must be symmetric"),
        (lambda: quadratic_form(np.eye(3), np.ones(2)), "must have shape (2, 2), got (3, 3)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
