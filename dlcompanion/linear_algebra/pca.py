"""Principal components analysis, derived from linear algebra alone (section 2.12).

As in the book the mean is not subtracted; subtract it first, `X - X.mean(axis=0)`, to describe
how the points differ from each other rather than from the origin.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from dlcompanion.arguments import check_count, check_finite
from dlcompanion.linear_algebra.eigendecomposition import symmetric_eigendecomposition


class PrincipalComponents(NamedTuple):
    """The best linear decoder, and what every direction is worth (section 2.12)."""

    decoder: Float[Array, "n l"]  # D: orthonormal columns
    eigenvalues: Float[Array, "n"]  # of X^T X, the largest first; those after the l-th are lost


def principal_components(
    design_matrix: Real[ArrayLike, "m n"], num_components: int
) -> PrincipalComponents:
    """Return the decoder that loses least: the top eigenvectors of X^T X (equations 2.68, 2.84).

    Only the space that its columns span is determined, and not even that where eigenvalues tie.

    Args:
        design_matrix: X, an example in each row.
        num_components: l, from 1 to n.

    Raises:
        ValueError: if X is not a finite matrix or l out of its range.
    """
    X, num_components = _check_size(design_matrix, num_components)
    eigenvalues, Q = symmetric_eigendecomposition(X.T @ X)
    return PrincipalComponents(Q[:, :num_components], eigenvalues)


def deflation(design_matrix: Real[ArrayLike, "m n"], num_components: int) -> Float[Array, "n l"]:
    """Find the decoder one best direction at a time (section 2.12, equations 2.72, 2.84).

    Each direction is the best for what the earlier ones have left over, X - X d d^T. This is the
    induction that the book leaves to the reader.

    Raises:
        ValueError: as for `principal_components`.
    """
    X, num_components = _check_size(design_matrix, num_components)
    directions = []
    for _ in range(num_components):
        d = symmetric_eigendecomposition(X.T @ X).eigenvectors[:, 0]
        directions.append(d)
        X = X - jnp.outer(X @ d, d)
    return jnp.stack(directions, axis=1)


def encode(x: Real[ArrayLike, "n"], decoder: Real[ArrayLike, "n l"]) -> Float[Array, "l"]:
    """Return the code D^T x, the best one if D has orthonormal columns (equations 2.65, 2.66)."""
    D = check_finite("decoder", decoder, ("n", "l"))
    return D.T @ check_finite("x", x, D.shape[:1])


def decode(code: Real[ArrayLike, "l"], decoder: Real[ArrayLike, "n l"]) -> Float[Array, "n"]:
    """Return the point D c that a code stands for (section 2.12, equation 2.60)."""
    D = check_finite("decoder", decoder, ("n", "l"))
    return D @ check_finite("code", code, D.shape[1:])


def reconstruct(x: Real[ArrayLike, "n"], decoder: Real[ArrayLike, "n l"]) -> Float[Array, "n"]:
    """Encode a point and decode it again: D D^T x (equation 2.67)."""
    return decode(encode(x, decoder), decoder)


def reconstruction_error(
    design_matrix: Real[ArrayLike, "m n"], decoder: Real[ArrayLike, "n l"]
) -> Float[Array, ""]:
    """Return the squared distances from all points to their reconstructions (equation 2.68).

    This is the square of the book's Frobenius norm, ||X - X D D^T||_F^2. At the principal
    components it is the sum of the eigenvalues that D leaves out.
    """
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    D = check_finite("decoder", decoder, (X.shape[1], "l"))
    return ((X - X @ D @ D.T) ** 2).sum()


def _check_size(design_matrix: object, num_components: int) -> tuple[Float[Array, "m n"], int]:
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    num_components = check_count("num_components", num_components)
    if num_components > X.shape[1]:
        raise ValueError(
            f"num_components must be at most {X.shape[1]}, the number of columns of "
            f"design_matrix, got {num_components}"
        )
    return X, num_components
