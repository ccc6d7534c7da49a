"""Sequences of codes: which places are corrupted, and how the rest of one is drawn."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key

CORRUPTIONS = ("zero", "bert")


class Corrupted(NamedTuple):
    """codes: int32 [b, l], as the network sees them. hidden: bool [b, l], where it sees none. asked: bool [b, l]."""

    codes: Array
    hidden: Array
    asked: Array


def corrupted(key: Key, codes: Array, count: int, *, share: float, kind: str = "zero") -> Corrupted:
    """Each code of int [b, l] is asked with a chance of `share`.

    kind: "zero" hides all that are asked (iGPT's code); "bert" hides 80 % of them, puts a random one of `count` codes
    in the place of 10 % and leaves 10 % as they are (arXiv:1810.04805, section 3.1).
    """
    where, how, which = jax.random.split(key, 3)
    asked = jax.random.uniform(where, codes.shape) < share
    if kind == "zero":
        return Corrupted(codes, asked, asked)
    draws = jax.random.uniform(how, codes.shape)
    random = jax.random.randint(which, codes.shape, 0, count, codes.dtype)
    return Corrupted(jnp.where(asked & (draws >= 0.9), random, codes), asked & (draws < 0.8), asked)


def corrupting(share: float, kind: str) -> Callable[[Key, Array, int], Corrupted]:
    """`corrupted` as a function of key, codes and their number."""
    return lambda key, codes, count: corrupted(key, codes, count, share=share, kind=kind)


def completed(
    logits_of: Callable[[Array], Array], codes: Array, start: int, key: Key, *, temperature: float = 1.0
) -> Array:
    """The sequences int [b, l] with all from place `start` on drawn anew, one after the other.

    logits_of: codes [b, l] -> [b, l, k], of which those of a place depend on the places before it alone. temperature: 0
    takes the most probable.
    """

    def draw(codes: Array, place: Array) -> tuple[Array, None]:
        logits = jnp.take(logits_of(codes), place, axis=1)
        drawn = jax.random.categorical(jax.random.fold_in(key, place), logits / temperature) if temperature else None
        new = jnp.argmax(logits, -1) if drawn is None else drawn
        return codes.at[:, place].set(new.astype(codes.dtype)), None

    return jax.lax.scan(draw, codes, jnp.arange(start, codes.shape[1], dtype=jnp.int32))[0]
