"""Training steps of workloads_training.cpp in JAX, behind the protocol of worker.cpp: one compiled
function a step, buffers donated, the device waited for at the end of a window."""
import os
import re
import sys
import time

threads = int(sys.argv[1])
os.environ["JAX_PLATFORMS"] = "cpu"
if threads == 1:
    os.environ["XLA_FLAGS"] = (
        "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )

import jax
import jax.numpy as jnp
import numpy as np

from python_worker import serve

BATCHES = 16


def forward(parameters, x):
    for i, (w, b) in enumerate(parameters):
        x = x @ w + b
        if i + 1 < len(parameters):
            x = jax.nn.relu(x)
    return x


def loss(parameters, x, y):
    log_probabilities = jax.nn.log_softmax(forward(parameters, x))
    return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()


def sgd(state, x, y):
    parameters = state
    value, gradients = jax.value_and_grad(loss)(parameters, x, y)
    return jax.tree.map(lambda w, g: w - 0.1 * g, parameters, gradients), value


def adam(state, x, y):
    parameters, m, v, t = state
    value, gradients = jax.value_and_grad(loss)(parameters, x, y)
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
    size, root = 1e-3 / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    parameters = jax.tree.map(
        lambda w, m, v: w - size * m / (jnp.sqrt(v) * root + 1e-8), parameters, m, v
    )
    return (parameters, m, v, t), value


class Step:
    def __init__(self, widths, batch, optimizer):
        key = jax.random.key(0)
        parameters = []
        for n, m in zip(widths, widths[1:]):
            key, one = jax.random.split(key)
            bound = n**-0.5
            parameters.append(
                (jax.random.uniform(one, (n, m), minval=-bound, maxval=bound), jnp.zeros(m))
            )
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        more = jax.tree.map(jnp.zeros_like, parameters)
        self.state = parameters if optimizer == "sgd" else (parameters, zeros, more, jnp.float32(0))
        self.step = jax.jit(sgd if optimizer == "sgd" else adam, donate_argnums=0)
        self.x = [jax.random.uniform(jax.random.key(i), (batch, widths[0])) for i in range(BATCHES)]
        self.y = [jax.random.randint(jax.random.key(i), (batch,), 0, widths[-1]) for i in range(BATCHES)]
        self.turn = 0

    def window(self, calls):
        state, turn = self.state, self.turn
        start = time.perf_counter()
        for _ in range(calls):
            state, value = self.step(state, self.x[turn % BATCHES], self.y[turn % BATCHES])
            turn += 1
        jax.block_until_ready((state, value))
        seconds = time.perf_counter() - start
        self.state, self.turn = state, turn
        return seconds


def gradients_by_hand(parameters, x, y):
    """Of the loss, in double precision: what a step must have used."""
    inputs = [x]
    for i, (w, b) in enumerate(parameters):
        out = inputs[-1] @ w + b
        inputs.append(np.maximum(out, 0) if i + 1 < len(parameters) else out)
    dy = np.exp(inputs[-1] - inputs[-1].max(1, keepdims=True))
    dy /= dy.sum(1, keepdims=True)
    dy[np.arange(len(y)), y] -= 1
    dy /= len(y)
    gradients = []
    for (w, _), given in zip(reversed(parameters), reversed(inputs[:-1])):
        gradients.insert(0, (given.T @ dy, dy.sum(0)))
        dy = (dy @ w.T) * (given > 0)
    return gradients


def check(step, optimizer):
    """The first step moves every parameter as written: by -0.1 g, or by Adam's first step."""
    of = (lambda state: state) if optimizer == "sgd" else (lambda state: state[0])
    before = jax.tree.map(lambda p: np.array(p, dtype=np.float64), of(step.state))
    x, y = np.asarray(step.x[0], dtype=np.float64), np.asarray(step.y[0])
    step.window(1)
    after = jax.tree.map(lambda p: np.array(p, dtype=np.float64), of(step.state))
    for before_l, after_l, gradient_l in zip(before, after, gradients_by_hand(before, x, y)):
        for p, q, g in zip(before_l, after_l, gradient_l):
            moved = -0.1 * g if optimizer == "sgd" else -1e-3 * g / (np.abs(g) + 1e-8)
            # Not all of them: Adam divides g by its size, and where g is next to nothing or an input of
            # ReLU is, rounding decides.
            if np.isclose(q - p, moved, rtol=0.02, atol=1e-7)[np.abs(g) > 1e-6].mean() < 0.999:
                raise ValueError("a step of JAX is not the step that was asked for")


def prepare(name):
    found = re.fullmatch(r"mlp/([\d-]+)/b(\d+)/(sgd|adam_fused)", name)
    if not found:
        return None
    step = Step([int(n) for n in found[1].split("-")], int(found[2]), found[3])
    check(step, found[3])
    step.window(50)
    return step.window, "-"


serve(f"JAX {jax.__version__} jit, donated buffers", prepare)
