"""Stopping and going on is bit for bit the run that was never stopped, for every method."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.shard import mesh, program, rules
from ssl_jax.storage.checkpoint import Checkpoints, Keep
from tests.laws import tiny

KEY = 3
HALF, WHOLE = 3, 6


def compiled(name: str, data: int = 1, fsdp: int = 1):
    shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tiny.batch(name, 0)))
    place = mesh.make(data, fsdp, devices=jax.devices()[: data * fsdp])
    return program.build(tiny.method(name), tiny.optimizer(), tiny.augment, tiny.clean, shapes, place)


def advance(name, run, state, start, stop):
    """Steps start..stop; batches, keys and passes are functions of the step alone. An epoch is 3 batches."""
    key, rows = jax.random.key(KEY), []
    for i in range(start, stop):
        if i and i % 3 == 0:
            state = tiny.passed(name, tiny.method(name), run, state, jax.random.fold_in(key, i))
        batch = jax.tree.map(lambda a: jax.device_put(a, run.by_example), tiny.batch(name, i))
        state, metrics = run.step(state, batch, key)
        rows.append(jax.device_get(metrics))
    return state, rows


def assert_equal_bits(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(np.asarray(a), np.asarray(b)), one, other)


@pytest.mark.parametrize("name", tiny.METHODS)
def test_stopped_is_never_stopped(name, tmp_path):
    run = compiled(name)
    state, _ = advance(name, run, run.init(jax.random.key(KEY)), 0, HALF)
    with contextlib.closing(Checkpoints(str(tmp_path), Keep(1))) as saved:
        saved.save(state, HALF)
        state, rows = advance(name, run, state, HALF, WHOLE)  # steps run, and give buffers away, while it is written
        saved.wait()
        other = saved.restore(HALF, run.state)
    other, other_rows = advance(name, run, other, HALF, WHOLE)
    assert int(other.step) == WHOLE
    assert_equal_bits(state, other)
    assert_equal_bits(rows, other_rows)


@pytest.mark.parametrize("data, fsdp", [(8, 1), (2, 4)])
def test_restored_onto_another_mesh(data, fsdp, tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "SMALL", 1)  # so that even these small leaves are split over fsdp
    one, eight = compiled("byol"), compiled("byol", data, fsdp)
    state, _ = advance("byol", one, one.init(jax.random.key(KEY)), 0, HALF)
    with contextlib.closing(Checkpoints(str(tmp_path), Keep(1))) as saved:
        saved.save(state, HALF)
        saved.wait()
        moved = saved.restore(HALF, eight.state)
    assert_equal_bits(state, moved)
    assert {len(a.sharding.device_set) for a in jax.tree.leaves(moved)} == {8}
    assert any(not a.sharding.is_fully_replicated for a in jax.tree.leaves(moved)) == (fsdp > 1)
    _, rows = advance("byol", one, state, HALF, WHOLE)
    _, other = advance("byol", eight, moved, HALF, WHOLE)
    np.testing.assert_allclose([r["loss"] for r in rows], [r["loss"] for r in other], rtol=1e-3)
