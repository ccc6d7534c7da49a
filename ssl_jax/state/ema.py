"""An average of one's own past, over trees of arrays."""

import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen
from ssl_jax.types import Array, Tree


def start(tree: Tree) -> Tree:
    """A copy in at least float32, in buffers of its own, so that the original may be donated.

    In bfloat16 a step of 0.004 of a small difference rounds to nothing and the average stands still.
    """
    return jax.tree.map(lambda x: jnp.array(widen(x), copy=True), tree)


def toward(old: Tree, new: Tree, decay: float | Array) -> Tree:
    """decay * old + (1 - decay) * new, leaf by leaf: `decay` is what survives, 0..1 (arXiv:2006.07733, eq. 1).

    At 1 the result is `old`, at 0 it is `new`, to the bit.
    """

    def leaf(old, new):
        old = widen(old)
        keep = jnp.asarray(decay, old.dtype)
        return keep * old + (1 - keep) * new.astype(old.dtype)

    return jax.tree.map(leaf, old, new)
