"""Linear regression: learning by solving one linear system (sections 5.1.4, 5.2.2)."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_finite


def mean_squared_error(
    predictions: Real[ArrayLike, "m"], targets: Real[ArrayLike, "m"]
) -> Float[Array, ""]:
    """Return the mean of the squared differences (equations 5.4, 5.5, 5.14).

    Raises:
        ValueError: if an argument is not finite or their lengths differ.
    """
    targets = check_finite("targets", targets, ("m",))
    predictions = check_finite("predictions", predictions, targets.shape)
    return jnp.mean((predictions - targets) ** 2)


def predict(
    design_matrix: Real[ArrayLike, "m n"], weights: Real[ArrayLike, "n"]
) -> Float[Array, "m"]:
    """Return w^T x for every row x of the design matrix (equations 5.3, 5.69, 5.70)."""
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    return X @ check_finite("weights", weights, X.shape[1:])


def add_bias_column(design_matrix: Real[ArrayLike, "m n"]) -> Float[Array, "m n+1"]:
    """Append a column of ones, so that the last weight becomes the bias b (equation 5.13)."""
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    return jnp.column_stack([X, jnp.ones(len(X), X.dtype)])


def normal_equations(
    design_matrix: Real[ArrayLike, "m n"], targets: Real[ArrayLike, "m"]
) -> Float[Array, "n"]:
    """Return the weights with the smallest training error (equations 5.6-5.12).

    They make the gradient zero:

        2 X^T X w - 2 X^T y = 0        (5.11)

    Where X^T X has no inverse many weights do; these are the shortest of them, X^+ y. They come
    from the SVD of X, because forming X^T X squares its condition number.

    Args:
        design_matrix: X, an example in each row.
        targets: y.

    Raises:
        ValueError: if an argument is not finite or their lengths differ.
    """
    return _least_squares(*_check_examples(design_matrix, targets))


def regularized_cost(
    weights: Real[ArrayLike, "n"],
    design_matrix: Real[ArrayLike, "m n"],
    targets: Real[ArrayLike, "m"],
    weight_decay: ScalarLike,
) -> Float[Array, ""]:
    """Return J(w) = MSE + lambda w^T w, the cost of weight decay (equation 5.18)."""
    weight_decay = check_at_least("weight_decay", weight_decay, 0)
    weights = check_finite("weights", weights, ("n",))
    error = mean_squared_error(predict(design_matrix, weights), targets)
    return error + weight_decay * weights @ weights


def ridge_regression(
    design_matrix: Real[ArrayLike, "m n"],
    targets: Real[ArrayLike, "m"],
    weight_decay: ScalarLike,
) -> Float[Array, "n"]:
    """Return the minimizer of MSE + lambda w^T w (equation 5.18).

        w = (X^T X + m lambda I)^-1 X^T y

    Mind the m: equation 5.18 takes the mean over the examples. A Gaussian prior of precision
    alpha (section 5.6.1) gives the same weights with lambda = alpha / m, and the cost of
    equation 5.101 with alpha / (2 m). All weights are decayed; to spare the bias, centre the
    columns and the targets first and add their means back. With lambda = 0 this is
    `normal_equations`.

    Args:
        design_matrix: X, an example in each row.
        targets: y.
        weight_decay: lambda, at least 0.

    Raises:
        ValueError: if an argument is not finite, has another length or is out of its range.
    """
    X, y = _check_examples(design_matrix, targets)
    weight_decay = check_at_least("weight_decay", weight_decay, 0).astype(X.dtype)
    n = X.shape[1]
    longer = jnp.concatenate([X, jnp.sqrt(len(X) * weight_decay) * jnp.eye(n, dtype=X.dtype)])
    return _least_squares(longer, jnp.concatenate([y, jnp.zeros(n, y.dtype)]))


@jax.jit
def _least_squares(X: Float[Array, "m n"], y: Float[Array, "m"]) -> Float[Array, "n"]:
    return jnp.linalg.lstsq(X, y)[0]


def _check_examples(
    design_matrix: object, targets: object
) -> tuple[Float[Array, "m n"], Float[Array, "m"]]:
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    return X, check_finite("targets", targets, X.shape[:1]).astype(X.dtype)
