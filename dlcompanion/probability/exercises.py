"""The exercises of chapter 3."""

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion.practice import Exercise, Wrong, checks
from dlcompanion.probability.information import kl_divergence as _kl_divergence
from dlcompanion.probability.sigmoid_softplus import inverse_softplus as _inverse_softplus
from dlcompanion.probability.sigmoid_softplus import log_sigmoid as _log_sigmoid


def uncorrelated() -> Exercise:
    """A joint table without covariance and without independence (section 3.8, equation 3.13)."""

    def judge(table) -> str:
        table, values = np.asarray(table, float), np.array([-1, 0, 1])
        if table.shape != (3, 3) or table.min() < 0 or abs(table.sum() - 1) > 1e-6:
            return "a joint table has shape (3, 3), no negative entry and the sum 1."
        rows, columns = table.sum(axis=1), table.sum(axis=0)
        covariance = values @ table @ values - (values @ rows) * (values @ columns)
        if abs(covariance) > 1e-6:
            return f"the covariance is {covariance:.3f}, not 0."
        gap = np.abs(table - np.outer(rows, columns)).max()
        return "" if gap > 0.05 else "these two variables are independent."

    return Exercise(
        id="3.8-uncorrelated",
        prompt=r"Write `uncorrelated()`, which returns a joint table $P(x, y)$ over the values "
        r"$-1, 0, 1$ of both (shape (3, 3), rows are $x$) whose covariance is 0 although $x$ and "
        r"$y$ depend on each other.",
        stub="def uncorrelated():\n    ...\n",
        checker=checks.satisfies(judge, [()]),
        hints=(
            "Which symmetry makes the sum of x y P(x, y) vanish?",
            "Let x and y always have the same size and independent signs.",
            "Put 1/8 into each corner and the rest into the middle.",
        ),
        solution="def uncorrelated():\n"
        "    return jnp.array([[1, 0, 1], [0, 4, 0], [1, 0, 1]]) / 8\n",
        explanation="The corners cancel in pairs, so the covariance is zero. Yet knowing that "
        "$x$ is 0 tells you $y$. Covariance sees linear dependence only.",
        wrong=(
            Wrong(lambda: jnp.full((3, 3), 1 / 9), "independent"),
            Wrong(lambda: jnp.eye(3) / 3, "covariance"),
        ),
    )


def _log_mixture(x):
    parts = -0.5 * (x - jnp.array([-2.0, 2.0])) ** 2 - 0.5 * jnp.log(2 * jnp.pi) - jnp.log(2.0)
    return jax.nn.logsumexp(parts)


def _plain_log_mixture(x):
    bells = jnp.exp(-0.5 * (x - jnp.array([-2.0, 2.0])) ** 2) / jnp.sqrt(2 * jnp.pi)
    return jnp.log(bells.mean())


def log_mixture() -> Exercise:
    """The log-density of a mixture, far away from it (section 3.9.6, equation 3.29)."""
    return Exercise(
        id="3.9.6-log-mixture",
        prompt=r"Write `log_mixture(x)`, the log-density of "
        r"$\frac12\mathcal N(-2, 1) + \frac12\mathcal N(2, 1)$ at a number $x$. It must still be "
        r"right at $x = 50$.",
        stub="def log_mixture(x):\n    ...\n",
        checker=checks.function(
            _log_mixture, [(0.0,), (1.0,), (50.0,), (-50.0,)],
            lambda key: (5 * jax.random.normal(key),), rtol=1e-4, atol=1e-4,
        ),
        hints=(
            "Which number becomes zero at x = 50?",
            "Add the two parts without leaving the logarithms.",
            "jax.nn.logsumexp adds numbers given by their logarithms; do not forget log(1/2).",
        ),
        solution="def log_mixture(x):\n"
        "    parts = -0.5 * (x - jnp.array([-2.0, 2.0])) ** 2 - 0.5 * jnp.log(2 * jnp.pi)\n"
        "    return jax.nn.logsumexp(parts) - jnp.log(2.0)\n",
        explanation="The log-density of each part is an ordinary number everywhere; its "
        "exponential is zero in float32 from about 13 standard deviations on.",
        wrong=(
            Wrong(_plain_log_mixture, "the density underflows before its logarithm is taken"),
            Wrong(lambda x: _log_mixture(x) + jnp.log(2.0), "the weight 1/2 is missing"),
        ),
    )  # fmt: skip


def log_sigmoid() -> Exercise:
    """Log-sigmoid for every float (section 3.10, equation 3.36)."""
    return Exercise(
        id="3.10-log-sigmoid",
        prompt=r"Write `log_sigmoid(x)` $= \log\sigma(x)$ for a number $x$, right from $-1000$ to "
        r"$1000$.",
        stub="def log_sigmoid(x):\n    ...\n",
        checker=checks.function(
            _log_sigmoid, [(0.0,), (-100.0,), (-1000.0,), (1000.0,)],
            lambda key: (20 * jax.random.normal(key),),
        ),
        hints=(
            "What is the sigmoid of -1000 in float32, and its logarithm?",
            "Equation 3.36 writes it with a softplus.",
            "jnp.logaddexp(0, z) is log(1 + exp(z)) without the overflow.",
        ),
        solution="def log_sigmoid(x):\n    return -jnp.logaddexp(0.0, -x)\n",
        explanation="$\\log\\sigma(x) = -\\zeta(-x)$, and the softplus adds in logarithms.",
        wrong=(
            Wrong(lambda x: jnp.log(1 / (1 + jnp.exp(-x))), "it takes the logarithm of zero"),
            Wrong(lambda x: jnp.logaddexp(0.0, -x), "the sign is flipped"),
        ),
    )  # fmt: skip


def inverse_softplus() -> Exercise:
    """The inverse of the softplus without overflow (section 3.10, equation 3.39)."""
    return Exercise(
        id="3.10-inverse-softplus",
        prompt=r"Write `inverse_softplus(y)`, the $x$ with $\zeta(x) = y$, right for $y = 10^{-8}$ "
        r"and for $y = 100$.",
        stub="def inverse_softplus(y):\n    ...\n",
        checker=checks.function(
            _inverse_softplus, [(1.0,), (1e-8,), (100.0,)],
            lambda key: (jax.random.uniform(key, minval=0.01, maxval=20.0),),
        ),
        hints=(
            "Where does log(exp(y) - 1) overflow, and where does it cancel?",
            "Take exp(y) out of the bracket.",
            "y + log(1 - exp(-y)), with jnp.expm1 for the difference.",
        ),
        solution="def inverse_softplus(y):\n    return y + jnp.log(-jnp.expm1(-y))\n",
        explanation="Taking $e^y$ out of the logarithm leaves $e^{-y}$, which cannot overflow; "
        "expm1 keeps its digits near zero.",
        wrong=(
            Wrong(lambda y: jnp.log(jnp.exp(y) - 1), "it overflows or cancels"),
            Wrong(lambda y: y + jnp.log(1 + jnp.exp(-y)), "a sign is flipped"),
        ),
    )  # fmt: skip


def _random_pair(key):
    return tuple(jax.random.dirichlet(key, jnp.ones(3), (2,)))


def kl_divergence() -> Exercise:
    """The KL divergence of two tables, zeros included (section 3.13, equation 3.50)."""
    return Exercise(
        id="3.13-kl-divergence",
        prompt=r"Write `kl_divergence(P, Q)` in nats for two tables. States that $P$ never "
        r"produces cost nothing.",
        stub="def kl_divergence(P, Q):\n    ...\n",
        checker=checks.function(
            _kl_divergence,
            [(jnp.array([0.9, 0.1]), jnp.array([0.5, 0.5])),
             (jnp.array([1.0, 0.0]), jnp.array([0.5, 0.5]))],
            _random_pair, rtol=1e-3, atol=1e-4,
        ),
        hints=(
            "Whose probabilities weigh the average?",
            "0 log 0 counts as 0.",
            "Replace P by 1 where it is 0 before you take the logarithm.",
        ),
        solution="def kl_divergence(P, Q):\n    log_ratio = jnp.log(jnp.where(P > 0, P, 1) / Q)\n"
        "    return (P * log_ratio).sum()\n",
        explanation="The average runs over what $P$ produces. A state with $P = 0$ never comes.",
        wrong=(
            Wrong(lambda P, Q: (P * jnp.log(P / Q)).sum(), "0 log 0 is not treated as 0"),
            Wrong(lambda P, Q: _kl_divergence(Q, P), "the two directions are swapped"),
        ),
    )  # fmt: skip


def reverse_preference() -> Exercise:
    """What the reverse direction prefers for modes that are close (section 3.13, Figure 3.6)."""
    return Exercise(
        id="3.13-reverse-preference",
        prompt=r"Two modes of width 1 stand at $\pm 2.5$ with equal weights. Which $q$ has the "
        r'lower $D(q\,\|\,p)$: `"one mode"` or `"both modes"`? Assign it to `preference`.',
        stub="preference = ...\n",
        checker=checks.choice(
            "both modes",
            {"one mode": "The valley between these modes is shallow: covering it costs little.",
             "both modes": ""},
        ),
        hints=(
            "How deep is the valley between the modes?",
            "Set the width to 1 in the explorer and drag the modes to -2.5 and 2.5.",
            "Start q at a mode, then in the middle, and compare the heights of the minima.",
        ),
        solution='preference = "both modes"\n',
        explanation="Reverse KL picks one mode only if the valley between them is deep enough.",
        wrong=(
            Wrong("one mode", "The valley between these modes is shallow"),
            Wrong("neither", "Choose one of"),
        ),
    )  # fmt: skip
