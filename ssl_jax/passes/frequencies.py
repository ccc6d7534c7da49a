"""How often each of a few classes occurs in all images."""

from collections.abc import Callable

import jax.numpy as jnp

from ssl_jax.types import Array, Pass, Tree

TASK, NAME = "task", "prior"
"""Where shares lie in the method state: [q], in what the task of a pretext method keeps."""


def counting(counts: Callable[[Array], Array], *, due: Callable) -> Pass:
    """The pass that finds the share of each class in all clean images, of sum 1; equal ones where nothing is counted.

    counts: images [b, h, w, c] -> [b, q].
    """

    def start(state, key) -> Tree:
        return jnp.zeros_like(state.method_state[TASK][NAME])

    def fold(state, found, batch, key) -> Tree:
        return found + jnp.sum(counts(batch["clean"][:, 0]) * batch["real"][:, None].astype(found.dtype), 0)

    def finish(state, found, key):
        total = jnp.sum(found)
        shares = jnp.where(total > 0, found / jnp.where(total > 0, total, 1), 1 / found.size)
        held = {**state.method_state[TASK], NAME: shares}
        return state._replace(method_state={**state.method_state, TASK: held})

    return Pass(due, finish, "clean", start, fold)
