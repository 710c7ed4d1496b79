"""The exercises of chapter 2."""

import jax
import jax.numpy as jnp
import numpy as np

from dlcompanion.linear_algebra import (
    deflation,
    pseudoinverse,
    reconstruction_error,
    svd,
    truncate,
)
from dlcompanion.practice import Exercise, Wrong, checks


def longest_l1() -> Exercise:
    """How much longer L1 can be than L2 (section 2.5, equations 2.30, 2.31)."""
    return Exercise(
        id="2.5-longest-l1",
        prompt=r"Among all $x \in \mathbb{R}^4$ with $\lVert x \rVert_2 = 1$, how large can "
        r"$\lVert x \rVert_1$ be? Assign the number to `largest`.",
        stub="largest = ...\n",
        checker=checks.number(2.0),
        hints=(
            "Where does the diamond of radius $r$ touch the circle from outside?",
            r"All four $|x_i|$ must be equal. What are they, if their squares sum to 1?",
            r"Each $|x_i|$ is $1/\sqrt 4$, and there are four of them.",
        ),
        solution="largest = 4 * 0.5\n",
        explanation=r"The best $x$ spreads its length evenly: $x = (\tfrac12, \tfrac12, "
        r"\tfrac12, \tfrac12)$. In $n$ dimensions the answer is $\sqrt n$; the smallest is 1, "
        "reached by a vector with one entry. That is why small L1 prefers zeros.",
        wrong=(
            Wrong(4.0, "every entry is 1, so the L2 norm is 2"),
            Wrong(1.0, "this is the smallest value, not the largest"),
        ),
    )


def ellipse() -> Exercise:
    """A matrix with a given ellipse (section 2.7, equation 2.41, Figure 2.3)."""
    return Exercise(
        id="2.7-ellipse",
        prompt=r"Build the symmetric matrix with positive eigenvalues that maps the unit circle to "
        r"an ellipse with half-axis 3 at 45° and half-axis 1 at 135°. Assign it to `A`.",
        stub="A = ...\n",
        checker=checks.array(np.array([[2.0, 1.0], [1.0, 2.0]])),
        hints=(
            "What are the two eigenvalues, and along which unit vectors?",
            r"Put the unit vectors into the columns of $Q$ and use $Q \Lambda Q^\top$.",
            r"$Q = \tfrac{1}{\sqrt 2}$ `[[1, -1], [1, 1]]` and $\Lambda = \mathrm{diag}(3, 1)$.",
        ),
        solution="Q = np.array([[1, -1], [1, 1]]) / np.sqrt(2)\nA = Q @ np.diag([3, 1]) @ Q.T\n",
        explanation=r"Along eigenvectors $A$ stretches by its eigenvalues, and they are at right "
        r"angles because $A$ is symmetric. Equation 2.41 puts them back together.",
        wrong=(
            Wrong(np.diag([3.0, 1.0]), "the half-axes lie along the coordinate axes"),
            Wrong(np.array([[2.0, -1.0], [-1.0, 2.0]]), "the two half-axes are swapped"),
        ),
    )


def rank_one() -> Exercise:
    """The closest matrix of rank one (section 2.8, equation 2.43)."""

    def forgets_the_singular_value(A):
        U, _, V = svd(A)
        return jnp.outer(U[:, 0], V[:, 0])

    def takes_a_column(A):
        U, s, V_transposed = jnp.linalg.svd(jnp.asarray(A, float))
        return s[0] * jnp.outer(U[:, 0], V_transposed[:, 0])

    return Exercise(
        id="2.8-rank-one",
        prompt=r"Write `rank_one(A)`: the matrix of rank one closest to $A$ in the Frobenius "
        r"norm. You may use `jnp.linalg.svd`, which returns $U$, the singular values and $V^\top$.",
        stub="def rank_one(A):\n    ...\n",
        checker=checks.function(
            reference=_rank_one,
            cases=[(jnp.diag(jnp.array([2.0, 1.0])),), (jnp.array([[1.0, 2.0], [3.0, 4.0]]),)],
            random=lambda key: (jax.random.normal(key, (3, 4)),),
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            "Which of the singular values must survive?",
            r"$A = \sum_i \sigma_i u^{(i)} v^{(i)\top}$. Keep one term of the sum.",
            "`s[0] * jnp.outer(U[:, 0], Vt[0])`, where `Vt` is what the library returns last.",
        ),
        solution="def rank_one(A):\n"
        "    U, s, Vt = jnp.linalg.svd(A)\n"
        "    return s[0] * jnp.outer(U[:, 0], Vt[0])\n",
        explanation="The largest singular value carries the largest share of the squares, and the "
        r"rest, $\sigma_2^2 + \sigma_3^2 + \dots$, is the squared error.",
        wrong=(
            Wrong(forgets_the_singular_value, "the singular value is missing"),
            Wrong(takes_a_column, "a column of V transposed is not a right-singular vector"),
        ),
    )


def pinv() -> Exercise:
    """The pseudoinverse from the SVD (section 2.9, equation 2.47)."""

    def has_no_cutoff(A):
        U, s, Vt = jnp.linalg.svd(jnp.asarray(A, float), full_matrices=False)
        return Vt.T @ jnp.diag(1 / s) @ U.T

    def forgets_the_reciprocal(A):
        U, s, Vt = jnp.linalg.svd(jnp.asarray(A, float), full_matrices=False)
        return Vt.T @ jnp.diag(s) @ U.T

    return Exercise(
        id="2.9-pinv",
        prompt=r"Write `pinv(A)` from Equation 2.47, for every shape and rank: tall, wide, square, "
        r"rank one, even all zeros. Use `jnp.linalg.svd`, not `pinv`. What counts as a singular "
        "value of zero in float32?",
        stub="def pinv(A):\n    ...\n",
        checker=checks.function(
            reference=pseudoinverse,
            cases=[
                (jnp.eye(2),),
                (jnp.diag(jnp.array([2.0, 4.0])),),
                (jnp.ones((1, 2)),),
                (jnp.zeros((2, 3)),),
                (jnp.outer(jnp.array([1.0, 2.0, 3.0]), jnp.array([0.1, 0.2, 0.3])),),
            ],
            random=lambda key: (jax.random.normal(key, (5, 3)),),
            rtol=1e-3,
            atol=1e-4,
        ),
        hints=(
            "What is $D^+$ for a diagonal $D$, and what happens to its zeros?",
            "Rounding turns zeros into about 1e-7 times the largest singular value. Cut there.",
            "`inverse = jnp.where(s > 1e-6 * s.max(), 1 / s, 0)`, then `Vt.T @ diag @ U.T`.",
        ),
        solution="def pinv(A):\n"
        "    U, s, Vt = jnp.linalg.svd(A, full_matrices=False)\n"
        "    inverse = jnp.where(s > 1e-6 * s.max(), 1 / s, 0)\n"
        "    return Vt.T @ jnp.diag(inverse) @ U.T\n",
        explanation="A direction that $A$ flattens is lost for good, so $A^+$ leaves it at zero. "
        "Whether it is flattened is a question of degree in floating point, hence the cut-off.",
        wrong=(
            Wrong(has_no_cutoff, "a singular value of zero is divided by"),
            Wrong(forgets_the_reciprocal, "the singular values are not inverted"),
        ),
    )


def pca_by_deflation() -> Exercise:
    """PCA one direction at a time (section 2.12, equations 2.72, 2.84)."""

    def takes_the_smallest(X, num_components):
        return jnp.linalg.eigh(X.T @ X)[1][:, :num_components]

    def never_deflates(X, num_components):
        d = jnp.linalg.eigh(X.T @ X)[1][:, -1]
        return jnp.stack([d] * num_components, axis=1)

    return Exercise(
        id="2.12-deflation",
        prompt=r"Write `pca(X, num_components)` by deflation: find the best single direction $d$, "
        r"replace $X$ by $X - Xdd^\top$, repeat. Return the directions as the columns of a matrix. "
        r"`jnp.linalg.eigh` returns the eigenvalues in rising order.",
        stub="def pca(X, num_components):\n    ...\n",
        checker=checks.satisfies(
            _find_fault_with_decoder,
            cases=[
                (jnp.diag(jnp.array([2.0, 1.0])), 1),
                (jnp.diag(jnp.array([3.0, 2.0, 1.0])), 2),
            ],
            random=lambda key: (
                jax.random.normal(key, (20, 4)) * jnp.array([3.0, 2.0, 1.0, 0.3]),
                2,
            ),
        ),
        hints=(
            r"Which matrix has $d$ as its eigenvector, and which of its eigenvectors is it?",
            r"The last column that `jnp.linalg.eigh(X.T @ X)` returns is the best $d$.",
            "In a loop: find `d`, append it, then `X = X - jnp.outer(X @ d, d)`. Stack at the end.",
        ),
        solution="def pca(X, num_components):\n"
        "    directions = []\n"
        "    for _ in range(num_components):\n"
        "        d = jnp.linalg.eigh(X.T @ X)[1][:, -1]\n"
        "        directions.append(d)\n"
        "        X = X - jnp.outer(X @ d, d)\n"
        "    return jnp.stack(directions, axis=1)\n",
        explanation="What is left after a step is orthogonal to $d$, so the next best direction is "
        "the next eigenvector. This is the induction that the book leaves to you.",
        wrong=(
            Wrong(takes_the_smallest, "the eigenvalues rise, so these are the worst directions"),
            Wrong(never_deflates, "the data keep what the first direction has explained"),
        ),
    )


def _rank_one(A):
    return truncate(svd(A), 1)


def _find_fault_with_decoder(returned, X, num_components) -> str:
    """Judge a decoder by its shape, its columns and what it loses (equation 2.68)."""
    D = np.asarray(returned, float)
    if D.shape != (X.shape[1], num_components):
        return f"the result must have shape {(X.shape[1], num_components)}, not {D.shape}"
    if not np.allclose(D.T @ D, np.eye(num_components), atol=1e-3):
        return "the columns are not orthonormal"
    best = float(reconstruction_error(X, deflation(X, num_components)))
    lost = float(((X - X @ D @ D.T) ** 2).sum())
    if lost > best * (1 + 1e-3) + 1e-3:
        return f"it loses {lost:.3g}, but {best:.3g} is possible"
    return ""
