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
    scale = jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    parameters = jax.tree.map(
        lambda w, m, v: w - 1e-3 * scale * m / (jnp.sqrt(v) + 1e-8), parameters, m, v
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


def prepare(name):
    found = re.fullmatch(r"mlp/([\d-]+)/b(\d+)/(sgd|adam_fused)", name)
    if not found:
        return None, 0
    step = Step([int(n) for n in found[1].split("-")], int(found[2]), found[3])
    step.window(50)
    calls = 1
    while (seconds := step.window(calls)) < 1e-3:
        calls = calls * 8 if seconds < 1e-4 else int(calls * 1.2e-3 / seconds) + 1
    return step, calls


print("ready JAX", jax.__version__, "jit, donated buffers", flush=True)
step, calls = None, 1
for line in sys.stdin:
    command, *words = line.split()
    if command == "threads":
        print("ok")
    elif command == "prepare":
        step, calls = prepare(words[0])
        print("ok -" if step else "missing")
    elif command == "run":
        end = time.perf_counter() + float(words[0])
        times = []
        while not times or time.perf_counter() < end:
            times.append(step.window(calls) / calls)
        print("times", *(f"{t:.6g}" for t in times))
    elif command == "quit":
        break
    else:
        print("error unknown command")
    sys.stdout.flush()
