"""Expectation, variance and covariance: of tables, of densities and of samples (section 3.8)."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from dlcompanion.arguments import check_finite, check_shape


@jax.jit
def expectation(
    probabilities: Real[ArrayLike, "k"], values: Real[ArrayLike, "k"]
) -> Float[Array, ""]:
    """Average f(x) over a table, weighted by P(x) (equations 3.9, 3.11).

    Args:
        probabilities: P(x) for each of the k states.
        values: f(x) for each state.
    """
    P = check_shape("probabilities", probabilities, ("k",))
    return P @ check_shape("values", values, P.shape)


@jax.jit
def density_expectation(
    density: Real[ArrayLike, "grid"],
    values: Real[ArrayLike, "grid"],
    grid: Real[ArrayLike, "grid"],
) -> Float[Array, ""]:
    """Integrate p(x) f(x) by the trapezoidal rule (equation 3.10).

    What lies outside the grid or between its points is not seen: choose a grid that covers the
    density and is finer than its narrowest feature.

    Args:
        density: p(x) at each point of the grid.
        values: f(x) there.
        grid: the points, ascending.
    """
    x = check_shape("grid", grid, ("grid",))
    p = check_shape("density", density, x.shape)
    return jnp.trapezoid(p * check_shape("values", values, x.shape), x)


@jax.jit
def variance(probabilities: Real[ArrayLike, "k"], values: Real[ArrayLike, "k"]) -> Float[Array, ""]:
    """Average the squared distance of f(x) from its mean (equation 3.12).

    The deviations are taken first: E[f^2] - E[f]^2 subtracts two large numbers.
    """
    f = check_shape("values", values, ("k",))
    return expectation(probabilities, (f - expectation(probabilities, f)) ** 2)


@jax.jit
def covariance(
    joint: Real[ArrayLike, "k l"], f: Real[ArrayLike, "k"], g: Real[ArrayLike, "l"]
) -> Float[Array, ""]:
    """Say how much f(x) and g(y) vary together, for a joint table P(x, y) (equation 3.13).

    Args:
        joint: P(x, y), a row for each x and a column for each y.
        f: f(x) for each row.
        g: g(y) for each column.
    """
    joint = check_shape("joint", joint, ("k", "l"))
    f, g = check_shape("f", f, joint.shape[:1]), check_shape("g", g, joint.shape[1:])
    f, g = f - expectation(joint.sum(axis=1), f), g - expectation(joint.sum(axis=0), g)
    return f @ joint @ g


@jax.jit
def covariance_matrix(samples: Real[ArrayLike, "m n"]) -> Float[Array, "n n"]:
    """Return the covariances of the columns of m equally likely samples (equations 3.14, 3.15).

    The average divides by m, as an expectation does, not by m - 1.
    """
    samples = check_finite("samples", samples, ("m", "n"))
    deviations = samples - samples.mean(axis=0, keepdims=True)
    return deviations.T @ deviations / len(samples)
