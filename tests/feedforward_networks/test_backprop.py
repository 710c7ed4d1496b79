"""Back-propagation on graphs of numbers and in multilayer perceptrons."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dlcompanion.feedforward_networks.backprop import (
    Graph,
    Node,
    chain_evaluations,
    graph_backward,
    graph_forward,
    mlp_backward,
    mlp_forward,
    path_counts,
    path_sum,
    product_costs,
)
from dlcompanion.feedforward_networks.mlp import init_mlp, mlp
from dlcompanion.feedforward_networks.output_units import multinoulli_loss
from dlcompanion.numerical_computation import hessian_times

RNG = np.random.default_rng(65)
EXAMPLE = Graph(
    2,
    (
        Node("multiply", (0, 1)),
        Node("sin", (0,)),
        Node("add", (2, 3)),
        Node("exp", (1,)),
        Node("multiply", (4, 5)),
    ),
)


def diamonds(count):
    """sin + cos of the last number, again and again."""
    nodes = []
    for k in range(count):
        nodes += [Node("sin", (3 * k,)), Node("cos", (3 * k,)), Node("add", (3 * k + 1, 3 * k + 2))]
    return Graph(1, tuple(nodes))


def grads_of(graph, inputs):
    return graph_backward(graph, graph_forward(graph, inputs))


# The chain rule


def test_chain_rule_of_numbers_vectors_and_tensors():
    """Jacobian, transposed, times gradient, whatever the shapes (equations 6.44-6.47)."""
    x = 0.8
    assert_allclose(jax.grad(lambda x: jnp.sin(x**2))(x), 2 * x * np.cos(x**2), rtol=1e-12)
    g = lambda x: jnp.stack([x[0] * x[1], jnp.sin(x[1]), x[0] + x[2] ** 2])  # noqa: E731
    f = lambda y: (y**2).sum() + y[0] * y[2]  # noqa: E731
    x = jnp.array([0.3, -0.7, 1.2])
    J, dy = jax.jacobian(g)(x), jax.grad(f)(g(x))
    expected = jax.grad(lambda x: f(g(x)))(x)
    assert_allclose([sum(dy[j] * J[j, i] for j in range(3)) for i in range(3)], expected)
    assert_allclose(J.T @ dy, expected, rtol=1e-12)
    assert np.linalg.norm(J @ dy - expected) > 3  # square, so without a complaint
    T = jnp.asarray(RNG.normal(size=(2, 4, 6)))
    h = lambda X: jnp.sin(T @ X.ravel())  # noqa: E731
    X = jnp.asarray(RNG.normal(size=(2, 3)))
    cost = lambda Y: (Y**3).sum()  # noqa: E731
    jacobian, dY = jax.jacobian(h)(X), jax.grad(cost)(h(X))
    assert jacobian.shape == (2, 4, 2, 3)
    by_tensor = jnp.einsum("ijkl,ij->kl", jacobian, dY)
    flat = (jacobian.reshape(8, 6).T @ dY.ravel()).reshape(2, 3)
    assert_allclose(by_tensor, flat, atol=1e-12)
    assert_allclose(by_tensor, jax.grad(lambda X: cost(h(X)))(X), atol=1e-12)


# Graphs


def test_a_graph_of_two_inputs():
    """The derivatives are those of autodiff, and 8 edges are visited (Algorithms 6.1, 6.2)."""
    inputs = np.array([0.7, -0.4])
    values, (partials, grads) = graph_forward(EXAMPLE, inputs), grads_of(EXAMPLE, inputs)
    assert_allclose(values[-1], (0.7 * -0.4 + np.sin(0.7)) * np.exp(-0.4), rtol=1e-12)
    assert_allclose(grads[:2], [0.24456103, 0.71336645], atol=1e-8)
    assert len(partials) == len(EXAMPLE.edges) == 8
    f = jax.jit(lambda x: graph_forward(EXAMPLE, x)[-1])
    assert_allclose(grads[:2], jax.grad(f)(inputs), rtol=1e-12)


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=2))
def test_as_finite_differences(inputs):
    """Central differences agree at any point (equation 6.49, Algorithm 6.2)."""
    x, h = np.array(inputs), 1e-5
    _, grads = grads_of(EXAMPLE, x)
    f = lambda x: (x[0] * x[1] + np.sin(x[0])) * np.exp(x[1])  # noqa: E731
    slopes = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(2)]
    assert_allclose(grads[:2], slopes, atol=1e-7)


def test_a_node_used_twice():
    """x times x has two edges, so the derivative at 3 is 6 and not 3 (Algorithm 6.2)."""
    square = Graph(1, (Node("multiply", (0, 0)),))
    assert grads_of(square, np.array([3.0])).grads[0] == 6
    unused = Graph(2, (Node("sin", (0,)),))
    assert grads_of(unused, np.array([1.0, 2.0])).grads[1] == 0


def test_the_order_is_checked():
    """A parent that comes later is refused (Algorithm 6.1)."""
    with pytest.raises(ValueError, match="parents must come before node 1"):
        graph_forward(Graph(1, (Node("sin", (1,)),)), np.array([1.0]))


@pytest.mark.parametrize(
    "count, slope", [(1, 0.659816), (2, -0.418815), (5, 0.113053), (10, -0.012566)]
)
def test_paths_double_and_edges_add(count, slope):
    """The sum over 2^m paths equals one visit to each of 4m edges (equation 6.55)."""
    graph = diamonds(count)
    backward = grads_of(graph, np.array([0.3]))
    assert_allclose(backward.grads[0], slope, atol=1e-6)
    assert path_counts(graph)[0] == 2**count and len(graph.edges) == 4 * count
    if count <= 5:
        assert_allclose(path_sum(graph, backward, 0), backward.grads[0], rtol=1e-12)


def test_repeated_subexpressions():
    """Stored or worked out again: the same number, 2 calls of f or 3 (equations 6.50-6.53)."""
    f, slope, w = np.sin, np.cos, 0.9
    x, y = f(w), f(f(w))
    stored = slope(y) * slope(x) * slope(w)
    again = slope(f(f(w))) * slope(f(w)) * slope(w)
    assert_allclose([stored, again], 0.335271987919504, rtol=1e-12)
    chain = Graph(1, tuple(Node("sin", (k,)) for k in range(3)))
    assert_allclose(grads_of(chain, np.array([w])).grads[0], stored, rtol=1e-12)
    assert [chain_evaluations(n) for n in (3, 10, 100)] == [(2, 3), (9, 45), (99, 4950)]
    again = jax.grad(jax.checkpoint(lambda w: jnp.sin(jnp.sin(jnp.sin(w)))))(w)
    assert_allclose(again, stored, rtol=1e-12)


def test_the_gradient_is_a_graph_again():
    """In JAX the graph of a derivative grows by the same amount for every f (Figure 6.10)."""

    def chain(w, n):
        for _ in range(n):
            w = jnp.sin(w)
        return w

    counts = [
        len(jax.make_jaxpr(jax.grad(lambda w, n=n: chain(w, n)))(0.9).eqns) for n in (5, 10, 20, 40)
    ]
    assert len(set(np.diff(counts) / np.diff([5, 10, 20, 40]))) == 1
    third = jax.grad(jax.grad(lambda w: chain(w, 3)))
    assert_allclose(third(0.9), -0.755855681, atol=1e-9)
    assert_allclose(jax.grad(third)(0.9), 0.964045402, atol=1e-9)


def test_finite_differences_have_a_best_step():
    """Too long is wrong, too short is noise (section 6.5)."""
    f = lambda w: np.sin(np.sin(np.sin(w)))  # noqa: E731
    errors = []
    for h in (1e-1, 1e-5, 1e-12):
        errors.append(abs((f(0.9 + h) - f(0.9 - h)) / (2 * h) - 0.335271987919504))
    assert errors[1] < 1e-9 < errors[2] < errors[0]
    small, w = np.float32(1e-8), np.float32(0.9)
    assert (f(w + small) - f(w - small)) / (2 * small) == 0


# Multilayer perceptrons


def test_deep_network_as_autodiff():
    """Three layers, tanh, weight decay: all gradients (Algorithms 6.3, 6.4)."""
    keys = jax.random.split(jax.random.key(0), 3)
    layers = init_mlp(keys[0], (3, 5, 4, 2), 0.1)
    X, y = jax.random.normal(keys[1], (1, 3)), jax.random.normal(keys[2], (1, 2))
    loss_fn = lambda outputs: 0.5 * ((outputs - y) ** 2).sum()  # noqa: E731

    def cost(layers):
        return loss_fn(mlp(layers, X, jnp.tanh)) + 0.1 * sum((W**2).sum() for W, _ in layers)

    forward = mlp_forward(layers, X, loss_fn, 0.1, jnp.tanh)
    assert_allclose(forward.cost, cost(layers), rtol=1e-12)
    grads = mlp_backward(layers, forward, loss_fn, 0.1, jnp.tanh)
    jax.tree.map(lambda a, b: assert_allclose(a, b, atol=1e-12), grads, jax.grad(cost)(layers))


def classifier(weight_decay):
    """Gradients of the one-hidden-layer classifier, by the algorithm and by hand."""
    keys = jax.random.split(jax.random.key(1), 2)
    layers = init_mlp(keys[0], (4, 6, 3))
    X, labels = jax.random.normal(keys[1], (8, 4)), jnp.arange(8) % 3
    loss_fn = lambda logits: multinoulli_loss(logits, labels).mean()  # noqa: E731
    forward = mlp_forward(layers, X, loss_fn, weight_decay)
    (W1, _), (W2, _) = layers
    U1 = X @ W1
    H = jnp.maximum(U1, 0)
    G = (jax.nn.softmax(H @ W2) - jax.nn.one_hot(labels, 3)) / 8
    dU1 = jnp.where(U1 > 0, G @ W2.T, 0)
    by_hand = X.T @ dU1 + 2 * weight_decay * W1, H.T @ G + 2 * weight_decay * W2
    return layers, mlp_backward(layers, forward, loss_fn, weight_decay), by_hand, forward


def test_the_classifier_of_the_book_by_hand():
    """Two products for each matrix, an entry mask, and the decay (equation 6.56, Figure 6.11)."""
    _, grads, by_hand, forward = classifier(0.3)
    for layer, expected in zip(grads, by_hand, strict=True):
        assert_allclose(layer.weights, expected, atol=1e-12)
    assert forward.pre_activations[0].size == 8 * 6  # what must be remembered


def test_weight_decay_adds_twice_the_weights():
    """The short way back brings 2 lambda W, whatever the data (equation 6.56)."""
    layers, with_decay, *_ = classifier(1.0)
    _, without, *_ = classifier(0.0)
    for layer, a, b in zip(layers, with_decay, without, strict=True):
        assert_allclose(a.weights - b.weights, 2 * layer.weights, atol=1e-12)
        assert_allclose(a.bias, b.bias, atol=1e-15)


def test_going_back_costs_less_than_twice_as_much():
    """The first layer needs one product, the others two (section 6.5.7)."""
    m, n_in, n_h, n_o = 8, 4, 6, 3
    forward, backward = m * (n_in * n_h + n_h * n_o), m * (n_in * n_h + 2 * n_h * n_o)
    assert (forward, backward) == (336, 480)


def test_a_product_of_matrices_hands_back_two():
    """bprop of A B is G B^T and A^T G (equation 6.54)."""
    A, B, G = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=(2, 4))
    dA, dB = jax.vjp(jnp.matmul, A, B)[1](G)
    assert_allclose(dA, G @ B.T, atol=1e-12)
    assert_allclose(dB, A.T @ G, atol=1e-12)


def test_a_gradient_is_not_a_learning_algorithm():
    """Two optimizers make different steps of the same gradient (section 6.5)."""
    layers, grads, *_ = classifier(0.1)
    after = []
    for rule in (optax.sgd(0.1), optax.adam(0.1)):
        after.append(optax.apply_updates(layers, rule.update(grads, rule.init(layers))[0]))
    assert not np.allclose(after[0][0].weights, after[1][0].weights)


def test_gradients_of_other_things():
    """Back-propagation asks for a computation, not for a network (section 6.5)."""
    A = jnp.asarray(RNG.normal(size=(4, 4)))
    inverse = jax.grad(lambda A: jnp.linalg.slogdet(A)[1])(A)
    assert_allclose(inverse, np.linalg.inv(A).T, atol=1e-12)

    def root(a):
        x = a
        for _ in range(8):
            x = (x + a / x) / 2
        return x

    assert_allclose(jax.grad(root)(2.0), 1 / (2 * np.sqrt(2)), rtol=1e-12)


# Other ways


def test_cross_entropy_from_its_parts():
    """q - p holds if p sums to one, and survives where the parts overflow (equation 6.57)."""
    z = jnp.array([0.5, -1, 2])
    q = jax.nn.softmax(z)

    def cost(z, p):
        return -(p * jnp.log(jnp.exp(z) / jnp.exp(z).sum())).sum()

    p = jnp.array([0.2, 0.5, 0.3])
    assert_allclose(jax.grad(cost)(z, p), q - p, atol=1e-12)
    assert_allclose(jax.grad(cost)(z, 2 * p), 2 * q - 2 * p, atol=1e-12)
    assert np.isnan(jax.grad(cost)(jnp.array([0.0, 800]), jnp.array([1.0, 0]))).any()


def test_what_autodiff_refuses_or_loses():
    """Integers, vectors, arg-max and ties (section 6.5.8)."""
    with pytest.raises(TypeError):
        jax.grad(lambda x: x * x)(3)
    with pytest.raises(TypeError):
        jax.grad(lambda x: x * x)(jnp.ones(2))
    flat = jax.grad(lambda x: jnp.argmax(x).astype(float) * 1.0)(jnp.array([1.0, 2.0]))
    assert (flat == 0).all()
    assert_allclose(jax.grad(jnp.max)(jnp.array([2.0, 2, 1])), [0.5, 0.5, 0])


def test_the_order_of_a_product_decides_its_cost():
    """Right to left, left to right, and neither is best (equation 6.58)."""
    assert product_costs([1000, 1000, 1000, 1000, 1])[:2] == (2_001_000_000, 3_000_000)
    assert product_costs([1, 1000, 1000, 1000, 1000])[:2] == (3_000_000, 2_001_000_000)
    assert product_costs([100, 2, 100, 2, 100]) == (60_000, 60_000, 20_800)


def test_forward_and_reverse_mode_agree():
    """u^T (J v) is (J^T u)^T v (section 6.5.9)."""
    A = RNG.normal(size=(4, 3))
    f = lambda x: jnp.tanh(A @ x)  # noqa: E731
    x, u, v = *jnp.asarray(RNG.normal(size=(2, 3))), jnp.asarray(RNG.normal(size=4))
    x, v, u = x, u, v
    forward = jax.jvp(f, (x,), (v,))[1]
    (reverse,) = jax.vjp(f, x)[1](u)
    assert_allclose(u @ forward, reverse @ v, atol=1e-12)
    assert_allclose(jax.jacfwd(f)(x), jax.jacrev(f)(x), atol=1e-12)


def test_hessian_times_a_vector():
    """The gradient of grad^T v, with v held, never forms H (equation 6.59)."""
    A, S = RNG.normal(size=(2, 4, 4))
    S = S + S.T
    x, v = jnp.asarray(RNG.normal(size=(2, 4)))
    quadratic = lambda x: 0.5 * x @ A @ x  # noqa: E731
    product = jax.grad(lambda x: jax.grad(quadratic)(x) @ v)(x)
    assert_allclose(product, 0.5 * (A + A.T) @ v, atol=1e-12)
    assert_allclose(product, hessian_times(quadratic, x, v), atol=1e-12)
    grad = jax.grad(lambda x: 0.5 * x @ S @ x)
    held = jax.grad(lambda x: grad(x) @ jax.lax.stop_gradient(grad(x)))(x)
    assert_allclose(held, S @ S @ x, atol=1e-10)
    assert_allclose(jax.grad(lambda x: grad(x) @ grad(x))(x), 2 * S @ S @ x, atol=1e-10)
    rosenbrock = lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2  # noqa: E731
    H = [hessian_times(rosenbrock, jnp.array([-1.2, 1]), e) for e in jnp.eye(2)]
    assert_allclose(jnp.stack(H), [[1330, 480], [480, 200]], atol=1e-9)


def test_krylov_methods_need_products_only():
    """Power iteration and conjugate gradients on a Hessian that is never built (equation 6.59)."""
    B = RNG.normal(size=(20, 20))
    H = B @ B.T + 20 * np.eye(20)
    f = lambda x: 0.5 * x @ H @ x  # noqa: E731
    product = jax.jit(lambda v: hessian_times(f, jnp.zeros(20), v))
    v = jnp.ones(20)
    for _ in range(500):
        v = product(v)
        v = v / jnp.linalg.norm(v)
    assert_allclose(v @ product(v), np.linalg.eigvalsh(H)[-1], rtol=1e-6)
    b = jnp.asarray(RNG.normal(size=20))
    x, _ = jax.scipy.sparse.linalg.cg(product, b, tol=1e-12)
    assert_allclose(x, np.linalg.solve(H, b), atol=1e-8)
