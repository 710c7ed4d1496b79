"""The exercises of chapter 6."""

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion.feedforward_networks import maxout, relu
from dlcompanion.feedforward_networks.xor import INPUTS
from dlcompanion.practice import Exercise, Wrong, checks

CROSSED = jnp.array([[1.0, -1.0], [-1.0, 1.0]])


def collapse() -> Exercise:
    """Two linear layers are one (section 6.1, equation 6.2)."""

    def forgets_the_hidden_bias(W, c, w, b):
        return W @ w, b

    def multiplies_from_the_left(W, c, w, b):
        return w @ W, w @ c + b

    return Exercise(
        id="6.1-collapse",
        prompt=r"A network without a nonlinearity computes $w^\top(W^\top x + c) + b$. Write "
        "`collapse(W, c, w, b)`: the weights and the bias of the single affine unit (Equation "
        "6.2) that computes the same, as a tuple.",
        stub="def collapse(W, c, w, b):\n    ...\n",
        checker=checks.function(
            reference=lambda W, c, w, b: (W @ w, w @ c + b),
            cases=[
                (jnp.eye(2), jnp.zeros(2), jnp.array([1.0, 2.0]), 0.0),
                (jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1.0, 0.0]), jnp.ones(2), 1.0),
            ],
            random=lambda key: (
                jax.random.normal(key, (2, 2)),
                *jax.random.normal(key, (2, 2)),
                0.5,
            ),
        ),
        hints=(
            r"Multiply out $w^\top(W^\top x + c) + b$. Which terms contain $x$?",
            r"$w^\top W^\top x = (Ww)^\top x$. What remains does not depend on $x$.",
            "`W @ w` are the weights. The bias is `w @ c` and one more term.",
        ),
        solution="def collapse(W, c, w, b):\n    return W @ w, w @ c + b\n",
        explanation="Affine maps of affine maps are affine. Depth without a nonlinearity buys "
        "nothing, so such a network fails on XOR like the plain affine model.",
        wrong=(
            Wrong(forgets_the_hidden_bias, "the hidden bias is lost"),
            Wrong(multiplies_from_the_left, "W acts on the wrong side"),
        ),
    )


def equality() -> Exercise:
    """A readout for other hidden weights than the book's (section 6.1, equation 6.3)."""

    def ignores_the_size(W):
        return jnp.zeros(2), -jnp.ones(2), 1.0

    def solves_xor(W):
        return jnp.zeros(2), jnp.ones(2) / W[0, 0], 0.0

    return Exercise(
        id="6.1-equality",
        prompt=r"XNOR is 1 where $x_1 = x_2$ and 0 elsewhere. The hidden weights are given, "
        r"$W = a\begin{bmatrix}1 & -1 \\ -1 & 1\end{bmatrix}$ with some $a > 0$. Write "
        "`finish(W)`: the rest of Equation 6.3, a tuple `c, w, b`, such that the network "
        "computes XNOR on the four points.",
        stub="def finish(W):\n    ...\n",
        checker=checks.satisfies(
            _find_fault_with_equality,
            cases=[(CROSSED,), (2 * CROSSED,)],
            random=lambda key: ((0.5 + 3 * jax.random.uniform(key)) * CROSSED,),
        ),
        hints=(
            r"With $c = 0$, what are $h_1$ and $h_2$ at each of the four points?",
            "One of them is $a$ where the inputs differ, and both are 0 where they are equal. "
            "Where must the output fall?",
            "Start at `b = 1` and take off 1 where either unit is active: its weight is `-1 / a`.",
        ),
        solution="def finish(W):\n    a = W[0, 0]\n"
        "    return jnp.zeros(2), jnp.array([-1.0, -1.0]) / a, 1.0\n",
        explanation="Each unit detects one way to differ. The book's solution is another of many: "
        "a rectified unit may be scaled up as long as its output weight is scaled down.",
        wrong=(
            Wrong(ignores_the_size, "the output weights do not undo the size of W"),
            Wrong(solves_xor, "this is XOR, the opposite"),
        ),
    )


def _find_fault_with_equality(returned, W) -> str:
    c, w, b = returned
    h = relu(jnp.asarray(INPUTS, jnp.float32) @ W + jnp.asarray(c))
    outputs = np.asarray(h @ jnp.asarray(w) + b)
    if outputs.shape != (4,):
        return "c and w need two numbers each, and b is one number."
    k = int(np.argmax(abs(outputs - [1, 0, 0, 1]) > 1e-3))
    if abs(outputs - [1, 0, 0, 1])[k] <= 1e-3:
        return ""
    x1, x2 = INPUTS[k].astype(int)
    return f"At x = ({x1}, {x2}) the network says {outputs[k]:.2f}, not {int(x1 == x2)}."


def slopes_of_a_rectifier() -> Exercise:
    """What a parametric ReLU passes down, and learns itself (section 6.3.1)."""

    def forgets_the_slope(z, alpha):
        return jnp.where(z > 0, 1.0, 0.0), jnp.where(z > 0, 0.0, z)

    def learns_everywhere(z, alpha):
        return jnp.where(z > 0, 1.0, alpha), z

    return Exercise(
        id="6.3.1-slopes",
        prompt=r"The parametric ReLU is $g(z) = \max(0, z) + \alpha \min(0, z)$. Write "
        r"`slopes(z, alpha)`: the derivatives of $g$ in $z$ and in $\alpha$, as a tuple of two "
        r"arrays in the shape of `z`. At $z = 0$ return the slope from the left.",
        stub="def slopes(z, alpha):\n    ...\n",
        checker=checks.function(
            reference=lambda z, alpha: (
                jnp.where(z > 0, 1.0, alpha),
                jnp.where(z > 0, 0.0, z),
            ),
            cases=[
                (jnp.array([2.0]), 0.25),
                (jnp.array([-2.0]), 0.25),
                (jnp.array([0.0, -1.0]), -1.0),
            ],
            random=lambda key: (
                jax.random.normal(key, (5,)),
                float(jax.random.uniform(key)),
            ),
        ),
        hints=(
            "Write the unit down for positive and for negative inputs. What is it in each case?",
            r"Below zero it is $\alpha z$: differentiate that once in $z$ and once in $\alpha$.",
            "Two calls of `jnp.where(z > 0, ..., ...)` do it.",
        ),
        solution="def slopes(z, alpha):\n"
        "    return jnp.where(z > 0, 1.0, alpha), jnp.where(z > 0, 0.0, z)\n",
        explanation=r"With $\alpha = 0$ a unit below zero passes nothing on. With any other "
        r"$\alpha$ it learns from every example, and $\alpha$ itself learns where $z$ is negative.",
        wrong=(
            Wrong(forgets_the_slope, "below zero the slope is alpha, not zero"),
            Wrong(learns_everywhere, "above zero the unit does not depend on alpha"),
        ),
    )


def write_maxout() -> Exercise:
    """The largest of each group of k numbers (section 6.3.1, equation 6.37)."""

    def takes_strides(z, k):
        return z.reshape(k, -1).max(axis=0)

    def adds_up(z, k):
        return z.reshape(-1, k).sum(axis=1)

    return Exercise(
        id="6.3.1-maxout",
        prompt=r"Write `maxout(z, k)` (Equation 6.37): group $i$ holds the numbers from place "
        r"$(i-1)k + 1$ to $ik$, counted from one, and the unit returns the largest of each group.",
        stub="def maxout(z, k):\n    ...\n",
        checker=checks.function(
            reference=maxout,
            cases=[
                (jnp.array([1.0, 2.0]), 2),
                (jnp.array([4.0, 1.0, 2.0, 3.0]), 2),
                (jnp.array([-1.0, -5.0, -2.0]), 1),
            ],
            random=lambda key: (jax.random.normal(key, (12,)), 3),
        ),
        hints=(
            "With $k = 2$ and four numbers, which are in the first group?",
            "Neighbours are together. Which shape puts each group into a row?",
            "`z.reshape(-1, k)` has the groups in rows.",
        ),
        solution="def maxout(z, k):\n    return z.reshape(-1, k).max(axis=1)\n",
        explanation=r"Fed with $(z, \alpha z)$ it is the parametric ReLU for every $\alpha$ up to "
        "1. It is always convex: to bend down, the next layer needs a negative weight.",
        wrong=(
            Wrong(takes_strides, "the groups are not made of neighbours"),
            Wrong(adds_up, "it adds the group up"),
        ),
    )


def bernoulli_slope() -> Exercise:
    """The slope of cross-entropy by the logit (section 6.2.2.2, equation 6.26)."""
    return Exercise(
        id="6.2.2-slope",
        prompt=r"Write `slope(z, y)`: the derivative of $\zeta((1 - 2y)z)$ by $z$ (Equation 6.26), "
        r"for a label $y$ of 0 or 1.",
        stub="def slope(z, y):\n    ...\n",
        checker=checks.function(
            reference=_bernoulli_slope,
            cases=[(0.0, 1.0), (-10.0, 1.0), (10.0, 0.0)],
            random=lambda key: (5 * jax.random.normal(key), 1.0),
            rtol=1e-4,
            atol=1e-6,
        ),
        hints=(
            "What is the derivative of the softplus?",
            r"It is the sigmoid. The chain rule brings $1 - 2y$.",
            r"Try both labels: what remains is the sigmoid of $z$, minus $y$.",
        ),
        solution="def slope(z, y):\n    return jax.nn.sigmoid(z) - y\n",
        explanation="The slope is the prediction minus the label, so it vanishes only where the "
        "prediction is right.",
        wrong=(
            Wrong(lambda z, y: y - jax.nn.sigmoid(z), "the sign is flipped"),
            Wrong(
                lambda z, y: 2 * (jax.nn.sigmoid(z) - y) * jax.nn.sigmoid(z) * jax.nn.sigmoid(-z),
                "this is the slope of squared error",
            ),
        ),
    )


def _bernoulli_slope(z, y):
    return jax.nn.sigmoid(z) - y


def cross_entropy() -> Exercise:
    """Cross-entropy from logits that never overflows (section 6.2.2.3, equation 6.30)."""
    return Exercise(
        id="6.2.2-cross-entropy",
        prompt=r"Write `loss(z, label)`: $-\log \mathrm{softmax}(z)_i$ for the class `label` "
        r"(Equation 6.30). It must survive logits of 1000.",
        stub="def loss(z, label):\n    ...\n",
        checker=checks.function(
            reference=_cross_entropy,
            cases=[(jnp.zeros(2), 0), (jnp.array([0.0, 0.0, 1000.0]), 0), (jnp.full(3, -1e3), 1)],
            random=lambda key: (3 * jax.random.normal(key, (4,)), 2),
            rtol=1e-4,
            atol=1e-5,
        ),
        hints=(
            "Which operation overflows, and what may you subtract from all logits?",
            "After subtracting the largest, do not form the probability: keep its logarithm.",
            "`z = z - z.max()`, then the log of the sum of exponentials, minus `z[label]`.",
        ),
        solution="def loss(z, label):\n"
        "    z = z - z.max()\n"
        "    return jnp.log(jnp.exp(z).sum()) - z[label]\n",
        explanation="The largest term of the sum is 1, so its logarithm is safe, and the logit "
        "itself enters as it is: that part never saturates.",
        wrong=(
            Wrong(lambda z, i: -jnp.log(jnp.exp(z)[i] / jnp.exp(z).sum()), "overflows"),
            Wrong(lambda z, i: z[i] - jax.nn.logsumexp(z), "the sign is flipped"),
        ),
    )


def _cross_entropy(z, label):
    return jax.nn.logsumexp(z) - z[label]


def classifier_gradient() -> Exercise:
    """The way back through one rectified layer, by hand (section 6.5.7, equation 6.56)."""

    def forgets_the_mask(X, W1, W2, G):
        return X.T @ (G @ W2.T)

    def masks_the_wrong_side(X, W1, W2, G):
        return X.T @ jnp.where(X @ W1 > 0, 0, G @ W2.T)

    return Exercise(
        id="6.5.7-way-back",
        prompt=r"A network has $U^{(1)} = XW^{(1)}$, $H = \max\{0, U^{(1)}\}$ and "
        r"$U^{(2)} = HW^{(2)}$. Write `way_back(X, W1, W2, G)`: the gradient by $W^{(1)}$, where "
        r"`G` is the gradient by $U^{(2)}$. Use no automatic differentiation.",
        stub="def way_back(X, W1, W2, G):\n    ...\n",
        checker=checks.function(
            reference=_way_back,
            cases=[(jnp.ones((1, 1)), jnp.ones((1, 1)), jnp.ones((1, 1)), jnp.ones((1, 1)))],
            random=lambda key: tuple(
                jax.random.normal(k, shape)
                for k, shape in zip(
                    jax.random.split(key, 4), ((5, 3), (3, 4), (4, 2), (5, 2)), strict=True
                )
            ),
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            "A product hands a gradient back to each factor. Which one leads to $H$?",
            r"$\nabla_H = G W^{(2)\top}$. Which of its entries does the rectifier let through?",
            "Zero where `X @ W1` is not positive; then `X.T @` what is left.",
        ),
        solution="def way_back(X, W1, W2, G):\n"
        "    on_hidden = jnp.where(X @ W1 > 0, G @ W2.T, 0)\n"
        "    return X.T @ on_hidden\n",
        explanation="Two products and a mask. The mask works entry by entry: a unit that was "
        "silent for an example learns nothing from it.",
        wrong=(
            Wrong(forgets_the_mask, "the rectifier's mask is missing"),
            Wrong(masks_the_wrong_side, "the mask keeps the silent units"),
        ),
    )


def _way_back(X, W1, W2, G):
    return X.T @ jnp.where(X @ W1 > 0, G @ W2.T, 0)
