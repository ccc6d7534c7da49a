"""The device count is not a hyper-parameter: loss, gradient norms and next state are those of one device."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.shard import mesh, program, rules
from tests.laws import tiny

STEPS = 2
UNOPTIMIZED = {"xla_backend_optimization_level": 0}
"""For two steps of so small a network: the compiler takes half of the time."""


def run(name: str, data: int, fsdp: int):
    """State and metrics after a few steps in float64 on data x fsdp devices, and what a device computes in a step."""
    devices = jax.devices()[: data * fsdp]
    augment, clean = (functools.partial(f, dtype=jnp.float64) for f in (tiny.augment, tiny.clean))
    shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tiny.batch(name, 0)))
    method = tiny.method(name, "float64")
    compiled = program.build(method, tiny.optimizer(), augment, clean, shapes, mesh.make(data, fsdp, devices=devices))
    key = jax.random.key(7)
    state, rows, step = compiled.init(key), [], None
    for i in range(STEPS):
        state = tiny.passed(name, method, compiled, state, jax.random.fold_in(key, i))
        batch = jax.tree.map(lambda a: jax.device_put(a, compiled.by_example), tiny.batch(name, i))
        step = step or compiled.step.lower(state, batch, key).compile()
        state, metrics = jax.block_until_ready(step(state, batch, key))
        rows.append(jax.device_get(metrics))
    return jax.device_get(state), rows, state, step.cost_analysis()["flops"]


@functools.cache
def alone(name: str):
    return run(name, 1, 1)


def assert_same(one, other, tolerance: float):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance, err_msg=jax.tree_util.keystr(path, simple=True, separator="/")
        )


@pytest.mark.parametrize("data, fsdp", [(2, 4), pytest.param(8, 1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", tiny.METHODS)
def test_any_mesh_is_one_device(name, data, fsdp, monkeypatch):
    for options in ("ON_CPU", "QUICKLY"):
        monkeypatch.setattr(program, options, {**getattr(program, options), **UNOPTIMIZED})
    monkeypatch.setattr(rules, "SMALL", 1)  # so that even these small leaves are split over fsdp
    with jax.enable_x64(True):
        state, rows, _, work = alone(name)
        other, other_rows, placed, part = run(name, data, fsdp)
        assert part < 1.1 * work / (data * fsdp), "devices compute what others compute as well"
        if fsdp > 1:
            leaves = jax.tree.leaves(placed)
            split = [a for a in leaves if not a.sharding.is_fully_replicated]
            assert len(split) > (5 if len(leaves) > 20 else 0), "nothing was split, so that the law says nothing"
        assert_same(rows, other_rows, 1e-9)
        assert_same(state, other, 1e-9)
