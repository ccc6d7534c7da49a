"""Features of all examples, a row each, in a bank that lasts as long as the pass."""

from collections.abc import Callable

import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.state import bank
from ssl_jax.types import Examples, Pass


def collecting(embed: Callable, row_of: Callable, finish: Callable, *, examples: Examples, due: Callable) -> Pass:
    """The pass that fills a bank with unit features of the clean images.

    embed: (TrainState, images [b, h, w, c]) -> [b, d]. row_of: (TrainState) -> an array [..., d], of which shape and
    dtype are read. finish: (TrainState, Bank, key) -> TrainState; rows of images that cannot be read are not written.
    """

    def start(state, key):
        like = row_of(state)
        return bank.init(examples, like.shape[-1:], dtype=like.dtype)

    def fold(state, found, batch, key):
        rows = unit(embed(state, batch["clean"][:, 0]))
        return bank.write(found, jnp.where(batch["real"], batch["index"], -1), rows)

    by_row = (("rows", bank.BY_ROW), ("written", bank.BY_ROW))
    return Pass(due, finish, "clean", start, fold, placement=by_row)
