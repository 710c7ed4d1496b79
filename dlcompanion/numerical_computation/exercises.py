"""The exercises of chapter 4."""

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion.numerical_computation import curvature
from dlcompanion.practice import Exercise, Wrong, checks


def kkt() -> Exercise:
    """Which candidates satisfy the KKT conditions (section 4.4, equation 4.14)."""

    def forgets_the_sign(x, alpha):
        return jnp.array([abs(2 * (x - 2) + alpha), max(x - 1, 0), 0, abs(alpha * (x - 1))])

    def subtracts_the_constraint(x, alpha):
        return jnp.array(
            [abs(2 * (x - 2) - alpha), max(x - 1, 0), max(-alpha, 0), abs(alpha * (x - 1))]
        )

    def forbids_the_inside(x, alpha):
        return jnp.array(
            [abs(2 * (x - 2) + alpha), abs(x - 1), max(-alpha, 0), abs(alpha * (x - 1))]
        )

    return Exercise(
        id="4.4-kkt",
        prompt=r"Minimize $(x - 2)^2$ subject to $x \leq 1$, that is $h(x) = x - 1 \leq 0$. Write "
        r"`kkt_residuals(x, alpha)` for numbers $x$ and $\alpha$. It returns an array of four "
        r"residuals, each zero or positive: the size of the derivative of the Lagrangian with "
        r"respect to $x$, the violation of $h(x) \leq 0$, the violation of $\alpha \geq 0$, and "
        r"$|\alpha h(x)|$. Then use it: which of the pairs $(x, \alpha)$ = (2, 0), (1, 0), (1, 2), "
        r"(0, 4) is a KKT point?",
        stub="def kkt_residuals(x, alpha):\n    ...\n",
        checker=checks.function(
            reference=_kkt_residuals,
            cases=[(1.0, 2.0), (2.0, 0.0), (1.0, 0.0), (0.0, 4.0), (1.0, -2.0)],
            random=lambda key: tuple(map(float, 2 * jax.random.normal(key, (2,)))),
        ),
        hints=(
            "What is the Lagrangian here, written out, and what is its derivative in $x$?",
            r"$L = (x - 2)^2 + \alpha (x - 1)$. A violation is the part of a number on the wrong "
            "side of zero: take a maximum with 0.",
            r"The four are $|2(x - 2) + \alpha|$, $\max(x - 1, 0)$, $\max(-\alpha, 0)$ and "
            r"$|\alpha (x - 1)|$.",
        ),
        solution="def kkt_residuals(x, alpha):\n"
        "    h = x - 1\n"
        "    stationarity = abs(2 * (x - 2) + alpha)\n"
        "    return jnp.array([stationarity, max(h, 0), max(-alpha, 0), abs(alpha * h)])\n",
        explanation=r"Only $(1, 2)$ passes all four. At $(2, 0)$ the constraint is violated; at "
        r"$(1, 0)$ nobody pays for the slope that is left; at $(0, 4)$ a constraint that is not "
        r"active has a price. Here passing is enough for an optimum because the problem is convex.",
        wrong=(
            Wrong(subtracts_the_constraint, r"$\alpha h(x)$ enters the Lagrangian with a plus"),
            Wrong(forgets_the_sign, r"$\alpha \geq 0$ is not checked"),
            Wrong(forbids_the_inside, r"only $h(x) > 0$ is a violation: the inside is feasible"),
        ),
    )


def _kkt_residuals(x, alpha):
    h = x - 1
    return jnp.array([abs(2 * (x - 2) + alpha), max(h, 0), max(-alpha, 0), abs(alpha * h)])


BOOKISH = np.array([[1.0, 2], [3, 4], [5, 6]], np.float32), np.array([7.0, 8, 9], np.float32)
EASY = np.array([[1.0, 0], [1, 1], [0, 2]], np.float32), np.array([1.0, 2, 3], np.float32)
DEFICIENT = np.array([[1.0, 2], [2, 4], [3, 6]], np.float32), np.array([1.0, 2, 4], np.float32)


def repair_algorithm() -> Exercise:
    """Give the loop of the book a start, a limit and a verdict (section 4.5, Algorithm 4.1)."""
    return Exercise(
        id="4.5-repair-algorithm",
        prompt=r"Algorithm 4.1 does not say where $x$ starts, may never end, and takes NaN for "
        r"success. Repair it: write `least_squares(A, b, epsilon, delta, max_steps)`, which starts "
        r"at $x = 0$, makes at most `max_steps` steps and returns `(x, status)`. The status is "
        r'`"converged"` if $\lVert A^\top A x - A^\top b \rVert_2 \leq \delta$ at the end, '
        r'`"diverged"` if a number is not finite, and `"max steps"` otherwise.',
        stub="def least_squares(A, b, epsilon, delta, max_steps):\n    ...\n",
        checker=checks.satisfies(
            _judge_descent,
            cases=[
                (*EASY, 0.2, 1e-3, 200),  # converges
                (*EASY, 0.2, 1e-3, 3),  # too slow
                (*BOOKISH, 0.01, 1e-8, 100),  # never: below the rounding of float32
                (*BOOKISH, 1.0, 1e-3, 400),  # NaN in float32, and in float64
                (*DEFICIENT, 0.02, 1e-3, 200),  # many solutions
            ],
        ),
        hints=(
            "What does Python answer to `float('nan') > 1e-3`, and what does the loop do then?",
            "Count the steps with `for _ in range(max_steps)`, and ask two questions about the "
            "norm in each: is it finite, is it within the tolerance?",
            'Inside the loop: `if not jnp.isfinite(norm): return x, "diverged"`, then '
            '`if norm <= delta: return x, "converged"`, then the step; ask again after the last.',
        ),
        solution="def least_squares(A, b, epsilon, delta, max_steps):\n"
        "    A, b = np.asarray(A), np.asarray(b)\n"
        "    x = np.zeros(A.shape[1])\n"
        "    for step in range(max_steps + 1):\n"
        "        with np.errstate(all='ignore'):\n"
        "            gradient = A.T @ (A @ x - b)\n"
        "            norm = np.linalg.norm(gradient)\n"
        "        if not np.isfinite(norm) or norm <= delta:\n"
        '            return x, "converged" if norm <= delta else "diverged"\n'
        "        if step < max_steps:\n"
        "            x = x - epsilon * gradient\n"
        '    return x, "max steps"\n',
        explanation=r"Every comparison with NaN is false, so `while norm > delta` ends as soon as "
        r"the iterate overflows. A limit is needed too: in float32 the gradient cannot fall below "
        r"its rounding error, and a smaller $\delta$ is never met. Starting at zero, the limit is "
        r"$A^+ b$ even if there are many solutions.",
        wrong=(
            Wrong(_as_printed, "it always reports success"),
            Wrong(_trusts_nan, "NaN > delta is false, and that is taken for convergence"),
            Wrong(_gives_up_without_a_word, "running out of steps is not divergence"),
        ),
    )


def _as_printed(A, b, epsilon, delta, max_steps):
    x, converged = _repaired(A, b, epsilon, delta, max_steps)
    return x, "converged"


def _trusts_nan(A, b, epsilon, delta, max_steps):
    x, status = _repaired(A, b, epsilon, delta, max_steps)
    return x, "converged" if status == "diverged" else status


def _gives_up_without_a_word(A, b, epsilon, delta, max_steps):
    x, status = _repaired(A, b, epsilon, delta, max_steps)
    return x, "diverged" if status == "max steps" else status


def _repaired(A, b, epsilon, delta, max_steps):
    A, b, x = np.asarray(A, float), np.asarray(b, float), np.zeros(np.shape(A)[1])
    with np.errstate(all="ignore"):
        for step in range(max_steps + 1):
            gradient = A.T @ (A @ x - b)
            norm = np.linalg.norm(gradient)
            if not np.isfinite(norm):
                return x, "diverged"
            if norm <= delta:
                return x, "converged"
            x = x - epsilon * gradient if step < max_steps else x
    return x, "max steps"


def _judge_descent(returned, *args) -> str:
    x, status = returned
    right_x, right_status = _repaired(*args)
    if status != right_status:
        return f'The status is "{status}", and this run ends as "{right_status}".'
    if status != "diverged" and not np.allclose(x, right_x, rtol=1e-2, atol=1e-2):
        return "The status is right, but $x$ is not where the descent from 0 ends."
    return ""


def radius() -> Exercise:
    """Least squares in a ball of any radius (section 4.5, equations 4.24-4.27)."""
    return Exercise(
        id="4.5-radius",
        prompt=r"Write `ball_least_squares(A, b, r)`: the $x$ that minimizes "
        r"$\tfrac{1}{2} \lVert A x - b \rVert_2^2$ subject to $x^\top x \leq r^2$. If $A^+ b$ is "
        r"feasible, return it. Otherwise find the multiplier of Equation 4.26. Gradient ascent on "
        r"$\lambda$ needs a learning rate that suits the problem; Newton's method on $\lambda$, or "
        r"halving an interval, does not. The matrix may be rank deficient.",
        stub="def ball_least_squares(A, b, r):\n    ...\n",
        checker=checks.satisfies(
            _judge_ball,
            cases=[
                (np.eye(2, dtype=np.float32), np.array([3.0, 4.0], np.float32), 1.0),
                (np.eye(2, dtype=np.float32), np.array([0.3, 0.4], np.float32), 1.0),
                (*BOOKISH, 1.0),
                (*BOOKISH, 3.0),
                (*DEFICIENT, 0.2),
                (*DEFICIENT, 2.0),
            ],
            random=_random_ball,
        ),
        hints=(
            r"What is $\lVert x(\lambda) \rVert$ at $\lambda = 0$, and what does it do as "
            r"$\lambda$ grows?",
            r"It falls all the way to 0. So double $\lambda$ until the norm is below $r$; the root "
            r"lies between that $\lambda$ and 0, and 60 halvings find it.",
            r"With `x = lambda m: np.linalg.solve(A.T @ A + 2 * m * np.eye(n), A.T @ b)`: while "
            r"the norm of `x(high)` exceeds $r$, double `high`; then halve.",
        ),
        solution="def ball_least_squares(A, b, r):\n"
        "    A, b = np.asarray(A, float), np.asarray(b, float)\n"
        "    free = np.linalg.pinv(A, rcond=1e-6) @ b\n"
        "    if free @ free <= r**2: return free\n"
        "    x = lambda m: np.linalg.solve(A.T @ A + 2 * m * np.eye(A.shape[1]), A.T @ b)\n"
        "    low, high = 0.0, 1.0\n"
        "    while np.linalg.norm(x(high)) > r:\n"
        "        high *= 2\n"
        "    for _ in range(60):\n"
        "        m = (low + high) / 2\n"
        "        low, high = (m, high) if np.linalg.norm(x(m)) > r else (low, m)\n"
        "    return x(high)\n",
        explanation=r"$\lVert x(\lambda) \rVert$ falls strictly, so exactly one $\lambda > 0$ puts "
        r"$x$ on the sphere, and the sign of $x^\top x - r^2$ tells on which side of it you are. "
        r"Halving uses the sign alone and needs no learning rate. Pulling $A^+ b$ back along its "
        r"own direction lands on the sphere too, but at another point, where the residual is "
        r"larger.",
        wrong=(
            Wrong(_scales_back, r"shortening $A^+ b$ keeps its direction, and the optimum turns"),
            Wrong(_always_outside, r"a feasible $A^+ b$ is the answer: there $\lambda = 0$"),
            Wrong(_unit_radius, "the radius is taken to be 1"),
        ),
    )


def _scales_back(A, b, r):
    x = np.linalg.pinv(np.asarray(A, float)) @ np.asarray(b, float)
    return x * min(1, r / np.linalg.norm(x))


def _always_outside(A, b, r):
    x = np.linalg.pinv(np.asarray(A, float)) @ np.asarray(b, float)
    return _in_ball(A, b, r) if np.linalg.norm(x) > r else x * r / np.linalg.norm(x)


def _unit_radius(A, b, r):
    return _in_ball(A, b, 1.0)


def _random_ball(key):
    key_A, key_b, key_r = jax.random.split(key, 3)
    A = jax.random.normal(key_A, (4, 3))
    b = 3 * jax.random.normal(key_b, (4,))
    return A, b, float(jax.random.uniform(key_r, minval=0.2, maxval=3))


def _in_ball(A, b, r):
    """Solve by singular values and halving."""
    U, s, Vt = np.linalg.svd(np.asarray(A, float), full_matrices=False)
    s = np.where(s > 1e-6 * s.max(initial=0), s, 0)
    c = U.T @ np.asarray(b, float)

    def coordinates(m):
        return np.where(s > 0, s * c / np.where(s > 0, s**2 + 2 * m, 1), 0)

    low, high = 0.0, s.max() * np.abs(c).sum() / r + 1
    if np.linalg.norm(coordinates(0)) <= r:
        return Vt.T @ coordinates(0)
    for _ in range(100):
        middle = (low + high) / 2
        outside = np.linalg.norm(coordinates(middle)) > r
        low, high = (middle, high) if outside else (low, middle)
    return Vt.T @ coordinates(high)


def _judge_ball(returned, A, b, r) -> str:
    A, b, x = np.asarray(A, float), np.asarray(b, float), np.asarray(returned, float)
    if x.shape != A.shape[1:]:
        return f"$x$ should have shape {A.shape[1:]}, yours has {x.shape}."
    if not np.linalg.norm(x) <= r * 1.001:
        return f"The norm of $x$ is {np.linalg.norm(x):.3g}, and the radius is {r:.3g}."
    best = _in_ball(A, b, r)
    losses = [0.5 * np.sum((A @ x - b) ** 2) for x in (x, best)]
    if losses[0] > losses[1] * 1.002 + 1e-5:
        return f"The loss is {losses[0]:.3g}, and {losses[1]:.3g} is possible in the ball."
    return ""


# Sections 4.3 and 4.3.1
CANYON = jnp.array([[3.0, 2.0], [2.0, 3.0]])


def _steepest_direction(grad):
    norm = jnp.linalg.norm(grad)
    return grad if norm == 0 else -grad / norm


def steepest_descent() -> Exercise:
    """The unit direction of steepest descent, where there is one (section 4.3, equation 4.3)."""
    return Exercise(
        id="4.3-steepest-descent",
        prompt=(
            "Write `steepest_descent(grad)`: the vector $u$ of length 1 with the smallest slope "
            "$u^\\top g$, given the gradient $g$. At a critical point no direction is steepest; "
            "return zeros there."
        ),
        stub="def steepest_descent(grad):\n    ...\n",
        checker=checks.function(
            reference=_steepest_direction,
            cases=[(jnp.array([1.0, 0.0]),), (jnp.array([3.0, -4.0]),), (jnp.zeros(2),)],
            random=lambda key: (3 * jax.random.normal(key, (4,)),),
        ),
        hints=(
            "Which angle between $u$ and $g$ makes $\\|u\\|\\|g\\|\\cos\\theta$ smallest?",
            "Turn the gradient round and divide by its length. What is its length at a minimum?",
            "`norm = jnp.linalg.norm(grad)`, then `-grad / norm`, except where `norm` is 0.",
        ),
        solution=(
            "def steepest_descent(grad):\n"
            "    norm = jnp.linalg.norm(grad)\n"
            "    return grad if norm == 0 else -grad / norm\n"
        ),
        explanation=(
            "Only the angle is free, and the smallest cosine is $-1$: $u$ points against $g$. "
            "The slope along it is $-\\|g\\|$. A gradient of zero has no angle with anything."
        ),
        wrong=(
            Wrong(
                lambda g: g if jnp.linalg.norm(g) == 0 else g / jnp.linalg.norm(g),
                "the sign is flipped: this is the steepest way up",
            ),
            Wrong(lambda g: -g, "the direction is right, but its length is not 1"),
            Wrong(
                lambda g: -g / jnp.linalg.norm(g), "it divides by zero where the gradient is zero"
            ),
        ),
    )


def gradient() -> Exercise:
    """The gradient of a least-squares cost, by hand (section 4.3, equation 4.22)."""
    return Exercise(
        id="4.3-gradient",
        prompt=(
            "Write `gradient(x, A, b)`: the gradient of $f(x) = \\frac{1}{2}\\|Ax - b\\|_2^2$ "
            "with respect to $x$, by hand, without `jax.grad`."
        ),
        stub="def gradient(x, A, b):\n    ...\n",
        checker=checks.gradient(
            of=lambda x, A, b: 0.5 * ((A @ x - b) ** 2).sum(),
            cases=[
                (jnp.array([1.0, 2.0]), jnp.eye(2), jnp.zeros(2)),
                (jnp.ones(2), jnp.array([[1.0, 2.0], [0.0, 1.0]]), jnp.array([1.0, 1.0])),
            ],
            random=_random_least_squares,
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            "What shape must the answer have, if $A$ has 3 rows and 2 columns?",
            "Call the residual $r = Ax - b$. Then $f = \\frac{1}{2} r^\\top r$, and the chain rule "
            "multiplies $r$ by the derivative of $r$ with respect to $x$.",
            "`r = A @ x - b`, and every entry of the gradient is a column of `A` times `r`.",
        ),
        solution="def gradient(x, A, b):\n    return A.T @ (A @ x - b)\n",
        explanation=(
            "The Jacobian of $r = Ax - b$ is $A$, and the gradient of $\\frac{1}{2} r^\\top r$ "
            "with respect to $r$ is $r$. The chain rule gives $A^\\top r$, Equation 4.22."
        ),
        wrong=(
            Wrong(lambda x, A, b: A.T @ (b - A @ x), "the sign is flipped"),
            Wrong(lambda x, A, b: A @ (A @ x - b), "the transpose of $A$ is missing"),
            Wrong(lambda x, A, b: 2 * A.T @ (A @ x - b), "the factor 1/2 of the cost is missing"),
        ),
    )


def _random_least_squares(key):
    key_x, key_matrix, key_b = jax.random.split(key, 3)
    A = jax.random.normal(key_matrix, (3, 3))
    return jax.random.normal(key_x, (3,)), A, jax.random.normal(key_b, (3,))


def largest_step() -> Exercise:
    """Where descent in the canyon stops converging (section 4.3.1, Figure 4.6)."""
    return Exercise(
        id="4.3.1-largest-step",
        prompt=(
            "The bowl $f(x) = \\frac{1}{2} x^\\top H x$ of Figure 4.6 has "
            "$H = \\begin{bmatrix} 3 & 2 \\\\ 2 & 3 \\end{bmatrix}$. Below which learning rate "
            "does gradient descent converge from every start? Work it out before you run anything."
        ),
        stub="largest_step = ...\n",
        checker=checks.number(0.4, rtol=1e-3),
        hints=(
            "By which factor does one step multiply the error along an eigenvector?",
            "The factor is $1 - \\epsilon\\lambda$, and its size must stay below 1 for every "
            "eigenvalue. Which eigenvalue complains first?",
            "The eigenvalues of $H$ are $3 - 2$ and $3 + 2$.",
        ),
        solution="largest_step = 2 / 5\n",
        explanation=(
            "The eigenvalues are 1 and 5. $|1 - 5\\epsilon| < 1$ exactly when $\\epsilon < 2/5$; "
            "the condition of the other eigenvalue, $\\epsilon < 2$, is then met by far."
        ),
        wrong=(
            Wrong(0.2, "1/5 is the step that is best across the walls; twice that still converges"),
            Wrong(2.0, "this is the limit of the smallest eigenvalue; the largest is stricter"),
        ),
    )


def best_step() -> Exercise:
    """The constant step with the best worst case (section 4.3.1, Figure 4.6)."""
    return Exercise(
        id="4.3.1-best-step",
        prompt=(
            "In the same bowl, the slower of the two errors decides how long you wait. Which "
            "constant learning rate makes the slower one as fast as possible?"
        ),
        stub="best_step = ...\n",
        checker=checks.number(1 / 3, rtol=1e-3),
        hints=(
            "How do the two factors $1 - \\epsilon$ and $1 - 5\\epsilon$ change as $\\epsilon$ "
            "grows from 0?",
            "One shrinks in size while the other, by then negative, grows. Where do they meet?",
            "Solve $1 - \\epsilon = 5\\epsilon - 1$.",
        ),
        solution="best_step = 2 / (1 + 5)\n",
        explanation=(
            "Where both factors have the same size neither can be improved without harming the "
            "other. That is at $2 / (\\lambda_{\\min} + \\lambda_{\\max}) = 1/3$, with factors "
            "$\\pm 2/3$."
        ),
        wrong=(
            Wrong(0.2, "this settles the walls in one step and leaves the floor a factor of 0.8"),
            Wrong(0.4, "at this step the walls never settle: their factor is $-1$"),
        ),
    )


def line_search() -> Exercise:
    """The step that ends lowest on its line (section 4.3.1, equation 4.10)."""
    return Exercise(
        id="4.3.1-line-search",
        prompt=(
            "Write `exact_step(g, H)`: the learning rate that lowers "
            "$f(x) - \\epsilon g^\\top g + \\frac{1}{2} \\epsilon^2 g^\\top H g$ the most. "
            "Here $H$ is positive definite and $g$ is not zero."
        ),
        stub="def exact_step(g, H):\n    ...\n",
        checker=checks.function(
            reference=lambda g, H: jnp.divide(g @ g, g @ H @ g),
            cases=[
                (jnp.array([1.0, 1.0]), CANYON),
                (jnp.array([1.0, -1.0]), CANYON),
                (jnp.array([2.0, 1.0]), CANYON),
            ],
            random=lambda key: (jax.random.normal(key, (2,)), CANYON),
        ),
        hints=(
            "It is a parabola in $\\epsilon$. Where is its lowest point?",
            "Differentiate with respect to $\\epsilon$ and set the result to zero.",
            "$-g^\\top g + \\epsilon g^\\top H g = 0$.",
        ),
        solution="def exact_step(g, H):\n    return (g @ g) / (g @ H @ g)\n",
        explanation=(
            "It is one over the curvature $d^\\top H d$ along the gradient's direction "
            "$d = g / \\|g\\|$: between $1/5$ across the walls and 1 along the floor."
        ),
        wrong=(
            Wrong(lambda g, H: 1 / (g @ H @ g), "it forgets that $g$ does not have length 1"),
            Wrong(lambda g, H: 2 * (g @ g) / (g @ H @ g), "the factor 1/2 is missing"),
            Wrong(lambda g, H: (g @ H @ g) / (g @ g), "this is the curvature; the step is 1/it"),
        ),
    )


VERDICTS = ("inconclusive", "minimum", "maximum", "saddle")


def _verdict(H, tol):
    return VERDICTS[int(curvature.classify(H, tol))]


def _judge_verdict(returned, H, tol):
    right = _verdict(H, tol)
    if returned == right:
        return ""
    eigenvalues = [round(float(value), 2) for value in jnp.linalg.eigvalsh(H)]
    return f"The eigenvalues are {eigenvalues}, so the answer is `{right!r}`, not `{returned!r}`."


def classify() -> Exercise:
    """The second derivative test, with its silence (section 4.3.1)."""
    flat, level = jnp.diag(jnp.array([1.0, 0.0])), jnp.diag(jnp.array([1.0, 0.0, -1.0]))
    hessians = (jnp.eye(1), -jnp.eye(2), jnp.diag(jnp.array([1.0, -1.0])), flat, -flat, level)
    hessians += (jnp.zeros((2, 2)), CANYON, jnp.diag(jnp.array([2.0, 1e-7])))
    return Exercise(
        id="4.3.1-classify",
        prompt=(
            "Write `classify(H, tol)` for the Hessian at a critical point. It returns "
            '`"minimum"`, `"maximum"`, `"saddle"` or `"inconclusive"`. Eigenvalues of size at '
            "most `tol` count as zero."
        ),
        stub="def classify(H, tol):\n    ...\n",
        checker=checks.satisfies(_judge_verdict, [(H, 1e-4) for H in hessians]),
        hints=(
            "What do the signs of the eigenvalues say when none of them is zero?",
            "Two signs make a saddle even if another eigenvalue is zero. Ask for a saddle first.",
            "With `v = jnp.linalg.eigvalsh(H)`, in ascending order, `v[0]` and `v[-1]` say it all.",
        ),
        solution=(
            "def classify(H, tol):\n"
            "    v = jnp.linalg.eigvalsh(H)\n"
            "    if v[0] < -tol and v[-1] > tol:\n"
            '        return "saddle"\n'
            "    if v[0] > tol:\n"
            '        return "minimum"\n'
            '    return "maximum" if v[-1] < -tol else "inconclusive"\n'
        ),
        explanation=(
            "A curve up in one section and down in another is a saddle whatever the others do. "
            "With a zero and the rest of one sign, the sections without curvature could turn "
            "either way, and only higher derivatives know."
        ),
        wrong=(
            Wrong(_signs_without_silence, "a zero eigenvalue leaves the test without an answer"),
            Wrong(
                _silent_at_any_zero, "two signs make a saddle, even where another curvature is zero"
            ),
        ),
    )


def _signs_without_silence(H, tol):
    v = jnp.linalg.eigvalsh(H)
    if v[0] < -tol and v[-1] > tol:
        return "saddle"
    return "minimum" if v[0] >= -tol else "maximum"


def _silent_at_any_zero(H, tol):
    v = jnp.linalg.eigvalsh(H)
    return "inconclusive" if (abs(v) <= tol).any() else _signs_without_silence(H, tol)


def log_softmax() -> Exercise:
    """Log-softmax that survives large logits (section 4.1, equation 4.1)."""
    return Exercise(
        id="4.1-log-softmax",
        prompt=r"Write `log_softmax(x)`, the logarithm of the softmax of Equation 4.1, for a "
        r"vector of logits. It must return finite numbers for every finite $x$, such as "
        r"$(0, -1000)$ and $(1000, 1000, 1000)$.",
        stub="def log_softmax(x):\n    ...\n",
        checker=checks.function(
            reference=_log_softmax,
            cases=[
                (jnp.array([0.0, 1.0]),),
                (jnp.array([0.0, -1000.0]),),
                (jnp.full(3, 1000.0),),
                (jnp.full(3, -1000.0),),
            ],
            random=lambda key: (10 * jax.random.normal(key, (4,)),),
            atol=1e-5,
        ),
        hints=(
            "Which step of the formula as written makes a 0 or an infinity?",
            "Softmax does not change when the same number is subtracted from every logit. Choose "
            "one that makes the largest argument of exp zero, and take the logarithm on paper.",
            r"With $z = x - \max_i x_i$ the answer is $z - \log \sum_j \exp(z_j)$.",
        ),
        solution=(
            "def log_softmax(x):\n    z = x - x.max()\n    return z - jnp.log(jnp.exp(z).sum())\n"
        ),
        explanation="The largest $z$ is 0, so exp never overflows, and the sum is at least 1, so "
        "its logarithm is finite. No probability is ever formed, so none can underflow.",
        wrong=(
            Wrong(lambda x: jnp.log(jnp.exp(x) / jnp.exp(x).sum()), "exp overflows or underflows"),
            Wrong(
                lambda x: jnp.log(jax.nn.softmax(x)),
                "a probability underflows to 0 before its logarithm is taken",
            ),
            Wrong(lambda x: x - x.max(), "the logarithm of the sum is missing"),
        ),
    )


def _log_softmax(x):
    z = x - x.max()
    return z - jnp.log(jnp.exp(z).sum())


def worst_case() -> Exercise:
    """The input and the error that a matrix magnifies most (section 4.2, equation 4.2)."""
    return Exercise(
        id="4.2-worst-case",
        prompt=r"Let $A = \mathrm{diag}(\kappa, 1)$ with $\kappa \geq 1$ and $f(x) = A^{-1} x$. "
        r"Write `worst_case(kappa)`. It returns two unit vectors of $\mathbb{R}^2$, an input and "
        r"an error, for which the relative error of the output is exactly $\kappa$ times that of "
        r"the input.",
        stub="def worst_case(kappa):\n    ...\n",
        checker=checks.satisfies(
            _judge_worst_case,
            [(2.0,), (10.0,), (1000.0,)],
            lambda key: (float(1.5 + 50 * jax.random.uniform(key)),),
        ),
        hints=(
            "The relative error of the output is a ratio. What makes its lower part small?",
            r"$A^{-1}$ divides the first entry by $\kappa$ and leaves the second as it is.",
            "The input should shrink as much as possible, and the error not at all.",
        ),
        solution="def worst_case(kappa):\n"
        "    return jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])\n",
        explanation=r"The input comes out $\kappa$ times shorter, the error as long as it was. "
        r"Against each other, the error has grown by $\kappa$, the ratio of Equation 4.2.",
        wrong=(
            Wrong(
                lambda kappa: (jnp.array([0.0, 1.0]), jnp.array([1.0, 0.0])),
                "input and error are swapped",
            ),
            Wrong(
                lambda kappa: (jnp.array([1.0, 0.0]), jnp.array([1.0, 0.0])),
                "an error along the input shrinks as the input does",
            ),
        ),
    )


def _judge_worst_case(returned, kappa) -> str:
    x, error = (np.asarray(vector, float) for vector in returned)
    if x.shape != (2,) or error.shape != (2,):
        return "Two vectors with two entries each are asked for."
    if abs(np.linalg.norm(x) - 1) > 1e-3 or abs(np.linalg.norm(error) - 1) > 1e-3:
        return "Both vectors should have length 1."
    inverse = np.array([1 / kappa, 1])
    grown = np.linalg.norm(inverse * error) / np.linalg.norm(inverse * x)
    if abs(grown / kappa - 1) < 0.01:
        return ""
    return f"The relative error comes out {grown:.3g} times as large, not {kappa:.3g} times."
