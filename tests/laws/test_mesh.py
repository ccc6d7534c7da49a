"""The device count is not a hyper-parameter: loss, gradient norms and next state are those of one device."""

import jax
import numpy as np
import pytest

from ssl_jax.shard import rules
from tests.laws import tiny

SEED, STEPS = 7, 2


def run(compiled: tiny.Compiled, state):
    """The state after a few steps and the metrics of each."""
    rows = []
    for i in range(STEPS):
        state, metrics = compiled.advanced(compiled.passed(state, SEED, i), SEED, i)
        rows.append(metrics)
    return state, rows


def work(compiled: tiny.Compiled) -> float:
    """The FLOPs of a device in a step."""
    return compiled.step.cost_analysis()["flops"]


def assert_same(one, other, tolerance: float):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance, err_msg=jax.tree_util.keystr(path, simple=True, separator="/")
        )


@pytest.mark.parametrize("data, fsdp", [(2, 4), pytest.param(8, 1, marks=pytest.mark.slow)])
def test_any_mesh_is_one_device(one, data, fsdp, monkeypatch):
    monkeypatch.setattr(rules, "SMALL", 1)  # so that even these small leaves are split over fsdp
    many, start = tiny.Compiled(one.name, data, fsdp), jax.device_get(one.start(SEED))

    def begun(compiled):  # from the same numbers, as an initialization that is compiled for a mesh takes seconds
        return jax.tree.map(lambda a, shape: jax.device_put(a, shape.sharding), start, compiled.program.state)

    state, rows = run(one, begun(one))
    placed, other_rows = run(many, begun(many))
    assert work(many) < 1.1 * work(one) / (data * fsdp), "devices compute what others compute as well"
    if fsdp > 1:
        leaves = jax.tree.leaves(placed)
        split = [a for a in leaves if not a.sharding.is_fully_replicated]
        assert len(split) > (5 if len(leaves) > 20 else 0), "nothing was split, so that the law says nothing"
    assert_same(rows, other_rows, 1e-9)
    assert_same(*jax.device_get((state, placed)), 1e-9)


@pytest.mark.parametrize("name", ["byol", "swav", "mae"])
def test_a_mesh_begins_with_the_same_numbers(name, monkeypatch):
    monkeypatch.setattr(rules, "SMALL", 1)
    with jax.enable_x64(True):
        starts = [tiny.Compiled(name, data, fsdp).start(SEED) for data, fsdp in ((1, 1), (2, 4))]
    assert_same(*jax.device_get(starts), 1e-12)
