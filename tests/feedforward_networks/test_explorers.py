"""What chapter 6 tells its readers to notice in the explorers."""

import numpy as np
import pytest

from dlcompanion.feedforward_networks import explorers
from dlcompanion.feedforward_networks.explorers import (
    ALL_ACTIVE,
    BOOK,
    STORED,
    TRAIN_STORED,
    UNITS,
)


@pytest.fixture(scope="module")
def fold():
    return explorers.xor()


@pytest.fixture(scope="module")
def unit():
    return explorers.hidden_units()


@pytest.fixture(scope="module")
def playground():
    return explorers.train()


def test_the_book_moves_two_points_onto_each_other(fold):
    """In h, 01 and 10 are one point, and a line does the rest (section 6.1, Figure 6.1)."""
    fold.set(**BOOK)
    assert np.array_equal(fold.state.hidden[0], [[0, 0], [1, 0], [1, 0], [2, 1]])
    assert np.array_equal(fold.state.outputs[0], [0, 1, 1, 0])
    assert "the cost is J = 0. Training from here solves XOR" in fold.description


def test_units_that_are_always_active_make_a_linear_model(fold):
    """With both lines outside the square, ½ everywhere is the best (section 6.1)."""
    fold.set(**BOOK | {"w1": 0.0, "w2": 0.0, "b": 0.5} | ALL_ACTIVE)
    assert np.allclose(fold.state.outputs[0], 0.5)
    assert "J = 0.25" in fold.description


def test_some_starts_work_and_some_do_not(fold):
    """Training from a random start ends at zero or on a plateau (section 6.2)."""
    fold.set(start=5, steps=STORED)
    assert fold.description.endswith("Training from here solves XOR.")
    fold.set(start=40, steps=STORED)
    assert "is stuck at" in fold.description
    ends = explorers._random_starts()[1]
    assert 0.1 < np.mean(ends < 0.002) < 0.9 and ends.max() < 0.26


def test_a_rectifier_is_silent_on_one_side(unit):
    """No slope below zero, one above, and at the kink the left one (section 6.3.1, Figure 6.3)."""
    slopes = []
    for z in (-2.0, 0.0, 2.0):
        unit.set(unit="ReLU", z=z)
        slopes.append(float(unit.state.slope))
        assert ("a kink: the slope jumps from 0 to 1" in unit.description) == (z == 0)
    assert slopes == [0, 0, 1]


def test_where_units_go_flat(unit):
    """A tanh is flat over more of the inputs than a sigmoid; a leak over none (section 6.3.2)."""
    shares = {}
    for name in UNITS:
        unit.set(unit=name, alpha=0.25, z=3.0)
        shares[name] = np.mean(np.abs(unit.state.slopes) < 0.01)
    assert shares["ReLU"] == 0.5 and shares["absolute value"] == shares["identity"] == 0
    assert 0.15 < shares["sigmoid"] < 0.3 and shares["tanh"] > 0.45
    assert shares["leaky ReLU"] == 0 and shares["hard tanh"] > 0.8


def test_maxout_with_a_steep_middle_line(unit):
    """The middle line shows only where it is the largest of the three (equation 6.37)."""
    unit.set(unit="maxout of three lines", alpha=0.25, z=1.0)
    assert unit.state.slope == 0.25
    unit.set(alpha=-0.5)
    assert unit.state.slope == 1 or unit.state.slope == -0.5
    assert (np.diff(unit.state.slopes) >= 0).all()  # convex


def test_without_a_nonlinearity_depth_is_no_help(playground):
    """Three layers of sixteen linear units know nothing about XOR (section 6.1)."""
    playground.set(data="XOR", unit="identity", depth=3, width=16, learning_rate=0.2)
    assert abs(playground.state.costs[0, -1] - np.log(2)) < 0.01
    playground.set(unit="ReLU", depth=1, width=8)
    assert playground.state.costs[0, -1] < 0.1


def test_deep_sigmoids_stand_still(playground):
    """At a rate that serves rectifiers three sigmoid layers do not start (section 6.3.2)."""
    playground.set(data="circles", depth=3, width=16, learning_rate=0.2, unit="sigmoid")
    sigmoid = playground.state.costs[0, -1]
    playground.set(unit="ReLU")
    assert sigmoid > 0.6 and playground.state.costs[0, -1] < 0.05


def test_one_unit_draws_one_line(playground):
    """Two lines do not make a ring; four do, nearly (section 6.2)."""
    playground.set(data="circles", unit="ReLU", depth=1, width=1, learning_rate=0.2)
    assert playground.state.costs[0, -1] > 0.5
    playground.set(width=2)
    assert playground.state.costs[0, -1] > 0.3
    playground.set(width=4)
    assert playground.state.costs[0, -1] < 0.1


def test_the_test_cost_turns_while_the_training_cost_falls(playground):
    """Many units and sixty examples: overfitting, as in chapter 5 (section 6.2)."""
    playground.set(data="XOR", unit="ReLU", depth=3, width=16, learning_rate=0.2)
    train, test = playground.state.costs
    assert train[-1] < 0.01 and test[-1] > 3 * test.min()
    assert test.argmin() < TRAIN_STORED


def test_too_large_a_rate_is_said(playground):
    """A cost that is no number becomes a sentence, not a nan (section 6.2)."""
    playground.set(data="XOR", unit="absolute value", depth=2, learning_rate=5.0, steps=25)
    assert "the learning rate is too large" in playground.description


def test_cross_entropy_recovers_and_squared_error_waits():
    """From z = -10: 11 steps against 11,034, and a clipped unit never (section 6.2.2.2)."""
    pairs = explorers.output_units()
    assert "11,034 steps" in pairs.description and "needs 11 steps" in pairs.description
    pairs.set(pair="clipped linear unit, squared error", z=-3.0)
    assert "never gets right" in pairs.description


def test_each_edge_is_visited_once():
    """Seven products instead of eleven, and the right derivatives (section 6.5.3, Figure 6.9)."""
    graph = explorers.backprop(step=13)
    w = 0.9 * 1.2
    x, y = np.sin(w), np.sin(np.sin(w))
    slope = np.cos(w) * np.cos(x) * np.cos(y)
    expected = np.sin(y) + 0.9 * slope * 1.2, 0.9 * slope * 0.9
    np.testing.assert_allclose(graph.state.tables[-1][:2], expected, rtol=1e-5)
    assert "7 products" in graph.description and "path by path 11" in graph.description


# Section 6.2.2.4


def test_one_gaussian_covers_what_three_tell_apart():
    """Three components lose less, and put less between the strands (Figure 6.4)."""
    explorer = explorers.mixture_density()
    losses = explorers._mixture_networks()[2]
    assert losses[0] > losses[1] > losses[2] > explorers._mixture_networks()[3]
    wasted = []
    for n in (1, 3):
        explorer.set(num_components=n, x=0.6)
        state = explorer.state
        wasted.append(np.where(state.truth < 0.05, state.here, 0).sum() / state.here.sum())
    assert wasted[0] > 0.2 and wasted[1] < 0.1
