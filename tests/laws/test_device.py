"""The kind of device is not a hyper-parameter: loss, gradient norms and next state are those of a CPU.

    SSL_JAX_TESTS_ON=cuda python -m pytest tests/laws/test_device.py tests/laws/test_resume.py -k "not mesh"

Where there is no accelerator, a second CPU device stands for it with a few methods, so that the test is tested.
"""

import functools
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.shard import mesh, program
from tests.laws import tiny

STEPS = 2
ACCELERATED = jax.default_backend() != "cpu"
METHODS = tiny.METHODS if ACCELERATED else ("byol", "mae")
TOLERANCES = {"float32": 2e-3, "float64": 1e-9}


def run(name: str, dtype: str, device: jax.Device):
    """State and metrics after each of a few steps on one device."""
    augment, clean = (functools.partial(f, dtype=jnp.dtype(dtype)) for f in (tiny.augment, tiny.clean))
    shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tiny.batch(name, 0)))
    method = tiny.method(name, dtype)
    compiled = program.build(method, tiny.optimizer(), augment, clean, shapes, mesh.make(devices=[device]))
    key, found = jax.random.key(7), []
    state = compiled.init(key)
    for i in range(STEPS):
        state = tiny.passed(name, method, compiled, state, jax.random.fold_in(key, i))
        batch = jax.device_put(tiny.batch(name, i), compiled.by_example)
        state, metrics = compiled.step(state, batch, key)
        found.append(jax.device_get((metrics, state)))
    return found


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, in units of the larger of 1 and the larger value's size; of integers, how many differ."""
    if not np.issubdtype(one.dtype, np.floating):
        return float(np.sum(one != other))
    return float(np.max(np.abs(one - other) / np.maximum(1, np.maximum(np.abs(one), np.abs(other))), initial=0))


@pytest.mark.parametrize("dtype", [*TOLERANCES] if ACCELERATED else ["float32"])
@pytest.mark.parametrize("name", METHODS)
def test_a_device_computes_what_a_cpu_does(name, dtype):
    if dtype == "float64" and jax.default_backend() == "tpu":
        pytest.skip("a TPU has no float64")
    other = jax.devices()[0] if ACCELERATED else jax.devices("cpu")[1]
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        here, there = run(name, dtype, jax.devices("cpu")[0]), run(name, dtype, other)
    found = {}
    for step, (one, two) in enumerate(zip(here, there, strict=True)):
        assert jax.tree.structure(one) == jax.tree.structure(two)
        for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(one), jax.tree.leaves(two), strict=True):
            found[f"step {step} {jax.tree_util.keystr(path)}"] = difference(np.asarray(a), np.asarray(b))
    worst = max(found, key=found.get)
    if "SSL_JAX_LAWS" in os.environ:  # a line for whoever asks, also where the rest is cut off
        row = {"method": name, "dtype": dtype, "largest_difference": found[worst], "where": worst}
        with open(os.environ["SSL_JAX_LAWS"], "a") as file:
            file.write(json.dumps(row) + "\n")
    assert found[worst] <= TOLERANCES[dtype], f"{worst} differs by {found[worst]:.2g}"
