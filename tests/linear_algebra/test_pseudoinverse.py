"""The Moore-Penrose pseudoinverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from dlcompanion.linear_algebra import pseudoinverse, pseudoinverse_limit

random = np.random.default_rng(0)
MATRICES = {
    "tall": random.normal(size=(5, 3)),
    "wide": random.normal(size=(3, 5)),
    "rank 2": random.normal(size=(5, 2)) @ random.normal(size=(2, 3)),
    "square": random.normal(size=(4, 4)),
}


@pytest.mark.parametrize("A", MATRICES.values(), ids=MATRICES)
def test_as_in_numpy_and_by_its_four_conditions(A):
    """V D^+ U^T is NumPy's, and fulfils Penrose's four conditions (equation 2.47)."""
    P = pseudoinverse(A)
    assert_allclose(P, np.linalg.pinv(A), atol=1e-11)
    assert_allclose(A @ P @ A, A, atol=1e-11)
    assert_allclose(P @ A @ P, P, atol=1e-11)
    assert_allclose((A @ P).T, A @ P, atol=1e-11)
    assert_allclose((P @ A).T, P @ A, atol=1e-11)


def test_the_limit_is_reached_linearly():
    """A tenth of alpha leaves about a tenth of the error (equation 2.46)."""
    A = MATRICES["tall"]
    alphas = (1e-1, 1e-2, 1e-3, 1e-4)
    errors = [np.linalg.norm(pseudoinverse_limit(A, a) - pseudoinverse(A)) for a in alphas]
    ratios = np.array(errors[:-1]) / errors[1:]
    assert ((ratios > 5) & (ratios < 11)).all()


def test_too_small_an_alpha_hurts():
    """Without full rank the best alpha is neither large nor tiny (equation 2.46)."""
    A = MATRICES["rank 2"]
    errors = np.array(
        [
            np.linalg.norm(pseudoinverse_limit(A, 10.0**-power) - pseudoinverse(A))
            for power in range(2, 15, 2)
        ]
    )
    best = int(np.nanargmin(errors))
    assert 0 < best < len(errors) - 1
    assert errors[-1] > 10 * errors[best]


def test_a_tall_matrix_has_a_left_inverse():
    """B A = I with B = A^+, so that B y recovers x from A x = y (equations 2.44, 2.45)."""
    A, x = MATRICES["tall"], np.array([1.0, -2.0, 3.0])
    B = pseudoinverse(A)
    assert_allclose(B @ A, np.eye(3), atol=1e-12)
    assert_allclose(B @ (A @ x), x)
    assert np.linalg.norm(A @ B - np.eye(5)) > 1


def test_a_wide_matrix_has_a_right_inverse():
    """A A^+ = I, but A^+ A is not I (equation 2.45)."""
    A = MATRICES["wide"]
    P = pseudoinverse(A)
    assert_allclose(A @ P, np.eye(3), atol=1e-12)
    assert np.linalg.norm(P @ A - np.eye(5)) > 1


def test_inverse_and_zero():
    """It is the inverse where there is one, and 0 transposed for 0 (equation 2.47)."""
    A = MATRICES["square"]
    assert_allclose(pseudoinverse(A), np.linalg.inv(A), atol=1e-10)
    assert_allclose(pseudoinverse(np.zeros((2, 3))), np.zeros((3, 2)))


@pytest.mark.parametrize(
    "A, y, shortest, along",
    [
        ([[1, 1]], [2], [1, 1], [1, -1]),
        ([[1, 0, 1], [0, 1, 1]], [1, 2], [0, 1, 1], [1, 1, -1]),
    ],
)
def test_wide_the_shortest_solution(A, y, shortest, along):
    """Of all solutions A^+ y has the smallest norm (section 2.9, equation 2.44)."""
    A, along = np.array(A), np.array(along)
    x = pseudoinverse(A) @ jnp.array(y, float)
    assert_allclose(x, shortest, atol=1e-12)
    for t in (-2, -0.1, 0.3, 5):
        assert_allclose(A @ (x + t * along), y, atol=1e-12)
        assert np.linalg.norm(x + t * along) > np.linalg.norm(x)


def test_tall_the_closest_point():
    """A^+ y brings A x as near to y as it can be: the mean for a column of ones (section 2.9)."""
    y = np.array([1.0, 2.0, 6.0])
    x = pseudoinverse(np.ones((3, 1))) @ y
    assert_allclose(x, [3])
    assert_allclose(np.linalg.norm(x - y), np.sqrt(14))
    A, y = random.normal(size=(6, 3)), random.normal(size=6)
    x = pseudoinverse(A) @ y
    assert_allclose(x, np.linalg.lstsq(A, y)[0])
    assert_allclose(A.T @ (A @ x - y), 0, atol=1e-12)
    for _ in range(100):
        assert np.linalg.norm(A @ (x + random.normal(size=3)) - y) > np.linalg.norm(A @ x - y)


def test_without_full_rank_both_at_once():
    """Of all closest points it takes the shortest x (section 2.9)."""
    A, y = MATRICES["rank 2"], random.normal(size=5)
    x, shortest = pseudoinverse(A) @ y, np.linalg.lstsq(A, y)[0]
    assert_allclose(x, shortest, atol=1e-10)
    null = np.linalg.svd(A)[2][-1]
    assert np.linalg.norm(x + 0.1 * null) > np.linalg.norm(x)
    assert_allclose(A @ (x + 0.1 * null), A @ x, atol=1e-10)


@pytest.mark.parametrize("x64", [True, False])
def test_rounding_needs_a_cutoff(x64):
    """A singular value that is only rounding must not be divided by (equation 2.47)."""
    with jax.enable_x64(x64):
        A = jnp.outer(jnp.array([1.0, 2.0, 3.0]), jnp.array([0.1, 0.2, 0.3]))
        assert_allclose(pseudoinverse(A).max(), 0.9 / 1.96, rtol=1e-5)
        assert jnp.abs(pseudoinverse(A, cutoff=0)).max() > 1e5


def test_a_cutoff_removes_directions():
    """With half the largest singular value as cut-off, one direction is left (equation 2.47)."""
    assert_allclose(pseudoinverse(np.diag([4.0, 1.0]), cutoff=0.5), np.diag([0.25, 0]))


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: pseudoinverse(np.ones(3)), "matrix must have shape"),
        (lambda: pseudoinverse(np.eye(2), cutoff=-1), "cutoff must be at least 0, got -1"),
        (lambda: pseudoinverse_limit(np.eye(2), 0.0), "alpha must be positive, got 0.0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
