"""The passes of a method -> compiled functions."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import rules
from ssl_jax.types import Pass, Tree

KEY = jax.eval_shape(lambda: jax.random.key(0))


class Walk(NamedTuple):
    """A pass on the devices.

    start: (TrainState, key) -> found
    fold: (TrainState, found, batch of integers, key) -> (found, int32 count of rows that were real); uses `found` up
    finish: (TrainState, found, key) -> TrainState; uses the state up
    """

    start: Callable
    fold: Callable | None
    finish: Callable


def build(one: Pass, prepare: Callable | None, mesh: Mesh, jit: Callable, state: Tree, places: Tree) -> Walk:
    """Jits a pass for a mesh.

    prepare: (key, batch of integers) -> batch of floats, for the views that the pass reads. state, places: shapes and
    shardings of a TrainState.
    """
    split, whole = meshes.by_example(mesh), meshes.replicated(mesh)
    found = rules.shardings(mesh, jax.eval_shape(one.start, state, KEY), one.placement)
    start = jit(one.start, in_shardings=(places, whole), out_shardings=found)
    finish = jit(one.finish, in_shardings=(places, found, whole), out_shardings=places, donate_argnums=0)
    if one.views is None:
        return Walk(start, None, finish)

    def fold(state, found, batch, key):
        augment_key, fold_key = jax.random.split(key)
        batch = real_rows(prepare(augment_key, batch))
        return one.fold(state, found, batch, fold_key), jnp.sum(batch["real"], dtype=jnp.int32)

    arguments, results = (places, found, split, whole), (found, whole)
    return Walk(start, jit(fold, in_shardings=arguments, out_shardings=results, donate_argnums=1), finish)


def real_rows(batch: dict) -> dict:
    """The batch with "real" in place of "mask" and "valid": rows that stand for an example that could be read."""
    rest = {name: value for name, value in batch.items() if name not in ("mask", "valid")}
    return {**rest, "real": batch["mask"] & batch["valid"]}
