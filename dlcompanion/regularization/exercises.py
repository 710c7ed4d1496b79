"""The exercises of chapter 7."""

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion.practice import Exercise, Wrong, checks
from dlcompanion.regularization import project_columns, stop_on_curve

# Sections 7.1, 7.2 and 7.8


def matching_decay() -> Exercise:
    """The weight decay that leaves a given share (section 7.1.1, equation 7.13)."""
    return Exercise(
        id="7.1.1-alpha",
        prompt=r"A cost has its minimum at $w^* = (2, 2)$ and the Hessian "
        r"$H = \mathrm{diag}(0.2, 2)$. Which $\alpha$ in Equation 7.2 brings the first weight to "
        r"exactly 0.5? Assign it to `alpha`. What has become of the second weight?",
        stub="alpha = ...\n",
        checker=checks.number(0.6),
        hints=(
            "Which share of the first weight is left, and which formula says so?",
            r"$\lambda / (\lambda + \alpha)$ must be a quarter, and $\lambda$ is 0.2.",
            r"$0.2 \cdot 4 = 0.2 + \alpha$.",
        ),
        solution="alpha = 0.2 * (2 / 0.5 - 1)\n",
        explanation=r"Three quarters of the first weight are gone and less than a quarter of the "
        r"second: $2 / 2.6$ of it is left. The cost cares ten times as much about the second.",
        wrong=(
            Wrong(0.2, "this halves the weight"),
            Wrong(6.0, "this uses the curvature of the second weight"),
            Wrong(0.05, "a quarter of the curvature is not what leaves a quarter of the weight"),
        ),
    )


def soft_thresholding() -> Exercise:
    """The L1 solution for a diagonal Hessian (section 7.1.2, equation 7.23)."""

    def forgets_the_curvature(w_star, h, alpha):
        return jnp.sign(w_star) * jnp.maximum(jnp.abs(w_star) - alpha, 0)

    def overshoots(w_star, h, alpha):
        return w_star - jnp.sign(w_star) * alpha / h

    def loses_the_sign(w_star, h, alpha):
        return jnp.maximum(jnp.abs(w_star) - alpha / h, 0)

    return Exercise(
        id="7.1.2-soft-threshold",
        prompt=r"Write `l1_minimum(w_star, h, alpha)`: the weights that minimize "
        r"$\sum_i \tfrac12 h_i (w_i - w^*_i)^2 + \alpha |w_i|$ (Equation 7.22). `w_star` and `h` "
        "are vectors, and the curvatures `h` are positive. Zeros must be exact.",
        stub="def l1_minimum(w_star, h, alpha):\n    ...\n",
        checker=checks.function(
            reference=_l1_minimum,
            cases=[
                (jnp.array([3.0]), jnp.array([2.0]), 1.0),
                (jnp.array([-3.0]), jnp.array([2.0]), 1.0),
                (jnp.array([0.25, -0.25]), jnp.array([2.0, 2.0]), 0.5),
                (jnp.array([0.3, -1.0, 0.1, 2.0]), jnp.array([1.0, 2.0, 4.0, 0.5]), 0.8),
            ],
            random=lambda key: (
                jax.random.normal(key, (4,)),
                0.5 + jax.random.uniform(key, (4,)),
                0.4,
            ),
            rtol=1e-4,
            atol=1e-6,
        ),
        hints=(
            r"For $w_i > 0$, where is the slope $h_i (w_i - w^*_i) + \alpha$ zero?",
            r"Each weight moves towards 0 by $\alpha / h_i$, but it never passes 0.",
            "`sign(w_star) * maximum(abs(w_star) - alpha / h, 0)`.",
        ),
        solution="def l1_minimum(w_star, h, alpha):\n"
        "    return jnp.sign(w_star) * jnp.maximum(jnp.abs(w_star) - alpha / h, 0)\n",
        explanation=r"The pull of the L1 penalty does not weaken near 0, so it wins where the "
        r"slope of the cost at 0, $h_i |w^*_i|$, is at most $\alpha$. The pull of weight decay "
        "fades with the weight and wins nowhere.",
        wrong=(
            Wrong(forgets_the_curvature, "the shift is not divided by the curvature"),
            Wrong(overshoots, "small weights are pushed through zero to the other side"),
            Wrong(loses_the_sign, "negative weights have lost their sign"),
        ),
    )


def _l1_minimum(w_star, h, alpha):
    return jnp.sign(w_star) * jnp.maximum(jnp.abs(w_star) - alpha / h, 0)


def column_limit() -> Exercise:
    """A limit on the norm of every column (section 7.2)."""

    def rescales_all(W, limit):
        return W * limit / jnp.linalg.norm(W, axis=0, keepdims=True)

    def limits_the_rows(W, limit):
        norms = jnp.linalg.norm(W, axis=1, keepdims=True)
        return W * jnp.minimum(1, limit / jnp.where(norms == 0, 1, norms))

    def limits_the_matrix(W, limit):
        return W * jnp.minimum(1, limit / jnp.maximum(jnp.linalg.norm(W), 1e-9))

    return Exercise(
        id="7.2-column-norms",
        prompt=r"The weights into hidden unit $j$ are column $j$ of `W`. Write "
        r"`limit_columns(W, limit)`: the nearest matrix whose columns all have an $L^2$ norm of at "
        "most `limit`. Columns that are short enough must stay as they are, a column of zeros "
        "too.",
        stub="def limit_columns(W, limit):\n    ...\n",
        checker=checks.function(
            reference=project_columns,
            cases=[
                (jnp.array([[3.0, 0.3], [4.0, 0.4]]), 1.0),
                (jnp.array([[0.3, 0.3], [0.4, 0.4]]), 1.0),
                (jnp.array([[0.0, 3.0], [0.0, 4.0]]), 1.0),
                (jnp.array([[1.0, 1.0, 1.0]]), 2.0),
            ],
            random=lambda key: (jax.random.normal(key, (3, 4)), 1.5),
            rtol=1e-4,
            atol=1e-5,
        ),
        hints=(
            "What is the norm of each column, and which axis does it sum over?",
            "A column that is too long is multiplied by limit / norm, the others by 1.",
            "`W * limit / maximum(norms, limit)`, with `keepdims=True` in the norms.",
        ),
        solution="def limit_columns(W, limit):\n"
        "    norms = jnp.linalg.norm(W, axis=0, keepdims=True)\n"
        "    return W * limit / jnp.maximum(norms, limit)\n",
        explanation="The larger of norm and limit in the denominator does three things at once: it "
        "shortens long columns, leaves short ones alone and never divides by zero.",
        wrong=(
            Wrong(rescales_all, "short columns are stretched, or a zero column is divided by zero"),
            Wrong(limits_the_rows, "the rows are limited, not the columns"),
            Wrong(limits_the_matrix, "the whole matrix is limited, so short columns shrink too"),
        ),
    )


def patience() -> Exercise:
    """Early stopping on a list of errors (section 7.8, Algorithm 7.1)."""

    def counts_all_failures(errors, p):
        return _stop(errors, p, resets=False)

    def takes_ties_for_progress(errors, p):
        return _stop(errors, p, ties=True)

    def ignores_patience(errors, p):
        return np.array([np.argmin(errors) + 1, len(errors)])

    return Exercise(
        id="7.8-patience",
        prompt="Write `stop(errors, p)` after Algorithm 7.1, with $n = 1$. `errors[0]` is the "
        "validation error after step 1, `errors[1]` after step 2, and so on. Return the best step "
        "$i^*$ and the number of steps that were trained, as an array of two numbers. Before the "
        "first look the best step is 0. The list may end before the patience does.",
        stub="def stop(errors, p):\n    ...\n",
        checker=checks.function(
            reference=_reference_stop,
            cases=[
                (jnp.array([2.0, 1.0]), 1),
                (jnp.array([5.0, 4.0, 3.0, 3.5, 3.2, 3.1]), 3),
                (jnp.array([5.0, 4.0, 3.0, 3.5, 3.2, 2.9, 3.0, 3.0, 3.0]), 3),
                (jnp.array([5.0, 4.0, 3.0, 3.5, 3.2, 2.9, 3.0, 3.0, 3.0]), 2),
                (jnp.array([1.0, 1.0, 1.0]), 2),
                (jnp.array([1.0, 2.0]), 0),
            ],
            random=lambda key: (jax.random.uniform(key, (12,)), 3),
        ),
        hints=(
            "Which four things does the algorithm remember from one look to the next?",
            "The best error so far, when that was, how many looks since, and the present step.",
            "In the loop: `if j >= p: break`, count the step, then `if error < best` set `j = 0`, "
            "else add 1 to `j`.",
        ),
        solution="def stop(errors, p):\n"
        "    best, best_step, step, j = np.inf, 0, 0, 0\n"
        "    for error in errors:\n"
        "        if j >= p:\n"
        "            break\n"
        "        step = step + 1\n"
        "        if error < best:\n"
        "            best, best_step, j = error, step, 0\n"
        "        else:\n"
        "            j = j + 1\n"
        "    return np.array([best_step, step])\n",
        explanation="Only a smaller error resets the patience, so a plateau uses it up, and so "
        "would NaN, which is smaller than nothing. A run that spends all its patience has trained "
        "$p$ steps more than it keeps.",
        wrong=(
            Wrong(counts_all_failures, "the count of failures is not reset by an improvement"),
            Wrong(takes_ties_for_progress, "an equal error counts as an improvement"),
            Wrong(ignores_patience, "the training never stops early"),
        ),
    )


def _reference_stop(errors, p):
    return jnp.stack(stop_on_curve(errors, p))


def _stop(errors, p, resets=True, ties=False):
    """Run Algorithm 7.1 with a mistake."""
    best, best_step, step, j = np.inf, 0, 0, 0
    for error in np.asarray(errors):
        if j >= p:
            break
        step += 1
        if error < best or (ties and error == best):
            best, best_step, j = error, step, 0 if resets else j
        else:
            j += 1
    return np.array([best_step, step])


# Sections 7.11 to 7.13


def members_needed() -> Exercise:
    """How many models bring the error down (section 7.11, equation 7.51)."""
    return Exercise(
        id="7.11-members",
        prompt=r"Each model of an ensemble has squared error $v = 1$, and the errors of two models "
        r"have the mean product $c = 0.3$. How many models does it take until the squared error of "
        r"their mean is at most 0.35? Assign the number to `k`. Why would 0.25 be out of reach?",
        stub="k = ...\n",
        checker=checks.number(14, rtol=0, atol=0.1),
        hints=(
            "Which formula gives the error of the mean of $k$ models?",
            r"Equation 7.51 with $v = 1$, $c = 0.3$: solve $0.3 + 0.7 / k \leq 0.35$.",
            r"$k \geq 0.7 / 0.05$.",
        ),
        solution="k = (1 - 0.3) / (0.35 - 0.3)\n",
        explanation=r"The error is $c + (v - c) / k$. Averaging removes only what the models do "
        r"not share, so no number of them gets below $c$.",
        wrong=(
            Wrong(3, "this is the answer for models whose errors are uncorrelated"),
            Wrong(20, "this divides the whole variance, not the part that is not shared"),
        ),
    )


def geometric_ensemble() -> Exercise:
    """The renormalized geometric mean of sub-networks (section 7.12, equations 7.54, 7.55)."""

    def takes_the_arithmetic_mean(P):
        return P.mean(axis=0)

    def forgets_to_normalize(P):
        return jnp.exp(jnp.log(P).mean(axis=0))

    def multiplies_without_root(P):
        return P.prod(axis=0) / P.prod(axis=0).sum()

    return Exercise(
        id="7.12-geometric",
        prompt=r"Row $i$ of `P` holds the class probabilities that sub-network $i$ gives, all of "
        r"them positive. All sub-networks count alike. Write `together(P)`: their geometric mean, "
        r"renormalized (Equations 7.54 and 7.55).",
        stub="def together(P):\n    ...\n",
        checker=checks.function(
            reference=_geometric_mean,
            cases=[
                (jnp.array([[0.5, 0.5], [0.9, 0.1]]),),
                (jnp.array([[0.2, 0.3, 0.5]]),),
                (jnp.array([[0.98, 0.02], [0.5, 0.5], [0.4, 0.6]]),),
            ],
            random=lambda key: (jax.nn.softmax(3 * jax.random.normal(key, (5, 3))),),
            rtol=1e-4,
            atol=1e-5,
        ),
        hints=(
            "What does the logarithm make of a product and of a root?",
            "Average the logarithms over the rows, then go back.",
            "`p = exp(log(P).mean(axis=0))`, and `p / p.sum()`.",
        ),
        solution="def together(P):\n"
        "    p = jnp.exp(jnp.log(P).mean(axis=0))\n"
        "    return p / p.sum()\n",
        explanation="It is the softmax of the mean logarithm. For a softmax regression the mean "
        "runs over logits that are linear in the mask, so one pass with scaled weights gives it.",
        wrong=(
            Wrong(takes_the_arithmetic_mean, "this is the arithmetic mean, Equation 7.53"),
            Wrong(forgets_to_normalize, "the result does not sum to 1"),
            Wrong(multiplies_without_root, "the root is missing: the verdict is far too sure"),
        ),
    )


def _geometric_mean(P):
    return jax.nn.softmax(jnp.log(P).mean(axis=0))


def inverted_dropout() -> Exercise:
    """Dropout that needs no scaling at the end (section 7.12)."""

    def scales_the_wrong_way(h, mask, keep):
        return h * mask * keep

    def leaves_the_mean(h, mask, keep):
        return h * mask

    def drops_the_others(h, mask, keep):
        return h * (1 - mask) / keep

    return Exercise(
        id="7.12-inverted",
        prompt=r"Instead of scaling weights after training, one can scale units during training. "
        r"Write `dropped(h, mask, keep)`: the units `h` under a 0-1 `mask`, scaled so that their "
        r"expectation over masks is `h`, when each unit is kept with probability `keep`.",
        stub="def dropped(h, mask, keep):\n    ...\n",
        checker=checks.function(
            reference=_inverted,
            cases=[
                (jnp.array([1.0]), jnp.array([1.0]), 0.5),
                (jnp.array([2.0, -3.0]), jnp.array([1.0, 0.0]), 0.8),
            ],
            random=lambda key: (
                jax.random.normal(key, (4,)),
                jax.random.bernoulli(key, 0.7, (4,)).astype(float),
                0.7,
            ),
        ),
        hints=(
            "What is the expectation of `h * mask`?",
            "It is `keep * h`. Which factor undoes that?",
            "`h * mask / keep`.",
        ),
        solution="def dropped(h, mask, keep):\n    return h * mask / keep\n",
        explanation="This form is called inverted dropout, and is what most libraries do: the test "
        "network is then the trained one as it is.",
        wrong=(
            Wrong(scales_the_wrong_way, "the scaling goes the wrong way"),
            Wrong(leaves_the_mean, "the expectation is keep times h"),
            Wrong(drops_the_others, "the mask is turned round"),
        ),
    )


def _inverted(h, mask, keep):
    return h * mask / keep


def smallest_attack() -> Exercise:
    """The smallest max-norm change that turns a linear verdict (section 7.13)."""

    def divides_by_the_length(w, b, x):
        return jnp.abs(w @ x + b) / jnp.linalg.norm(w)

    def forgets_the_bias(w, b, x):
        return jnp.abs(w @ x) / jnp.abs(w).sum()

    def loses_the_sign(w, b, x):
        return (w @ x + b) / jnp.abs(w).sum()

    return Exercise(
        id="7.13-smallest-attack",
        prompt=r"A linear classifier decides by the sign of $w^\top x + b$. Every entry of $x$ may "
        r"change by at most $\epsilon$. Write `smallest(w, b, x)`: the $\epsilon$ at which the "
        r"best attack just reaches the border $w^\top x + b = 0$.",
        stub="def smallest(w, b, x):\n    ...\n",
        checker=checks.function(
            reference=_smallest_attack,
            cases=[
                (jnp.array([1.0, 1.0]), 0.0, jnp.array([1.0, 1.0])),
                (jnp.array([1.0, -2.0]), 0.5, jnp.array([-1.0, 1.0])),
            ],
            random=lambda key: (
                jax.random.normal(key, (5,)),
                0.7,
                jax.random.normal(jax.random.fold_in(key, 1), (5,)),
            ),
        ),
        hints=(
            r"By how much does the best attack of size $\epsilon$ change $w^\top x$?",
            r"By $\epsilon \|w\|_1$: every entry moves with or against the sign of its weight.",
            "`abs(w @ x + b) / abs(w).sum()`.",
        ),
        solution="def smallest(w, b, x):\n    return jnp.abs(w @ x + b) / jnp.abs(w).sum()\n",
        explanation=r"With $n$ inputs of similar weight $\|w\|_1$ is about $\sqrt n$ times the "
        r"length of $w$. So the more inputs there are, the smaller a change of each will do.",
        wrong=(
            Wrong(divides_by_the_length, "this is the distance for a change of bounded length"),
            Wrong(forgets_the_bias, "the bias is missing"),
            Wrong(loses_the_sign, "a size is never negative"),
        ),
    )


def _smallest_attack(w, b, x):
    return jnp.abs(w @ x + b) / jnp.abs(w).sum()
