"""Bagging: many models, each trained on its own resampled data (section 7.11)."""

import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_count, check_finite, check_positive


def bootstrap(key: Key[Array, ""], num_examples: int, num_members: int) -> Int[Array, "k m"]:
    """Draw k data sets of m indices with replacement (section 7.11, Figure 7.5).

    About 1 - 1/e of the examples, two of three, are in each set.
    """
    m, k = check_count("num_examples", num_examples), check_count("num_members", num_members)
    return jax.random.randint(key, (k, m), 0, m)


def ensemble_error(
    num_members: ScalarLike, variance: ScalarLike, covariance: ScalarLike
) -> Float[Array, ""]:
    """Return the expected squared error of the mean of k models (equations 7.50, 7.51).

        v / k + (k - 1) / k c        (7.51)

    Args:
        num_members: k, at least 1.
        variance: v, the mean square of each model's error.
        covariance: c, the mean product of two models' errors; never below -v / (k - 1).

    Raises:
        ValueError: if no k errors have such a covariance.
    """
    k, v = check_at_least("num_members", num_members, 1), check_positive("variance", variance)
    c = check_finite("covariance", covariance, ())
    known = not any(isinstance(value, jax.core.Tracer) for value in (k, v, c))
    if known and c * (k - 1) < -v * (1 + 1e-6):
        raise ValueError(f"covariance must be at least -v / (k - 1) = {-v / (k - 1)}, got {c}")
    return v / k + (k - 1) / k * c


def variance_and_covariance(
    errors: Real[ArrayLike, "k m"],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return v and c of k models' errors on m examples, means over all of them (equation 7.50)."""
    errors = check_finite("errors", errors, ("k", "m"))
    k = len(errors)
    variance = (errors**2).mean()
    total = (errors.mean(axis=0) ** 2).mean()
    return variance, (k * total - variance) / max(k - 1, 1)
