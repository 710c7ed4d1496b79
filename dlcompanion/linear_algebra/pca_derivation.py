"""The derivation of PCA line by line: every line another function, the same best answer."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from dlcompanion.arguments import check_finite
from dlcompanion.linear_algebra.norms import lp_norm


def code_objectives(
    code: Real[ArrayLike, "l"], x: Real[ArrayLike, "n"], decoder: Real[ArrayLike, "n l"]
) -> dict[str, Float[Array, ""]]:
    """Evaluate what each line asks to minimize over the code (equations 2.54-2.62).

    Lines 2.56 to 2.58 are the same number; line 2.59 drops x^T x; lines 2.61 and 2.62 replace
    D^T D by the identity, which only orthonormal columns allow.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    D = check_finite("decoder", decoder, ("n", "l"))
    x, c = check_finite("x", x, D.shape[:1]), check_finite("code", code, D.shape[1:])
    g = D @ c
    return {
        "2.54": lp_norm(x - g),
        "2.55": lp_norm(x - g) ** 2,
        "2.56": (x - g) @ (x - g),
        "2.57": x @ x - x @ g - g @ x + g @ g,
        "2.58": x @ x - 2 * x @ g + g @ g,
        "2.59": -2 * x @ g + g @ g,
        "2.60": -2 * x @ D @ c + c @ D.T @ D @ c,
        "2.61": -2 * x @ D @ c + c @ jnp.eye(c.size, dtype=c.dtype) @ c,
        "2.62": -2 * x @ D @ c + c @ c,
    }


def code_gradient(
    code: Real[ArrayLike, "l"], x: Real[ArrayLike, "n"], decoder: Real[ArrayLike, "n l"]
) -> Float[Array, "l"]:
    """Return -2 D^T x + 2 c, which is zero at the best code (equations 2.63, 2.64)."""
    D = check_finite("decoder", decoder, ("n", "l"))
    x, c = check_finite("x", x, D.shape[:1]), check_finite("code", code, D.shape[1:])
    return -2 * D.T @ x + 2 * c


def direction_objectives(
    direction: Real[ArrayLike, "n"], design_matrix: Real[ArrayLike, "m n"]
) -> dict[str, Float[Array, ""]]:
    """Evaluate what each line asks to optimize over the direction (equations 2.69-2.84).

    Lines 2.69 to 2.82 are to be minimized, the last two maximized. Lines 2.69 to 2.76 are the
    same number; then Tr(X^T X) is dropped. From 2.81 on, d must have length 1.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    X = check_finite("design_matrix", design_matrix, ("m", "n"))
    d = check_finite("direction", direction, X.shape[1:])
    S, P, trace = X.T @ X, jnp.outer(d, d), jnp.trace
    residual = X - X @ P
    once, twice = trace(S @ P), trace(P @ S @ P)
    cycled = trace(S @ P @ P)
    return {
        "2.69": jax.vmap(lambda x: ((x - d * (d @ x)) ** 2).sum())(X).sum(),
        "2.70": jax.vmap(lambda x: ((x - (d @ x) * d) ** 2).sum())(X).sum(),
        "2.71": jax.vmap(lambda x: ((x - (x @ d) * d) ** 2).sum())(X).sum(),
        "2.72": (residual**2).sum(),
        "2.73": (residual**2).sum(),  # the same, the constraint set aside
        "2.74": trace(residual.T @ residual),
        "2.75": trace(S - S @ P - P @ S + P @ S @ P),
        "2.76": trace(S) - once - trace(P @ S) + twice,
        "2.77": -once - trace(P @ S) + twice,
        "2.78": -2 * once + twice,
        "2.79": -2 * once + cycled,
        "2.80": -2 * once + cycled,  # the same, the constraint restored
        "2.81": -2 * once + once,
        "2.82": -once,
        "2.83": once,
        "2.84": d @ S @ d,
    }
