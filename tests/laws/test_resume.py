"""Stopping and going on is bit for bit the run that was never stopped, for every method."""

import contextlib

import jax
import numpy as np
import pytest

from ssl_jax.shard import rules
from ssl_jax.storage.checkpoint import Checkpoints, Keep
from tests.laws import tiny

SEED = 3
HALF, WHOLE = 3, 6


def advance(compiled: tiny.Compiled, state, start: int, stop: int):
    """Steps start..stop; batches, keys and passes are functions of the step alone. An epoch is 3 batches."""
    rows = []
    for i in range(start, stop):
        if i and i % 3 == 0:
            state = compiled.passed(state, SEED, i)
        state, metrics = compiled.advanced(state, SEED, i)
        rows.append(metrics)
    return state, rows


def assert_equal_bits(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(np.asarray(a), np.asarray(b)), one, other)


def test_stopped_is_never_stopped(one, tmp_path):
    state, _ = advance(one, one.start(SEED), 0, HALF)
    with contextlib.closing(Checkpoints(str(tmp_path), Keep(1))) as saved:
        saved.save(state, HALF)
        state, rows = advance(one, state, HALF, WHOLE)  # steps run, and give buffers away, while it is written
        saved.wait()
        other = saved.restore(HALF, one.program.state)
    other, other_rows = advance(one, other, HALF, WHOLE)
    assert int(other.step) == WHOLE
    assert_equal_bits(state, other)
    assert_equal_bits(rows, other_rows)


@pytest.mark.parametrize("data, fsdp", [(8, 1), (2, 4)])
def test_restored_onto_another_mesh(data, fsdp, tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "SMALL", 1)  # so that even these small leaves are split over fsdp
    with jax.enable_x64(True):
        one, eight = tiny.Compiled("byol"), tiny.Compiled("byol", data, fsdp)
        state, _ = advance(one, one.start(SEED), 0, HALF)
        with contextlib.closing(Checkpoints(str(tmp_path), Keep(1))) as saved:
            saved.save(state, HALF)
            saved.wait()
            moved = saved.restore(HALF, eight.program.state)
        assert_equal_bits(state, moved)
        assert {len(a.sharding.device_set) for a in jax.tree.leaves(moved)} == {8}
        assert any(not a.sharding.is_fully_replicated for a in jax.tree.leaves(moved)) == (fsdp > 1)
        _, rows = advance(one, state, HALF, WHOLE)
        _, other = advance(eight, moved, HALF, WHOLE)
        np.testing.assert_allclose([r["loss"] for r in rows], [r["loss"] for r in other], rtol=1e-9)
