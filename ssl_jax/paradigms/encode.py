"""Views through a net, example-major: [b, v, ...] -> [b, v, ...]. Merging and splitting axis 0 is free on any mesh."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Criterion, Key, Net, Place, Placement, Tree

CROPS = ("global", "local")
"""The groups of crops in order: the first holds the full-size views, which teachers see."""


def placement(criterion: Criterion) -> Placement:
    """What a criterion says of its state, for the paradigms that keep this under "criterion" of the method state."""
    return tuple((f"method_state/criterion/{path}", axes) for path, axes in criterion.placement)


def crops(batch: dict) -> list[Array]:
    """The groups of crops that the batch has, the full-size one first. Raises ValueError if there is none."""
    if CROPS[0] not in batch:
        raise ValueError(f"the method wants views of group '{CROPS[0]}', the recipe makes only {sorted(batch)}")
    return [batch[name] for name in CROPS if name in batch]


def full_size(batch: dict) -> Array:
    """The full-size crops of a method that takes no others. Raises ValueError where the batch has others."""
    first, *others = crops(batch)
    if others:
        raise ValueError(f"the method never looks at views of group '{CROPS[1]}'; take them out of the recipe's views")
    return first


def joint(
    net: Net, params: Tree, stats: Tree, views: Array, *, train: bool, key: Key | None = None, **options
) -> tuple[Tree, Tree]:
    """All views in one batch, so that they share one set of batch statistics: SimCLR, SwAV, DINO."""
    b, v = views.shape[:2]
    y, stats = net.apply(params, stats, views.reshape(b * v, *views.shape[2:]), train=train, key=key, **options)
    return jax.tree.map(lambda a: a.reshape(b, v, *a.shape[1:]), y), stats


def each(
    net: Net, params: Tree, stats: Tree, views: Array, *, train: bool, key: Key | None = None, **options
) -> tuple[Tree, Tree]:
    """One pass a view, each with batch statistics of its own: BYOL, SimSiam, Barlow Twins, VICReg, MoCo."""
    ys = []
    for i in range(views.shape[1]):
        view_key = None if key is None else jax.random.fold_in(key, i)
        y, stats = net.apply(params, stats, views[:, i], train=train, key=view_key, **options)
        ys.append(y)
    return jax.tree.map(lambda *a: jnp.stack(a, 1), *ys), stats


def groups(
    encode: Callable, net: Net, params: Tree, stats: Tree, crops: list, *, train: bool, key: Key | None = None
) -> tuple[Array, Tree]:
    """Each group of crops through the net in turn, results side by side on the view axis."""
    ys = []
    for i, views in enumerate(crops):
        group_key = None if key is None else jax.random.fold_in(key, i)
        y, stats = encode(net, params, stats, views, train=train, key=group_key)
        ys.append(y["pool"])
    return jnp.concatenate(ys, 1), stats


def in_place(key: Key, views: Array) -> tuple[Array, Callable]:
    """The batch in its own order: (views, undo). The default arrangement of a teacher's batch."""
    return views, lambda y: y


def shuffled(key: Key, views: Array) -> tuple[Array, Callable]:
    """The batch in random order, and the way back: with batch norm over groups this is MoCo's shuffle-BN.

    Keys must not share their groups with their queries, or the statistics give the pairs away.
    """
    order = jax.random.permutation(key, views.shape[0])
    return views[order], lambda y: y[jnp.argsort(order)]


def init_chain(key: Key, x: Array, **nets: Net) -> tuple[dict, dict]:
    """Parameters and statistics of nets that feed each other, in order; an encoder hands on its `pool`."""
    params, stats = {}, {}
    for name, net in nets.items():
        key, own = jax.random.split(key)
        params[name], stats[name] = net.init(own, x)
        y, _ = jax.eval_shape(lambda p, s, x, n=net: n.apply(p, s, x, train=False), params[name], stats[name], x)
        y = y["pool"] if isinstance(y, dict) else y
        x = jnp.zeros(y.shape, y.dtype)
    return params, stats


def embedder(encoder: Net) -> Callable:
    """The `embed` of a method whose encoder lies at params['encoder'], statistics at state['stats']['encoder']."""

    def embed(params: Tree, state: Tree, images: Array) -> dict:
        y, _ = encoder.apply(params["encoder"], state["stats"]["encoder"], images, train=False)
        return y

    return embed


ENCODER = Place(("params", "encoder"), ("method_state", "stats", "encoder"))
"""Where `embedder` finds it."""
