"""Which tokens of an example are seen and which are hidden."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key


class Mask(NamedTuple):
    """A split of l tokens into k kept and l - k hidden ones, for each example.

    keep: int32 [b, k], positions of the kept tokens. hide: int32 [b, l - k], positions of the hidden ones.
    restore: int32 [b, l]; tokens in the order keep, hide go back to their places by taking them at `restore`.
    hidden: bool [b, l].
    """

    keep: Array
    hide: Array
    restore: Array
    hidden: Array


def random(key: Key, b: int, length: int, keep: int, *, noise: Array | None = None) -> Mask:
    """MAE's mask (arXiv:2111.06377, section 3 and code): each example keeps the `keep` tokens of least noise.

    noise: [b, length], in place of the uniform noise drawn from `key`. Raises ValueError unless 1 <= keep < length.
    """
    if not 1 <= keep < length:
        raise ValueError(f"cannot keep {keep} of {length} tokens; keep at least 1 and hide at least 1")
    noise = jax.random.uniform(key, (b, length)) if noise is None else noise
    order = jnp.argsort(noise, 1).astype(jnp.int32)
    restore = jnp.argsort(order, 1).astype(jnp.int32)
    return Mask(order[:, :keep], order[:, keep:], restore, restore >= keep)


def take(tokens: Array, positions: Array) -> Array:
    """The tokens at `positions`: [b, l, d], int [b, k] -> [b, k, d]."""
    return jnp.take_along_axis(tokens, positions[..., None], 1)
