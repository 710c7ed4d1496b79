"""The explorers of chapter 7."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dlcompanion import style
from dlcompanion.datasets import digits
from dlcompanion.feedforward_networks.hidden_units import identity, relu
from dlcompanion.feedforward_networks.mlp import Layer, descend, init_mlp, mlp
from dlcompanion.live import (
    Draggable,
    Explorer,
    Scene,
    dropdown,
    int_slider,
    log_slider,
    slider,
    toggle,
)
from dlcompanion.machine_learning.capacity import polynomial_features
from dlcompanion.numerical_computation.quadratics import Quadratic, quadratic
from dlcompanion.probability.sigmoid_softplus import log_sigmoid, sigmoid
from dlcompanion.regularization import figures
from dlcompanion.regularization.adversarial import (
    adversarial_cost,
    attack,
    cross_entropy,
    error_rate,
)
from dlcompanion.regularization.bagging import (
    bootstrap,
    ensemble_error,
    variance_and_covariance,
)
from dlcompanion.regularization.dropout import (
    all_masks,
    combine,
    dropout_cost,
    keep_probabilities,
    mask_probability,
    masked_mlp,
    sample_masks,
    scale_weights,
)
from dlcompanion.regularization.early_stopping import (
    learned_share,
    matching_alpha,
    stop_on_curve,
    stopped_descent,
)
from dlcompanion.regularization.norm_penalties import (
    QuadraticModel,
    kept_share,
    l1_solution,
    l2_solution,
    ridge,
)
from dlcompanion.style import say

# Section 7.1
STEEPEST = 2.0  # the curvature of the walls, as in Figures 7.1 and 7.4
PENALTIES = ("L²", "L¹")
ALPHAS = np.geomspace(0.01, 100, 41)


class PenaltyState(NamedTuple):
    """Both solutions, for the chosen alpha and for all of them."""

    bowl: Quadratic
    l2: Float[Array, "2"]
    l1: Float[Array, "2"]
    l2_path: Float[Array, "alphas 2"]
    l1_path: Float[Array, "alphas 2"]
    share: Float[Array, "2"]  # that weight decay keeps of each eigencomponent
    shares: Float[Array, "alphas 2"]


@jax.jit
def _penalize(alpha, condition_number, angle, optimum) -> PenaltyState:
    bowl = quadratic(condition_number, STEEPEST, jnp.deg2rad(jnp.asarray(angle, optimum.dtype)))
    model = QuadraticModel(bowl.hessian, optimum)
    alphas = jnp.append(alpha, jnp.asarray(ALPHAS, optimum.dtype))
    l2 = jax.vmap(lambda alpha: l2_solution(model, alpha))(alphas)
    l1 = jax.vmap(lambda alpha: l1_solution(model, alpha, 300))(alphas)
    shares = jax.vmap(lambda alpha: kept_share(bowl.eigenvalues, alpha))(alphas)
    return PenaltyState(bowl, l2[0], l1[0], l2[1:], l1[1:], shares[0], shares[1:])


def norm_penalties(
    penalty=PENALTIES[0], alpha=0.5, condition_number=10.0, angle=90.0, optimum=(2.0, 2.0)
) -> Explorer:
    """What weight decay shrinks and an L1 penalty erases (sections 7.1.1, 7.1.2, Figure 7.1)."""
    figure, axes = style.figure(3, widths=(1.55, 1, 1))
    cost = figures.draw_cost(axes[0], "cost, penalty (dotted), both minima")
    plane = figures.draw_penalties(axes[0])
    shares = figures.draw_kept_shares(axes[1], ALPHAS)
    weights = figures.draw_weights(axes[2], ALPHAS)

    def update(values, state):
        order = slice(None, None, 1 if values["penalty"] == "L¹" else -1)  # the chosen one is last
        paths, here = (state.l2_path, state.l1_path)[order], (state.l2, state.l1)[order]
        figures.update_cost(cost, state.bowl, values["optimum"], here[1])
        figures.update_penalties(plane, values["penalty"] == "L¹", paths, here)
        figures.update_kept_shares(shares, state.shares, values["alpha"], state.share)
        figures.update_weights(weights, paths, values["alpha"], here[1])

    return Explorer(
        title="Which weights does a penalty shrink, and which does it erase?",
        controls={
            "penalty": dropdown(penalty, PENALTIES),
            "alpha": log_slider(alpha, 0.01, 100),
            "condition_number": log_slider(condition_number, 1, 20),
            "angle": slider(angle, 0, 180, step=5),
        },
        points={"optimum": Draggable(axes[0], optimum, "minimum of the cost")},
        compute=_penalize,
        scene=Scene(figure, [*cost, *plane, *shares, *weights], update),
        describe=_describe_penalty,
        view=("penalty",),
        labels={
            "alpha": r"\(\alpha\) strength",
            "condition_number": r"\(\kappa\) condition number",
            "angle": "direction of the walls, degrees",
        },
        presets={
            "Fig. 7.1": {"penalty": "L²", "alpha": 0.5, "condition_number": 10, "angle": 90,
                         "optimum": (2, 2)},
            "L¹ erases": {"penalty": "L¹", "alpha": 0.5, "condition_number": 10, "angle": 90,
                          "optimum": (2, 2)},
            "correlated inputs": {"penalty": "L¹", "alpha": 0.5, "condition_number": 9,
                                  "angle": 45, "optimum": (1.6, 0.4)},
        },
    )  # fmt: skip


def _describe_penalty(values, state: PenaltyState) -> str:
    if values["penalty"] == "L²":
        floor, walls = state.share
        return (
            f"Weight decay keeps {floor:.0%} of w* along the floor, where λ = "
            f"{say(state.bowl.eigenvalues[0])}, and {walls:.0%} up the walls, where λ = "
            f"{say(STEEPEST)}: w = {_pair(state.l2)}, pulled in from {_pair(values['optimum'])}."
        )
    is_zero = state.l1 == 0
    verdict = ("no weight is zero", "w₂ is exactly zero", "w₁ is exactly zero", "both are exactly "
               "zero")[2 * is_zero[0] + is_zero[1]]  # fmt: skip
    return (
        f"The L¹ penalty moves w from {_pair(values['optimum'])} to {_pair(state.l1)}: {verdict}. "
        f"Weight decay as strong would end at {_pair(state.l2)}."
    )


def _pair(point) -> str:
    return f"({say(point[0])}, {say(point[1])})"


# Section 7.8
NUM_STEPS = 100
DECAYS = np.geomspace(1e-3, 300, 41)
CURVATURES = np.geomspace(0.08, 2.6, 31)
FLOOR = 0.05  # the training error that no weights avoid
LEARNING_LIMITS = (0.03, 30)


class StoppedState(NamedTuple):
    """A descent, the path of weight decay, and both errors along the descent."""

    bowl: Quadratic
    path: Float[Array, "steps+1 2"]
    matches: Float[Array, "steps 2"]  # weight decay with alpha = 1 / (tau epsilon)
    decayed: Float[Array, "alphas 2"]
    kept: Float[Array, "steps curvatures+2"]
    learned: Float[Array, "steps curvatures+2"]
    train: Float[Array, "steps+1"]
    valid: Float[Array, "steps+1"]
    best_step: Int[Array, ""]
    steps_run: Int[Array, ""]


@jax.jit
def _stop(condition_number, learning_rate, patience, optimum, truth) -> StoppedState:
    bowl = quadratic(condition_number, STEEPEST, jnp.pi / 2)
    model, fresh = (QuadraticModel(bowl.hessian, center) for center in (optimum, truth))
    steps = jnp.arange(NUM_STEPS + 1)
    path = jax.vmap(lambda tau: stopped_descent(model, learning_rate, tau))(steps)
    alphas = jax.vmap(lambda tau: matching_alpha(learning_rate, tau))(steps[1:])
    decay = jax.vmap(lambda alpha: l2_solution(model, alpha))
    curvatures = jnp.append(jnp.asarray(CURVATURES, optimum.dtype), bowl.eigenvalues)
    kept = jax.vmap(lambda alpha: kept_share(curvatures, alpha))(alphas)
    learned = jax.vmap(lambda tau: learned_share(curvatures, learning_rate, tau))(steps[1:])
    noise = jnp.exp(0.06 * jax.random.normal(jax.random.key(7), steps.shape, optimum.dtype))
    train = FLOOR + jax.vmap(model)(path)
    valid = (FLOOR + model(truth) + jax.vmap(fresh)(path)) * noise  # at the truth both are equal
    return StoppedState(
        bowl, path, decay(alphas), decay(jnp.asarray(DECAYS, optimum.dtype)), kept, learned,
        train, valid, *stop_on_curve(valid[1:], patience),
    )  # fmt: skip


def early_stopping(
    condition_number=10.0,
    learning_rate=0.1,
    patience=10,
    num_steps=20,
    optimum=(2.5, 1.7),
    truth=(1.0, 2.0),
) -> Explorer:
    """A descent that stops early beside weight decay (section 7.8, Figures 7.3, 7.4)."""
    figure, axes = style.figure(3, widths=(1.55, 1, 1))
    cost = figures.draw_cost(axes[0], "descent (dots), weight decay (dashed)")
    axes[0].set_xlabel("$w_1$     ● training minimum, × validation minimum")
    (aim,) = axes[0].plot([], [], "x", color=style.INK, markersize=8, markeredgewidth=2)
    plane = figures.draw_stopped(axes[0])
    shares = figures.draw_shares(axes[1], CURVATURES)
    curves = figures.draw_learning_curves(axes[2], NUM_STEPS, LEARNING_LIMITS)

    def update(values, state):
        tau, best, run = values["num_steps"], int(state.best_step), int(state.steps_run)
        path = np.clip(state.path, -99, 99)
        figures.update_cost(cost, state.bowl, values["optimum"], path[tau])
        aim.set_data(*values["truth"][:, None])
        here = state.matches[tau - 1], path[tau]
        figures.update_stopped(plane, state.decayed, path[: tau + 1], here, path[best])
        parts = state.kept[tau - 1], state.learned[tau - 1], state.bowl.eigenvalues
        figures.update_shares(shares, *parts)
        figures.update_learning_curves(curves, state.train, state.valid, best, run)
        curves[4].set_data([tau], np.clip(state.train[tau : tau + 1], 1e-3, 1e3))

    return Explorer(
        title="Is stopping early the same as decaying the weights?",
        controls={
            "condition_number": log_slider(condition_number, 1, 20),
            "learning_rate": log_slider(learning_rate, 0.01, 1.1),
            "patience": int_slider(patience, 1, 40),
            "num_steps": int_slider(num_steps, 1, NUM_STEPS),
        },
        points={
            "optimum": Draggable(axes[0], optimum, "minimum of the training error"),
            "truth": Draggable(axes[0], truth, "minimum of the validation error"),
        },
        compute=_stop,
        scene=Scene(figure, [*cost, aim, *plane, *shares, *curves], update),
        describe=_describe_stopping,
        view=("num_steps",),
        play="num_steps",
        labels={
            "condition_number": r"\(\kappa\) condition number",
            "learning_rate": r"\(\epsilon\) learning rate",
            "patience": r"\(p\) patience",
            "num_steps": r"\(\tau\) steps",
        },
        presets={
            "Fig. 7.4": {"condition_number": 10, "learning_rate": 0.1, "num_steps": 20,
                         "optimum": (2, 2)},
            "round bowl": {"condition_number": 1, "learning_rate": 0.02, "num_steps": 20},
            "impatient": {"condition_number": 10, "learning_rate": 0.1, "patience": 1,
                          "optimum": (2.5, 1.7), "truth": (1, 2)},
        },
    )  # fmt: skip


def _describe_stopping(values, state: StoppedState) -> str:
    tau, rate = values["num_steps"], values["learning_rate"]
    kept = (
        f"With patience {values['patience']} the training ends at step {state.steps_run} and "
        f"returns the weights of step {state.best_step}."
    )
    if rate * STEEPEST >= 2:
        return (
            f"ε = {say(rate)} is not below 2/λmax = {say(2 / STEEPEST)}: the descent does not "
            f"settle, and no weight decay resembles it. {kept}"
        )
    here, match = state.path[tau], state.matches[tau - 1]
    steps = "1 step leads" if tau == 1 else f"{tau} steps lead"
    return (
        f"{steps} to {_pair(here)}, weight decay with α = 1/(τε) = {say(1 / (tau * rate))} to "
        f"{_pair(match)}, {say(np.hypot(*(here - match)))} away. {kept}"
    )


# Section 7.12
MASKS = np.array(all_masks(4))[::-1]  # all units first
UNITS = ("rectified", "linear")
AREA = np.stack(np.meshgrid(*2 * [np.linspace(-2, 2, 41)]), axis=-1).reshape(-1, 2)
NETWORK = (
    Layer(np.array([[1.2, -1.1], [0.7, 1.4]]), np.array([0.3, -0.2])),
    Layer(np.array([[1.4], [-1.8]]), np.array([0.2])),
)


class DropoutState(NamedTuple):
    """What all sub-networks of a network say, alone and together."""

    opinions: Float[Array, "masks"]  # P(y = 1)
    weights: Float[Array, "masks"]  # the probability of each mask
    answers: Float[Array, "3"]  # arithmetic and geometric mean, scaled weights
    gaps: Float[Array, "rows columns"]  # of the last two, for every x


@jax.jit
def _ask_all(unit, keep_input, keep_hidden, x) -> DropoutState:
    layers = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), NETWORK)
    masks = jnp.asarray(MASKS, jnp.float32)
    keep = keep_probabilities(layers, keep_input, keep_hidden).astype(jnp.float32)
    weights, scaled = mask_probability(masks, keep), scale_weights(layers, keep)

    def ask(x, g):
        logits = jax.vmap(lambda mask: masked_mlp(layers, x, mask, g)[0])(masks)
        together = combine(jnp.stack([log_sigmoid(-logits), log_sigmoid(logits)], axis=1), weights)
        last = sigmoid(masked_mlp(scaled, x, jnp.ones(4), g)[0])
        return sigmoid(logits), jnp.stack([together.arithmetic[1], together.geometric[1], last])

    def ask_everywhere(g):
        answers = jax.vmap(lambda x: ask(x, g)[1])(jnp.asarray(AREA, jnp.float32))
        return *ask(x, g), jnp.abs(answers[:, 2] - answers[:, 1]).reshape(41, 41)

    opinions, answers, gaps = jax.lax.switch(
        unit, [lambda: ask_everywhere(relu), lambda: ask_everywhere(identity)]
    )
    return DropoutState(opinions, weights, answers, gaps)


def dropout(unit=UNITS[0], keep_input=0.8, keep_hidden=0.5, x=(0.6, 1.4)) -> Explorer:
    """Ask sixteen sub-networks, and one that stands for them (section 7.12, Figures 7.6, 7.7)."""
    figure, axes = style.figure(3, widths=(1.15, 0.95, 0.9))
    digits = figures.draw_sub_networks(axes[0], MASKS)
    image = figures.draw_disagreement(axes[1], 2.05)
    opinions = figures.draw_opinions(axes[2], len(MASKS))

    def update(values, state):
        figures.update_sub_networks(digits, state.opinions)
        image.set_data(state.gaps)
        figures.update_opinions(opinions, state.opinions, state.weights, state.answers)

    return Explorer(
        title="Can one network speak for sixteen?",
        controls={
            "unit": dropdown(unit, UNITS),
            "keep_input": slider(keep_input, 0.05, 1, step=0.05),
            "keep_hidden": slider(keep_hidden, 0.05, 1, step=0.05),
        },
        points={"x": Draggable(axes[1], x, "the input x")},
        compute=_ask_all,
        scene=Scene(figure, [image, *opinions, *digits], update),
        describe=_describe_dropout,
        labels={"unit": "hidden units", "keep_input": "an input is kept with",
                "keep_hidden": "a hidden unit is kept with"},
        presets={
            "0.8 and 0.5": {"unit": UNITS[0], "keep_input": 0.8, "keep_hidden": 0.5},
            "linear units": {"unit": UNITS[1]},
            "hidden units only": {"keep_input": 1.0},
            "all alike": {"keep_input": 0.5, "keep_hidden": 0.5},
        },
    )  # fmt: skip


def _describe_dropout(values, state: DropoutState) -> str:
    possible = state.opinions[state.weights > 1e-6]
    arithmetic, geometric, scaled = state.answers
    gap = abs(scaled - geometric)
    verdict = "exactly that" if gap < 5e-5 else f"off by {say(gap)}"
    count = len(possible)
    who = "1 sub-network says" if count == 1 else f"{count} sub-networks say from"
    what = f"{possible.min():.2f}" + ("" if count == 1 else f" to {possible.max():.2f}")
    return (
        f"{who} P(y = 1) = {what}. Together they say {arithmetic:.3f} by the arithmetic mean and "
        f"{geometric:.3f} by the geometric mean, renormalized. The one network with scaled weights "
        f"says {scaled:.3f}, {verdict}."
    )


# Section 7.13
NUM_TRAINED, NUM_TESTED = 800, 400
EPSILONS = np.linspace(0, 0.3, 16)


class AttackState(NamedTuple):
    """One digit, its perturbation, and what a network says before and after."""

    pixels: Float[Array, "3 64"]  # the digit, the change, the sum
    verdicts: Float[Array, "2 10"]


@cache
def _digit_networks() -> tuple[tuple[Layer, ...], np.ndarray]:
    """Return two networks, trained plainly and on attacks, and their errors for every epsilon."""
    X, labels = digits().design_matrix / 16, digits().labels
    seen, unseen = (X[:NUM_TRAINED], labels[:NUM_TRAINED]), (X[-NUM_TESTED:], labels[-NUM_TESTED:])
    costs = (
        lambda layers, _: cross_entropy(layers, *seen),
        lambda layers, _: adversarial_cost(layers, *seen, 0.15),
    )
    start = init_mlp(jax.random.key(0), (64, 32, 10))
    ends = jax.device_get([descend(cost, start, 0.5, 2, 200).layers for cost in costs])
    both = jax.tree.map(lambda *leaves: np.stack([leaf[-1] for leaf in leaves]), *ends)

    def error_at(layers, epsilon):
        return error_rate(layers, attack(layers, *unseen, epsilon), unseen[1])

    errors = jax.jit(jax.vmap(jax.vmap(error_at, (None, 0)), (0, None)))(both, EPSILONS)
    return jax.device_get((both, errors))


@jax.jit
def _attack_digit(epsilon, digit, trained) -> AttackState:
    both, _ = _digit_networks()
    layers = jax.tree.map(lambda leaf: jnp.asarray(leaf)[jnp.asarray(trained, int)], both)
    where = len(digits().labels) - NUM_TESTED + digit
    X = jnp.asarray(digits().design_matrix / 16)[where][None]
    label = jnp.asarray(digits().labels)[where][None]
    moved = attack(layers, X, label, epsilon)
    pixels = jnp.concatenate([X, moved - X, moved])
    return AttackState(pixels, jax.nn.softmax(mlp(layers, jnp.concatenate([X, moved]))))


def adversarial(epsilon=0.1, digit=3, trained=False) -> Explorer:
    """Change a digit so little that you hardly see it (section 7.13, Figure 7.8)."""
    errors = 100 * _digit_networks()[1]
    figure, axes = style.figure(3, widths=(0.42, 1, 1))
    images = figures.draw_stack(
        axes[0], ("a digit $x$", r"$\epsilon$ sign of the gradient", "their sum"),
        ((0, 1), (-0.3, 0.3), (0, 1)),
    )  # fmt: skip
    verdicts = figures.draw_verdicts(axes[1], ("before", "after the attack"))
    axes[1].set_ylabel("probability")
    style.add_title(axes[1], "what the network says")
    here = figures.draw_curves(
        axes[2], EPSILONS, errors, ("plain", "trained on attacks"), xlim=(0, 0.3), ylim=(0, 104),
        xlabel=r"$\epsilon$  change of each pixel", ylabel="test error, per cent",
    )  # fmt: skip
    style.add_title(axes[2], f"{NUM_TESTED} digits under attack")

    def update(values, state):
        for image, pixels in zip(images, state.pixels, strict=True):
            image.set_data(pixels.reshape(8, 8))
        figures.update_verdicts(verdicts, *state.verdicts)
        here.set_data(
            [values["epsilon"]],
            [np.interp(values["epsilon"], EPSILONS, errors[int(values["trained"])])],
        )

    def describe(values, state):
        before, after = state.verdicts.argmax(axis=1)
        error = np.interp(values["epsilon"], EPSILONS, errors[int(values["trained"])])
        change = "stays" if before == after else f"becomes {after}"
        return (
            f"No pixel moves by more than {say(values['epsilon'])} of full black, and the verdict "
            f"{before} ({state.verdicts[0, before]:.0%}) {change} "
            f"({state.verdicts[1, after]:.0%}). Of all test digits {error:.0f}% are misread."
        )

    return Explorer(
        title="How small a change of every pixel fools a network?",
        controls={
            "epsilon": slider(epsilon, 0, 0.3, step=0.01),
            "digit": int_slider(digit, 0, 59),
            "trained": toggle(trained),
        },
        compute=_attack_digit,
        scene=Scene(figure, [*images, *verdicts, here], update),
        describe=describe,
        labels={
            "epsilon": r"\(\epsilon\)",
            "digit": "which digit",
            "trained": "trained on attacks",
        },
    )


# Section 7.11
NUM_MEMBERS, NUM_EXAMPLES, NUM_CURVES = 50, 20, 12
GRID = np.linspace(-1, 1, 61)
TRUTH = np.sin(np.pi * GRID)


class BaggingState(NamedTuple):
    """Models of resampled data, their errors, and what equation 7.51 makes of them."""

    data: Float[Array, "m 2"]
    curves: Float[Array, "members grid"]
    means: Float[Array, "members grid"]  # of the first 1, 2, ... members
    measured: Float[Array, "members"]
    predicted: Float[Array, "members"]
    variance: Float[Array, ""]
    covariance: Float[Array, ""]


@jax.jit
def _bag(degree, noise, seed) -> BaggingState:
    key_noise, key_bags = jax.random.split(jax.random.key(seed))
    x = jnp.linspace(-1, 1, NUM_EXAMPLES, dtype=jnp.float32)
    y = jnp.sin(jnp.pi * x) + noise * jax.random.normal(key_noise, x.shape)
    used = jnp.arange(10) <= degree
    features = polynomial_features(x, 9) * used[None]
    everywhere = polynomial_features(jnp.asarray(GRID, jnp.float32), 9) * used[None]

    def fit(rows):
        return everywhere @ ridge(features[rows], y[rows], 0.02)

    curves = jax.vmap(fit)(bootstrap(key_bags, NUM_EXAMPLES, NUM_MEMBERS))
    count = jnp.arange(1, NUM_MEMBERS + 1, dtype=jnp.float32)
    means = jnp.cumsum(curves, axis=0) / count[:, None]
    truth = jnp.asarray(TRUTH, jnp.float32)[None]
    measured = ((means - truth) ** 2).mean(axis=1)
    v, c = variance_and_covariance(curves - truth)
    predicted = jax.vmap(ensemble_error, (0, None, None))(count, v, c)
    return BaggingState(jnp.stack([x, y], axis=1), curves, means, measured, predicted, v, c)


def bagging(members=10, degree=7, noise=0.4, seed=0) -> Explorer:
    """Average models of resampled data: what falls, what stays (section 7.11, equation 7.51)."""
    figure, axes = style.figure(2, widths=(1.2, 1))
    thin, data, mean = figures.draw_bagged(axes[0], NUM_CURVES, GRID, TRUTH)
    lines = figures.draw_ensemble_error(axes[1], NUM_MEMBERS)
    count = np.arange(1, NUM_MEMBERS + 1)

    def update(values, state):
        k = values["members"]
        thin.set_segments([np.column_stack([GRID, c]) for c in state.curves[: min(k, NUM_CURVES)]])
        data.set_data(*state.data.T)
        mean.set_data(GRID, state.means[k - 1])
        places = (([0, NUM_MEMBERS + 1], 2 * [state.covariance]), (count, state.predicted),
                  (count, state.measured), ([k], state.measured[k - 1 : k]))  # fmt: skip
        for line, place in zip(lines, places, strict=True):
            line.set_data(*place)

    return Explorer(
        title="How much better is the mean of many models than one of them?",
        controls={
            "members": int_slider(members, 1, NUM_MEMBERS),
            "degree": int_slider(degree, 1, 9),
            "noise": slider(noise, 0.1, 1, step=0.1),
            "seed": int_slider(seed, 0, 20),
        },
        compute=_bag,
        scene=Scene(figure, [thin, data, mean, *lines], update),
        describe=lambda values, state: (
            f"The squared error of one model is v = {say(state.variance)} on average, the product "
            f"of two models' errors c = {say(state.covariance)}. The mean of {values['members']} "
            f"has {say(state.measured[values['members'] - 1])}; many more would only reach c."
        ),
        labels={"members": r"\(k\) members", "seed": "draw of the data"},
        view=("members",),
        play="members",
    )


# Section 7.12, on digits
FEW, LATE, STRIDE, MAX_MASKS = 100, 400, 30, 20
DIGIT_KEEP = (0.8, 0.5)


class MaskState(NamedTuple):
    """What sampled sub-networks say of one digit, and the network with scaled weights."""

    pixels: Float[Array, "64"]
    each: Float[Array, "max_masks 10"]
    mean: Float[Array, "10"]  # of as many as are asked
    scaled: Float[Array, "10"]


@cache
def _dropout_training() -> tuple[tuple[Layer, ...], np.ndarray]:
    """Return the networks stored on the way of dropout, and costs: (plain, dropout) by part."""
    X, labels = digits().design_matrix / 16, digits().labels
    few, late = (X[:FEW], labels[:FEW]), (X[-LATE:], labels[-LATE:])
    start = init_mlp(jax.random.key(0), (64, 64, 10))
    keep = keep_probabilities(start, *DIGIT_KEEP)

    def train(cost_fn):
        return descend(cost_fn, start, 0.3, 31, STRIDE).layers

    @jax.jit
    def costs_of(layers):
        return jnp.stack([cross_entropy(layers, *few), cross_entropy(layers, *late)])

    plain = train(lambda layers, _: cross_entropy(layers, *few))
    key = jax.random.key(1)
    dropped = train(
        lambda layers, step: dropout_cost(layers, jax.random.fold_in(key, step), *few, keep)
    )
    scaled = jax.vmap(lambda layers: scale_weights(layers, keep))(dropped)
    costs = [jax.vmap(costs_of, out_axes=1)(layers) for layers in (plain, scaled)]
    return jax.device_get((dropped, jnp.stack(costs)))


@jax.jit
def _ask_masks(digit, num_masks, stored) -> MaskState:
    layers = jax.tree.map(lambda leaf: jnp.asarray(leaf)[stored], _dropout_training()[0])
    keep = keep_probabilities(layers, *DIGIT_KEEP)
    x = jnp.asarray(digits().design_matrix / 16)[len(digits().labels) - LATE + digit]
    masks = sample_masks(jax.random.key(2), keep, MAX_MASKS)
    each = jax.nn.softmax(jax.vmap(lambda mask: masked_mlp(layers, x, mask))(masks))
    asked = (jnp.arange(MAX_MASKS) < num_masks)[:, None]
    mean = jnp.where(asked, each, 0).sum(axis=0) / num_masks
    scaled = jax.nn.softmax(mlp(scale_weights(layers, keep), x))
    return MaskState(x, each, mean, scaled)


def dropout_digits(digit=4, num_masks=10, stored=30) -> Explorer:
    """Ask some sub-networks of a digit network, or one with scaled weights (section 7.12)."""
    costs = _dropout_training()[1]
    steps = STRIDE * np.arange(31)
    figure, axes = style.figure(3, widths=(0.36, 1, 1.15))
    (image,) = figures.draw_stack(axes[0], ("a test digit",), ((0, 1),))
    verdicts = figures.draw_sampled_verdicts(axes[1])
    style.add_title(axes[1], "what sampled sub-networks say")
    here = figures.draw_training_costs(axes[2], steps, costs)
    style.add_title(axes[2], f"{FEW} digits to learn from, {LATE} to test")
    limits = axes[2].get_ylim()

    def update(values, state):
        image.set_data(state.pixels.reshape(8, 8))
        each = state.each[: values["num_masks"]]
        figures.update_sampled_verdicts(verdicts, each, state.mean, state.scaled)
        here.set_data([STRIDE * values["stored"]] * 2, limits)

    def describe(values, state):
        best, rule = int(state.mean.argmax()), int(state.scaled.argmax())
        plain, dropped = costs[:, 1, values["stored"]]
        return (
            f"The mean of {values['num_masks']} sub-networks reads a {best} "
            f"({state.mean[best]:.0%}), the one with scaled weights a {rule} "
            f"({state.scaled[rule]:.0%}). After {STRIDE * values['stored']} steps the test cost is "
            f"{say(dropped)} with dropout and {say(plain)} without."
        )

    return Explorer(
        title="How many sub-networks must you ask?",
        controls={
            "digit": int_slider(digit, 0, 59),
            "num_masks": int_slider(num_masks, 1, MAX_MASKS),
            "stored": int_slider(stored, 0, 30),
        },
        compute=_ask_masks,
        scene=Scene(figure, [image, *verdicts, here], update),
        describe=describe,
        labels={"digit": "which digit", "num_masks": "masks asked",
                "stored": f"training, {STRIDE} steps each"},
        play="stored",
    )  # fmt: skip
