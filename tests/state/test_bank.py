import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from numpy.testing import assert_array_equal

from ssl_jax.state import bank

write = jax.jit(bank.write)


def batch(seed, size):
    g = np.random.default_rng(seed)
    return g.integers(0, 10, size), g.normal(size=(size, 2, 3)).astype(np.float32)


def test_rows_go_to_their_index_and_the_last_of_two_stays():
    state, rows, written = bank.init(10, (2, 3)), np.zeros((10, 2, 3), np.float32), np.zeros(10, bool)
    for seed in range(4):
        index, values = batch(seed, 8)
        assert len(set(index.tolist())) < 8  # there are duplicates
        state = write(state, index, values)
        for i, value in zip(index, values, strict=True):
            rows[i], written[i] = value, True
        assert_array_equal(state.rows, rows)
        assert_array_equal(state.written, written)


@pytest.mark.parametrize("size, rows", [(1, 1), (48, 48), (1000, 1000), (1001, 1008), (50_000, 50_176)])
def test_rows_are_shared_by_a_power_of_two_of_devices(size, rows):
    assert bank.padded(size) == rows == bank.init(size, (2,)).written.shape[0]


def test_imagenet_is_shared_by_every_pod():
    rows = bank.padded(1_281_167)
    assert rows % 8192 == 0 and 0 <= rows - 1_281_167 < 1_281_167 / 64


def test_padding_is_left_out():
    index, values = np.asarray([3, -1, -1, 4]), np.ones((4, 2, 3), np.float32)
    state = write(bank.init(10, (2, 3)), index, values)
    assert_array_equal(np.nonzero(state.written)[0], [3, 4])
    assert_array_equal(np.nonzero(np.asarray(state.rows).any((1, 2)))[0], [3, 4])


@pytest.mark.parametrize("spec", [PartitionSpec(), PartitionSpec("data")])
def test_on_a_mesh_it_is_the_same_bank(spec):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    index, values = batch(9, 16)
    state = bank.init(16, (2, 3))
    sharded = jax.device_put(state, NamedSharding(mesh, spec))
    rows = NamedSharding(mesh, PartitionSpec("data"))
    sharded = write(sharded, jax.device_put(index, rows), jax.device_put(values, rows))
    jax.tree.map(assert_array_equal, sharded, write(state, index, values))
