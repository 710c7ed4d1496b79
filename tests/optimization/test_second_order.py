"""Newton's method, conjugate gradients and BFGS."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dlcompanion.numerical_computation import (
    line_search_descent,
    newton,
    quadratic_from_hessian,
    taylor_model,
)
from dlcompanion.optimization import (
    bfgs,
    conjugate_gradients,
    damped_newton,
    fletcher_reeves,
    line_search,
    polak_ribiere,
    update_inverse,
)
from tests.problems import rosenbrock, shifted, smooth_absolute

seeds = st.integers(0, 1000)
BANANA = np.array([-1.2, 1.0])


def random_bowl(seed: int, eigenvalues):
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues),) * 2))
    H = Q @ np.diag(eigenvalues) @ Q.T
    return quadratic_from_hessian((H + H.T) / 2)


EIGHT = np.geomspace(1, 50, 8)


def shortened(factor):
    return lambda *line: factor * line_search(*line)


# Newton


def test_newton_solves_a_bowl_at_once():
    """One step goes to the minimum, however long the bowl is (equation 8.27, Algorithm 8.8)."""
    bowl = quadratic_from_hessian(np.diag([1.0, 1e6]))
    path = damped_newton(bowl, np.array([3.0, -2.0]), 0.0, 2)
    assert_allclose(path.params[1:], 0, atol=1e-12)
    again = newton(rosenbrock, BANANA, 6)
    assert_allclose(damped_newton(rosenbrock, BANANA, 0.0, 6).params, again.params, rtol=1e-10)


def test_the_model_is_right_to_second_order():
    """Halving the distance divides the error of the model by eight (equation 8.26)."""
    here = jnp.array([0.3, -0.2])
    model, direction = taylor_model(rosenbrock, here), jnp.array([0.6, 0.8])
    errors = [float(rosenbrock(x) - model(x)) for x in (here + h * direction for h in (0.02, 0.01))]
    assert_allclose(errors[0] / errors[1], 8, rtol=0.1)
    # Newton's step is the model's minimum, where that is one
    low = here - jnp.linalg.solve(jax.hessian(rosenbrock)(here), jax.grad(rosenbrock)(here))
    assert_allclose(jax.grad(model)(low), 0, atol=1e-10)


def test_newton_may_diverge_on_a_convex_cost():
    """On sqrt(1 + x^2) it maps x to -x^3: 0.9 arrives, 1.1 flies off (section 8.6.1)."""
    near = damped_newton(smooth_absolute, np.array([0.9]), 0.0, 6).params[:, 0]
    far = damped_newton(smooth_absolute, np.array([1.1]), 0.0, 6).params[:, 0]
    assert_allclose(far[1:3], [-(1.1**3), 1.1**9], rtol=1e-6)
    assert abs(near[-1]) < 1e-9 and abs(far[-1]) > 1e10


def test_newton_does_not_see_the_coordinates():
    """In z = A^-1 x it makes the very same steps (section 8.6.1)."""
    A = np.array([[2.0, 1.0], [-1.0, 0.5]])
    start = np.array([0.5, 0.6])
    path = damped_newton(rosenbrock, start, 0.0, 5).params
    other = damped_newton(lambda z: rosenbrock(A @ z), np.linalg.solve(A, start), 0.0, 5).params
    assert_allclose(other @ A.T, path, atol=1e-10)


@pytest.mark.parametrize("damping, second", [(2.9, 10), (3.1, -10)])
def test_damping_must_exceed_the_negative_curvature(damping, second):
    """With curvatures 2 and -3 a little too little sends the step far uphill (equation 8.28)."""

    def cost(x):
        return x[0] + x[1] + x[0] ** 2 - 1.5 * x[1] ** 2

    step = damped_newton(cost, np.zeros(2), damping, 1).direction[0]
    assert_allclose(step[1], second, rtol=1e-8)
    assert np.sign(step @ np.ones(2)) == np.sign(second)  # the gradient is (1, 1)
    long = 1000 * damped_newton(cost, np.zeros(2), 1000.0, 1).direction[0]
    assert_allclose(long, [-0.998, -1.003], atol=1e-3)


# Lines


@pytest.mark.parametrize("seed", range(4))
def test_line_search_ends_where_the_slope_turns(seed):
    """The new gradient is orthogonal to the line (section 8.6.2)."""
    random = np.random.default_rng(seed)
    bowl, x, d = random_bowl(seed, EIGHT[:4]), *random.normal(size=(2, 4))
    d = d * -np.sign(d @ bowl.hessian @ x)
    g = bowl.hessian @ (x + line_search(bowl, jnp.asarray(x), jnp.asarray(d)) * d)
    assert abs(g @ d) < 1e-10 * np.linalg.norm(d) * max(np.linalg.norm(g), 1)


@pytest.mark.parametrize("seed", range(4))
def test_line_search_as_scipy(seed):
    """Along a curved line it ends no higher than SciPy's bounded search (section 8.6.2)."""
    x = np.random.default_rng(seed).normal(size=2)
    d = -jax.grad(rosenbrock)(jnp.asarray(x))
    step = float(line_search(rosenbrock, jnp.asarray(x), d))
    along = jax.jit(lambda step: rosenbrock(x + step * d))
    found = scipy.optimize.minimize_scalar(along, bounds=(0, 2 * step), method="bounded")
    assert along(step) <= found.fun + 1e-3 * abs(found.fun) and along(step) <= along(0.0)
    step = line_search(rosenbrock, jnp.asarray(x), -d)
    assert rosenbrock(x - step * d) <= rosenbrock(x)  # uphill it does not go


def test_steepest_descent_zigzags():
    """From (kappa, 1) every step multiplies the cost by ((k-1)/(k+1))^2 (Figure 8.6).

    Each step is orthogonal to the last.
    """
    bowl = quadratic_from_hessian(np.diag([1.0, 10.0]))
    path = line_search_descent(bowl, np.array([10.0, 1.0]), 20)
    assert_allclose(path.loss[1:] / path.loss[:-1], (9 / 11) ** 2)
    assert_allclose((9 / 11) ** 2, 0.669421, atol=1e-6)
    steps = np.diff(path.params, axis=0)
    assert_allclose((steps[1:] * steps[:-1]).sum(axis=1), 0, atol=1e-10)


# Conjugate gradients


@pytest.mark.parametrize("seed", range(6))
def test_conjugate_gradients_end_after_n_steps(seed):
    """On n dimensions n line searches suffice, and all directions are conjugate (equation 8.30)."""
    bowl = random_bowl(seed, EIGHT)
    start = np.random.default_rng(seed).normal(size=8)
    path = conjugate_gradients(bowl, start, 8)
    assert path.loss[-1] < 1e-12 * path.loss[0] < path.loss[6]
    products = path.direction[:8] @ bowl.hessian @ path.direction[:8].T
    sizes = np.sqrt(np.diag(products))
    assert_allclose(products / np.outer(sizes, sizes), np.eye(8), atol=1e-5)
    other = conjugate_gradients(bowl, start, 8, fletcher_reeves)
    assert_allclose(other.params, path.params, atol=1e-8)


def test_conjugate_gradients_as_scipy():
    """Every iterate is that of SciPy's linear solver (Algorithm 8.9)."""
    bowl = random_bowl(3, EIGHT)
    start, iterates = np.random.default_rng(0).normal(size=8), []
    scipy.sparse.linalg.cg(
        np.asarray(bowl.hessian), -np.asarray(bowl.hessian) @ start, rtol=1e-14, maxiter=8,
        callback=lambda change: iterates.append(start + change),
    )  # fmt: skip
    path = conjugate_gradients(bowl, start, 8)
    assert_allclose(path.params[1:7], iterates[:6], rtol=1e-6, atol=1e-8)


def test_few_curvatures_need_few_steps():
    """With three different eigenvalues in twenty dimensions it ends after three (section 8.6.2)."""
    bowl = random_bowl(1, np.repeat([1.0, 5.0, 30.0], [8, 7, 5]))
    path = conjugate_gradients(bowl, np.random.default_rng(1).normal(size=20), 3)
    assert path.loss[-1] < 1e-20 * path.loss[0] < path.loss[2]


def test_resets_break_the_promise():
    """Starting again after five, eight steps do not end on eight dimensions (section 8.6.2)."""
    bowl, x = random_bowl(0, EIGHT), np.ones(8)
    first = conjugate_gradients(bowl, x, 5)
    second = conjugate_gradients(bowl, first.params[-1], 3)
    assert second.loss[-1] > 1e-6 > conjugate_gradients(bowl, x, 8).loss[-1]


@given(seeds)
def test_both_coefficients(seed):
    """They agree where successive gradients are orthogonal, else not (equations 8.31, 8.32)."""
    g, previous = np.random.default_rng(seed).normal(size=(2, 4))
    assert_allclose(fletcher_reeves(g, previous), g @ g / (previous @ previous))
    assert_allclose(polak_ribiere(g, previous), (g - previous) @ g / (previous @ previous))
    g -= (g @ previous) / (previous @ previous) * previous
    assert_allclose(fletcher_reeves(g, previous), polak_ribiere(g, previous))


def test_the_first_step_and_the_sign():
    """As printed the first beta is 0/0, and the direction of 8.29 climbs (equation 8.29)."""
    g, nothing = np.array([1.0, 2.0]), np.zeros(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        assert np.isnan(np.float64(5) / (nothing @ nothing) * nothing).all()
    assert fletcher_reeves(g, nothing) == 0 == polak_ribiere(g, nothing)
    bowl = random_bowl(0, EIGHT)
    path = conjugate_gradients(bowl, np.ones(8), 4)
    slopes = (path.grad * path.direction).sum(axis=1)
    assert (slopes < 0).all()
    assert path.grad[0] @ path.grad[0] > 0  # +g, the printed first direction, is uphill
    at_optimum = conjugate_gradients(bowl, np.zeros(8), 3)
    assert_allclose(at_optimum.params, 0)


def test_nonlinear_conjugate_gradients_reach_scipys_minimum():
    """On a curved valley they arrive where SciPy's do (Algorithm 8.9)."""
    found = scipy.optimize.minimize(
        lambda x: float(rosenbrock(x)), BANANA, method="CG",
        jac=lambda x: np.asarray(jax.grad(rosenbrock)(jnp.asarray(x))),
    )  # fmt: skip
    path = conjugate_gradients(rosenbrock, BANANA, 60)
    assert_allclose(path.params[-1], found.x, atol=1e-4)
    assert np.diff(path.loss).max() <= 0
    assert_allclose(
        conjugate_gradients(shifted, np.ones(3), 3).params[-1], np.array([2, 1, 13]) / 9
    )


# BFGS


@pytest.mark.parametrize("seed", range(6))
def test_bfgs_is_conjugate_gradients_on_a_bowl(seed):
    """From M = I with exact lines: the same iterates, and at the end M = H^-1 (section 8.6.3)."""
    bowl = random_bowl(seed, EIGHT)
    start = np.random.default_rng(seed).normal(size=8)
    path, inverses = bfgs(bowl, start, 8)
    assert_allclose(path.params, conjugate_gradients(bowl, start, 8).params, atol=1e-6)
    assert_allclose(inverses[-1], np.linalg.inv(bowl.hessian), atol=1e-4)
    assert np.linalg.eigvalsh(inverses).min() > 0


@given(seeds)
def test_the_update_learns_one_secant(seed):
    """M y = s afterwards, M stays symmetric, and without curvature it stays (section 8.6.3)."""
    random = np.random.default_rng(seed)
    root, s, y = random.normal(size=(4, 4)), *random.normal(size=(2, 4))
    inverse = root @ root.T + np.eye(4)
    y = y * np.sign(y @ s)
    updated = update_inverse(inverse, s, y)
    assert_allclose(updated @ y, s, rtol=1e-6, atol=1e-8)
    assert_allclose(updated, updated.T, rtol=1e-8, atol=1e-8)
    assert_allclose(update_inverse(inverse, s, -y), inverse)
    reference = scipy.optimize.BFGS()
    reference.initialize(4, "inv_hess")
    reference.H, reference.first_iteration = inverse.copy(), False
    reference._update_implementation(s, y)
    assert_allclose(updated, reference.get_matrix(), rtol=1e-8)


def test_a_quasi_newton_step_ends_the_line():
    """The next gradient is orthogonal to rho_t, which led downhill (equation 8.34)."""
    path, inverses = bfgs(random_bowl(0, EIGHT), np.ones(8), 6)
    assert ((path.grad * path.direction).sum(axis=1) < 0).all()
    assert_allclose((path.grad[1:] * path.direction[:-1]).sum(axis=1), 0, atol=1e-8)
    assert_allclose(path.direction[3], -inverses[3] @ path.grad[3])


def test_the_exact_inverse_is_newtons_step():
    """With M = H^-1 the direction is Newton's (equation 8.33)."""
    bowl = random_bowl(0, EIGHT)
    path, inverses = bfgs(bowl, np.ones(8), 8)
    grad = bowl.hessian @ np.ones(8)
    assert_allclose(np.ones(8) - inverses[-1] @ grad, 0, atol=1e-6)
    assert_allclose(damped_newton(bowl, np.ones(8), 0.0, 1).params[-1], 0, atol=1e-12)


def test_bfgs_without_storage_is_conjugate_gradients():
    """Updating I each time gives CG's directions, up to length (section 8.6.3)."""
    path = conjugate_gradients(random_bowl(0, EIGHT), np.ones(8), 6)
    for k in range(1, 6):
        s, y = path.params[k] - path.params[k - 1], path.grad[k] - path.grad[k - 1]
        d = -update_inverse(jnp.eye(8), s, y) @ path.grad[k]
        cosine = d @ path.direction[k] / jnp.linalg.norm(d) / jnp.linalg.norm(path.direction[k])
        assert_allclose(cosine, 1, atol=1e-9)


@pytest.mark.parametrize("factor", [0.7, 0.5])
def test_bfgs_forgives_short_lines(factor):
    """With lines cut short it still converges fast, conjugate gradients slowly (section 8.6.3)."""
    bowl, search = random_bowl(0, EIGHT), shortened(factor)
    losses = [
        float(bfgs(bowl, np.ones(8), 30, search)[0].loss[-1]),
        float(conjugate_gradients(bowl, np.ones(8), 30, polak_ribiere, search).loss[-1]),
        float(conjugate_gradients(bowl, np.ones(8), 30, fletcher_reeves, search).loss[-1]),
    ]
    assert losses[0] < 1e-12 and losses[0] < 1e-3 * min(losses[1:])


def test_bfgs_as_scipy():
    """On a curved valley it arrives where SciPy's does, in as few steps (section 8.6.3)."""
    found = scipy.optimize.minimize(
        lambda x: float(rosenbrock(x)), BANANA, method="BFGS",
        jac=lambda x: np.asarray(jax.grad(rosenbrock)(jnp.asarray(x))),
    )  # fmt: skip
    path, _ = bfgs(rosenbrock, BANANA, found.nit)
    assert_allclose(path.params[-1], found.x, atol=1e-4)


def test_memory_of_a_hessian():
    """A million parameters have a Hessian of 8 terabytes (section 8.6.1)."""
    entries = 10**12
    assert jax.eval_shape(jax.hessian(lambda x: x @ x), jnp.zeros(1000)).size * 10**6 == entries
    assert entries * 8 / 1e12 == 8


def test_float32_and_a_new_start_compile_nothing(no_compilation):
    """The methods follow the type of the start, and serve all bowls (section 8.6)."""
    with jax.enable_x64(False):
        bowls = [quadratic_from_hessian(np.diag([1.0, k]).astype(np.float32)) for k in (5, 7)]
        starts = [jnp.ones(2), 2 * jnp.ones(2)]
        assert conjugate_gradients(bowls[0], starts[0], 3).params.dtype == jnp.float32
        assert bfgs(bowls[0], starts[0], 3)[1].dtype == jnp.float32
        assert damped_newton(bowls[0], starts[0], 0.5, 3).loss.dtype == jnp.float32
        conjugate_gradients(bowls[0], starts[1], 3)
        with no_compilation():
            conjugate_gradients(bowls[1], starts[1], 3)


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: bfgs(rosenbrock, np.full(2, np.nan), 3), "start must be finite"),
        (lambda: damped_newton(rosenbrock, BANANA, -1.0, 3), "damping must be at least 0, got -1"),
        (lambda: conjugate_gradients(rosenbrock, BANANA, 0), "num_steps must be a positive"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
