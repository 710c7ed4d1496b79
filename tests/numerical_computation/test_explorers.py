"""What chapter 4 tells its readers to notice in the explorers."""

import numpy as np
import pytest

from dlcompanion.numerical_computation import explorers
from dlcompanion.numerical_computation.explorers import LEARNING_RATES, METHODS, canyon, unit_ball


@pytest.fixture(scope="module")
def explorer():
    return canyon()


@pytest.mark.parametrize("condition_number", [1, 5, 50, 200])
def test_the_limit_does_not_depend_on_the_length(explorer, condition_number):
    """The path settles just below 2 / lambda_max and grows just above (section 4.3.1)."""
    common = {"condition_number": condition_number, "method": METHODS[0], "num_steps": 100}
    explorer.set(learning_rate=0.395, start=(10, -4), **common)
    across = explorer.state.path.params @ np.array([1, 1])
    assert abs(across[-1]) < 0.1 * abs(across[0])
    explorer.set(learning_rate=0.4, **common)
    across = explorer.state.path.params @ np.array([1, 1])
    np.testing.assert_allclose(np.abs(across), abs(across[0]), rtol=1e-3)
    explorer.set(learning_rate=0.405, **common)
    across = explorer.state.path.params @ np.array([1, 1])
    assert abs(across[-1]) > 5 * abs(across[0])
    assert "is 1.01 of the limit 2/λmax = 0.4" in explorer.description


def test_the_sentence_says_where_it_diverged(explorer):
    """A learning rate beyond the limit is a result that is told, not an error (section 4.3.1)."""
    explorer.set(condition_number=5, learning_rate=0.44, method=METHODS[0], num_steps=100)
    assert "diverged at step" in explorer.description
    explorer.set(num_steps=2)
    assert "diverged" not in explorer.description
    assert "goes from" in explorer.description


def test_the_best_learning_rate_of_a_long_canyon_is_close_to_the_edge(explorer):
    """Patience ends where the walls begin to count (section 4.3.1)."""
    explorer.set(condition_number=50, method=METHODS[0], num_steps=100, start=(10, -4))
    reached = explorer.state.losses[:, 100]
    best = int(np.argmin(reached))
    assert 0.9 * 0.4 < LEARNING_RATES[best] < 0.4
    assert np.all(np.diff(reached[: best + 1]) < 0) and np.all(np.diff(reached[best:]) > 0)
    fall, rise = reached[best - 1] / reached[best], reached[best + 1] / reached[best]
    assert rise > 1.2 * fall


@pytest.mark.parametrize("condition_number", [1, 5, 50, 200])
def test_newton_arrives_in_one_step(explorer, condition_number):
    """One Newton step reaches the minimum, however long the canyon (equation 4.12)."""
    explorer.set(condition_number=condition_number, method="Newton", num_steps=1, start=(10, -4))
    assert np.linalg.norm(explorer.state.path.params[1]) < 1e-4


def test_line_search_turns_at_right_angles_and_never_climbs(explorer):
    """Each exact step ends where the next gradient is orthogonal (equation 4.10)."""
    explorer.set(condition_number=50, method="exact line search", num_steps=20, start=(10, 1))
    steps = np.diff(explorer.state.path.params[:20].astype(float), axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    assert np.abs(np.sum(steps[:-1] * steps[1:], axis=1)).max() < 1e-2
    assert np.all(np.diff(explorer.state.path.loss[:20]) <= 0)


def test_the_dot_lies_on_the_curve(explorer):
    """Your learning rate is one of all of them (section 4.3.1)."""
    explorer.set(condition_number=20, learning_rate=0.2, method=METHODS[0], num_steps=40)
    index = int(np.argmin(np.abs(LEARNING_RATES - 0.2)))
    np.testing.assert_allclose(
        explorer.state.path.loss[40], explorer.state.losses[index, 40], rtol=1e-4
    )


@pytest.fixture(scope="module")
def ball():
    return unit_ball()


def test_the_multiplier_is_zero_inside_and_rises_outside(ball):
    """Inside the ball the constraint has no price, beyond it a rising one (section 4.4)."""
    ball.set(optimum=(0.5, 0.4))
    assert "inactive" in ball.description and ball.state.multiplier == 0
    np.testing.assert_allclose(ball.state.solution, [0.5, 0.4], atol=1e-5)
    prices = []
    for far in (1.1, 1.5, 2.0):
        ball.set(optimum=(far, 0.0))
        assert "the constraint is active" in ball.description
        np.testing.assert_allclose(np.linalg.norm(ball.state.solution), 1, rtol=1e-5)
        prices.append(ball.state.multiplier)
    assert 0 < prices[0] < prices[1] < prices[2]


@pytest.mark.parametrize("optimum", [(1.7, 0.9), (-2, 2), (0.3, 0.2)])
def test_both_ways_end_at_the_solution(ball, optimum):
    """Climbing in lambda and projecting each step meet on the circle (equation 4.24)."""
    ball.set(optimum=optimum, condition_number=4, learning_rate=0.4, num_steps=40)
    for end in (ball.state.ascent.params[-1], ball.state.descent.params[-1]):
        np.testing.assert_allclose(end, ball.state.solution, atol=5e-3)


@pytest.mark.parametrize("far", [1.2, 1.6, 2.1])
def test_the_ascent_settles_below_its_limit_only(ball, far):
    """Above 2 / |q''| lambda jumps over the solution forever (equation 4.27)."""
    ball.set(optimum=(far, 0), num_steps=40)
    for factor, settles in ((0.7, True), (1.3, False)):
        ball.set(learning_rate=min(factor * ball.state.limit, 5))
        is_near = abs(ball.state.ascent.multiplier[-1] - ball.state.multiplier) < 0.01
        assert is_near == settles
        assert ("too much to settle" in ball.description) == (not settles)


# Sections 4.3 and 4.3.1


@pytest.fixture(scope="module")
def descent():
    return explorers.descent_1d()


@pytest.fixture(scope="module")
def saddle():
    return explorers.saddle()


def test_the_valley_depends_on_the_start(descent):
    """From 1.2 the descent ends at 0, from 2.2 at the global minimum (Figure 4.3)."""
    descent.set(function="three valleys", rule="gradient step", learning_rate=0.1, num_steps=100)
    for start, end in ((-3.7, -3), (1.2, 0), (2.2, 3)):
        descent.set(start=(start, explorers.figures.RAIL))
        np.testing.assert_allclose(descent.state.path[100], end, atol=1e-2)
    ends = descent.state.others[:, 100]
    assert f"{np.sum(abs(ends - 3) < 0.05)} are at the global minimum" in descent.description


def test_a_plateau_is_named(descent):
    """Where the slope is all but zero the descent stays (Figure 4.3)."""
    descent.set(**descent.presets["plateau"] | {"learning_rate": 0.1, "rule": "gradient step"})
    assert "hardly move, because the slope is only" in descent.description


def test_the_bowl_bounces_and_runs_away(descent):
    """At epsilon = 2 it bounces forever, at 2.2 it leaves; signs never settle (Figure 4.1)."""
    descent.set(**descent.presets["too long"] | {"rule": "gradient step", "num_steps": 100})
    np.testing.assert_allclose(abs(descent.state.path), 3, rtol=1e-5)
    descent.set(learning_rate=2.2)
    assert "run away" in descent.description
    descent.set(rule="sign step", learning_rate=0.5, start=(0.3, explorers.figures.RAIL))
    np.testing.assert_allclose(descent.state.path[[99, 100]], [-0.2, 0.3], atol=1e-5)


def test_an_inflection_stops_one_side_only(descent):
    """Starts above zero creep towards it, those below fall forever (Figure 4.2)."""
    descent.set(function="inflection", rule="gradient step", learning_rate=0.1, num_steps=100)
    ends = descent.state.others[:, 100]
    starts = explorers.STARTS
    assert np.all(np.abs(ends[starts >= 0]) < 0.2)
    assert not np.any(np.abs(ends[starts < -0.1]) < 0.1)


@pytest.mark.parametrize(
    "curvature, learning_rate, drop, words",
    [
        (-1, 1.5, 2.625, "always looks better"),
        (2, 0.5, 0.25, "1/c = 0.5"),
        (2, 1.5, -0.75, "raises"),
    ],
)
def test_curvature_changes_what_a_step_gains(curvature, learning_rate, drop, words):
    """The step gains epsilon - c epsilon^2 / 2 where it was promised epsilon (Figure 4.4)."""
    explorer = explorers.curvature(curvature, learning_rate)
    np.testing.assert_allclose(-explorer.state.here.loss, drop, rtol=1e-5)
    assert words in explorer.description


def test_newton_takes_the_saddle_and_descent_leaves_it(saddle):
    """x2 grows by 1 + 2 epsilon a step unless it is exactly zero (Figure 4.5)."""
    saddle.set(learning_rate=0.1, num_steps=40, start=(2.4, 0.1))
    np.testing.assert_allclose(saddle.state.newton.params[1], 0, atol=1e-6)
    np.testing.assert_allclose(saddle.state.path.params[40, 1], 0.1 * 1.2**40, rtol=1e-3)
    saddle.set(start=(2.4, 0.02))  # snaps onto the axis
    assert np.all(saddle.state.path.params[:, 1] == 0)
    assert "x₂ = 0 stays 0" in saddle.description


def test_the_section_flattens_at_45_degrees(saddle):
    """The second derivative along an angle phi is 2 cos 2 phi (Figure 4.5)."""
    for angle, words in ((0, "is 2: a valley"), (45, "is 0: level"), (90, "is −2: a ridge")):
        saddle.set(angle=angle)
        assert words in saddle.description


def test_the_canyon_says_who_limits_and_who_waits(explorer):
    """The largest eigenvalue limits the step, the smallest sets the wait (section 4.3.1)."""
    explorer.set(**explorer.presets["Fig. 4.6"])
    assert "by −0.75, still bearable" in explorer.description
    assert "a thousandth after 17 steps" in explorer.description
    explorer.set(**explorer.presets["long canyon"])
    assert "a thousandth after 351 steps" in explorer.description
    explorer.set(**explorer.presets["too long a step"] | {"num_steps": 100})
    assert "diverged at step" in explorer.description


@pytest.fixture(scope="module")
def lab():
    return explorers.floating_point()


def test_each_format_breaks_at_its_own_shift(lab):
    """exp overflows at 11.1, 88.7, 88.7 and 709.8; the rearranged softmax holds (section 4.1)."""
    for shift, broken in ((9, []), (20, [0]), (100, [0, 1, 2]), (800, [0, 1, 2, 3])):
        lab.set(function="softmax", negative=False, inputs=(shift, 0.1))
        kept = lab.state.kept
        assert list(np.flatnonzero(kept[:, 0] < 0)) == broken
        assert (kept[:, 1] > 0.8).all()
    lab.set(negative=True, inputs=(800, 0.1))
    assert (lab.state.kept[:, 0] < 0).all() and (lab.state.kept[:, 1] > 0.8).all()


def test_log_of_softmax_breaks_by_spread_not_by_shift(lab):
    """A probability underflows wherever the logits lie (section 4.1)."""
    lab.set(function="log-softmax", number_format="float32", negative=False, inputs=(10, 200))
    assert (lab.state.answers[2, 0] == [-np.inf, -np.inf, 0]).all()
    np.testing.assert_allclose(lab.state.answers[2, 1], [-400, -200, 0], atol=1e-4)
    broken = lab.state.maps[..., 0] < 0
    assert (broken == broken[:, :1]).all() and broken.any() and not broken.all()
    assert "breaks, infinite; rearranged it keeps 7.2" in lab.description


def test_variance_loses_two_digits_for_each_of_the_shift(lab):
    """What survives depends on c / s alone, until nothing does (section 4.1)."""
    lab.set(function="variance", number_format="float64", negative=False)
    for ratio in (1e2, 1e4):
        for spread in (0.05, 0.1):
            lab.set(inputs=(ratio * spread, spread))
            lost = 16 * (1 - lab.state.kept[3, 0])
            assert abs(lost - 2 * np.log10(ratio)) < 1.7
            assert lab.state.kept[3, 1] == 1
    lab.set(number_format="float32", inputs=(1000, 0.1))
    assert "as written keeps 0 of 7.22 digits" in lab.description


def test_the_lab_agrees_with_float64(lab):
    """What it takes for the truth is what NumPy computes (section 4.1)."""
    lab.set(function="softmax", negative=False, inputs=(700, 3))
    x = lab.state.inputs[3]
    np.testing.assert_allclose(lab.state.answers[3, 1], np.exp(x - 703) / np.exp(x - 703).sum())
    assert x.dtype == np.float64


def test_an_error_grows_by_at_most_the_condition_number():
    """The worst case is x where A stretches most, its error where least (equation 4.2)."""
    view = explorers.conditioning()
    for kappa in (1, 8, 100):
        view.set(condition_number=kappa, **view.presets["worst case"])
        np.testing.assert_allclose(view.state.amplification, kappa, rtol=0.01)
        view.set(**view.presets["best case"])
        np.testing.assert_allclose(view.state.amplification, 1 / kappa, rtol=0.01)
        view.set(x=(1.0, 0.2), perturbation=(0.3, 1.0))
        assert 1 / kappa * 0.999 <= view.state.amplification <= kappa * 1.001
    np.testing.assert_allclose(np.hypot(*view.values["x"]), 1, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*view.state.ellipse).max(), 1, rtol=1e-3)
