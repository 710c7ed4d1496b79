"""The exercises of chapter 5."""

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion.machine_learning import (
    add_bias_column,
    normal_equations,
    ridge_regression,
)
from dlcompanion.practice import Exercise, Wrong, checks


def fit_line() -> Exercise:
    """A line with a bias, by the normal equations (section 5.1.4, equations 5.12, 5.13)."""

    def has_no_bias(x, y):
        return jnp.stack([x @ y / (x @ x), 0.0])

    def divides_by_the_wrong_variance(x, y):
        slope = (x - x.mean()) @ (y - y.mean()) / ((y - y.mean()) @ (y - y.mean()))
        return jnp.stack([slope, y.mean() - slope * x.mean()])

    return Exercise(
        id="5.1.4-normal-equations",
        prompt=r"Write `fit_line(x, y)`: the slope $w$ and the bias $b$ of the line "
        r"$\hat y = wx + b$ with the smallest mean squared error, as an array $(w, b)$. "
        "`x` and `y` hold one number for each example.",
        stub="def fit_line(x, y):\n    ...\n",
        checker=checks.function(
            reference=_fit_line,
            cases=[
                (jnp.array([0.0, 1.0]), jnp.array([1.0, 1.5])),
                (jnp.array([1.0, 2.0, 3.0]), jnp.array([2.0, 4.0, 5.0])),
            ],
            random=lambda key: tuple(jax.random.normal(key, (2, 6))),
            rtol=1e-3,
            atol=1e-3,
        ),
        hints=(
            "What does the design matrix need so that one of its weights is the bias?",
            "A column of ones beside the column `x`. Then solve $X^\\top X w = X^\\top y$.",
            "`X = jnp.stack([x, jnp.ones_like(x)], axis=1)`, then `jnp.linalg.solve`.",
        ),
        solution="def fit_line(x, y):\n"
        "    X = jnp.stack([x, jnp.ones_like(x)], axis=1)\n"
        "    return jnp.linalg.solve(X.T @ X, X.T @ y)\n",
        explanation="A constant feature turns the affine model into a linear one, and Equation "
        "5.12 applies as it stands. With a bias the residuals sum to zero.",
        wrong=(
            Wrong(has_no_bias, "the line is forced through the origin"),
            Wrong(divides_by_the_wrong_variance, "it is divided by the spread of y, not of x"),
        ),
    )


def _fit_line(x, y):
    return normal_equations(add_bias_column(x[:, None]), y)


def decayed_weights() -> Exercise:
    """The minimizer of weight decay, with its factor m (section 5.2.2, equation 5.18)."""

    def forgets_the_count(X, y, weight_decay):
        return jnp.linalg.solve(X.T @ X + weight_decay * jnp.eye(X.shape[1]), X.T @ y)

    def decays_nothing(X, y, weight_decay):
        return jnp.linalg.solve(X.T @ X, X.T @ y)

    return Exercise(
        id="5.2.2-weight-decay",
        prompt=r"Write `ridge(X, y, weight_decay)`: the weights that minimize "
        r"$J(w) = \mathrm{MSE}_{\text{train}} + \lambda w^\top w$ (Equation 5.18), where "
        r"`weight_decay` is $\lambda$. Start from the gradient and mind what the mean divides by.",
        stub="def ridge(X, y, weight_decay):\n    ...\n",
        checker=checks.function(
            reference=ridge_regression,
            cases=[
                (jnp.array([[1.0], [1.0]]), jnp.array([1.0, 3.0]), 1.0),
                (jnp.array([[1.0, 1], [1, 2], [1, 3]]), jnp.array([2.0, 2.8, 4.1]), 0.5),
            ],
            random=lambda key: (
                jax.random.normal(key, (6, 2)),
                jax.random.normal(key, (6,)),
                0.5,
            ),  # fmt: skip
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            r"What is the gradient of $\frac1m \lVert Xw - y \rVert^2 + \lambda w^\top w$?",
            r"Set it to zero and multiply by $m/2$. What became of $\lambda$?",
            r"Solve $(X^\top X + m\lambda I) w = X^\top y$, with `m = len(y)`.",
        ),
        solution="def ridge(X, y, weight_decay):\n"
        "    m, n = X.shape\n"
        "    return jnp.linalg.solve(X.T @ X + m * weight_decay * jnp.eye(n), X.T @ y)\n",
        explanation=r"The book's error is a mean, so $X^\top X$ comes with $1/m$ and the penalty "
        r"with $m$. Most libraries penalize the sum instead: their $\alpha$ is $m\lambda$.",
        wrong=(
            Wrong(forgets_the_count, "the penalty was not multiplied by the number of examples"),
            Wrong(decays_nothing, "the weights are not decayed"),
        ),
    )


def leave_out() -> Exercise:
    """Cross-validation of the mean, by hand (section 5.3.1, Algorithm 5.1)."""
    return Exercise(
        id="5.3.1-folds",
        prompt="Six targets, 1, 2, 3, 4, 5, 6, in three folds of two consecutive ones. The learner "
        "predicts the mean of what it was trained on; the loss is the squared error. Compute the "
        "six errors of Algorithm 5.1, in the order of the targets, and assign them to `errors`.",
        stub="errors = ...\n",
        checker=checks.array(np.array([12.25, 6.25, 0.25, 0.25, 6.25, 12.25])),
        hints=(
            "When the fold {1, 2} is tested, which targets was the model trained on?",
            "Their mean is 4.5. The errors on the fold are $(1 - 4.5)^2$ and $(2 - 4.5)^2$.",
            "The means are 4.5, 3.5 and 2.5, one for each fold.",
        ),
        solution="y = np.arange(1.0, 7.0)\n"
        "means = np.repeat([4.5, 3.5, 2.5], 2)\n"
        "errors = (y - means) ** 2\n",
        explanation="Their mean is 6.25, more than the 2.9 of the model trained and tested on all "
        "six. Sorted data in consecutive folds make it worse still: shuffle first.",
        wrong=(
            Wrong((np.arange(1.0, 7) - 3.5) ** 2, "each model has seen the fold it is tested on"),
            Wrong(
                np.array([0.25, 0.25, 0.25, 0.25, 0.25, 0.25]),
                "each model is trained on the fold and not on the rest",
            ),
        ),
    )


def best_divisor() -> Exercise:
    """Unbiased is not best (sections 5.4.2, 5.4.4, equations 5.36, 5.40, 5.54)."""
    return Exercise(
        id="5.4.4-best-divisor",
        prompt=r"Five examples from a Gaussian. Divide the sum of their squared deviations from "
        r"the sample mean, $S$, by a number $c$ to estimate $\sigma^2$. Which $c$ gives the "
        r"smallest mean squared error? Use $\mathbb E[S] = (m-1)\sigma^2$ and "
        r"$\mathrm{Var}(S) = 2(m-1)\sigma^4$. Assign it to `divisor`.",
        stub="divisor = ...\n",
        checker=checks.number(6.0),
        hints=(
            "Write bias and variance of $S/c$ for $m = 5$ and $\\sigma = 1$.",
            "Equation 5.54 adds up to $(4/c - 1)^2 + 8/c^2$. Call $1/c$ something.",
            "With $u = 1/c$ it is $24u^2 - 8u + 1$. Where is its bottom?",
        ),
        solution="divisor = 24 / 4\n",
        explanation="It is $m + 1$. Dividing by more than $m - 1$ makes the estimate too small on "
        "average, and so much steadier that the error falls: bias bought variance.",
        wrong=(
            Wrong(4.0, "this one is unbiased, and varies too much"),
            Wrong(5.0, "this one is the most likely, not the one with the smallest error"),
        ),
    )


def negative_log_likelihood() -> Exercise:
    """The cross-entropy of a Gaussian and a sample (section 5.5, equations 5.29, 5.58, 5.61)."""

    def multiplies_first(x, mean, deviation):
        z = (x - mean) / deviation
        density = jnp.exp(-(z**2) / 2) / (deviation * jnp.sqrt(2 * jnp.pi))
        return -jnp.log(jnp.prod(density)) / len(x)

    def forgets_the_width(x, mean, deviation):
        return jnp.mean(((x - mean) / deviation) ** 2) / 2 + jnp.log(2 * jnp.pi) / 2

    return Exercise(
        id="5.5-negative-log-likelihood",
        prompt=r"Write `nll(x, mean, deviation)`: the mean of $-\log p(x^{(i)})$ over the sample "
        r"`x`, for a Gaussian with this mean and standard deviation (Equation 5.29). It must work "
        "for 200 examples, and for one that is 60 standard deviations away.",
        stub="def nll(x, mean, deviation):\n    ...\n",
        checker=checks.function(
            reference=_nll,
            cases=[
                (jnp.array([0.0]), 0.0, 1.0),
                (jnp.array([1.0]), 0.0, 2.0),
                (jnp.array([60.0]), 0.0, 1.0),
                (jnp.ones(200), 0.0, 1.0),
            ],
            random=lambda key: (jax.random.normal(key, (5,)), 0.3, 1.7),
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            "What does the logarithm do to a product, and to an exponential?",
            "Take the logarithm of Equation 5.29 on paper. No `exp` is left.",
            r"Half the mean of $z^2$, plus $\log\sigma$, plus half of $\log 2\pi$, with "
            r"$z = (x - \mu)/\sigma$.",
        ),
        solution="def nll(x, mean, deviation):\n"
        "    z = (x - mean) / deviation\n"
        "    return jnp.mean(z**2) / 2 + jnp.log(deviation) + jnp.log(2 * jnp.pi) / 2\n",
        explanation="The mean of the logarithms is what the data think of the model, in nats for "
        "each example. Only the first term depends on the mean, and it is a mean squared error.",
        wrong=(
            Wrong(multiplies_first, "a product or an exponential underflows before the logarithm"),
            Wrong(forgets_the_width, "the logarithm of the standard deviation is missing"),
        ),
    )


def _nll(x, mean, deviation):
    return -jax.scipy.stats.norm.logpdf(jnp.asarray(x), mean, deviation).mean()


def posterior() -> Exercise:
    """One example updates a belief about a mean (section 5.6, equations 5.67, 5.77)."""

    def adds_variances(mean, variance, x):
        return jnp.stack([(mean + variance * x) / (1 + variance), variance + 1.0])

    def takes_the_average(mean, variance, x):
        return jnp.stack([(mean + x) / 2, variance / (1 + variance)])

    return Exercise(
        id="5.6-posterior",
        prompt=r"You believe of a number $w$ that it is Gaussian, with a `mean` and a `variance`. "
        r"You measure $x = w$ plus noise of variance 1. Write `update(mean, variance, x)`: the "
        "mean and the variance of your belief afterwards, as an array.",
        stub="def update(mean, variance, x):\n    ...\n",
        checker=checks.function(
            reference=_update,
            cases=[(0.0, 1.0, 1.0), (0.0, 3.0, 1.0), (2.0, 0.5, -1.0)],
            random=lambda key: (
                jax.random.normal(key),
                1 + 2 * jax.random.uniform(key),
                3.0,
            ),  # fmt: skip
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            r"Equation 5.77 with one weight and $X = 1$. What is $\Lambda_m$?",
            r"Precisions add: $1/\Lambda_m = 1 + 1/\Lambda_0$. The mean is weighted by them.",
            "`new = 1 / (1 + 1 / variance)` and the mean `new * (x + mean / variance)`.",
        ),
        solution="def update(mean, variance, x):\n"
        "    new = 1 / (1 + 1 / variance)\n"
        "    return jnp.array([new * (x + mean / variance), new])\n",
        explanation="What is added is certainty: one over the variance. Apply it example by "
        "example and you have the posterior of all of them, in whatever order they came.",
        wrong=(
            Wrong(adds_variances, "the variances were added, and you end up less sure than before"),
            Wrong(takes_the_average, "old belief and new example count the same, however sure"),
        ),
    )


def _update(mean, variance, x):
    new = 1 / (1 + 1 / jnp.asarray(variance))
    return jnp.stack([new * (x + mean / variance), new])
