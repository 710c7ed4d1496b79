"""What chapter 5 tells its readers to notice in the explorers."""

import numpy as np
import pytest

from dlcompanion.machine_learning import expected_errors, explorers
from dlcompanion.machine_learning.explorers import NOISY_PARABOLA, SIZES, TWELVE


@pytest.fixture(scope="module")
def capacity():
    return explorers.capacity()


@pytest.fixture(scope="module")
def training_size():
    return explorers.training_size()


@pytest.fixture(scope="module")
def bias_variance():
    return explorers.bias_variance()


@pytest.fixture(scope="module")
def bell():
    return explorers.likelihood()


@pytest.fixture(scope="module")
def belief():
    return explorers.bayesian_regression()


def test_more_capacity_fits_better_and_generalizes_worse(capacity):
    """Degree 9 wins on the training set and loses on the test set (Figures 5.2, 5.3)."""
    capacity.set(degree=9, log10_weight_decay=-6, data=NOISY_PARABOLA)
    train, test = capacity.state.train, capacity.state.test
    assert (np.diff(train) < 1e-3).all() and train[9] < 0.1 * train[2]
    assert np.argmin(test) == 2 and test[9] > 100 * test[2]
    assert np.abs(capacity.state.curve).max() > 4


def test_a_moved_point_shakes_degree_nine(capacity):
    """The richer the model, the more one point moves it (section 5.2)."""
    shifts = []
    for degree in (2, 9):
        capacity.set(degree=degree, log10_weight_decay=-6, data=NOISY_PARABOLA)
        before = capacity.state.curve
        moved = ((-1.4, 3.1), (-1.15, 2.8), *NOISY_PARABOLA[2:])
        capacity.set(data=moved)
        shifts.append(np.abs(capacity.state.curve - before).max())
    assert shifts[1] > 5 * shifts[0]


def test_weight_decay_helps_until_it_flattens(capacity):
    """Decay shrinks weights and test error, and at the end leaves the mean (Figure 5.5)."""
    capacity.set(degree=9, log10_weight_decay=-6, data=NOISY_PARABOLA)
    free = capacity.state
    capacity.set(log10_weight_decay=-1.5)
    decayed = capacity.state
    assert decayed.test[9] < 0.1 * free.test[9] and decayed.train[9] > free.train[9]
    assert decayed.longest < 0.1 * free.longest
    capacity.set(log10_weight_decay=3)
    flat = capacity.state.curve[np.abs(explorers.CURVE) <= 1.4]
    np.testing.assert_allclose(flat, np.mean(np.array(NOISY_PARABOLA)[:, 1]), atol=0.25)


@pytest.mark.parametrize("degree", [2, 5])
def test_both_errors_meet_at_the_same_floor(training_size, degree):
    """The training error rises, the test error falls, to one floor (Figure 5.4)."""
    training_size.set(degree=degree, noise=1.0)
    state = training_size.state
    assert state.train[0] < state.train[-1] and state.test[0] > state.test[-1]
    tolerance = 4 * state.standard_errors.max(axis=0)[-1]
    np.testing.assert_allclose(state.train[-1], state.floor, atol=tolerance + 0.1)
    np.testing.assert_allclose(state.test[-1], state.floor, atol=tolerance + 0.1)
    assert len(state.train) == len(SIZES)
    assert state.floor > 1.8 if degree == 2 else abs(state.floor - 1) < 1e-5


def test_the_marks_stand_at_the_number_of_examples(training_size):
    """Between the sizes of the curves too; at one of them, on the curves (Figure 5.4)."""
    training_size.set(num_samples=45, degree=2)
    state = training_size.state
    at = list(SIZES).index(45)
    np.testing.assert_allclose(state.here, [state.train[at], state.test[at]], rtol=1e-5)
    training_size.set(num_samples=56)
    assert training_size.description.startswith("With 56 examples")
    lines = training_size.figure.axes[1].lines
    mark = next(line for line in lines if list(line.get_xdata()) == [56])
    between = sorted([state.train[at], state.train[at + 1]])
    assert between[0] < mark.get_ydata()[0] < between[1]


def test_the_sum_is_bias_and_variance(bias_variance):
    """Variance is sigma^2 p / m, and bias never rises with capacity (section 5.4.4, Figure 5.6)."""
    bias_variance.set(degree=1, noise=0.5, num_samples=30)
    state = bias_variance.state
    np.testing.assert_allclose(state.variance, 0.25 * np.arange(1, 10) / 30, rtol=1e-5)
    x = np.linspace(-1, 1, 30)
    truth = np.polynomial.legendre.legval(x, explorers.FADING)
    exact = [expected_errors(np.vander(x, d + 1), truth, 0.5).squared_bias for d in range(4)]
    np.testing.assert_allclose(state.squared_bias[:4], exact, atol=1e-4)
    assert (np.diff(state.squared_bias) <= 1e-6).all()
    assert "degree 4 is best" in bias_variance.description


def test_more_data_pays_for_more_capacity(bias_variance):
    """The best degree moves right as examples come (Figure 5.6)."""
    best = []
    for m in (12, 30, 100):
        bias_variance.set(noise=0.5, num_samples=m)
        best.append(int(np.argmin(bias_variance.state.squared_bias + bias_variance.state.variance)))
    assert best[0] < best[1] < best[2]


def test_the_star_is_the_mean_and_the_biased_deviation(bell):
    """Standing on the star, nothing is more likely (equations 5.56, 5.58)."""
    best = bell.state.best
    x = bell.values["data"][:, 0]
    np.testing.assert_allclose(best, [x.mean(), x.std()], rtol=1e-5)
    bell.set(mean=round(float(best[0]), 1), deviation=0.05 * round(float(best[1]) / 0.05))
    assert bell.state.best_log_likelihood - bell.state.log_likelihood < 0.05
    row, column = np.unravel_index(bell.state.landscape.argmin(), bell.state.landscape.shape)
    assert abs(explorers.MEANS[column] - best[0]) <= 0.1
    assert abs(explorers.DEVIATIONS[row] - best[1]) <= 0.05


def test_one_far_point_moves_the_star(bell):
    """A point dragged away widens the most likely bell (section 5.5)."""
    bell.set(data=explorers.EIGHT)
    before = bell.state.best
    bell.set(data=(*explorers.EIGHT[:-1], (4.9, 0.0)))
    assert bell.state.best[0] > before[0] and bell.state.best[1] > before[1]


def test_each_example_narrows_the_belief(belief):
    """The deviations of the weights fall with the examples, not below noise (equation 5.78)."""
    areas, widths = [], []
    for count in range(len(TWELVE) + 1):
        belief.set(num_points=count, prior_deviation=1.0, data=TWELVE)
        areas.append(np.linalg.det(belief.state.posterior.covariance))
        widths.append(belief.state.deviation)
    assert (np.diff(areas) < 0).all()
    assert (np.diff(widths, axis=0) < 1e-6).all() and (widths[-1] >= explorers.NOISE).all()
    assert widths[-1][-1] > widths[-1][20]  # wider at the edge than in the middle


def test_a_narrow_prior_is_not_convinced(belief):
    """With a stubborn prior twelve examples leave the slope far from the truth (section 5.6)."""
    belief.set(num_points=12, prior_deviation=0.1, data=TWELVE)
    stubborn = belief.state.posterior.mean[1]
    belief.set(prior_deviation=1.0)
    assert stubborn < 0.6 * belief.state.posterior.mean[1]
