"""What chapter 8 tells its readers to notice in the explorers."""

import numpy as np
import pytest

from dlcompanion.optimization import explorers
from dlcompanion.optimization.explorers import FIGURE_8_5, PUSH_STEPS, RACE_STEPS
from dlcompanion.optimization.figures import LOOKS, settled

CORNER = (-2.4, 1.0)  # as far from the floor of one canyon as from that of the other


@pytest.fixture(scope="module")
def arena():
    return explorers.arena()


@pytest.fixture(scope="module")
def push():
    return explorers.momentum()


def best_losses(arena, **values) -> dict[str, float]:
    """Return what each optimizer reaches with its best learning rate."""
    arena.set(tuned=True, num_steps=RACE_STEPS, **values)
    return dict(zip(LOOKS, settled(arena.state.losses, RACE_STEPS), strict=True))


# The arena


def test_a_rotation_takes_the_advantage_of_the_adaptive(arena):
    """AdaGrad and RMSProp win along the axes and lose when they are turned (section 8.5)."""
    aligned = best_losses(arena, surface="canyon", start=CORNER)
    rotated = best_losses(arena, surface="rotated canyon", start=CORNER)
    for name in ("SGD", "momentum", "Nesterov"):
        np.testing.assert_allclose(np.log(rotated[name]), np.log(aligned[name]), atol=0.2)
    for name in ("AdaGrad", "RMSProp"):
        assert aligned[name] < 1e-6 < 1e-3 < rotated[name]
    assert max(aligned, key=aligned.get) == "SGD"
    assert min(rotated, key=rotated.get) == "Nesterov"


def test_a_rotation_narrows_what_adam_gets_along_with(arena):
    """Adam still arrives on the turned canyon, but at fewer learning rates (section 8.5.3)."""
    good = []
    for surface in ("canyon", "rotated canyon"):
        arena.set(surface=surface, tuned=False, start=CORNER)
        good.append((settled(arena.state.all_losses[5], RACE_STEPS) < 3e-3).sum())
    assert good[1] < 0.6 * good[0]


@pytest.mark.parametrize("surface", ["canyon", "rotated canyon"])
def test_sgd_ends_at_its_edge(arena, surface):
    """Below 2 / lambda_max the loss falls, beyond it rises (section 8.5)."""
    arena.set(surface=surface, tuned=False, start=CORNER)
    state = arena.state
    falls = settled(state.all_losses[0], RACE_STEPS) < state.losses[0, 0]
    np.testing.assert_array_equal(falls, explorers.RATES < 0.2)
    assert "0.5 of SGD's limit" in arena.description


def test_the_best_is_not_the_most_robust(arena):
    """Nesterov gets lowest, Adam is good most often, AdaGrad never rises (section 8.5.4)."""
    arrived, good, risen = np.zeros((3, len(LOOKS)))
    for surface in explorers.SURFACES:
        arena.set(surface=surface, tuned=True, num_steps=RACE_STEPS, start=CORNER)
        first, ends = arena.state.losses[0, 0], settled(arena.state.all_losses, RACE_STEPS)
        arrived += np.nanmin(ends, axis=1) < 2e-5
        good += (ends < first / 50).sum(axis=1)
        risen += (~(ends < first)).sum(axis=1)
    names = list(LOOKS)
    assert arrived[2] == 6 and (np.delete(arrived, 2) < 6).all()
    assert names[np.argmax(good)] == "Adam" and names[np.argmax(risen)] == "Nesterov"
    assert names[np.argmin(risen)] == "AdaGrad" and arrived[5] == 0


def test_on_the_plateau_only_the_size_of_the_gradient_matters(arena):
    """Where the gradient is tiny SGD stands still and Adam does not (section 8.5.3)."""
    arena.set(**arena.presets["plateau"], learning_rate=0.1, num_steps=RACE_STEPS)
    losses = dict(zip(LOOKS, arena.state.losses[:, -1], strict=True))
    assert losses["SGD"] > 0.99 and losses["Adam"] < 1e-3


def test_at_the_saddle_momentum_is_slow_to_turn(arena):
    """SGD creeps in and waits; the adaptive methods leave at once (section 8.5)."""
    arena.set(**arena.presets["saddle"], learning_rate=0.1, num_steps=20)
    heights = np.abs(arena.state.paths[:, 20, 1])
    assert heights[0] < 0.2 and heights[4] > 1 and heights[5] > 1


def test_at_the_cliff_momentum_is_thrown_back(arena):
    """A step into the wall meets an enormous gradient (section 8.5)."""
    arena.set(**arena.presets["cliff"], learning_rate=0.1, num_steps=RACE_STEPS)
    losses = dict(zip(LOOKS, arena.state.losses[:, -1], strict=True))
    assert losses["momentum"] > 100 > 1 > losses["Adam"]


def test_tuned_runs_use_the_best_rates(arena):
    """Each is shown at the darkest place of its row (section 8.5.4)."""
    losses = best_losses(arena, surface="Rosenbrock", start=CORNER)
    rows = settled(arena.state.all_losses, RACE_STEPS)
    np.testing.assert_allclose(list(losses.values()), np.nanmin(rows, axis=1), rtol=1e-5)
    chosen = explorers.RATES[np.nanargmin(rows, axis=1)]
    np.testing.assert_allclose(arena.state.rates, chosen, rtol=1e-5)


def test_divergence_is_said(arena):
    """A run that is lost is no smallest or largest number (section 8.3)."""
    arena.set(surface="canyon", tuned=False, learning_rate=3.15, start=CORNER)
    assert "has diverged" in arena.description and "inf" not in arena.description


# Momentum


def test_momentum_runs_where_plain_descent_bounces(push):
    """After 30 steps it is far lower, at the same learning rate (Figure 8.5)."""
    push.set(**FIGURE_8_5)
    assert push.state.pushed.loss[30] < 0.05 * push.state.plain.loss[30]
    np.testing.assert_allclose(
        push.state.arrows[0], push.state.plain.params[1] - push.state.plain.params[0], rtol=1e-5
    )


def test_without_momentum_both_are_one(push):
    """The green path and the dashed one lie on each other (section 8.3.2)."""
    push.set(**push.presets["no momentum"])
    np.testing.assert_allclose(push.state.pushed.params, push.state.plain.params, rtol=1e-4)
    push.set(nesterov=True)
    np.testing.assert_allclose(push.state.pushed.params, push.state.plain.params, rtol=1e-4)


def test_momentum_bears_what_plain_descent_does_not(push):
    """Beyond epsilon lambda = 2 only the dashed path leaves (section 8.3.2)."""
    push.set(**push.presets["long steps"])
    assert push.state.pushed.loss[-1] < 1e-3 and "without momentum to no end" in push.description


def test_nesterov_bears_less(push):
    """The same settings that momentum likes are too much for it (section 8.3.3)."""
    push.set(**FIGURE_8_5 | {"nesterov": True})
    assert push.state.pushed.loss[-1] > 1e6
    push.set(nesterov=False)
    assert push.state.pushed.loss[-1] < 1e-4


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_edge_is_where_it_diverges(push, nesterov):
    """Just above the edge the loss grows, just below it falls (sections 8.3.2, 8.3.3)."""
    edge = explorers.stability_limits(0.5)[nesterov]
    for factor, grows in ((0.96, False), (1.04, True)):
        settings = {"momentum": 0.5, "nesterov": nesterov, "condition_number": 1}
        push.set(**FIGURE_8_5 | settings | {"learning_rate": factor * edge})
        assert (push.state.pushed.loss[-1] > push.state.pushed.loss[PUSH_STEPS // 2]) == grows


def test_nesterov_damps_the_swinging(push):
    """Within its limits it zigzags less across the canyon (section 8.3.3)."""
    crossings = []
    for nesterov in (False, True):
        push.set(**FIGURE_8_5 | {"learning_rate": 1.2, "nesterov": nesterov})
        walls = push.state.pushed.params @ push.state.bowl.eigenvectors[:, 1]
        crossings.append(np.abs(walls[10:20]).max())
    assert crossings[1] < 0.1 * crossings[0]


# The cliff


@pytest.fixture(scope="module")
def cliff():
    return explorers.cliff()


def test_a_cliff_throws_a_plain_step_off_the_map(cliff):
    """One step is ninety times the length that clipping allows, and leaves (Figure 8.3)."""
    cliff.set(learning_rate=0.2, threshold=0.1, num_steps=60, start=(5.24, -2.36))
    plain, clipped = cliff.state
    lengths = np.linalg.norm(np.diff(plain.params, axis=0), axis=1)
    assert lengths.max() > 50 * 0.2 * 0.1 and lengths.max() > 1
    assert np.linalg.norm(np.diff(clipped.params, axis=0), axis=1).max() < 0.0201
    assert clipped.loss[-1] < 0.1 * plain.loss[-1]
    assert "off the map" in cliff.description


def test_a_high_threshold_or_tiny_steps_change_nothing(cliff):
    """Clipping acts only where a gradient exceeds the threshold (section 8.2.4)."""
    for settings in ({"threshold": 20.0, "learning_rate": 0.2}, {"learning_rate": 0.02}):
        cliff.set(start=(5.24, -2.36), num_steps=60, **settings)
        np.testing.assert_array_equal(cliff.state.plain.params, cliff.state.clipped.params)
        assert "both runs are the same" in cliff.description


# Conjugate gradients


@pytest.fixture(scope="module")
def searches():
    return explorers.conjugate_gradients()


@pytest.mark.parametrize("kappa, angle, start", [(6.3, 60, (-8.6, 7.1)), (50, 20, (9, 4))])
def test_two_conjugate_steps_arrive(searches, kappa, angle, start):
    """Steepest descent still has most of its way before it, whatever the bowl (Figure 8.6)."""
    searches.set(condition_number=kappa, angle=angle, num_steps=2, start=start)
    state = searches.state
    assert state.conjugate.loss[2] < 1e-6 * state.conjugate.loss[0]
    np.testing.assert_allclose(state.cosines[1], 0, atol=0.01)
    assert "conjugate gradients less than a millionth" in searches.description


def test_the_worst_start_never_hurries(searches):
    """Where floor and walls pull alike, every search leaves ((k-1)/(k+1))^2 (Figure 8.6)."""
    searches.set(condition_number=6.3, angle=60, start=(-8.6, 7.1))
    ratios = searches.state.steepest.loss[1:] / searches.state.steepest.loss[:-1]
    np.testing.assert_allclose(ratios, (5.3 / 7.3) ** 2, atol=0.01)
    searches.set(condition_number=1)
    assert searches.state.steepest.loss[1] < 1e-6


# Initialization


@pytest.fixture(scope="module")
def signals():
    return explorers.initialization()


def test_what_each_scheme_does_to_signals(signals):
    """The plain range lets both vanish, Equation 8.23 keeps them (equation 8.23)."""
    schemes = list(explorers.SCHEMES)
    signals.set(unit="tanh", scheme=schemes[0], scale=1.0)
    assert signals.state.sizes[-1] < 1e-3 and signals.state.grad_sizes[0] < 1e-3
    signals.set(scheme=schemes[1])
    assert signals.state.sizes[-1] > 0.1 and signals.state.grad_sizes[0] > 0.1
    signals.set(scheme=schemes[4])
    assert signals.state.saturated > 0.4 and signals.state.grad_sizes[0] > 100
    assert "saturated" in signals.description


def test_rectifiers_need_twice_the_variance(signals):
    """Equation 8.23 halves the mean square in each layer, 2 / m keeps it (section 8.4)."""
    ends = []
    for scheme in ("normalized, Eq. 8.23", "for rectifiers, 2/m"):
        signals.set(unit="rectifier", scheme=scheme, scale=1.0)
        ends.append(signals.state.sizes[-1])
    assert ends[0] < 0.01 and 0.3 < ends[1] < 3
    assert (signals.state.counts.sum(axis=1) > 0.8 * 50 * 64).all()


# Batch normalization


@pytest.fixture(scope="module")
def chain():
    return explorers.batch_norm()


@pytest.mark.parametrize("weight, kept", [(1.0, 0.956), (1.2, 2.20 / 2.66), (1.5, 54.7 / 147.8)])
def test_a_plain_chain_keeps_part_of_its_promise(chain, weight, kept):
    """At ten layers and a hundredth it keeps 96, 83 or 37 per cent (section 8.7.1)."""
    chain.set(num_layers=10, weight=weight, learning_rate=0.01)
    np.testing.assert_allclose(chain.state.decrease[0] / chain.state.promised[0], kept, rtol=0.02)
    np.testing.assert_allclose(chain.state.kept[1], 1, rtol=0.01)


def test_more_layers_break_it_sooner(chain):
    """The learning rate at which half is kept falls with depth (equation 8.35)."""
    edges = []
    for layers in (5, 10, 20):
        chain.set(num_layers=layers, weight=1.2)
        edges.append(explorers.CHAIN_RATES[np.argmax(chain.state.kept[0] < 0.5)])
    assert edges == sorted(edges, reverse=True) and edges[-1] < 0.01
    chain.set(num_layers=20, weight=1.2, learning_rate=0.1)
    assert "rises" in chain.description
