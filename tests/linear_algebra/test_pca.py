"""Principal components analysis and its derivation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from dlcompanion.linear_algebra import (
    code_gradient,
    code_objectives,
    decode,
    deflation,
    direction_objectives,
    encode,
    principal_components,
    reconstruct,
    reconstruction_error,
    svd,
)

random = np.random.default_rng(0)
CLOUD = random.normal(size=(50, 4)) * [3, 2, 1, 0.3]
TALL = np.linalg.qr(random.normal(size=(4, 2)))[0]  # orthonormal columns
seeds = st.integers(0, 1000)


def directions(num: int) -> jnp.ndarray:
    angles = jnp.deg2rad(jnp.arange(num))
    return jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)


# The code


@given(seeds)
def test_each_line_for_the_code(seed):
    """The lines agree as far as their constants and D^T D = I allow (equations 2.54-2.62)."""
    x, c = np.random.default_rng(seed).normal(size=4), np.random.default_rng(seed).normal(size=2)
    lines = code_objectives(c, x, TALL)
    distance = np.sum((x - TALL @ c) ** 2)
    assert_allclose(lines["2.54"], np.sqrt(distance))
    assert_allclose([lines[line] for line in ("2.55", "2.56", "2.57", "2.58")], distance)
    short = [lines[line] for line in ("2.59", "2.60", "2.61", "2.62")]
    assert_allclose(short, distance - x @ x, atol=1e-12)


def test_the_code_needs_orthonormal_columns():
    """With D doubled the step to 2.61 is wrong (equations 2.60, 2.61)."""
    lines = code_objectives(np.array([1.0, 2]), np.array([1.0, 0, 2, 0]), 2 * TALL)
    assert_allclose(lines["2.60"], lines["2.59"])
    assert abs(lines["2.61"] - lines["2.60"]) > 1


@given(seeds)
def test_gradient_of_the_code(seed):
    """-2 D^T x + 2 c is the gradient, and D^T x its only zero (equations 2.63-2.65)."""
    x, c = np.random.default_rng(seed).normal(size=4), np.random.default_rng(seed).normal(size=2)
    grad = jax.grad(lambda c: code_objectives(c, x, TALL)["2.62"])(jnp.asarray(c))
    assert_allclose(code_gradient(c, x, TALL), grad, atol=1e-12)
    assert_allclose(code_gradient(encode(x, TALL), x, TALL), 0, atol=1e-12)


def test_the_best_code_is_the_encoder():
    """No other code decodes to a point as near (equations 2.54, 2.65, 2.66)."""
    x = random.normal(size=4)
    best = encode(x, TALL)
    assert best.shape == (2,)
    closest = code_objectives(best, x, TALL)
    assert_allclose(closest["2.55"], x @ x - best @ best)
    for _ in range(200):
        other = code_objectives(best + random.normal(size=2), x, TALL)
        assert all(other[line] > closest[line] for line in closest)


def test_squaring_keeps_the_minimizer():
    """On a grid of codes both have their minimum at 3, of 4 and of 16 (equations 2.54, 2.55)."""
    D, x, grid = jnp.array([[1.0], [0.0]]), jnp.array([3.0, 4.0]), jnp.arange(-1000, 1001) / 100
    lines = jax.vmap(lambda c: code_objectives(c, x, D))(grid[:, None])
    for line, lowest in (("2.54", 4), ("2.55", 16)):
        assert grid[jnp.argmin(lines[line])] == 3
        assert_allclose(lines[line].min(), lowest)


def test_without_unit_length_the_encoder_is_wrong():
    """With d twice as long D^T x is 2 where 1/2 is best; the scale is arbitrary (section 2.12)."""
    D, x = np.array([[2.0], [0.0]]), np.array([1.0, 0.0])
    assert_allclose(code_objectives(encode(x, D), x, D)["2.55"], 9)
    assert_allclose(code_objectives(np.linalg.pinv(D) @ x, x, D)["2.55"], 0, atol=1e-12)
    assert_allclose(decode(np.array([0.5]), D), decode(np.array([1.0]), D / 2))


def test_reconstruction_is_a_projection():
    """D D^T applied twice is D D^T, but not the identity (equation 2.67)."""
    x = random.normal(size=4)
    once = reconstruct(x, TALL)
    assert_allclose(once, TALL @ TALL.T @ x)
    assert_allclose(reconstruct(once, TALL), once)
    assert_allclose(np.trace(TALL @ TALL.T), 2)
    assert_allclose(TALL.T @ TALL, np.eye(2), atol=1e-12)
    assert np.linalg.norm(TALL @ TALL.T - np.eye(4)) > 1


# The direction


@given(seeds)
def test_each_line_for_the_direction(seed):
    """On unit vectors the lines differ by constants and a sign only (equations 2.69-2.84)."""
    random = np.random.default_rng(seed)
    X, d = random.normal(size=(30, 3)), random.normal(size=3)
    d /= np.linalg.norm(d)
    lines = direction_objectives(d, X)
    gain, total = d @ X.T @ X @ d, np.sum(X**2)
    for number in range(69, 77):
        assert_allclose(lines[f"2.{number}"], total - gain)
    for number in range(77, 83):
        assert_allclose(lines[f"2.{number}"], -gain)
    assert_allclose([lines["2.83"], lines["2.84"]], gain)
    assert len(lines) == 16


def test_one_step_needs_unit_length():
    """With d doubled the lines agree up to 2.80 and part at 2.81 (equations 2.80, 2.81)."""
    lines = direction_objectives(np.array([2.0, 0]), np.array([[1.0, 2], [3, 4]]))
    early = np.array([lines[f"2.{number}"] for number in range(69, 81)])
    assert_allclose(early[:8], early[0])
    assert_allclose(early[8:], early[0] - 30)
    assert abs(lines["2.81"] - lines["2.80"]) > 1


def test_every_line_has_the_same_best_direction():
    """The minimizer stays where it is from line to line (equations 2.69-2.84)."""
    X = CLOUD[:, :2] @ [[1.0, 0.5], [0.0, 1.0]]
    lines = jax.vmap(lambda d: direction_objectives(d, X))(directions(180))
    top = principal_components(X, 1).decoder[:, 0]
    expected = np.rad2deg(np.arctan2(top[1], top[0])) % 180
    for number, values in lines.items():
        best = jnp.argmax(values) if number in ("2.83", "2.84") else jnp.argmin(values)
        assert abs((best - expected + 90) % 180 - 90) <= 0.5
    assert_allclose(lines["2.84"].max(), principal_components(X, 1).eigenvalues[0], rtol=1e-3)


def test_best_and_worst_direction():
    """Of [2, 0] and [0, 1] the first axis loses 1, the second 4 (equation 2.72)."""
    errors = jax.vmap(lambda d: direction_objectives(d, np.diag([2.0, 1.0]))["2.72"])(
        directions(180)
    )
    assert jnp.argmin(errors) == 0 and jnp.argmax(errors) == 90
    assert_allclose([errors[0], errors[90]], [1, 4])


# The decoder


@pytest.mark.parametrize("num_components", [1, 2, 3, 4])
def test_three_ways_to_the_same_decoder(num_components):
    """Eigenvectors, deflation and the SVD span the same space (section 2.12, equation 2.68)."""
    D, eigenvalues = principal_components(CLOUD, num_components)
    one_by_one = deflation(CLOUD, num_components)
    V = svd(CLOUD).V[:, :num_components]
    assert_allclose(D.T @ D, np.eye(num_components), atol=1e-12)
    assert_allclose(one_by_one @ one_by_one.T, D @ D.T, atol=1e-11)
    assert_allclose(V @ V.T, D @ D.T, atol=1e-11)
    assert_allclose(np.abs((one_by_one * D).sum(axis=0)), 1)
    lost = eigenvalues[num_components:].sum()
    assert_allclose(reconstruction_error(CLOUD, D), lost, atol=1e-10)
    assert_allclose(lost, (jnp.diagonal(svd(CLOUD).D)[num_components:] ** 2).sum(), atol=1e-10)
    assert_allclose(eigenvalues.sum(), np.sum(CLOUD**2))  # lost without any component


@pytest.mark.parametrize("num_components", [1, 2, 3])
def test_as_in_scikit_learn(num_components):
    """On centred data the axes and the shares are scikit-learn's (equation 2.84)."""
    X = CLOUD + 5
    centred = X - X.mean(axis=0)
    D, eigenvalues = principal_components(centred, num_components)
    library = PCA(num_components).fit(X)
    assert_allclose(np.abs(np.diagonal(library.components_ @ np.asarray(D))), 1)
    assert_allclose(library.explained_variance_, eigenvalues[:num_components] / 49)
    shares = eigenvalues[:num_components] / eigenvalues.sum()
    assert_allclose(library.explained_variance_ratio_, shares)
    again = np.asarray(jax.vmap(lambda x: reconstruct(x, D))(centred)) + X.mean(axis=0)
    assert_allclose(library.inverse_transform(library.transform(X)), again, atol=1e-10)


@pytest.mark.parametrize("num_components", [1, 2, 3])
def test_no_other_decoder_loses_less(num_components):
    """500 random orthonormal decoders lose more (equation 2.68)."""
    lost = reconstruction_error(CLOUD, principal_components(CLOUD, num_components).decoder)
    for _ in range(500):
        other = np.linalg.qr(random.normal(size=(4, num_components)))[0]
        assert reconstruction_error(CLOUD, other) >= lost


def test_the_decoder_is_unique_up_to_a_turn():
    """Turned or flipped columns give the same reconstruction from other codes (section 2.12)."""
    D, x = principal_components(CLOUD, 2).decoder, CLOUD[0]
    R = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    for other in (D @ R, -D):
        assert_allclose(reconstruct(x, other), reconstruct(x, D), atol=1e-12)
        assert np.linalg.norm(encode(x, other) - encode(x, D)) > 0.3


def test_without_centring_the_first_component_chases_the_mean():
    """Five points on a line far from the origin: the error is 10, centred 0 (section 2.12)."""
    X = np.array([[10.0, y] for y in (-2, -1, 0, 1, 2)])
    D, eigenvalues = principal_components(X, 1)
    assert_allclose(X.T @ X, np.diag([500, 10]))
    assert_allclose(np.abs(D[:, 0]), [1, 0], atol=1e-12)
    assert_allclose(eigenvalues, [500, 10])
    assert_allclose(reconstruction_error(X, D), 10)
    centred = X - X.mean(axis=0)
    D, eigenvalues = principal_components(centred, 1)
    assert_allclose(np.abs(D[:, 0]), [0, 1], atol=1e-12)
    assert_allclose(eigenvalues, [10, 0], atol=1e-12)
    assert_allclose(reconstruction_error(centred, D), 0, atol=1e-12)


def test_all_components_lose_nothing():
    """With l = n the reconstruction is the data (equation 2.67)."""
    X = random.normal(size=(20, 3))
    assert_allclose(reconstruction_error(X, principal_components(X, 3).decoder), 0, atol=1e-12)


def test_ties_leave_the_direction_open():
    """The four points e1, -e1, e2, -e2 lose 2 along every direction (section 2.12)."""
    X = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    for angle in (0, 0.4, 1.1):
        d = np.array([[np.cos(angle)], [np.sin(angle)]])
        assert_allclose(reconstruction_error(X, d), 2)


@pytest.mark.parametrize(
    "m, n, l, kept, pays", [(1000, 50, 5, 5250, True), (10, 50, 20, 1200, False)]
)
def test_codes_and_decoder_are_what_is_stored(m, n, l, kept, pays):
    """m codes of l numbers and n l for the decoder, not always fewer than m n (section 2.12)."""
    X = np.random.default_rng(0).normal(size=(m, n))
    D = principal_components(X, l).decoder
    codes = jax.vmap(lambda x: encode(x, D))(X)
    assert codes.size + D.size == kept
    assert (kept < X.size) == pays


def test_fewer_points_than_columns():
    """m points have at most m eigenvalues that are not zero (section 2.12)."""
    eigenvalues = principal_components(random.normal(size=(3, 5)), 5).eigenvalues
    assert_allclose(eigenvalues[3:], 0, atol=1e-12)
    assert eigenvalues[2] > 0.1


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: principal_components(CLOUD, 5), "num_components must be at most 4"),
        (lambda: deflation(CLOUD, 0), "num_components must be a positive integer, got 0"),
        (lambda: principal_components(CLOUD[0], 1), "design_matrix must have shape"),
        (lambda: encode(np.ones(3), TALL), "x must have shape"),
        (lambda: decode(np.ones(3), TALL), "code must have shape"),
        (lambda: reconstruction_error(CLOUD, np.ones((3, 1))), "decoder must have shape"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
