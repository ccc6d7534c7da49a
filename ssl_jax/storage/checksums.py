"""Checksums of arrays on the device: the same on any mesh, since sums of integers do not depend on their order."""

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Tree

SALTS = (0, 0x9E3779B9)
"""Two independent sums of 32 bits make one checksum of 64."""


def checksums(tree: Tree) -> dict[str, str]:
    """{path of a leaf: "float32[3,8] 0123456789abcdef"}: dtype, shape and 16 hexadecimal digits of its bits.

    A change of one word always changes them, any other damage but for about one case in 2 ** 64. Waits for the arrays.
    """
    # One after the other: on simulated devices, many programs under way whose collectives wait for each other's threads
    # wait for ever.
    sums = [jax.device_get(_sums(leaf)) for leaf in jax.tree.leaves(tree)]
    forms = described(tree)
    return {path: f"{form} {a:08x}{b:08x}" for (path, form), (a, b) in zip(forms.items(), sums, strict=True)}


def described(tree: Tree) -> dict[str, str]:
    """{path of a leaf: "float32[3,8]"} of arrays or ShapeDtypeStructs."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]"
        for path, leaf in leaves
    }


@jax.jit
def _sums(a: Array) -> Array:
    """uint32 [2]: for each salt the sum, modulo 2 ** 32, of a hash of every word with its place.

    The hash is one to one in the word, so that a change of one word cannot be missed. Nothing is reshaped, so that an
    array which is split over devices stays where it is.
    """
    words = _words(a)
    place, stride = jnp.zeros(words.shape, jnp.uint32), 1
    for axis in reversed(range(words.ndim)):
        place += jax.lax.broadcasted_iota(jnp.uint32, words.shape, axis) * jnp.uint32(stride % 2**32)
        stride *= words.shape[axis]
    return jnp.stack([jnp.sum(_mixed(words ^ _mixed(place + jnp.uint32(salt))), dtype=jnp.uint32) for salt in SALTS])


def _words(a: Array) -> Array:
    """The bits of any array as uint32; 64-bit numbers become two of them, along a new last axis."""
    if a.dtype == jnp.bool_:
        return a.astype(jnp.uint32)
    unsigned = jnp.dtype(f"uint{min(8 * a.dtype.itemsize, 32)}")
    return jax.lax.bitcast_convert_type(a, unsigned).astype(jnp.uint32)


def _mixed(h: Array) -> Array:
    """MurmurHash3's last step (Appleby 2011): one to one, and every bit of the result depends on every bit of h."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ (h >> shift)) * jnp.uint32(factor)
    return h ^ (h >> 16)
