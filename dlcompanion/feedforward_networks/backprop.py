"""Back-propagation: the chain rule, ordered so that nothing is worked out twice (section 6.5)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real, ScalarLike

from dlcompanion.arguments import check_at_least, check_count, check_finite, check_shape
from dlcompanion.feedforward_networks.hidden_units import relu
from dlcompanion.feedforward_networks.mlp import Layer, Unit, affine

LossFn = Callable[[Float[Array, "m n_out"]], Float[Array, ""]]

# f of each operation, and its derivatives by each argument.
OPERATIONS = {
    "add": (lambda a, b: a + b, lambda a, b: (jnp.ones_like(a), jnp.ones_like(b))),
    "multiply": (lambda a, b: a * b, lambda a, b: (b, a)),
    "sin": (jnp.sin, lambda a: (jnp.cos(a),)),
    "cos": (jnp.cos, lambda a: (-jnp.sin(a),)),
    "exp": (jnp.exp, lambda a: (jnp.exp(a),)),
}


class Node(NamedTuple):
    """A variable that an operation makes from earlier ones (section 6.5.1)."""

    operation: str
    parents: tuple[int, ...]


class Graph(NamedTuple):
    """A computational graph: inputs come first, the last node is the output (section 6.5.1)."""

    num_inputs: int
    nodes: tuple[Node, ...]

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Parent and child of every edge, in the order of the way back (Algorithm 6.2)."""
        made = list(enumerate(self.nodes, self.num_inputs))
        pairs = [(parent, child) for child, node in made for parent in node.parents]
        return sorted(pairs, reverse=True)


class Backward(NamedTuple):
    """What the way back knows: one number for each edge, one for each node (Algorithm 6.2)."""

    partials: Float[Array, "edges"]  # du_i / du_j, in the order of `Graph.edges`
    grads: Float[Array, "nodes"]  # du_n / du_j


class MLPForward(NamedTuple):
    """All that the way back will need (Algorithm 6.3)."""

    pre_activations: tuple[Float[Array, "m _"], ...]  # a
    activations: tuple[Float[Array, "m _"], ...]  # h, the examples first
    cost: Float[Array, ""]  # J


def graph_forward(graph: Graph, inputs: Real[ArrayLike, "inputs"]) -> Float[Array, "nodes"]:
    """Return the value of every node, each from its parents (equation 6.48, Algorithm 6.1).

    Raises:
        ValueError: if a node has a parent that does not come before it.
    """
    values = list(check_finite("inputs", inputs, (graph.num_inputs,)))
    for node in graph.nodes:
        if not all(0 <= parent < len(values) for parent in node.parents):
            raise ValueError(f"parents must come before node {len(values)}, got {node.parents}")
        f, _ = OPERATIONS[node.operation]
        values.append(f(*(values[parent] for parent in node.parents)))
    return jnp.stack(values)


def graph_backward(graph: Graph, values: Float[Array, "nodes"]) -> Backward:
    """Return the derivative of the output by every node (equation 6.49, Algorithm 6.2).

    Each edge is visited once, and costs one multiplication and one addition. A node that enters an
    operation twice has two edges to it.
    """
    on_edge = {}
    for child, node in enumerate(graph.nodes, graph.num_inputs):
        _, partials = OPERATIONS[node.operation]
        found = partials(*(values[parent] for parent in node.parents))
        for parent, partial in zip(node.parents, found, strict=True):
            on_edge.setdefault((parent, child), []).append(partial)
    grads = [jnp.zeros_like(values[0])] * len(values)
    grads[-1] = jnp.ones_like(values[0])  # read grad_table[u_n] where the book prints du_n
    order = []
    for parent, child in graph.edges:
        order.append(on_edge[parent, child].pop(0))
        grads[parent] = grads[parent] + grads[child] * order[-1]
    return Backward(jnp.stack(order), jnp.stack(grads))


def path_sum(graph: Graph, backward: Backward, start: int) -> Float[Array, ""]:
    """Return the same derivative as a sum over all paths, each on its own (equation 6.55)."""
    if start == len(backward.grads) - 1:
        return jnp.ones_like(backward.grads[0])
    steps = zip(graph.edges, backward.partials, strict=True)
    ways = [d * path_sum(graph, backward, child) for (j, child), d in steps if j == start]
    return sum(ways, start=jnp.zeros_like(backward.grads[0]))


def path_counts(graph: Graph) -> list[int]:
    """Return how many paths lead from each node to the output (equation 6.55)."""
    counts = [0] * (graph.num_inputs + len(graph.nodes))
    counts[-1] = 1
    for parent, child in graph.edges:
        counts[parent] += counts[child]
    return counts


def chain_evaluations(length: int) -> tuple[int, int]:
    """Count the calls of f behind the derivative of f(f(...f(w))) (equations 6.52, 6.53).

    The first count stores values, the second works each out again where it is needed (Figure 6.9).
    """
    n = check_count("length", length)
    return n - 1, n * (n - 1) // 2


def mlp_forward(
    layers: Sequence[Layer], X: Real[ArrayLike, "m n_in"], loss_fn: LossFn,
    weight_decay: ScalarLike = 0.0, unit: Unit = relu,
) -> MLPForward:  # fmt: skip
    """Run an MLP and keep all on the way (equation 6.56, Algorithm 6.3).

    Args:
        layers: as `mlp` takes them: no unit behind the last, loss functions take logits.
        X: an example in each row.
        loss_fn: of the outputs, one number.
        weight_decay: lambda, times the sum of all squared weights, biases left out.
        unit: works elementwise.
    """
    lam = check_at_least("weight_decay", weight_decay, 0)
    h = check_shape("X", X, ("m", len(layers[0].weights)))
    lists = [], [h]
    for k, layer in enumerate(layers, 1):
        a = affine(layer, h)
        h = unit(a) if k < len(layers) else a
        for found, stored in zip((a, h), lists, strict=True):
            stored.append(found)
    squares = sum((layer.weights**2).sum() for layer in layers)
    return MLPForward(*map(tuple, lists), loss_fn(h) + lam.astype(h.dtype) * squares)


def mlp_backward(
    layers: Sequence[Layer], forward: MLPForward, loss_fn: LossFn,
    weight_decay: ScalarLike = 0.0, unit: Unit = relu,
) -> tuple[Layer, ...]:  # fmt: skip
    """Return the gradient of the cost by every weight and bias (Algorithm 6.4, equation 6.46)."""
    lam = check_at_least("weight_decay", weight_decay, 0)
    g = jax.grad(loss_fn)(forward.activations[-1])
    grads = []
    for k in reversed(range(len(layers))):
        a, h, W = forward.pre_activations[k], forward.activations[k], layers[k].weights
        if k < len(layers) - 1:
            g = g * jax.jvp(unit, (a,), (jnp.ones_like(a),))[1]  # f'(a), entry by entry
        grads.append(Layer(h.T @ g + 2 * lam.astype(W.dtype) * W, g.sum(axis=0)))
        g = g @ W.T
    return tuple(reversed(grads))


def product_costs(sizes: Sequence[int]) -> tuple[int, int, int]:
    """Count multiplications of a chain of matrices such as A B C D (equation 6.58).

    Returns:
        from left to right, from right to left, and in the best order that there is.
    """
    s = [check_count("sizes", size) for size in sizes]
    n = len(s) - 1
    left = sum(s[0] * s[k] * s[k + 1] for k in range(1, n))
    right = sum(s[k - 1] * s[k] * s[n] for k in range(1, n))
    best = {(i, i + 1): 0 for i in range(n)}
    for width in range(2, n + 1):
        for i in range(n - width + 1):
            j = i + width
            best[i, j] = min(best[i, k] + best[k, j] + s[i] * s[k] * s[j] for k in range(i + 1, j))
    return left, right, best[0, n]
