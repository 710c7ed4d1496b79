"""What chapter 7 tells its readers to notice in the explorers."""

import numpy as np
import pytest

from dlcompanion.regularization import explorers

# Sections 7.1 and 7.8


@pytest.fixture(scope="module")
def penalties():
    return explorers.norm_penalties()


@pytest.fixture(scope="module")
def stopping():
    return explorers.early_stopping()


def test_weight_decay_gives_up_the_floor_first(penalties):
    """29% of the flat and 80% of the steep component are left (Figure 7.1)."""
    penalties.set(**penalties.presets["Fig. 7.1"])
    np.testing.assert_allclose(penalties.state.l2, [4 / 7, 1.6], rtol=1e-5)
    assert "keeps 29% of w* along the floor, where λ = 0.2, and 80%" in penalties.description
    penalties.set(alpha=0.2)
    np.testing.assert_allclose(penalties.state.share[0], 0.5, rtol=1e-6)


def test_weight_decay_bends_and_never_reaches_an_axis(penalties):
    """The path over alpha has no zero weight, whatever the angle (section 7.1.2)."""
    for angle in (0, 35, 90):
        penalties.set(angle=angle, condition_number=10, optimum=(2, 1.5), penalty="L²")
        assert (penalties.state.l2_path != 0).all()


def test_the_l1_penalty_erases_the_flat_weight_at_its_threshold(penalties):
    """Along the axes w1 is zero from alpha = H11 w1* = 0.4 on (equation 7.23)."""
    penalties.set(**penalties.presets["L¹ erases"])
    np.testing.assert_allclose(penalties.state.l1, [0, 1.75], atol=1e-6)
    assert penalties.state.l1[0] == 0 and "w₁ is exactly zero" in penalties.description
    for alpha, words in ((0.35, "no weight is zero"), (5, "both are exactly zero")):
        penalties.set(alpha=alpha)
        assert words in penalties.description


def test_turned_axes_leave_other_zeros(penalties):
    """With correlated inputs the penalty still ends in zeros, in another order (section 7.1.2)."""
    penalties.set(**penalties.presets["correlated inputs"])
    assert "no weight is zero" in penalties.description
    penalties.set(alpha=1)
    assert "w₂ is exactly zero" in penalties.description
    assert penalties.state.l2[1] > penalties.values["optimum"][1]  # decay even makes it larger


def test_a_round_cost_shrinks_straight_to_the_origin(penalties):
    """With equal curvatures weight decay has no favourites (equation 7.13)."""
    penalties.set(penalty="L²", condition_number=1, optimum=(2, -1), alpha=2)
    np.testing.assert_allclose(penalties.state.l2, [1, -0.5], rtol=1e-5)


def test_the_tangent_contours(penalties):
    """The contour through the solution touches the penalty's there (Figure 7.1, equation 7.8)."""
    penalties.set(**penalties.presets["Fig. 7.1"])
    slope = penalties.state.bowl.hessian @ (penalties.state.l2 - penalties.values["optimum"])
    np.testing.assert_allclose(-slope, 0.5 * penalties.state.l2, rtol=1e-4)


def test_both_paths_end_near_each_other(stopping):
    """20 steps and alpha = 0.5 are 0.39 apart in the book's situation (Figure 7.4)."""
    stopping.set(**stopping.presets["Fig. 7.4"])
    np.testing.assert_allclose(stopping.state.path[20], [0.6648, 1.9769], atol=1e-4)
    np.testing.assert_allclose(stopping.state.matches[19], [0.5714, 1.6], atol=1e-4)
    assert "α = 1/(τε) = 0.5 to (0.571, 1.6), 0.388 away" in stopping.description


def test_on_a_round_bowl_the_paths_coincide(stopping):
    """With one eigenvalue both are the straight line to w* (equation 7.43)."""
    stopping.set(**stopping.presets["round bowl"] | {"optimum": (2, 2)})
    for path in (stopping.state.path, stopping.state.decayed):
        np.testing.assert_allclose(path[:, 0], path[:, 1], atol=1e-5)
    stopping.set(condition_number=10)
    assert np.ptp(stopping.state.path[:, 0] - stopping.state.path[:, 1]) > 0.5


def test_smaller_steps_do_not_close_the_gap(stopping):
    """At equal tau epsilon the two stay apart: it is no matter of step size (equation 7.45)."""
    gaps = []
    for rate, tau in ((0.1, 10), (0.02, 50), (0.01, 100)):
        stopping.set(learning_rate=rate, num_steps=tau, condition_number=10, optimum=(2, 2))
        gaps.append(np.hypot(*(stopping.state.path[tau] - stopping.state.matches[tau - 1])))
    assert min(gaps) > 0.2


def test_the_descent_is_ahead_of_weight_decay(stopping):
    """Each component that is learned is larger after tau steps (equation 7.43)."""
    stopping.set(learning_rate=0.01, condition_number=10)
    assert (stopping.state.learned >= stopping.state.kept - 1e-6).all()
    assert 0.2 < (stopping.state.learned - stopping.state.kept).max() < 0.21


def test_patience_walks_over_bumps(stopping):
    """Impatient training keeps step 10, patient training step 31 (Algorithm 7.1)."""
    stopping.set(**stopping.presets["impatient"])
    assert "ends at step 11 and returns the weights of step 10" in stopping.description
    stopping.set(patience=10)
    assert stopping.state.best_step == 31 == np.argmin(stopping.state.valid[1:]) + 1
    assert stopping.state.steps_run == 41
    stopping.set(truth=stopping.values["optimum"])  # nothing to overfit
    assert stopping.state.steps_run == 100 and stopping.state.best_step > 90


def test_training_error_falls_while_validation_error_turns(stopping):
    """The learning curves have the book's shape (Figure 7.3)."""
    stopping.set(**stopping.presets["impatient"])
    assert (np.diff(stopping.state.train) <= 1e-6).all()
    stopping.set(patience=10)
    assert stopping.state.valid[-20:].mean() > 1.15 * stopping.state.valid[25:36].mean()


def test_divergence_is_told(stopping):
    """Beyond 2 / lambda_max no weight decay resembles the run (equation 7.40)."""
    stopping.set(learning_rate=1.1, num_steps=100)
    assert "the descent does not settle" in stopping.description
    stopping.set(learning_rate=0.1)


# Sections 7.11 to 7.13


@pytest.fixture(scope="module")
def sub_networks():
    return explorers.dropout()


@pytest.fixture(scope="module")
def bags():
    return explorers.bagging()


@pytest.fixture(scope="module")
def attacked():
    return explorers.adversarial()


def test_sixteen_opinions_and_three_answers(sub_networks):
    """The sentence counts, gives the range, both means and the rule's answer (Figure 7.6)."""
    sub_networks.set(**sub_networks.presets["0.8 and 0.5"])
    state = sub_networks.state
    assert len(state.opinions) == 16
    np.testing.assert_allclose(state.weights.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(state.answers[0], state.weights @ state.opinions, rtol=1e-5)
    logits = np.log(state.opinions) - np.log1p(-state.opinions)
    np.testing.assert_allclose(
        state.answers[1], 1 / (1 + np.exp(-state.weights @ logits)), rtol=1e-4
    )
    sentence = sub_networks.description
    assert sentence.startswith("16 sub-networks say from P(y = 1)")
    for answer in state.answers:
        assert f"{answer:.3f}" in sentence


def test_weight_scaling_is_exact_without_a_kink_behind_a_mask(sub_networks):
    """Exact with linear units, and with masks on hidden units alone (section 7.12)."""
    sub_networks.set(**sub_networks.presets["0.8 and 0.5"])
    assert sub_networks.state.gaps.max() > 0.01 and "off by" in sub_networks.description
    sub_networks.set(unit="linear")
    assert sub_networks.state.gaps.max() < 1e-5 and "exactly that" in sub_networks.description
    sub_networks.set(unit="rectified", **sub_networks.presets["hidden units only"])
    assert sub_networks.state.gaps.max() < 1e-5
    assert sub_networks.description.startswith("4 sub-networks")


def test_the_arithmetic_mean_stays_nearer_to_one_half(sub_networks):
    """The geometric mean, which scaling reproduces, is the more decided one here (section 7.12)."""
    sub_networks.set(unit="linear", keep_input=0.8, keep_hidden=0.5, x=(0.8, -1.0))
    arithmetic, geometric, _ = sub_networks.state.answers
    assert 0.5 < arithmetic < geometric - 0.05


def test_few_masks_agree_with_scaled_weights_about_the_digit():
    """With 20 masks nearly all verdicts are those of the scaled network (section 7.12)."""
    explorer = explorers.dropout_digits()
    explorer.set(stored=30)
    agreed = []
    for count in (1, 20):
        verdicts = []
        for digit in range(0, 60, 3):
            explorer.set(digit=digit, num_masks=count)
            verdicts.append(explorer.state.mean.argmax() == explorer.state.scaled.argmax())
        agreed.append(np.mean(verdicts))
    assert agreed[1] >= 0.9 and agreed[0] <= agreed[1]


def test_dropout_learns_slower_and_generalizes_better():
    """Its training cost is higher at the end, its test cost lower (section 7.12)."""
    (plain, plain_test), (dropped, dropped_test) = explorers._dropout_training()[1][..., -1]
    assert dropped > 2 * plain
    assert dropped_test < 0.95 * plain_test


def test_the_mean_of_models_keeps_what_they_share(bags):
    """With all 50 members the error is what equation 7.51 predicts, close to c (equation 7.51)."""
    bags.set(members=50, degree=7, noise=0.4)
    state = bags.state
    np.testing.assert_allclose(state.measured[-1], state.predicted[-1], rtol=1e-3)
    assert state.covariance < state.measured[-1] < 0.5 * state.variance
    bags.set(degree=1)
    assert bags.state.covariance > 0.8 * bags.state.variance  # straight lines err alike


def test_a_small_attack_fools_most_and_training_helps(attacked):
    """At 0.1 twice as many digits are misread as at 0, fewer after training (section 7.13)."""
    epsilons, errors = explorers.EPSILONS, explorers._digit_networks()[1]
    at = {e: int(np.argmin(np.abs(epsilons - e))) for e in (0, 0.1)}
    plain, trained = errors
    assert plain[at[0.1]] > 2 * plain[at[0]]
    assert trained[at[0.1]] < plain[at[0.1]] - 0.05
    attacked.set(digit=3, epsilon=0.1, trained=False)
    assert attacked.state.verdicts[0].argmax() != attacked.state.verdicts[1].argmax()
    assert np.abs(attacked.state.pixels[1]).max() <= 0.1 + 1e-6
    attacked.set(epsilon=0)
    np.testing.assert_array_equal(attacked.state.verdicts[0], attacked.state.verdicts[1])
