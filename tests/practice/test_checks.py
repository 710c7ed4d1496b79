"""What a learner is told: the smallest input where an answer fails, and why."""

import functools
import subprocess
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dlcompanion.practice import Wrong, checks, running
from dlcompanion.practice.exercise import BLANK, SOLVED, WRONG
from tests.practice.toys import loss, vector

SOFTMAX = checks.function(
    jax.nn.log_softmax,
    cases=[(jnp.array([0.0, -1000.0]),), (jnp.full(3, 1000.0),)],
    random=lambda key: (10 * jax.random.normal(key, (4,)),),
    rtol=1e-4,
    atol=1e-4,
)
SLOPE = checks.gradient(loss, [(jnp.zeros(3),)], vector)


def report(checker, answer, wrong=()) -> str:
    """Return all that the learner reads."""
    verdict = checker(answer, wrong)
    assert verdict.outcome == WRONG
    text = "\n".join([verdict.text, *map(" ".join, verdict.rows), verdict.cause])
    assert "Traceback" not in text and "site-packages" not in text and len(text) < 1500
    return text


def rows(checker, answer, wrong=()) -> dict[str, str]:
    return dict(checker(answer, wrong).rows)


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.3)


# Right answers, in the learner's own way.
def in_python(x):
    import math

    top = max(float(v) for v in x)
    total = math.log(sum(math.exp(v - top) for v in x))
    return [float(v) - top - total for v in x]


def in_place(x):
    y = np.array(x)
    y -= y.max()
    return y - np.log(np.exp(y).sum())


def with_at(x):
    return jax.nn.log_softmax(x.at[0].add(0.0))


def in_numpy_only(x):
    y = np.zeros_like(x)
    np.subtract(x, x.max(), out=y)
    return y - np.log(np.exp(y).sum())


@pytest.mark.parametrize(
    "answer",
    [
        jax.nn.log_softmax,
        jax.jit(jax.nn.log_softmax),
        functools.partial(in_python),
        in_place,
        with_at,
        in_numpy_only,
    ],
)
def test_right_answers_in_jax_numpy_and_python_are_solved(answer):
    assert SOFTMAX(answer, ()).outcome == SOLVED


def test_a_plausible_wrong_gradient_gets_the_smallest_input_and_the_reason():
    def forgets_the_product(x):
        return jnp.array([1.0, 2.0, 3.0]) * x

    wrong = [Wrong(forgets_the_product, "the product $x_1 x_3$ has a slope too")]
    found = rows(SLOPE, forgets_the_product, wrong)
    assert found in (
        {"input": "x = [0, 0, 1]", "returned": "[0, 0, 3]", "expected by jax.grad": "[1, 0, 3]"},
        {"input": "x = [1, 0, 0]", "returned": "[1, 0, 0]", "expected by jax.grad": "[1, 0, 1]"},
    )
    assert "the product $x_1 x_3$ has a slope too" in report(SLOPE, forgets_the_product, wrong)


def test_an_input_is_shrunk_to_one_round_number():
    checker = checks.gradient(
        lambda x: (x**2).sum(), [], lambda key: (jax.random.normal(key, (5,)),)
    )
    assert rows(checker, lambda x: x) == {
        "input": "x = [1]",
        "returned": "[1]",
        "expected by jax.grad": "[2]",
    }


def test_a_hessian_is_compared_with_jax():
    checker = checks.hessian(
        lambda x: x[0] ** 2 * x[1], [], lambda key: (jax.random.normal(key, (2,)),)
    )
    right = lambda x: jnp.array([[2 * x[1], 2 * x[0]], [2 * x[0], 0]])  # noqa: E731
    assert checker(right, ()).outcome == SOLVED
    assert rows(checker, lambda x: jnp.diag(jnp.diag(right(x))))["input"] in ("x = [1, 0]",)


def test_what_inputs_promise_holds_for_the_smallest_one():
    """A distribution stays a distribution while it is shrunk."""

    def pair(key):
        return tuple(jax.nn.softmax(jax.random.normal(k, (4,))) for k in jax.random.split(key))

    seen = []

    def judge(returned, p, q):
        seen.append((p, q))
        return "it is negative" if returned < -1e-6 else ""

    checker = checks.satisfies(judge, [], pair)
    assert "It is negative" in report(checker, lambda p, q: -(p * jnp.log(p / q)).sum())
    for p, q in seen:
        np.testing.assert_allclose([p.sum(), q.sum()], 1, atol=1e-3)
        assert (np.asarray(p) > 0).all() and (np.asarray(q) > 0).all()
    assert len(seen[-1][0]) == 2


MATRIX = checks.function(lambda A: A, [], lambda key: (jax.random.normal(key, (2, 3)),))
SQUARE = checks.function(lambda A: A, [], lambda key: (jax.random.normal(key, (3, 3)),))
MEANS = checks.function(lambda A: A.mean(0), [], lambda key: (jax.random.normal(key, (2, 3)),))
NORMAL = checks.function(jax.nn.softmax, [(jnp.zeros(2),)], vector)
ENTROPY = checks.function(
    lambda p: -jax.scipy.special.xlogy(p, p).sum(), [(jnp.array([0.0, 1.0]),)], None
)


@pytest.mark.parametrize(
    ("checker", "answer", "cause"),
    [
        (SLOPE, lambda x: -jax.grad(loss)(x), "the sign is flipped"),
        (SLOPE, lambda x: 2 * jax.grad(loss)(x), r"a factor $\tfrac{1}{2}$ is missing"),
        (SLOPE, lambda x: jax.grad(loss)(x) / 2, "a factor 2 is missing"),
        (SQUARE, lambda A: A.T, "it is transposed"),
        (MATRIX, lambda A: A.T, "it is transposed"),
        (NORMAL, jnp.exp, "it is not normalized"),
        (SOFTMAX, lambda x: jnp.log(jnp.exp(x) / jnp.exp(x).sum()), "it overflows"),
        (ENTROPY, lambda p: -(p * jnp.log(p)).sum(), r"$\log 0$"),
        (MEANS, lambda A: A.mean(1), "wrong axis"),
        (MEANS, lambda A: A.mean(), "an axis is lost"),
        (MEANS, lambda A: A.mean(0, keepdims=True), "an axis is left over"),
    ],
)
def test_a_known_kind_of_mistake_is_named(checker, answer, cause):
    assert cause in checker(answer, ()).cause
    assert cause in report(checker, answer)


def test_a_mistake_that_merely_resembles_a_known_one_is_not_named():
    wrong = [Wrong(lambda x: 2 * x, "doubled")]
    assert SLOPE(lambda x: jnp.where(x > 0, 2 * x, 0), wrong).cause == ""


# Patience.
def untouched(x): ...


def half_done(x):
    z = ...
    return z + 1


def noted(x):
    """Say what it does."""
    y = x + 1  # noqa: F841
    ...


def test_stubs_are_not_attempted_yet():
    for answer in (..., untouched, half_done, noted, lambda x: ...):
        assert SOFTMAX(answer, ()).outcome == BLANK
    exec("def typed(x):\n    ...\n", space := {})
    assert SOFTMAX(space["typed"], ()).outcome == BLANK
    for checker in (checks.number(1), checks.array(jnp.ones(2)), checks.shape((2,))):
        assert checker(..., ()).outcome == BLANK
    assert checks.array(jnp.ones(2))([1.0, ...], ()).outcome == BLANK


def raises(x):
    y = x / undefined_name  # noqa: F821
    return y


def raises_inside_jax(x):
    return jnp.linalg.solve(x, x)


def loops(x):
    while True:
        try:
            x = x + 0
        except Exception:
            pass


def sleeps(x):
    time.sleep(60)


def writes(x):
    x[:] = x - x.max()
    return x - np.log(np.exp(x).sum())


def spoils(x):
    x -= x.max()
    return x - np.log(np.exp(x).sum())


def leaves(x):
    sys.exit()


def chatters(x):
    print("here")
    return x


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda x: "hello", "Numbers are expected, the text `'hello'` came."),
        (lambda x: None, "Is its `return` missing?"),
        (lambda x: object, "a function came"),
        (lambda x: np.zeros(10**10), "(10000000000,)"),
        (lambda x: [[1], [2, 3]], "a value of type `list`"),
        (lambda x: x[:1], "Shape `(2,)` is expected"),
        (lambda x: jnp.full(x.shape, jnp.nan), "not finite"),
        (lambda: 0, "called with 1 argument"),
        (3, "A function is expected, a value of type `int`, `3` came."),
        (raises, "`NameError: name 'undefined_name' is not defined`, at `y = x / undefined_name"),
        (raises_inside_jax, "at `return jnp.linalg.solve(x, x)`"),
        (leaves, "`SystemExit`, at `sys.exit()`"),
        (writes, "changes the array that it is given"),
        (spoils, "changes the array that it is given"),
        (chatters, "Your answer and the right one differ."),
    ],
)
def test_hostile_answers_get_a_clear_verdict(answer, told, capsys):
    start = time.monotonic()
    assert told in report(SOFTMAX, answer)
    assert capsys.readouterr() == ("", "")
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("answer", [loops, sleeps])
def test_a_loop_without_an_end_is_stopped_at_its_line(answer, hurry):
    assert "stopped after 0.3 seconds, at `" in report(SOFTMAX, answer)


def test_a_loop_is_stopped_beside_the_main_thread_too(hurry):
    found = []
    thread = threading.Thread(target=lambda: found.append(report(SOFTMAX, loops)))
    thread.start()
    thread.join(30)
    assert "stopped after 0.3 seconds" in found[0]


def test_a_loop_that_swallows_the_stop_and_returns_is_told_too(hurry):
    def stubborn(x):
        try:
            while True:
                pass
        except BaseException:
            return x

    assert "stopped after" in report(SOFTMAX, stubborn)


def test_a_compiled_loop_cannot_be_stopped_but_says_what_to_do():
    code = (
        "import os, threading, jax, jax.numpy as jnp\n"
        "from dlcompanion.practice import running\n"
        "running.SECONDS = 0.5\n"
        "threading.Timer(8, os._exit, [7]).start()\n"
        "running.run(lambda x: jax.lax.while_loop(lambda x: x[0] >= 0, lambda x: jnp.sin(x)**2, x),"
        " (jnp.ones(3),))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 7, "it was stopped after all: say so in `running`"
    assert "press ■ (interrupt the kernel)" in result.stderr


def test_the_alarm_clock_is_left_as_it_was():
    import signal

    before = signal.getsignal(signal.SIGALRM)
    SOFTMAX(in_place, ())
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


# Answers that are values.
def test_numbers():
    checker = checks.number(3.0, rtol=0.01, unit="m")
    for right in (3, 3.01, np.float32(3), jnp.array(3.0)):
        assert checker(right, ()).solved
    assert "is too large" in report(checker, 4)
    assert "that is the radius" in report(checker, 1.5, [Wrong(1.5, "that is the radius")])
    assert "a single number is expected" in report(checker, [3.0]).lower()
    assert "is not a number" in report(checker, float("nan"))
    assert "Numbers are expected" in report(checker, "three")


def test_choices():
    checker = checks.choice("saddle", {"minimum": "It goes down along $x_2$.", "maximum": "no"})
    assert checker("saddle", ()).solved
    assert "It goes down along $x_2$." in report(checker, "minimum")
    assert 'Choose one of `"minimum"`, `"maximum"`, `"saddle"`' in report(checker, "hill")
    assert "Choose one of" in report(checker, np.ones(3))


def test_arrays_and_shapes():
    identity = checks.array(jnp.eye(2))
    assert identity([[1, 0], [0, 1]], ()).solved and identity(np.eye(2), ()).solved
    assert "differ" in report(identity, np.ones((2, 2)))
    assert "Shape `(2, 2)` is expected" in report(identity, np.ones(3))
    shape = checks.shape((2, 3))
    for right in ((2, 3), [2, 3], np.ones((2, 3)), jnp.ones((2, 3))):
        assert shape(right, ()).solved
    assert "flipped" in report(shape, (3, 2), [Wrong((3, 2), "flipped")])
    assert "is not" in report(shape, "two by three")


def test_several_results():
    checker = checks.function(lambda x: (x.sum(), x), [(jnp.ones(2),)], vector)
    assert checker(lambda x: [float(x.sum()), x], ()).solved
    assert "2 results are expected" in report(checker, lambda x: x.sum())
    assert rows(checker, lambda x: (x.sum(), -x))["expected"] == "(1, [1])"


def test_words_are_results_too():
    checker = checks.function(lambda x: "up" if x > 0 else "down", [(1.0,), (-1.0,)])
    assert checker(lambda x: "Up" if x > 0 else "down", ()).solved
    assert "the text `'up'` came" in report(checker, lambda x: "up")


def test_a_stub_costs_no_random_input_and_no_reference():
    def never(*_):
        raise AssertionError("a stub was compared")

    def stub(x): ...

    assert checks.function(never, cases=[(1.0,)], random=never)(stub, ()).outcome == BLANK
