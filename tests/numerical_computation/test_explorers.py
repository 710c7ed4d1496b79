"""What chapter 4 tells its readers to notice in the explorers."""

import numpy as np
import pytest

from dlcompanion.numerical_computation.explorers import LEARNING_RATES, METHODS, canyon


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
