"""Losses of large batches: the same numbers, and memory that grows as the batch does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.losses import blocks, contrastive

D = 4
MEMORY = np.cos(np.arange(24.0)).reshape(6, D)
LABELS = np.random.default_rng(0).integers(-1, 9, 2**12).astype(np.int32)
LOSSES = {
    "nt_xent": lambda views: contrastive.nt_xent(views, 0.3),
    "nt_xent with a memory": lambda views: contrastive.nt_xent(views, 0.3, negatives=jnp.asarray(MEMORY, views.dtype)),
    "decoupled": lambda views: contrastive.decoupled(views, 0.3),
    "decoupled, weighted": lambda views: contrastive.decoupled(views, 0.3, sigma=0.5),
    "supcon": lambda views: contrastive.supcon(views, LABELS[: len(views)], 0.3),
    "in_batch": lambda views: contrastive.in_batch(views[:, 0], views[:, 1], 0.3),
    "info_nce": lambda views: contrastive.info_nce(views[:, 0], views[:, 1], views[:, 1], 0.3),
    "paired": lambda views: contrastive.paired(views[:, 0], views[:, 1], 1 + views[0, 0, 0] ** 2),
}


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def both(name, views):
    """Value and gradient, compiled anew."""
    return jax.jit(jax.value_and_grad(LOSSES[name]))(views)


@pytest.mark.parametrize("name", LOSSES)
def test_blocks_change_nothing_on_one_device_and_on_eight(strict, monkeypatch, name):
    """13 examples make no equal blocks, 16 lie on eight devices."""
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spread = jax.device_put(normal(2, 16, 2, D), NamedSharding(mesh, PartitionSpec("data")))
    views = (normal(1, 13, 3, D), np.asarray(spread), spread)
    whole = [both(name, x) for x in views[:2]]
    monkeypatch.setattr(blocks, "AT_ONCE", 8 * 16)
    assert "while" in jax.jit(LOSSES[name]).lower(spread).as_text(), "there were no blocks"
    for x, (value, slope) in zip(views, (*whole, whole[1]), strict=True):
        found = both(name, x)
        assert_allclose(found[0], value, rtol=1e-12)
        assert_allclose(found[1], slope, rtol=1e-12, atol=1e-12)


def temporary(name, examples):
    """Bytes that value and gradient take beside what goes in and out."""
    shape = jax.ShapeDtypeStruct((examples, 2, D), jnp.float32)
    return jax.jit(jax.value_and_grad(LOSSES[name])).lower(shape).compile().memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"decoupled, weighted"}))
def test_memory_grows_as_the_batch_and_not_as_its_square(monkeypatch, name):
    whole = temporary(name, 1024)
    assert whole > 4 * 1024**2, "all similarities in float32 at once"
    monkeypatch.setattr(blocks, "AT_ONCE", 2**14)
    small, large = (temporary(name, examples) for examples in (1024, 2048))
    assert large < 2.2 * small and small < whole / 8, f"{small} and {large} bytes; {whole} without blocks"


def test_rows_come_back_in_order_with_whatever_a_function_makes_of_them(strict):
    rows, more = normal(3, 11, 2, 3), np.arange(11)
    made = blocks.by_rows(lambda x, n: (x.sum(-1), n * n), rows, more, columns=5, at_once=15)
    assert_allclose(made[0], rows.sum(-1), rtol=1e-12)
    assert_array_equal(made[1], more**2)
    # where one row alone is too much, it is a block
    alone = blocks.by_rows(lambda x: x.sum(-1), rows, columns=100, at_once=15)
    assert_allclose(alone, rows.sum(-1), rtol=1e-12)
