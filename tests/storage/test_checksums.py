"""Checksums: a function of the bits alone, that any one bit changes, on any mesh."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.shard import mesh
from ssl_jax.storage.checksums import checksums


def mixed(h: int) -> int:
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ (h >> shift)) * factor % 2**32
    return h ^ (h >> 16)


def own(x: np.ndarray) -> str:
    """The definition, word by word, in Python's integers."""
    words = x.reshape(-1).view({1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint32}[x.dtype.itemsize])
    out = []
    for salt in (0, 0x9E3779B9):
        total = 0
        for place, word in enumerate(words.tolist()):
            total += mixed(word ^ mixed((place + salt) % 2**32))
        out.append(f"{total % 2**32:08x}")
    return "".join(out)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int32", "uint8", "bool"])
def test_is_its_definition(dtype):
    x = np.random.default_rng(0).integers(0, 100, (3, 5, 7)).astype(jnp.dtype(dtype))
    assert checksums({"a": jnp.asarray(x)}) == {"a": f"{dtype}[3,5,7] {own(x)}"}


def test_is_its_definition_in_float64():
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(4, 6))
        assert checksums({"a": jnp.asarray(x)}) == {"a": f"float64[4,6] {own(x)}"}


def test_every_bit_counts():
    x = np.zeros((2, 3), np.float32)
    bits = [(i,) for i in range(32 * x.size)]
    signs = [(32 * i + 31, 32 * j + 31) for i in range(x.size) for j in range(i)]  # two of one kind must not cancel
    seen = {checksums({"a": jnp.asarray(x)})["a"]}
    for flips in (*bits, *signs):
        flipped = x.copy().view(np.uint32).reshape(-1)
        for bit in flips:
            flipped[bit // 32] ^= np.uint32(1) << np.uint32(bit % 32)
        seen.add(checksums({"a": jnp.asarray(flipped.view(np.float32).reshape(2, 3))})["a"])
    assert len(seen) == 1 + len(bits) + len(signs)


def test_the_mesh_does_not_count():
    x = jax.random.normal(jax.random.key(0), (16, 5))
    split = jax.device_put(x, mesh.by_example(mesh.make(4, 2)))
    assert checksums([x, jnp.float32(1)]) == checksums([split, jnp.float32(1)])


def test_places_count():
    assert checksums(jnp.asarray([1.0, 2.0])) != checksums(jnp.asarray([2.0, 1.0]))
