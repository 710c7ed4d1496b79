"""Checks of arguments at the public edge: one style of `ValueError`, naming what came.

Every check takes the argument's name and its value and returns the value in the one form that
the mathematics works with, so that a public function begins with lines such as

    start = check_finite("start", start, ("n",))

Arrays and scalars come back as JAX arrays of floats, never weakly typed, so that `0.1`,
`np.float64(0.1)` and `jnp.array(0.1)` all meet the same compiled function. Shapes and dtypes are
always checked. Values are checked when they are known: inside `jit`, `vmap` and `grad` they are
tracers, and pass.
"""

from collections.abc import Callable
from operator import index

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def check_shape(name: str, value: object, shape: tuple[int | str, ...]) -> Float[Array, "..."]:
    """Return real numbers of a given shape as a JAX array of floats.

    Args:
        name: what the caller calls the argument.
        value: anything; Python numbers, NumPy and JAX arrays and tracers can pass.
        shape: a size or a letter for each axis, `()` for a scalar; `("n", "n")` is any square.

    Raises:
        ValueError: if the value does not hold real numbers or has another shape.
    """
    array = value if isinstance(value, jax.Array) else np.asarray(value)
    is_float = jnp.issubdtype(array.dtype, jnp.floating)
    if not is_float and not jnp.issubdtype(array.dtype, jnp.integer):
        raise ValueError(f"{name} must hold real numbers, got {array.dtype}")
    sizes = {}
    fits = len(shape) == array.ndim and all(
        size == (axis if isinstance(axis, int) else sizes.setdefault(axis, size))
        for axis, size in zip(shape, array.shape, strict=True)
    )
    if not fits or array.size == 0:
        wanted = str(shape).replace("'", "")
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    dtype = jax.dtypes.canonicalize_dtype(array.dtype if is_float else float)
    return jnp.asarray(array.astype(dtype), dtype=dtype)


def check_finite(name: str, value: object, shape: tuple[int | str, ...]) -> Float[Array, "..."]:
    """Return real, finite numbers of a given shape (a `ValueError` for NaN and infinities)."""
    array = check_shape(name, value, shape)
    if _is_known(value) and not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite, got {_shown(value)}")
    return array


def check_positive(name: str, value: object) -> Float[Array, ""]:
    """Return a finite scalar above zero."""
    scalar = check_finite(name, value, ())
    if _is_known(value) and not np.asarray(value) > 0:
        raise ValueError(f"{name} must be positive, got {_shown(value)}")
    return scalar


def check_at_least(name: str, value: object, minimum: int | float) -> Float[Array, ""]:
    """Return a finite scalar that is not below a minimum."""
    scalar = check_finite(name, value, ())
    if _is_known(value) and np.asarray(value) < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {_shown(value)}")
    return scalar


def check_probability(name: str, value: object) -> Float[Array, ""]:
    """Return a scalar from 0 to 1."""
    scalar = check_finite(name, value, ())
    if _is_known(value) and not 0 <= np.asarray(value) <= 1:
        raise ValueError(f"{name} must lie from 0 to 1, got {_shown(value)}")
    return scalar


def check_distribution(name: str, value: object) -> Float[Array, "k"]:
    """Return the probabilities of k states: none below zero, together one (up to rounding)."""
    vector = check_finite(name, value, ("k",))
    if _is_known(value):
        known = np.asarray(value, dtype=float)
        if known.min() < 0 or abs(known.sum() - 1) > 1e-5:
            raise ValueError(f"{name} must not be negative and sum to 1, got {_shown(value)}")
    return vector


def check_count(name: str, value: object) -> int:
    """Return a positive `int`: the length of a loop is known before the loop is compiled."""
    if isinstance(value, jax.core.Tracer):
        raise ValueError(f"{name} must be a positive integer known in advance, got a traced value")
    try:
        count = 0 if isinstance(value, bool | np.bool_) else index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise ValueError(f"{name} must be a positive integer, got {value}")
    return count


def check_symmetric(name: str, value: object) -> Float[Array, "n n"]:
    """Return a finite symmetric matrix, the rounding errors of its two halves averaged."""
    matrix = check_finite(name, value, ("n", "n"))
    if not _is_known(value):
        return (matrix + matrix.T) / 2
    known = np.asarray(value, dtype=float)
    rounding = 100 * float(jnp.finfo(matrix.dtype).eps) * np.abs(known).max()
    difference = np.abs(known - known.T).max()
    if difference > rounding:
        raise ValueError(
            f"{name} must be symmetric, got entries that differ from their mirror image "
            f"by up to {difference:.3g}"
        )
    return jnp.asarray(((known + known.T) / 2).astype(matrix.dtype))


def check_positive_definite(name: str, value: object) -> Float[Array, "n n"]:
    """Return a finite symmetric matrix whose eigenvalues are all above zero (not just rounding)."""
    matrix = check_symmetric(name, value)
    if _is_known(value):
        eigenvalues = np.linalg.eigvalsh(np.asarray(value, dtype=float))
        rounding = len(eigenvalues) * float(jnp.finfo(matrix.dtype).eps) * eigenvalues[-1]
        if not eigenvalues[0] > max(rounding, 0):
            raise ValueError(
                f"{name} must be positive definite, got smallest eigenvalue {eigenvalues[0]:.3g}"
            )
    return matrix


def check_callable(name: str, value: object) -> Callable:
    """Return a function."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {_shown(value)}")
    return value


def check_loss(name: str, loss_fn: Callable, params: Float[Array, "n"]) -> None:
    """Check what a loss returns, by its shape and type alone: worth a line where it is traced.

    Raises:
        ValueError: if the loss of the parameters is not one real number.
    """
    loss = jax.eval_shape(loss_fn, params)
    is_real = hasattr(loss, "dtype") and jnp.issubdtype(loss.dtype, jnp.floating)
    if not is_real or loss.shape != ():
        raise ValueError(f"{name} must return one real number, got {loss}")


def _is_known(value: object) -> bool:
    """Tell whether a value can be looked at, or stands for one that is not there yet."""
    return not isinstance(value, jax.core.Tracer)


def _shown(value: object) -> str:
    """Write a value as a reader would type it."""
    return str(np.asarray(value))
