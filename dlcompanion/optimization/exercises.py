"""The exercises of chapter 8."""

import jax
import jax.numpy as jnp

from dlcompanion.optimization import (
    adam,
    batch_statistics,
    fletcher_reeves,
    linear_decay,
    normalize,
    steps_for,
)
from dlcompanion.practice import Exercise, Wrong, checks

# Sections 8.3 and 8.5


def decay() -> Exercise:
    """A learning rate that falls, and knows when to stop (section 8.3.1, equation 8.14)."""

    def never_stops(k, initial, final, tau):
        return (1 - k / tau) * initial + k / tau * final

    def starts_at_the_end(k, initial, final, tau):
        alpha = jnp.minimum(k / tau, 1)
        return alpha * initial + (1 - alpha) * final

    return Exercise(
        id="8.3.1-linear-decay",
        prompt=r"Write `rate(k, initial, final, tau)`: the learning rate of step $k$ by Equation "
        r"8.14, from `initial` at $k = 0$ to `final` at $k = \tau$. Mind what the text says about "
        r"the steps after $\tau$.",
        stub="def rate(k, initial, final, tau):\n    ...\n",
        checker=checks.function(
            reference=lambda k, initial, final, tau: linear_decay(initial, final, tau)(k),
            cases=[(0, 0.1, 0.001, 200), (100, 0.1, 0.001, 200), (205, 0.1, 0.001, 200),
                   (2000, 0.1, 0.001, 200)],
            random=lambda key: (int(jax.random.randint(key, (), 0, 300)), 0.5, 0.005, 100),
            rtol=1e-3,
            atol=1e-6,
        ),
        hints=(
            r"What is $\alpha$ at $k = 0$, at $k = \tau$, and at $k = 2\tau$?",
            r"A mixture of two rates is one of them at most: $\alpha$ must not exceed 1.",
            "`alpha = min(k / tau, 1)`, then `(1 - alpha) * initial + alpha * final`.",
        ),
        solution="def rate(k, initial, final, tau):\n"
        "    alpha = min(k / tau, 1)\n"
        "    return (1 - alpha) * initial + alpha * final\n",
        explanation=r"Without the end the formula goes below zero at $k = \tau / (1 - "
        r"\epsilon_\tau / \epsilon_0)$, for the usual hundredth at $1.01\tau$, and descent becomes "
        "ascent.",
        wrong=(
            Wrong(never_stops, "the rate goes on falling after tau, and below zero"),
            Wrong(starts_at_the_end, "the two rates are exchanged"),
        ),
    )  # fmt: skip


def top_speed() -> Exercise:
    """How much momentum for a given speed (section 8.3.2, equation 8.17)."""
    return Exercise(
        id="8.3.2-top-speed",
        prompt=r"A long slope has the same gradient everywhere. Which $\alpha$ lets momentum reach "
        "25 times the speed of gradient descent? Assign it to `alpha`.",
        stub="alpha = ...\n",
        checker=checks.number(0.96, rtol=1e-3),
        hints=(
            "What does Equation 8.17 say about the step after many equal gradients?",
            r"The speed is $\epsilon \lVert g \rVert / (1 - \alpha)$, that of gradient descent "
            r"$\epsilon \lVert g \rVert$.",
            r"Solve $1 / (1 - \alpha) = 25$.",
        ),
        solution="alpha = 1 - 1 / 25\n",
        explanation=r"The top speed comes at a price: after $t$ steps you have $1 - \alpha^t$ of "
        "it, so the last hundredth takes 113 steps to gain, and as many to lose.",
        wrong=(
            Wrong(1 / 25, "this is 1 - alpha"),
            Wrong(25, "this is the speed itself; momentum lies between 0 and 1"),
        ),
    )


def nesterov() -> Exercise:
    """One turn of Nesterov momentum (section 8.3.3, equations 8.21, 8.22, Algorithm 8.3)."""

    def looks_where_it_stands(theta, v, H, learning_rate, momentum):
        v = momentum * v - learning_rate * H @ theta
        return jnp.stack([theta + v, v])

    def looks_too_far(theta, v, H, learning_rate, momentum):
        v = momentum * v - learning_rate * H @ (theta + v)
        return jnp.stack([theta + v, v])

    def forgets_to_move_from_theta(theta, v, H, learning_rate, momentum):
        interim = theta + momentum * v
        v = momentum * v - learning_rate * H @ interim
        return jnp.stack([interim + v, v])

    return Exercise(
        id="8.3.3-nesterov",
        prompt=r"The loss is $\frac12 \theta^\top H \theta$. Write `step(theta, v, H, "
        "learning_rate, momentum)`: one turn of the loop of Algorithm 8.3. Return the new "
        r"$\theta$ and the new $v$ as the two rows of an array.",
        stub="def step(theta, v, H, learning_rate, momentum):\n    ...\n",
        checker=checks.function(
            reference=_nesterov,
            cases=[
                (jnp.array([1.0]), jnp.array([0.0]), jnp.array([[1.0]]), 0.1, 0.9),
                (jnp.array([1.0]), jnp.array([1.0]), jnp.array([[1.0]]), 0.1, 0.5),
            ],
            random=lambda key: (
                *jax.random.normal(key, (2, 2)),
                jnp.array([[2.0, 1.0], [1.0, 3.0]]),
                0.1,
                0.9,
            ),
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            "Where is the gradient evaluated, and where does the step begin?",
            r"The gradient is $H(\theta + \alpha v)$. The step begins at $\theta$.",
            "`v = momentum * v - learning_rate * H @ (theta + momentum * v)`; then move by it.",
        ),
        solution="def step(theta, v, H, learning_rate, momentum):\n"
        "    g = H @ (theta + momentum * v)\n"
        "    v = momentum * v - learning_rate * g\n"
        "    return jnp.stack([theta + v, v])\n",
        explanation="The interim point is only looked at. The velocity leads there anyway, so its "
        "gradient is a correction that comes one step earlier.",
        wrong=(
            Wrong(looks_where_it_stands, "the gradient is that of theta, as in plain momentum"),
            Wrong(looks_too_far, "the interim point is theta + alpha v, not theta + v"),
            Wrong(forgets_to_move_from_theta, "the step begins at theta, not at the interim point"),
        ),
    )


def _nesterov(theta, v, H, learning_rate, momentum):
    v = momentum * v - learning_rate * H @ (theta + momentum * v)
    return jnp.stack([theta + v, v])


def adam_steps() -> Exercise:
    """Adam, gradient by gradient (section 8.5.3, Algorithm 8.7)."""

    def run(grads, first, is_corrected, power=1.0):
        s = r = 0.0
        steps = []
        for t, g in enumerate(grads, first):
            s, r = 0.9 * s + 0.1 * g, 0.999 * r + 0.001 * g**2
            s_hat, r_hat = (s / (1 - 0.9**t), r / (1 - 0.999**t)) if is_corrected else (s, r)
            steps.append(-0.001 * s_hat / (r_hat ** (power / 2) + 1e-8))
        return jnp.stack(steps)

    return Exercise(
        id="8.5.3-adam",
        prompt="Write `adam(grads)`: the steps that Algorithm 8.7 makes of the gradients in "
        r"`grads`, one number each, with its default settings $\epsilon = 0.001$, $\rho_1 = 0.9$, "
        r"$\rho_2 = 0.999$, $\delta = 10^{-8}$. What is the size of the first step?",
        stub="def adam(grads):\n    ...\n",
        checker=checks.function(
            reference=lambda grads: steps_for(adam(), jnp.asarray(grads)[:, None])[:, 0],
            cases=[(jnp.array([1.0]),), (jnp.array([-3.0, -3.0]),), (jnp.array([100.0, 1.0]),)],
            random=lambda key: (jax.random.normal(key, (5,)),),
            rtol=2e-3,
            atol=1e-7,
        ),
        hints=(
            r"Both averages start at zero. By what are they too small after $t$ gradients?",
            r"Divide copies of them by $1 - \rho^t$, and let $t$ be 1 for the first gradient.",
            "`for t, g in enumerate(grads, 1)`; the step is "
            "`-0.001 * s_hat / (jnp.sqrt(r_hat) + 1e-8)`.",
        ),
        solution="def adam(grads):\n"
        "    s, r, steps = 0.0, 0.0, []\n"
        "    for t, g in enumerate(grads, 1):\n"
        "        s = 0.9 * s + 0.1 * g\n"
        "        r = 0.999 * r + 0.001 * g**2\n"
        "        s_hat, r_hat = s / (1 - 0.9**t), r / (1 - 0.999**t)\n"
        "        steps.append(-0.001 * s_hat / (jnp.sqrt(r_hat) + 1e-8))\n"
        "    return jnp.stack(steps)\n",
        explanation=r"The first step has the size $\epsilon$, whatever the gradient. Without the "
        r"corrections it would be $0.1 / \sqrt{0.001} = 3.2$ times as long.",
        wrong=(
            Wrong(lambda grads: run(grads, 1, False), "the averages are not corrected"),
            Wrong(lambda grads: run(grads, 2, True), "t counts from 1 at the first gradient"),
            Wrong(lambda grads: run(grads, 1, True, 2.0), "the root of r is missing"),
            Wrong(lambda grads: -run(grads, 1, True), "the sign is flipped"),
        ),
    )


# Sections 8.2, 8.4, 8.6 and 8.7.1


def longest_step() -> Exercise:
    """The step that gains nothing, and the best one (section 8.2.1, equation 8.10)."""

    def forgets_the_half(g, H):
        return jnp.stack([g @ g / (g @ H @ g), g @ g / (2 * g @ H @ g)])

    def uses_the_largest_curvature(g, H):
        top = jnp.linalg.eigvalsh(H)[-1]
        return jnp.stack([2 / top, 1 / top])

    return Exercise(
        id="8.2.1-longest-step",
        prompt=r"Equation 8.10 says what a step $-\epsilon g$ adds to the cost. Write "
        r"`steps(g, H)`: the learning rate from which on the cost does not fall any more, and the "
        r"one that lowers it most, as an array of two. $H$ is positive definite.",
        stub="def steps(g, H):\n    ...\n",
        checker=checks.function(
            reference=_steps,
            cases=[
                (jnp.array([1.0]), jnp.array([[2.0]])),
                (jnp.array([1.0, 100.0]), jnp.diag(jnp.array([1.0, 100.0]))),
            ],
            random=lambda key: (
                jax.random.normal(key, (3,)),
                jnp.diag(jnp.array([1.0, 4.0, 20.0])),
            ),
        ),
        hints=(
            r"For which $\epsilon$ are the two terms of Equation 8.10 equal?",
            r"One is the root of a parabola in $\epsilon$, the other its lowest point.",
            "`g @ g / (g @ H @ g)` is one of the two. Which?",
        ),
        solution="def steps(g, H):\n"
        "    best = g @ g / (g @ H @ g)\n"
        "    return jnp.stack([2 * best, best])\n",
        explanation=r"The change is $-\epsilon g^\top g (1 - \epsilon / \epsilon_0)$ with "
        r"$\epsilon_0 = 2 g^\top g / g^\top H g$: a parabola with roots 0 and $\epsilon_0$, lowest "
        "halfway. Strong curvature along $g$ makes both short, however long the gradient is.",
        wrong=(
            Wrong(forgets_the_half, "the factor 1/2 of the second-order term is missing"),
            Wrong(uses_the_largest_curvature, "the curvature that counts is the one along g"),
        ),
    )


def _steps(g, H):
    best = jnp.divide(g @ g, g @ H @ g)  # without NumPy's warning at g = 0
    return jnp.stack([2 * best, best])


def half_width() -> Exercise:
    """A range that keeps the variance of 300 inputs (section 8.4, equation 8.23)."""
    return Exercise(
        id="8.4-half-width",
        prompt=r"A linear unit sums 300 independent inputs of variance 1. Its weights are drawn "
        r"from $U(-a, a)$. Which $a$ gives the sum variance 1? Assign it to `a`.",
        stub="a = ...\n",
        checker=checks.number((3 / 300) ** 0.5),
        hints=(
            r"What is the variance of one number drawn from $U(-a, a)$?",
            r"It is $a^2 / 3$, and the variances of 300 products add up.",
            r"$300\, a^2 / 3 = 1$.",
        ),
        solution="a = jnp.sqrt(3 / 300)\n",
        explanation=r"Equation 8.23 for a layer from 300 to 300 gives "
        r"$\sqrt 6 / \sqrt{600} = 0.1$ too. The older range $1/\sqrt m$ loses a factor $\sqrt 3$.",
        wrong=(
            Wrong((1 / 300) ** 0.5, "the variance of a uniform number is a third of its square"),
            Wrong((6 / 300) ** 0.5, "this is the range for rectifiers, which lose half"),
        ),
    )


def directions() -> Exercise:
    """Conjugate directions, the first included (section 8.6.2, Algorithm 8.9)."""

    def goes_steepest(H, b):
        return _directions(H, b, lambda g, previous: 0.0)

    def has_the_sign_of_8_29(H, b):
        return -_directions(H, b, fletcher_reeves)

    return Exercise(
        id="8.6.2-directions",
        prompt=r"Write `directions(H, b)`: run Algorithm 8.9 on $J(\theta) = \frac12 \theta^\top H "
        r"\theta - b^\top \theta$ from $\theta = 0$, with as many exact line searches as there are "
        r"dimensions, and return the search directions $\rho_1, \dots, \rho_n$ as rows. Start with "
        r"$\beta_1 = 0$, and let nothing divide by zero if $b = 0$.",
        stub="def directions(H, b):\n    ...\n",
        checker=checks.function(
            reference=lambda H, b: _directions(H, b, fletcher_reeves),
            cases=[
                (jnp.array([[2.0]]), jnp.array([4.0])),
                (jnp.diag(jnp.array([1.0, 4.0])), jnp.array([1.0, 1.0])),
                (jnp.array([[3.0, 1.0], [1.0, 2.0]]), jnp.zeros(2)),
            ],
            random=lambda key: (
                jnp.array([[3.0, 1, 0], [1, 2, 0.5], [0, 0.5, 1]]),
                jax.random.normal(key, (3,)),
            ),
            rtol=1e-2,
            atol=1e-3,
        ),
        hints=(
            r"Which way does $\rho$ point if $\beta = 0$? Mind the sign of the gradient.",
            r"The exact step along $\rho$ is $-g^\top \rho / \rho^\top H \rho$.",
            "`beta = new @ new / (g @ g)`, then `d = -new + beta * d`; stop where `g @ g` is zero.",
        ),
        solution="def directions(H, b):\n"
        "    theta, g, d, rows = jnp.zeros_like(b), -b, b, []\n"
        "    for _ in b:\n"
        "        rows.append(d)\n"
        "        bend = d @ H @ d\n"
        "        theta = theta - (g @ d) / jnp.where(bend > 0, bend, 1) * d\n"
        "        new = H @ theta - b\n"
        "        beta = new @ new / jnp.where(g @ g > 0, g @ g, 1)\n"
        "        g, d = new, -new + beta * d\n"
        "    return jnp.stack(rows)\n",
        explanation=r"Every pair of rows has $\rho_i^\top H \rho_j = 0$, so that a line search "
        r"undoes none of the earlier ones, and $n$ of them end at the minimum. On a quadratic "
        "Fletcher-Reeves and Polak-Ribière agree.",
        wrong=(
            Wrong(goes_steepest, "these are the gradients: no earlier direction is kept"),
            Wrong(has_the_sign_of_8_29, "with the sign of Equation 8.29 a step goes uphill"),
        ),
    )


def _directions(H, b, beta_fn):
    theta, g, d, rows = jnp.zeros_like(b), -b, b, []
    for _ in range(len(b)):
        rows.append(d)
        bend = d @ H @ d
        theta = theta - (g @ d) / jnp.where(bend > 0, bend, 1) * d
        new = H @ theta - b
        g, d = new, -new + beta_fn(new, g) * d
    return jnp.stack(rows)


def normalized_gradient() -> Exercise:
    """Back through batch normalization (section 8.7.1, equations 8.36-8.38)."""

    def forgets_the_statistics(H, G):
        return G / jnp.sqrt(1e-8 + H.var(axis=0))

    def forgets_the_deviation(H, G):
        return (G - G.mean(axis=0)) / jnp.sqrt(1e-8 + H.var(axis=0))

    return Exercise(
        id="8.7.1-gradient",
        prompt=r"A cost has the gradient `G` by the normalized activations $H'$ (Equation 8.36), "
        r"one row for each example. Write `back(H, G)`: its gradient by $H$. The mean and the "
        r"deviation (Equations 8.37 and 8.38, $\delta = 10^{-8}$) depend on $H$ too.",
        stub="def back(H, G):\n    ...\n",
        checker=checks.function(
            reference=jax.jit(lambda H, G: jax.vjp(_normalized, H)[1](G)[0]),
            cases=[
                (jnp.array([[0.0], [2.0], [4.0]]), jnp.array([[1.0], [0.0], [0.0]])),
                (jnp.array([[0.0, 1.0], [2.0, 5.0], [3.0, 0.0]]), jnp.ones((3, 2))),
            ],
            random=lambda key: tuple(jax.random.normal(key, (2, 5, 2))),
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            "What may a gradient not do, if neither a shift nor a stretch of a column of $H$ "
            "changes $H'$?",
            r"Its columns sum to zero and are orthogonal to those of $H'$. Take both parts out.",
            "`(G - G.mean(0) - N * (G * N).mean(0)) / sigma`, where `N` is $H'$.",
        ),
        solution="def back(H, G):\n"
        "    sigma = jnp.sqrt(1e-8 + H.var(axis=0))\n"
        "    N = (H - H.mean(axis=0)) / sigma\n"
        "    return (G - G.mean(axis=0) - N * (G * N).mean(axis=0)) / sigma\n",
        explanation="Normalization removes from the gradient what would only move or stretch a "
        "unit. A bias before it gets the column sums for a gradient: nothing, so leave it out.",
        wrong=(
            Wrong(forgets_the_statistics, "mean and deviation were taken for constants"),
            Wrong(forgets_the_deviation, "the deviation was taken for a constant"),
        ),
    )


def _normalized(H):
    return normalize(H, batch_statistics(H))
