"""Numbers of finite precision, and formulas that survive them (section 4.1)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Literal
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_shape


class NumberFormat(NamedTuple):
    """Which numbers a computer has: multiples of a gap that grows with the number (section 4.1)."""

    epsilon: ScalarLike  # the gap above 1
    smallest: ScalarLike  # below this number the gap shrinks no further
    largest: ScalarLike  # what rounds to more is infinite


def number_format(dtype: DTypeLike) -> NumberFormat:
    """Return the format of a dtype such as `jnp.bfloat16` (section 4.1)."""
    limits = jnp.finfo(dtype)
    return NumberFormat(float(limits.eps), float(limits.tiny), float(limits.max))


def gap(value: Real[ArrayLike, "*shape"], number_format: NumberFormat) -> Float[Array, "*shape"]:
    """Return the distance between neighbouring numbers around a value (section 4.1)."""
    value = jnp.asarray(value, float)
    integer, infinity = f"int{8 * value.dtype.itemsize}", jnp.asarray(jnp.inf, value.dtype)
    exponent = _bits(value, integer) & _bits(infinity, integer)  # the largest power of 2 within
    power = jnp.maximum(_bits(exponent, value.dtype), number_format.smallest)
    return jnp.maximum(power * number_format.epsilon, jnp.finfo(value.dtype).tiny)


def round_to(
    value: Real[ArrayLike, "*shape"], number_format: NumberFormat
) -> Float[Array, "*shape"]:
    """Return the nearest number that a format has, infinity beyond its largest (section 4.1).

    Formats as wide as the precision that JAX runs in, or wider, leave every number as it is.
    """
    value = jnp.asarray(value, float)
    spacing = gap(value, number_format)
    nearest = jnp.round(value / spacing) * spacing
    too_large = jnp.abs(nearest) > number_format.largest
    nearest = jnp.where(too_large, jnp.sign(value) * jnp.inf, nearest)
    is_wide = number_format.epsilon <= jnp.finfo(value.dtype).eps
    return jnp.where(is_wide | ~jnp.isfinite(value), value, nearest)


def in_format(fn: Callable, number_format: NumberFormat) -> Callable:
    """Return a function that rounds the result of every operation of `fn` (section 4.1).

    It shows what `fn` returns on a machine with that format, whatever machine it runs on; only
    a sum is rounded once, at its end. Give it arguments that the format has.
    """

    def rounded_fn(*arguments):
        return _run_rounded(jax.make_jaxpr(fn)(*arguments), arguments, number_format)[0]

    return rounded_fn


def naive_softmax(logits: Real[ArrayLike, "n"]) -> Float[Array, "n"]:
    """Turn n numbers into n probabilities, as the formula is written (equation 4.1).

    Where exp overflows it returns inf / inf = NaN, where all of them underflow 0 / 0 = NaN.
    """
    x = check_shape("logits", logits, ("n",))
    return jnp.exp(x) / jnp.exp(x).sum()


def softmax(logits: Real[ArrayLike, "n"]) -> Float[Array, "n"]:
    """Turn n numbers into n probabilities, safely (section 4.1, equation 4.1).

    The largest logit is subtracted first. Then the largest argument of exp is 0, and the sum lies
    between 1 and n. An entry of -inf gets probability 0; +inf, NaN or nothing but -inf give NaN.
    """
    x = check_shape("logits", logits, ("n",))
    return naive_softmax(x - x.max())


def logsumexp(x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return log of the sum of exp(x), safely (section 4.1)."""
    x = check_shape("x", x, ("n",))
    return x.max() + jnp.log(jnp.exp(x - x.max()).sum())


def log_softmax(logits: Real[ArrayLike, "n"]) -> Float[Array, "n"]:
    """Return log softmax without passing through softmax (section 4.1, equation 4.1).

    A probability that underflows to 0 has no logarithm left; z - log(sum of exp(z)) never makes
    one.
    """
    x = check_shape("logits", logits, ("n",))
    z = x - x.max()
    return z - jnp.log(jnp.exp(z).sum())


def naive_variance(x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return the mean square minus the squared mean: large numbers that cancel (section 4.1)."""
    x = check_shape("x", x, ("n",))
    return (x**2).mean() - x.mean() ** 2


def variance(x: Real[ArrayLike, "n"]) -> Float[Array, ""]:
    """Return the mean squared distance from the mean, which is never negative (section 4.1)."""
    x = check_shape("x", x, ("n",))
    return ((x - x.mean()) ** 2).mean()


def _bits(value: Real[Array, "*shape"], dtype: DTypeLike) -> Real[Array, "*shape"]:
    return jax.lax.bitcast_convert_type(value, jnp.dtype(dtype))


def _run_rounded(closed: ClosedJaxpr, arguments, number_format: NumberFormat) -> list:
    """Evaluate a traced function one operation at a time, rounding what each returns."""
    jaxpr = closed.jaxpr
    known = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*closed.consts, *arguments), strict=True))

    def value_of(variable):
        return variable.val if isinstance(variable, Literal) else known[variable]

    for equation in jaxpr.eqns:
        inputs, inner = map(value_of, equation.invars), equation.params.get("jaxpr")
        if inner is not None:
            results = _run_rounded(inner, inputs, number_format)
        else:
            results = equation.primitive.bind(*inputs, **equation.params)
            results = results if equation.primitive.multiple_results else [results]
            is_real = [jnp.issubdtype(result.dtype, jnp.floating) for result in results]
            pairs = zip(results, is_real, strict=True)
            results = [round_to(r, number_format) if real else r for r, real in pairs]
        known |= zip(equation.outvars, results, strict=True)
    return [value_of(variable) for variable in jaxpr.outvars]
