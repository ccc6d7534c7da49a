"""Features of all examples, a row each, in a bank that lasts as long as the pass."""

from collections.abc import Callable

import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import widen
from ssl_jax.state import bank
from ssl_jax.types import Array, Examples, Pass

GROUPS = {"clean": "clean", "train": "global"}
"""Of the views that a pass may read, the group whose first is embedded."""


def collecting(
    embed: Callable,
    row_of: Callable,
    finish: Callable,
    *,
    examples: Examples,
    due: Callable,
    views: str = "clean",
    kept: Callable[[Array], Array] = unit,
) -> Pass:
    """The pass that fills a bank with features of all images, as they are `kept`: unit ones, or `as_they_are`.

    embed: (TrainState, images [b, h, w, c]) -> [b, d]. row_of: (TrainState) -> an array [..., d], of which shape and
    dtype are read. finish: (TrainState, Bank, key) -> TrainState; rows of images that cannot be read are not written.
    views: "clean", or "train", of which the first one is embedded.
    """

    def start(state, key):
        like = row_of(state)
        return bank.init(examples, like.shape[-1:], dtype=like.dtype)

    def fold(state, found, batch, key):
        rows = kept(embed(state, batch[GROUPS[views]][:, 0]))
        return bank.write(found, jnp.where(batch["real"], batch["index"], -1), rows)

    by_row = (("rows", bank.BY_ROW), ("written", bank.BY_ROW))
    return Pass(due, finish, views, start, fold, placement=by_row)


def as_they_are(rows: Array) -> Array:
    """Features [b, d] of any norm, in at least float32."""
    return widen(rows)
