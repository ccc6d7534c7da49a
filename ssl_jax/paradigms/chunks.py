"""A batch that is larger than memory: the network meets it in parts, the loss as a whole."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from ssl_jax.types import Array, Key, Net, Tree


def made(make: Callable[..., Net], options: dict, count: int) -> Net:
    """make(**options), in `count` chunks where that is more than one; `options` may have the `groups` of batch norm."""
    if count == 1:
        return make(**options)
    groups = options.get("groups", 1)
    own = {"groups": max(groups // count, 1)} if "groups" in options else {}
    return chunked(make(**{**options, **own}), count, groups=groups)


def chunked(net: Net, count: int, *, groups: int = 1) -> Net:
    """`net`, which in training meets the rows of its batch in `count` chunks, one after the other.

    The forward pass of a chunk is computed again in the backward pass, so that only inputs and outputs of the whole
    batch are kept, and the activations of one chunk. Values and gradients are those of the whole batch, for any loss
    upon the outputs, negatives included: gradient caching (arXiv:2101.06983, section 3.2) as a scan. Draws of drop path
    and dropout differ from chunk to chunk.

    groups: of the whole batch, for batch norm; `net` itself has `groups` / `count` of them, and chunks get whole ones.
    Chunks take turns through the batch: where the groups are a multiple of count x devices, or there is no batch norm,
    every device has its share of each chunk. What of the inputs and of the options is an array has a row an example,
    at any depth of a tree, and is cut likewise.

    Raises ValueError for a net with batch statistics whose groups the chunks would cut, and rows that cannot be cut.
    """

    def init(key: Key, x: Tree, **options):
        params, stats = net.init(key, x, **options)
        if jax.tree.leaves(stats) and groups % count:
            raise ValueError(
                f"{count} chunks would cut the statistics of batch norm over {groups} groups of the batch: take a "
                f"multiple of {count} as its groups, or a network without batch norm"
            )
        return params, stats

    def apply(params: Tree, stats: Tree, x: Tree, *, train: bool, key: Key | None = None, **options):
        if not train:
            return net.apply(params, stats, x, train=False, key=key, **options)
        rows, whole = rows_of(options)
        turns = _turns(len(jax.tree.leaves(x)[0]), count, groups)

        @partial(jax.checkpoint, prevent_cse=False)
        def one(params, number, part):
            x, rows = part
            own = None if key is None else jax.random.fold_in(key, number)
            return net.apply(params, stats, x, train=True, key=own, **whole(rows))

        def body(number, part):
            return number + 1, one(params, number, part)

        _, (y, new) = jax.lax.scan(body, 0, jax.tree.map(lambda a: _cut(a, count, turns), (x, rows)))
        # Each chunk moved the same running statistics; the mean of these is how the whole batch would move them.
        return jax.tree.map(lambda a: _joined(a, turns), y), jax.tree.map(lambda a: a.mean(0), new)

    return Net(init, apply)


def rows_of(tree: Tree) -> tuple[list[Array], Callable]:
    """The leaves of a tree that have rows, arrays with an axis, and the way back from others in their place."""
    leaves, form = jax.tree.flatten(tree)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, jax.Array | np.ndarray) and leaf.ndim]

    def whole(rows: list[Array]) -> Tree:
        found = dict(zip(places, rows, strict=True))
        return form.unflatten(found.get(i, leaf) for i, leaf in enumerate(leaves))

    return [leaves[i] for i in places], whole


def _turns(rows: int, count: int, groups: int) -> int:
    """How many blocks of rows each chunk has; a block is one row, or one group of batch norm."""
    if rows % count or rows % groups:
        raise ValueError(f"{rows} rows (examples x views) cannot be cut into {count} chunks and {groups} groups")
    return rows // count if groups == 1 else groups // count


def _cut(a: Array, count: int, turns: int) -> Array:
    """[n, ...] -> [count, n / count, ...]."""
    a = a.reshape(turns, count, -1, *a.shape[1:])
    return a.swapaxes(0, 1).reshape(count, -1, *a.shape[3:])


def _joined(a: Array, turns: int) -> Array:
    """[count, n / count, ...] -> [n, ...] in the order before `_cut`."""
    a = a.reshape(a.shape[0], turns, -1, *a.shape[2:])
    return a.swapaxes(0, 1).reshape(-1, *a.shape[3:])
