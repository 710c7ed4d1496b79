"""The explorers of chapter 6."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dlcompanion import style
from dlcompanion.feedforward_networks import figures
from dlcompanion.feedforward_networks.backprop import (
    Graph,
    Node,
    chain_evaluations,
    graph_backward,
    graph_forward,
)
from dlcompanion.feedforward_networks.hidden_units import (
    absolute_rectification,
    cosine,
    hard_tanh,
    identity,
    leaky_relu,
    maxout,
    parametric_relu,
    relu,
    tanh,
)
from dlcompanion.feedforward_networks.mixture_density import (
    Bands,
    bands_log_density,
    fit_mixture,
    mixture_loss,
    sample_bands,
    split_outputs,
)
from dlcompanion.feedforward_networks.mlp import Layer, affine, descend, init_mlp, mlp
from dlcompanion.feedforward_networks.output_units import (
    absolute_error_of_sigmoid,
    bernoulli_loss,
    squared_error_of_clipped,
    squared_error_of_sigmoid,
)
from dlcompanion.feedforward_networks.xor import (
    INPUTS,
    hidden_features,
    train_from_starts,
    train_xor,
    xor_outputs,
)
from dlcompanion.live import (
    Draggable,
    Explorer,
    Scene,
    dropdown,
    int_slider,
    log_slider,
    slider,
)
from dlcompanion.probability import sigmoid, softplus
from dlcompanion.style import say

# Section 6.1
NUM_STARTS, RATE, STRIDE, STORED = 60, 0.2, 60, 50
SIDE = (-0.6, 1.6)
PLANE = np.stack(np.meshgrid(*2 * [np.linspace(*SIDE, 56)]), axis=-1).astype(np.float32)
# A line of W^T x + c = 0 passes through the first point of a pair; W points to the second.
BOOK_LINES = {
    "first": ((-0.25, 0.25), (0.25, 0.75)),
    "second": ((0.875, 0.125), (1.375, 0.625)),
}
ALL_ACTIVE = {"first": ((-0.5, 0.5), (0.0, 0.5)), "second": ((0.5, -0.5), (0.5, 0.0))}
BOOK = {"w1": 1.0, "w2": -2.0, "b": 0.0, "start": 0, "steps": 0, **BOOK_LINES}


class XORState(NamedTuple):
    """A network at every stored step of its training, and what it does."""

    layers: tuple[Layer, Layer]
    costs: Float[Array, "stored"]
    outputs: Float[Array, "stored 4"]
    hidden: Float[Array, "stored 4 2"]
    surfaces: Float[Array, "stored rows columns"]


@cache
def _random_starts() -> tuple[tuple[Layer, Layer], np.ndarray]:
    """Return random networks, best first, and the costs at which their training ends."""
    trained = train_from_starts(jax.random.key(4), NUM_STARTS, 2, STRIDE * STORED, RATE)
    starts, costs = jax.device_get(trained)
    order = np.argsort(costs)
    return jax.tree.map(lambda leaf: leaf[order], starts), costs[order]


@jax.jit
def _train(w1, w2, b, start, first, second) -> XORState:
    feet, tips = jnp.stack([first[0], second[0]]), jnp.stack([first[1], second[1]])
    W = 2 * (tips - feet).T
    yours = Layer(W, -(W * feet.T).sum(axis=0)), Layer(jnp.stack([w1, w2])[:, None], b[None])
    yours = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), yours)
    random = jax.tree.map(lambda leaf: jnp.asarray(leaf)[start - 1], _random_starts()[0])
    layers = jax.tree.map(lambda a, z: jnp.where(start == 0, a, z), yours, random)
    layers, costs = train_xor(layers, RATE, STRIDE * STORED, STRIDE)
    surfaces = jax.vmap(mlp, in_axes=(0, None))(layers, jnp.asarray(PLANE))[..., 0]
    hidden = jax.vmap(hidden_features, in_axes=(0, None))(layers, jnp.asarray(INPUTS, jnp.float32))
    return XORState(layers, costs, jax.vmap(xor_outputs)(layers), hidden, surfaces)


def xor(
    w1=1.0, w2=-1.0, b=0.0, start=0, steps=0,
    first=BOOK_LINES["first"], second=BOOK_LINES["second"],
) -> Explorer:  # fmt: skip
    """Move the points of XOR until one line separates them (section 6.1, Figure 6.1)."""
    figure, axes = style.figure(3, widths=(1.1, 1, 0.9))
    surface = figures.draw_surface(axes[0], (*SIDE, *SIDE))
    hinges, corners = figures.draw_hinges(axes[0]), figures.draw_classes(axes[0], figures.ON_MAP)
    axes[0].set(xlim=SIDE, ylim=SIDE, aspect="equal", xlabel="$x_1$")
    axes[0].set_ylabel("$x_2$", rotation=0, labelpad=8)
    style.add_title(axes[0], "inputs (light: output above ½)")
    border, images = figures.draw_hidden_space(axes[1], 2.6)
    here = figures.draw_ends(axes[2], _random_starts()[1])

    def update(values, state):
        k = values["steps"]
        (W, c), (w, b) = jax.tree.map(lambda leaf: leaf[k], state.layers)
        figures.update_surface(surface, state.surfaces[k])
        figures.update_hinges(hinges, W, c)
        figures.update_classes(corners, INPUTS)
        figures.update_border(border, w[:, 0], float(b[0]))
        figures.update_classes(images, state.hidden[k])
        here.set_data([values["start"]], [min(state.costs[-1], 0.28)])

    return Explorer(
        title="What can two hidden units do that no line can?",
        controls={
            "w1": slider(w1, -3, 3, step=0.1),
            "w2": slider(w2, -3, 3, step=0.1),
            "b": slider(b, -1, 1, step=0.1),
            "start": int_slider(start, 0, NUM_STARTS),
            "steps": int_slider(steps, 0, STORED),
        },
        points={
            "first": Draggable(axes[0], first, "line and direction of the first hidden unit"),
            "second": Draggable(axes[0], second, "line and direction of the second hidden unit"),
        },
        compute=_train,
        scene=Scene(figure, [surface, *hinges, *corners, border, *images, here], update),
        describe=_describe_xor,
        labels={
            "w1": r"\(w_1\) of the output",
            "w2": r"\(w_2\) of the output",
            "b": r"\(b\) of the output",
            "start": "start: 0 yours, else random",
            "steps": f"training, {STRIDE} steps each",
        },
        presets={
            "the book's": BOOK,
            "linear": BOOK | {"w1": 0.0, "w2": 0.0, "b": 0.5} | ALL_ACTIVE,
            "a good start": {"start": 5, "steps": STORED},
            "a bad one": {"start": 40, "steps": STORED},
        },
        view=("steps",),
        play="steps",
    )


ENDS = {
    0: "solves XOR",
    1 / 8: "is stuck at ⅛, with two points sharing one output",
    1 / 6: "is stuck at ⅙, with three points sharing one output",
    1 / 4: "is stuck at ¼ with ½ everywhere, the best that a linear model can do",
}


def _describe_xor(values, state: XORState) -> str:
    k = values["steps"]
    outputs = ", ".join(f"{value + 0.0:.2f}".replace("-", "−") for value in state.outputs[k])
    cost = float(state.costs[k])
    last = float(state.costs[-1])
    near = min(ENDS, key=lambda end: abs(end - last))
    end = ENDS[near] if abs(near - last) < 0.004 else f"has reached {say(last)} and goes on"
    now = "0" if cost < 1e-6 else say(cost)
    return (
        f"At 00, 01, 10, 11 the network says {outputs}, and the cost is J = {now}. "
        f"Training from here {end}."
    )


# Section 6.2.2.2
PAIRS = {
    "sigmoid, cross-entropy": bernoulli_loss,
    "sigmoid, squared error": squared_error_of_sigmoid,
    "sigmoid, absolute error": absolute_error_of_sigmoid,
    "clipped linear unit, squared error": squared_error_of_clipped,
}
STARTS = np.linspace(-10, 10, 101)
STEPS = np.unique(np.geomspace(1, 23_000, 70).astype(int)) - 1  # at which a descent is stored


class PairsState(NamedTuple):
    """Two pairs of output unit and loss, the one to compare with first."""

    losses: Float[Array, "2 101"]
    slopes: Float[Array, "2 101"]
    paths: Float[Array, "2 stored"]
    counts: Float[Array, "2"]  # steps until the unit is right, -1 for never


@cache
def _descents() -> tuple[np.ndarray, np.ndarray]:
    """Return every pair's descent from every start, for both labels, and when it gets right."""
    labels = np.repeat(np.arange(2.0)[:, None], len(STARTS), axis=1)
    slopes = [jax.vmap(jax.vmap(jax.grad(loss))) for loss in PAIRS.values()]
    border = np.array([0, 0, 0, 0.5])[:, None, None]  # where the output is 1/2

    def step(k, carry):
        z, count = carry
        is_right = jnp.where(labels == 1, z >= border, z <= border)
        count = jnp.where(is_right & (count < 0), k, count)
        falls = [slope(row, labels) for slope, row in zip(slopes, z, strict=True)]
        return z - jnp.stack(falls), count

    def store(carry, ends):
        return jax.lax.fori_loop(*ends, step, carry), carry[0]

    with jax.enable_x64(True):  # thousands of tiny steps: float32 would lose some
        z = np.broadcast_to(np.asarray(STARTS), (len(PAIRS), 2, len(STARTS)))
        ends = np.asarray(STEPS), np.append(STEPS[1:], STEPS[-1] + 1)
        descend_all = jax.jit(lambda carry: jax.lax.scan(store, carry, ends))
        (_, counts), paths = jax.device_get(descend_all((z, -np.ones(z.shape))))
    return np.moveaxis(paths, 0, -1).astype(np.float32), counts.astype(np.float32)


@jax.jit
def _compare_pairs(pair, label, z) -> PairsState:
    pairs = jnp.stack([jnp.where(pair == 0, 1, 0), pair])
    grid, y = jnp.asarray(STARTS, jnp.float32), jnp.asarray(label, jnp.float32)

    def look(pair):
        loss, slope = jax.vmap(
            jax.value_and_grad(lambda z: jax.lax.switch(pair, list(PAIRS.values()), z, y))
        )(grid)
        return loss, jnp.abs(slope)

    losses, slopes = jax.vmap(look)(pairs)
    start = jnp.round((z - STARTS[0]) / (STARTS[1] - STARTS[0])).astype(int)
    paths, counts = [jnp.asarray(table)[pairs, label, start] for table in _descents()]
    return PairsState(losses, slopes, paths, counts)


def output_units(pair="sigmoid, squared error", label=1, z=-10.0) -> Explorer:
    """Where a wrong output unit learns, and where it never will (section 6.2.2.2)."""
    figure, axes = style.figure(3)
    _descents()
    artists = figures.draw_pairs(axes)

    def update(values, state):
        at = values["z"]
        here = int(np.argmin(abs(STARTS - at)))
        slopes = np.maximum(state.slopes, 1e-9)
        curves = (STARTS, state.losses), (STARTS, slopes), (1 + STEPS, state.paths)
        reached = np.where(state.counts < 0, STEPS[-1], state.counts)
        heights = np.where(state.counts > 0, 0, at)  # right at last, or never moved
        figures.update_pairs(
            artists, curves, ((at, state.losses[:, here]), (at, slopes[:, here]), (0, heights))
        )
        for dot, k in zip(artists[9::2], reached, strict=True):
            dot.set_xdata([1 + k])

    return Explorer(
        title="Which loss lets an output unit recover from a bad mistake?",
        controls={
            "pair": dropdown(pair, list(PAIRS)),
            "label": int_slider(label, 0, 1),
            "z": slider(z, -10, 10, step=0.2),
        },
        compute=_compare_pairs,
        scene=Scene(figure, artists, update),
        describe=_describe_pairs,
        labels={"label": r"\(y\) label", "z": r"\(z\) input of the unit"},
        presets={
            "wrong, cross-entropy": {"pair": "sigmoid, cross-entropy", "label": 1, "z": -10.0},
            "wrong, squared error": {"pair": "sigmoid, squared error", "label": 1, "z": -10.0},
            "wrong, clipped": {"pair": "clipped linear unit, squared error", "label": 1, "z": -3.0},
            "undecided": {"pair": "sigmoid, squared error", "label": 1, "z": 0.0},
        },
    )


def _describe_pairs(values, state: PairsState) -> str:
    yours, other = values["pair"], list(PAIRS)[values["pair"] == "sigmoid, cross-entropy"]
    here = int(np.argmin(abs(STARTS - values["z"])))

    def say_count(count):
        return "never gets right" if count < 0 else f"needs {int(count):,} steps to get right"

    if not state.counts.any():
        ending = "It is on the right side already."
    else:
        ending = (
            f"From z = {say(values['z'])} it {say_count(state.counts[1])}; "
            f"the dashed one ({other}) {say_count(state.counts[0])}."
        )
    return f"The slope of your pair ({yours}) is {say(state.slopes[1, here])} in size. {ending}"


# Section 6.3
UNITS = {
    "ReLU": lambda z, alpha: relu(z),
    "absolute value": lambda z, alpha: absolute_rectification(z),
    "leaky ReLU": lambda z, alpha: leaky_relu(z),
    "parametric ReLU": parametric_relu,
    "maxout of three lines": lambda z, alpha: maxout(
        jnp.stack([-0.5 * z - 1, alpha * z, z - 1]), 3
    )[0],
    "sigmoid": lambda z, alpha: sigmoid(z),
    "tanh": lambda z, alpha: tanh(z),
    "hard tanh": lambda z, alpha: hard_tanh(z),
    "softplus": lambda z, alpha: softplus(z),
    "identity": lambda z, alpha: identity(z),
    "cosine": lambda z, alpha: cosine(z),
}
REACH = 6.0
INPUT_GRID = np.arange(-REACH + 0.05, REACH, 0.1, np.float32)  # between the kinks


class UnitState(NamedTuple):
    """A hidden unit and its slope, over all inputs and around one of them."""

    outputs: Float[Array, "grid"]
    slopes: Float[Array, "grid"]
    output: Float[Array, ""]
    slope: Float[Array, ""]
    sides: Float[Array, "2"]  # the slopes a little left and right of the input


@jax.jit
def _look_at_unit(unit, alpha, z) -> UnitState:
    alpha, z = jnp.float32(1) * alpha, jnp.float32(1) * z

    def look(z):
        return jax.value_and_grad(lambda z: jax.lax.switch(unit, list(UNITS.values()), z, alpha))(z)

    sides = jax.vmap(look)(z + jnp.array([-1e-3, 1e-3]))[1]
    return UnitState(*jax.vmap(look)(jnp.asarray(INPUT_GRID)), *look(z), sides)


def hidden_units(unit="parametric ReLU", alpha=0.25, z=-2.0) -> Explorer:
    """Hidden units, their slopes and where they stop learning (section 6.3, Figure 6.3)."""
    figure, axes = style.figure(2)
    artists = figures.draw_unit(axes, REACH)

    def update(values, state):
        curves, here = (state.outputs, state.slopes), (values["z"], state.output, state.slope)
        figures.update_unit(artists, INPUT_GRID, curves, here)

    return Explorer(
        title="Where does a hidden unit learn?",
        controls={
            "unit": dropdown(unit, list(UNITS)),
            "alpha": slider(alpha, -1, 1.2, step=0.05),
            "z": slider(z, -5, 5, step=0.1),
        },
        compute=_look_at_unit,
        scene=Scene(figure, artists, update),
        describe=_describe_unit,
        labels={
            "alpha": r"\(\alpha\) slope, parametric and maxout",
            "z": r"\(z\) input of the unit",
        },
        presets={
            "a silent ReLU": {"unit": "ReLU", "z": -2.0},
            "at the kink": {"unit": "ReLU", "z": 0.0},
            "a saturated sigmoid": {"unit": "sigmoid", "z": 5.0},
            "a leak": {"unit": "leaky ReLU", "z": -2.0},
        },
    )


def _describe_unit(values, state: UnitState) -> str:
    left, right = state.sides
    at = f"At z = {say(values['z'])} the unit gives {say(round(float(state.output), 6) + 0.0)}"
    if abs(right - left) > 0.02:
        now = (
            f"a kink: the slope jumps from {say(left)} to {say(right)}, "
            f"and the code returns {say(state.slope)}"
        )
    elif abs(state.slope) < 1e-7:
        now = "its slope is 0: this example teaches the weights below it nothing"
    elif abs(state.slope) < 0.01:
        now = f"its slope is only {say(state.slope)}: it is saturated"
    else:
        now = f"its slope is {say(state.slope)}: gradients pass"
    share = np.mean(np.abs(state.slopes) < 0.01)
    return f"{at}; {now}. {round(100 * share)}% of the inputs shown are shaded."


# Sections 6.2, 6.3 and 6.4: a classifier in training
NUM_EXAMPLES, MAX_WIDTH, TRAIN_STRIDE, TRAIN_STORED = 60, 16, 40, 25
TRAIN_UNITS = {
    "ReLU": relu,
    "absolute value": absolute_rectification,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "identity": identity,
}
FIELD = (-2.0, 2.0)
FIELD_GRID = np.stack(np.meshgrid(*2 * [np.linspace(*FIELD, 40)]), axis=-1).astype(np.float32)


def _blobs(places, noise, y):
    signs = np.where(places < 0.5, -1, 1)
    centres = np.stack([signs, np.where(y == 1, -signs, signs)], axis=-1)
    return 0.9 * centres + 0.35 * noise


def _circles(places, noise, y):
    radius = np.where(y == 1, 0.55, 1.4) + 0.17 * noise[..., 0]
    return radius[..., None] * np.stack(
        [np.cos(2 * np.pi * places), np.sin(2 * np.pi * places)], axis=-1
    )


def _moons(places, noise, y):
    moon = np.stack([np.cos(np.pi * places) - 0.5, np.sin(np.pi * places) - 0.25], axis=-1)
    return 1.15 * np.where(y[..., None] == 1, -moon, moon) + 0.17 * noise


SORTS = {"XOR": _blobs, "circles": _circles, "two moons": _moons}
LABELS = np.tile(np.arange(NUM_EXAMPLES) % 2, (2, 1))  # of the training and of the test set


@cache
def _examples() -> np.ndarray:
    """Return the points of every sort, shape (3, 2, m, 2)."""
    keys = jax.random.split(jax.random.key(6))
    spread = np.asarray(jax.random.uniform(keys[0], LABELS.shape))
    noise = np.asarray(jax.random.normal(keys[1], (*LABELS.shape, 2)))
    places = (np.arange(NUM_EXAMPLES) // 2 + spread) / (NUM_EXAMPLES // 2)  # no large gaps
    return np.stack([make(places, noise, LABELS) for make in SORTS.values()]).astype(np.float32)


START = {"data": "XOR", "unit": "ReLU", "depth": 2, "width": 8, "learning_rate": 0.2}
DEEP_SIGMOIDS = START | {"data": "circles", "unit": "sigmoid", "depth": 3, "width": 16}


class PlaygroundState(NamedTuple):
    """A classifier at every stored step of its training."""

    costs: Float[Array, "2 stored"]  # on the training and the test set
    accuracies: Float[Array, "2 stored"]
    surfaces: Float[Array, "stored rows columns"]


@jax.jit
def _train_classifier(data, unit, depth, width, learning_rate) -> PlaygroundState:
    points, labels = jnp.asarray(_examples())[data], jnp.asarray(LABELS)
    mask = jnp.arange(MAX_WIDTH) < width
    first, *others = init_mlp(jax.random.key(8), (2, *3 * [MAX_WIDTH], 1), bias=0.1)
    wider = (MAX_WIDTH / jnp.float32(width)) ** 0.5  # variance 2 / n_in of the width in use
    start = first, *(layer._replace(weights=wider * layer.weights) for layer in others)

    def logits(layers, X):
        H = X
        for k, layer in enumerate(layers[:-1]):
            z = affine(layer, H)
            chosen = [g(z) * (unit == j) for j, g in enumerate(TRAIN_UNITS.values())]
            H = jnp.where(depth > k, sum(chosen) * mask, H) if k else sum(chosen) * mask
        return affine(layers[-1], H)[..., 0]

    def cost(layers, _):
        return bernoulli_loss(logits(layers, points[0]), labels[0]).mean()

    stored = descend(cost, start, learning_rate, TRAIN_STORED + 1, TRAIN_STRIDE).layers
    everywhere = jnp.concatenate([points.reshape(-1, 2), FIELD_GRID.reshape(-1, 2)])
    z, maps = jnp.split(jax.vmap(logits, (0, None))(stored, everywhere), [labels.size], axis=1)
    z = z.reshape(-1, *labels.shape)
    costs = jax.vmap(bernoulli_loss, (0, None))(z, labels).mean(axis=2)
    accuracies = ((z > 0) == labels).mean(axis=2)
    maps = sigmoid(maps).reshape(-1, *FIELD_GRID.shape[:2])
    return PlaygroundState(costs.T, accuracies.T, maps)


def train(
    data="two moons", unit="ReLU", depth=2, width=8, learning_rate=0.2, steps=TRAIN_STORED
) -> Explorer:
    """Train a classifier of any depth and width (sections 6.2, 6.3, 6.4)."""
    figure, axes = style.figure(2, widths=(0.8, 1))
    times, points = TRAIN_STRIDE * np.arange(TRAIN_STORED + 1), _examples()
    artists = figures.draw_training(axes, 2 * FIELD, TRAIN_STRIDE * TRAIN_STORED)

    def update(values, state):
        k, examples = values["steps"], points[list(SORTS).index(values["data"])]
        figures.update_training(
            artists, (examples[0], LABELS[0]), state.surfaces[k], (times, state.costs, k)
        )

    return Explorer(
        title="Which network separates the classes?",
        controls={
            "data": dropdown(data, list(SORTS)),
            "unit": dropdown(unit, list(TRAIN_UNITS)),
            "depth": int_slider(depth, 1, 3),
            "width": int_slider(width, 1, MAX_WIDTH),
            "learning_rate": log_slider(learning_rate, 0.01, 5),
            "steps": int_slider(steps, 0, TRAIN_STORED),
        },
        compute=_train_classifier,
        scene=Scene(figure, artists, update),
        describe=_describe_training,
        labels={
            "depth": "hidden layers",
            "width": "units in each",
            "learning_rate": r"\(\epsilon\) learning rate",
            "steps": f"training, {TRAIN_STRIDE} steps each",
        },
        presets={
            "two moons": START | {"data": "two moons"},
            "no nonlinearity": START | {"unit": "identity", "depth": 3, "width": 16},
            "one unit": START | {"data": "circles", "depth": 1, "width": 1},
            "deep sigmoids": DEEP_SIGMOIDS,
        },
        view=("steps",),
        play="steps",
    )


def _describe_training(values, state: PlaygroundState) -> str:
    k = values["steps"]
    costs, shares = state.costs[:, k], state.accuracies[:, k]
    step = TRAIN_STRIDE * k
    if not np.isfinite(costs).all():
        return f"After {step} steps the cost is no longer a number: the learning rate is too large."
    return (
        f"After {step} steps the training cost is {say(costs[0])} and the test cost "
        f"{say(costs[1])}; {round(100 * shares[0])}% and {round(100 * shares[1])}% are right."
    )


# Section 6.5
GRAPH = Graph(  # Figure 6.9 between two inputs and a product
    2,
    (
        Node("multiply", (0, 1)),
        Node("sin", (2,)),
        Node("sin", (3,)),
        Node("sin", (4,)),
        Node("multiply", (0, 5)),
    ),
)
NODE_NAMES = ("$x_1$", "$x_2$", "$w=x_1x_2$", "$x=\\sin\\,w$", "$y=\\sin\\,x$", "$z=\\sin\\,y$",
              "$u=x_1z$")  # fmt: skip
SPOKEN = ("x₁", "x₂", "w", "x", "y", "z", "u")
PLACES = np.array(
    [(0, 0.85), (0, -0.85), (0.9, -0.35), (1.8, -0.35), (2.7, -0.35), (3.6, -0.35), (4.5, 0.35)]
)
FORWARD_STEPS, NUM_EDGES = len(GRAPH.nodes), len(GRAPH.edges)


class BackpropState(NamedTuple):
    """The value of every node, the slope of every edge, and the derivatives."""

    values: Float[Array, "nodes"]
    partials: Float[Array, "edges"]
    tables: Float[Array, "visited nodes"]  # the derivatives after each visited edge


@jax.jit
def _propagate(x1, x2) -> BackpropState:
    values = graph_forward(GRAPH, jnp.stack([x1, x2]).astype(jnp.float32))
    partials, _ = graph_backward(GRAPH, values)
    tables = [jnp.zeros_like(values).at[-1].set(1)]
    for (parent, child), partial in zip(GRAPH.edges, partials, strict=True):
        tables.append(tables[-1].at[parent].add(tables[-1][child] * partial))
    return BackpropState(values, partials, jnp.stack(tables))


def backprop(x1=0.9, x2=1.2, step=9) -> Explorer:
    """Values forward, derivatives back, an edge at a time (sections 6.5.1, 6.5.3, Figure 6.9)."""
    figure, (ax,) = style.figure()
    lines, *numbers = figures.draw_graph(ax, PLACES, NODE_NAMES, GRAPH.edges)
    glyphs = [mark for signs in numbers for mark, _ in signs.values()]
    first_visit = [min(k for k, e in enumerate(GRAPH.edges, 1) if e[0] == j) for j in range(6)] + [
        0
    ]

    def update(values, state):
        known = min(2 + values["step"], len(PLACES))
        visited = values["step"] - FORWARD_STEPS - 1
        colours = [style.BLUE if k < visited else style.GRID for k in range(NUM_EDGES)]
        if visited > 0:
            colours[visited - 1] = style.ORANGE
        lines.set_color(colours)
        figures.update_numbers(numbers[0], PLACES[:known] + [0, 0.36], state.values[:known])
        reached = [j for j, k in enumerate(first_visit) if k <= visited]
        figures.update_numbers(
            numbers[1], PLACES[reached] - [0, 0.44], state.tables[max(visited, 0)][reached]
        )

    return Explorer(
        title="Where does each derivative come from, and what does it cost?",
        controls={
            "x1": slider(x1, -2, 2, step=0.1),
            "x2": slider(x2, -2, 2, step=0.1),
            "step": int_slider(step, 0, FORWARD_STEPS + 1 + NUM_EDGES),
        },
        compute=_propagate,
        scene=Scene(figure, [lines, *glyphs], update),
        describe=_describe_backprop,
        labels={"x1": r"\(x_1\)", "x2": r"\(x_2\)", "step": "step, forward and back"},
        presets={
            "start": {"step": 0},
            "turning point": {"step": FORWARD_STEPS + 1},
            "one way into x₁": {"step": FORWARD_STEPS + NUM_EDGES},
            "both ways": {"step": FORWARD_STEPS + 1 + NUM_EDGES},
        },
        view=("step",),
        play="step",
    )


def _path_lengths(node: int) -> list[int]:
    """Return the number of edges of every path from a node to the output."""
    if node == len(PLACES) - 1:
        return [0]
    children = [child for parent, child in GRAPH.edges if parent == node]
    return [1 + length for child in children for length in _path_lengths(child)]


def _describe_backprop(values, state: BackpropState) -> str:
    step, visited = values["step"], values["step"] - FORWARD_STEPS - 1
    if step == 0:
        return "The two inputs are given. Every value on the way forward will be kept."
    if visited < 0:
        found = f"{SPOKEN[step + 1]} is {say(state.values[step + 1])}"
        return f"Forward, {step} of {FORWARD_STEPS}: {found}."
    if visited == 0:
        return "The turning point: the derivative of u by itself is 1."
    parent, child = GRAPH.edges[visited - 1]
    if visited < NUM_EDGES:
        return (
            f"Back, edge {visited} of {NUM_EDGES}: {say(state.tables[visited, child])} at "
            f"{SPOKEN[child]}, times the slope {say(state.partials[visited - 1])}, is added to "
            f"{SPOKEN[parent]}."
        )
    kept, again = chain_evaluations(3)
    by_path = sum(_path_lengths(0) + _path_lengths(1))
    return (
        f"du/dx₁ is {say(state.tables[-1, 0])}, du/dx₂ is {say(state.tables[-1, 1])}: {NUM_EDGES} "
        f"products, one an edge; path by path {by_path}. For the slopes from w to z, sine was "
        f"called {kept} times; with nothing kept, {again}."
    )


# Section 6.2.2.4
NUM_SAMPLED, NUM_NEW = 400, 2000
SLICES, LEVELS_OF_Y = np.linspace(0, 1, 41), np.linspace(-1.7, 1.7, 121)


class DensityState(NamedTuple):
    """Three Gaussians for every x, and their mixture at one x."""

    weights: Float[Array, "places 3"]
    means: Float[Array, "places 3"]
    deviations: Float[Array, "places 3"]
    here: Float[Array, "heights"]  # p(y | x) of the network
    truth: Float[Array, "heights"]


@cache
def _mixture_networks() -> tuple[Bands, tuple[Layer, ...], np.ndarray, float]:
    """Return examples, networks with 1, 2 and 3 components, their test losses and the truth's."""
    keys = [jax.random.key(seed) for seed in (0, 1, 5)]
    bands, new = sample_bands(keys[0], NUM_SAMPLED), sample_bands(keys[1], NUM_NEW)
    fits = [fit_mixture(keys[2], bands, n)[0] for n in (1, 2, 3)]
    layers = jax.tree.map(lambda *leaves: np.stack(leaves), *fits)

    def loss_of(layers):
        components = split_outputs(mlp(layers, new.x, tanh), 3)
        return mixture_loss(components, new.y).mean()

    losses = jax.jit(jax.vmap(loss_of))(layers)
    truth = -bands_log_density(new.x[:, 0], new.y[:, 0]).mean()
    return *jax.device_get((bands, layers, losses)), float(truth)


@jax.jit
def _mix(num_components, x) -> DensityState:
    stored = _mixture_networks()[1]
    layers = jax.tree.map(lambda leaf: jnp.asarray(leaf)[num_components - 1], stored)
    places = jnp.append(jnp.asarray(SLICES, jnp.float32), x).astype(jnp.float32)
    parts = split_outputs(mlp(layers, places[:, None], tanh), 3)
    y = jnp.asarray(LEVELS_OF_Y, jnp.float32)
    last = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[-1:], (len(y), *leaf.shape[1:])), parts)
    return DensityState(
        jnp.exp(parts.log_weights[:-1]),
        parts.means[:-1, :, 0],
        parts.precisions[:-1, :, 0] ** -0.5,
        jnp.exp(-mixture_loss(last, y[:, None])),
        jnp.exp(bands_log_density(jnp.broadcast_to(places[-1:], y.shape), y)),
    )


def mixture_density(num_components=1, x=0.6) -> Explorer:
    """Say a whole distribution of y for every x (section 6.2.2.4, Figure 6.4)."""
    bands, _, losses, least = _mixture_networks()
    figure, axes = style.figure(2, widths=(1.6, 1))
    strands = figures.draw_strands(axes[0], bands.x[:, 0], bands.y[:, 0])
    truth, model = figures.draw_slice(axes[1])

    def update(values, state):
        parts = state.weights, state.means, state.deviations
        figures.update_strands(strands, SLICES, parts, values["x"])
        truth.set_data(state.truth, LEVELS_OF_Y)
        model.set_data(state.here, LEVELS_OF_Y)

    def describe(values, state):
        n = values["num_components"]
        between = np.trapezoid(np.where(state.truth < 0.05, state.here, 0), LEVELS_OF_Y)
        count = "1 component" if n == 1 else f"{n} components"
        return (
            f"With {count} the loss on new examples is {say(losses[n - 1])}; the truth has "
            f"{say(least)}. At x = {values['x']:.2f} the network puts {between:.0%} of its "
            "probability where hardly any y ever is."
        )

    return Explorer(
        title="What if one x has several answers?",
        controls={
            "num_components": int_slider(num_components, 1, 3),
            "x": slider(x, 0, 1, step=0.02),
        },
        compute=_mix,
        scene=Scene(figure, [*strands, truth, model], update),
        describe=describe,
        labels={"num_components": "components", "x": r"\(x\) of the slice"},
    )
