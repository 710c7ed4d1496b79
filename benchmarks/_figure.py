"""The benchmark's figure, and the routes from a slider to it; runs in the notebook's kernel."""

import ipywidgets
import jax
import jax.numpy as jnp
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from dlcompanion import live, style
from dlcompanion.numerical_computation import figures, gradient_descent, quadratic

BOWL, START, STEPS = quadratic(5.0, 5.0), (10.0, -4.0), 100
GRID = np.linspace(-12, 12, 80, dtype=np.float32)


@jax.jit
def descend(learning_rate):
    return gradient_descent(BOWL, jnp.asarray(START), learning_rate, STEPS)


surface = np.asarray(jax.vmap(jax.vmap(BOWL))(jnp.stack(jnp.meshgrid(GRID, GRID), -1)))


def learning_rate():
    return live.slider(0.005, 0.005, 0.44, step=0.005)


def draw(axes, path):
    """Draw the figure; return what moves."""
    axes[0].contour(GRID, GRID, surface, 20, cmap=style.SURFACE)
    axes[0].set(xlabel="$x_1$", ylabel="$x_2$", title="the path over the contours")
    moving = figures.draw_descent(axes[0], path), figures.draw_loss(axes[1], path, STEPS)
    return moving


def update(moving, path):
    figures.update_descent(moving[0], path)
    figures.update_loss(moving[1], path, STEPS)


def ours(prefetch=True):
    """Our engine; `prefetch=False` computes every picture when it is asked for."""
    figure, axes = style.figure(2)
    moving = draw(axes, descend(0.005))
    explorer = live.Explorer(
        title="Benchmark",
        controls={"learning_rate": learning_rate()},
        compute=descend,
        scene=live.Scene(figure, sum(moving, []), lambda values, path: update(moving, path)),
        describe=lambda values, path: f"The loss is {style.say(path.loss[-1])}.",
    )
    explorer.canvas.setup = explorer.canvas.setup | {"prefetch": prefetch}
    return explorer


def with_ipympl():
    """What ipympl's users do who know it: move the artists, then `draw_idle`."""
    matplotlib.use("module://ipympl.backend_nbagg")
    plt.rcParams.update(style.SETTINGS)
    with plt.ioff():
        figure, axes = plt.subplots(1, 2, figsize=(8.8, 4))
    moving, slider = draw(axes, descend(0.005)), learning_rate()

    def follow(change):
        update(moving, descend(change.new))
        figure.canvas.draw_idle()

    slider.observe(follow, "value")
    display(ipywidgets.VBox([slider, figure.canvas]))


def with_interact():
    """What everyone does: draw the figure again."""
    matplotlib.use("module://matplotlib_inline.backend_inline")
    plt.rcParams.update(style.SETTINGS)

    @ipywidgets.interact(learning_rate=learning_rate())
    def show(learning_rate):
        _, axes = plt.subplots(1, 2, figsize=(8.8, 4))
        draw(axes, descend(learning_rate))
        plt.show()
