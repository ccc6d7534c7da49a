import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.state import queue

write = jax.jit(queue.write)


def keys(step, *shape):
    return np.random.default_rng(step).normal(size=shape)


def test_it_holds_the_last_rows_in_order_of_arrival(strict):
    state = queue.init(jax.random.key(0), 12, (3,), write=4, dtype=np.float64)
    start, past = np.asarray(state.rows), []
    for step in range(8):
        assert bool(queue.full(state)) == (step >= 3)
        state = write(state, keys(step, 4, 3))
        past.append(keys(step, 4, 3))
        kept = np.concatenate(past[-3:])
        rows = np.roll(state.rows, -int(state.pointer), 0)[12 - len(kept) :]
        assert_array_equal(rows, kept)
        assert_array_equal(state.rows[len(past) * 4 :], start[len(past) * 4 :])
        assert state.filled == min(12, 4 * (step + 1))
        assert state.pointer.dtype == state.filled.dtype == np.int32


def test_it_starts_with_random_unit_rows():
    rows = queue.init(jax.random.key(0), 512, (2, 16), write=8).rows
    assert_allclose(np.linalg.norm(rows, axis=-1), 1, rtol=1e-5)
    assert abs(np.mean(rows)) < 0.01 and rows.dtype == np.float32
    assert not np.array_equal(rows, queue.init(jax.random.key(1), 512, (2, 16), write=8).rows)


def test_the_nearest_row_has_the_greatest_cosine_and_no_gradient_passes(strict):
    state = queue.init(jax.random.key(0), 12, (3,), write=4, dtype=np.float64)
    rows, kept = keys(1, 5, 3) * np.exp(keys(2, 5, 1)), np.asarray(state.rows)
    found, index = jax.jit(queue.nearest)(state, rows)
    for i, row in enumerate(rows):
        best = max(range(12), key=lambda j: row @ kept[j])
        assert index[i] == best
        assert_array_equal(found[i], kept[best])
    slope = jax.grad(lambda rows, kept: queue.nearest(state._replace(rows=kept), rows)[0].sum(), (0, 1))(rows, kept)
    assert not any(np.any(x) for x in slope)


@pytest.mark.parametrize(("size", "count", "near"), [(10, 4, "8 or 12"), (3, 4, "4 or 8")])
def test_a_queue_that_is_no_multiple_of_the_batch_is_refused(size, count, near):
    with pytest.raises(ValueError, match=f"{size} rows are no multiple of the {count} rows.*{near}"):
        queue.init(jax.random.key(0), size, (2,), write=count)
    state = queue.init(jax.random.key(0), size, (2,), write=size)
    with pytest.raises(ValueError, match="no multiple"):
        queue.write(state, keys(0, count, 2))


def test_on_a_mesh_it_is_the_same_queue():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    here, everywhere = NamedSharding(mesh, PartitionSpec("data")), NamedSharding(mesh, PartitionSpec())
    state = queue.init(jax.random.key(0), 32, (3,), write=16)
    sharded = jax.device_put(state, queue.Queue(here, everywhere, everywhere))
    for step in range(3):
        rows = keys(step, 16, 3).astype(np.float32)
        state, sharded = write(state, rows), write(sharded, jax.device_put(rows, here))
        jax.tree.map(assert_array_equal, state, sharded)
