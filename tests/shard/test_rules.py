"""Where the leaves of a state lie, and what a step with a bank of a whole dataset takes of a device's memory."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import program, rules
from ssl_jax.state import bank
from ssl_jax.storage.checkpoint import Checkpoints, Keep
from tests.laws import tiny

MESHES = ((8, 1), (4, 2), (2, 4), (1, 8), (1, 1))


def made(data, fsdp):
    return meshes.make(data, fsdp, devices=jax.devices()[: data * fsdp])


def built(monkeypatch, data, fsdp, examples):
    monkeypatch.setattr(tiny, "EXAMPLES", examples)
    shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tiny.batch("deepcluster_v2", 0)))
    method = tiny.method("deepcluster_v2")
    return program.build(method, tiny.optimizer(), tiny.augment, tiny.clean, shapes, made(data, fsdp))


def held(state):
    return state.method_state["criterion"]


@pytest.mark.parametrize(
    "shape, spec",
    [((16, 4), (meshes.AXES,)), ((4, 4), (("data",),)), ((6, 4), (("data",),)), ((5, 4), (None,))],
)
def test_examples_are_split_over_as_many_axes_as_divide_them(shape, spec):
    assert rules.by_name(made(2, 4), shape, bank.BY_ROW).spec == PartitionSpec(*spec)


@pytest.mark.parametrize("data, fsdp", MESHES)
def test_a_bank_is_split_by_rows(data, fsdp, monkeypatch):
    state = built(monkeypatch, data, fsdp, 1001).state
    for leaf in (*held(state).bank, held(state).labels):
        assert leaf.shape[0] == 1008
        assert leaf.sharding.shard_shape(leaf.shape)[0] == 1008 // (data * fsdp)


def test_memory_of_a_step_does_not_grow_with_the_bank(monkeypatch):
    """Neither a copy for the guard against what is not finite, nor the whole of the bank on each device."""
    sizes = {}
    for examples in (8192, 64 * 8192):
        compiled = built(monkeypatch, 2, 4, examples)
        memory = compiled.step.lower(compiled.state, compiled.batch, jax.eval_shape(jax.random.key, 0)).compile()
        sizes[examples] = memory.memory_analysis()
    few, many = sizes.values()
    shard = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(held(compiled.state))) / 8
    assert shard > 4e6 and many.alias_size_in_bytes - few.alias_size_in_bytes > 0.9 * shard, "the state is donated"
    assert many.temp_size_in_bytes - few.temp_size_in_bytes < 0.02 * shard


@pytest.mark.parametrize("after", MESHES[1:])
def test_a_bank_goes_on_on_another_mesh(after, monkeypatch, tmp_path):
    compiled, key = built(monkeypatch, *MESHES[0], 1001), jax.random.key(3)
    state = compiled.init(key)
    for seed in range(2):
        batch = jax.tree.map(lambda a: jax.device_put(a, compiled.by_example), tiny.batch("deepcluster_v2", seed))
        state, _ = compiled.step(compiled.passes[0].finish(state, (), key), batch, key)
    with contextlib.closing(Checkpoints(str(tmp_path), Keep(1))) as saved:
        saved.save(state, 2, {}, {})
        saved.wait()
        expected = jax.device_get(state)
        other = built(monkeypatch, *after, 1001)
        restored, step = saved.resume(other.state, say=print)
    assert step == 2 and int(held(restored).bank.written.sum()) > 0
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(restored), expected)
    assert [leaf.sharding for leaf in jax.tree.leaves(restored)] == [a.sharding for a in jax.tree.leaves(other.state)]
