"""Views through a net, example-major: [b, v, ...] -> [b, v, ...]. Merging and splitting axis 0 is free on any mesh.

Views may be trees, of which every array begins with [b, v]; so do the arrays among the options of a net.
"""

import functools
import operator
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.experimental.shard_alike import shard_alike

from ssl_jax.paradigms import chunks
from ssl_jax.types import Array, Criterion, Key, Net, Place, Placement, TrainState, Tree

CROPS = ("global", "local")
"""The groups of crops in order: the first holds the full-size views, which teachers see."""


SAID = {"projector": "projection", "predictor": "prediction", "second_predictor": "second_prediction"}
"""What a criterion knows the outputs of heads by."""
FED = {"projector": "pool", "predictor": SAID["projector"], "second_predictor": SAID["projector"]}
"""The output that each head gets."""
VECTORS = ("pool", "cls")
"""The outputs that are one vector a view."""
GRID = "grid"
"""The name of `grid` among the outputs."""


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


def one_by_one(batch: dict) -> Array:
    """The full-size crops, each an example of its own: [b v, ...]."""
    groups = full_size(batch)
    return groups.reshape(-1, *groups.shape[2:])


def of_first(pool: Array, batch: dict) -> Array:
    """Of the pools [b v, d] of `one_by_one`, what probes see: that of the first view of each example, [b, d]."""
    return pool.reshape(*batch["index"].shape, -1, pool.shape[-1])[:, 0]


def all_to_student(crops: list[Array]) -> tuple[list[Array], Array, int]:
    """The student sees all crops, the teacher the full-size ones, which come first on both sides: BYOL, DINO.

    Returns the student's groups, the teacher's views and how many of the first views are the same crops.
    """
    return crops, crops[0], crops[0].shape[1]


def first_to_teacher(crops: list[Array]) -> tuple[list[Array], Array, int]:
    """The student sees all crops, the teacher the first full-size one alone: SimCLR v2's memory.

    Returns as `all_to_student`.
    """
    return crops, crops[0][:, :1], 1


def apart(crops: list[Array]) -> tuple[list[Array], Array, int]:
    """The teacher sees the last full-size crop alone, and the student all others: MoCo v1 and v2, TiCo, MSN.

    Returns as `all_to_student`. Raises ValueError where nothing is left for the student.
    """
    full, *small = crops
    if full.shape[1] < 2:
        raise ValueError(
            f"the teacher sees the last view of group '{CROPS[0]}' and the student the others, and there is "
            f"{full.shape[1]} of them; raise the views' count to 2"
        )
    return [full[:, :-1], *small], full[:, -1:], 0


def joint(
    net: Net, params: Tree, stats: Tree, views: Tree, *, train: bool, key: Key | None = None, **options
) -> tuple[Tree, Tree]:
    """All views in one batch, so that they share one set of batch statistics: SimCLR, SwAV, DINO."""
    b, v = jax.tree.leaves(views)[0].shape[:2]
    rows, whole = chunks.rows_of((views, options))
    merged, options = whole([a.reshape(b * v, *a.shape[2:]) for a in rows])
    y, stats = net.apply(params, stats, merged, train=train, key=key, **options)
    return jax.tree.map(lambda a: a.reshape(b, v, *a.shape[1:]), y), stats


def each(
    net: Net, params: Tree, stats: Tree, views: Tree, *, train: bool, key: Key | None = None, **options
) -> tuple[Tree, Tree]:
    """One pass a view, each with batch statistics of its own: BYOL, SimSiam, Barlow Twins, VICReg, MoCo."""
    ys = []
    rows, whole = chunks.rows_of((views, options))
    for i in range(jax.tree.leaves(views)[0].shape[1]):
        view_key = None if key is None else jax.random.fold_in(key, i)
        view, own = whole([a[:, i] for a in rows])
        y, stats = net.apply(params, stats, view, train=train, key=view_key, **own)
        ys.append(y)
    return jax.tree.map(lambda *a: jnp.stack(a, 1), *ys), stats


def groups(
    encode: Callable,
    net: Net,
    params: Tree,
    stats: Tree,
    crops: list,
    *,
    train: bool,
    key: Key | None = None,
    outputs: tuple[str, ...] = ("pool",),
    **options,
) -> tuple[dict[str, Tree], Tree]:
    """Each group of crops through the net in turn: {name: [b, v, ...]} of the `outputs`, and statistics.

    What is a vector of each crop, "pool" and "cls", is there of all groups, side by side on the view axis; what lies on
    a grid ("tokens", "maps", `GRID`) of the first group alone, as small crops have other grids. options: of the net,
    for the first group. Raises ValueError for an output that the net has not.
    """
    ys = []
    for i, views in enumerate(crops):
        group_key, own = None if key is None else jax.random.fold_in(key, i), {} if i else options
        y, stats = encode(net, params, stats, views, train=train, key=group_key, **own)
        ys.append({name: _output(y, name) for name in outputs if not i or name in VECTORS})
    return {n: jnp.concatenate([y[n] for y in ys], 1) if n in VECTORS else ys[0][n] for n in outputs}, stats


def _output(y: dict, name: str) -> Tree:
    if name == GRID:
        return grid(y)
    if name not in y:
        raise ValueError(f"the method wants the output '{name}' of the encoder, which has {', '.join(sorted(y))}")
    return y[name]


def grid(y: dict) -> Array:
    """An encoder's features of each place, [..., l, d]: the tokens of patches, or the rows of its last map.

    Raises ValueError for an encoder that has neither.
    """
    if "tokens" in y:
        return y["tokens"]
    if not y.get("maps"):
        raise ValueError(f"the method looks at places of an image, and the encoder has only {', '.join(sorted(y))}")
    last = y["maps"][max(y["maps"], key=lambda name: (len(name), name))]
    return last.reshape(*last.shape[:-3], -1, last.shape[-1])


def places_like(encoder: Net, params: Tree, stats: Tree, x: Tree) -> Array:
    """Zeros in the shape of the `grid` of an encoder's output for x."""
    found = jax.eval_shape(lambda p, s, x: grid(encoder.apply(p, s, x, train=False)[0]), params, stats, x)
    return jnp.zeros(found.shape, found.dtype)


def patches(encoder: Net, params: Tree, stats: Tree, x: Tree) -> int:
    """How many patches of x a vision transformer sees. Raises ValueError for an encoder without any."""
    y = jax.eval_shape(lambda p, s, x: encoder.apply(p, s, x, train=False)[0], params, stats, x)
    if "tokens" not in y:
        raise ValueError(f"the method hides patches, and the encoder has only {', '.join(sorted(y))}: take a vit")
    return y["tokens"].shape[1]


def of_tokens(head: Net) -> Net:
    """A head of vectors as a decoder or a predictor: of every token of an encoder's output."""
    net = everywhere(head)

    def apply(params: Tree, stats: Tree, y: dict, **options):
        return net.apply(params, stats, y["tokens"], **options)

    return Net(lambda key, y: net.init(key, y["tokens"]), apply)


def everywhere(head: Net) -> Net:
    """A head of vectors [n, d] as one of places [n, l, d], which are rows of one batch to it."""

    def flat(x: Array) -> Array:
        return x.reshape(-1, x.shape[-1])

    def apply(params: Tree, stats: Tree, x: Array, *, train: bool, key: Key | None = None):
        y, stats = head.apply(params, stats, flat(x), train=train, key=key)
        return y.reshape(*x.shape[:-1], y.shape[-1]), stats

    return Net(lambda key, x: head.init(key, flat(x)), apply)


def facts(batch: dict) -> dict:
    """What a criterion may know of a batch: all of it but its crops."""
    return {name: value for name, value in batch.items() if name not in CROPS}


def in_place(key: Key, views: Array) -> tuple[Array, Callable]:
    """The batch in its own order: (views, undo). The default arrangement of a teacher's batch."""
    return views, lambda y: y


def shuffled(key: Key, views: Array) -> tuple[Array, Callable]:
    """The batch in random order, and the way back: with batch norm over groups this is MoCo's shuffle-BN.

    Keys must not share their groups with their queries, or the statistics give the pairs away.
    """
    order = jax.random.permutation(key, views.shape[0])
    # without a word on it the compiler has every device encode the whole batch
    return shard_alike(views[order], views)[0], lambda y: y[jnp.argsort(order)]


def init_chain(key: Key, x: Tree, **nets: Net) -> tuple[dict, dict]:
    """Parameters and statistics of nets that feed each other, in order; an encoder hands on its `pool`."""
    params, stats = {}, {}
    for name, net in nets.items():
        key, own = jax.random.split(key)
        params[name], stats[name] = net.init(own, x)
        y, _ = jax.eval_shape(lambda p, s, x, n=net: n.apply(p, s, x, train=False), params[name], stats[name], x)
        y = y["pool"] if isinstance(y, dict) else y
        x = jnp.zeros(y.shape, y.dtype)
    return params, stats


def first(count: int) -> Net:
    """A head without parameters that hands on the first `count` features (DirectCLR, arXiv:2110.09348, section 6).

    Raises ValueError where there are fewer.
    """

    def init(key: Key, x: Array):
        if x.shape[-1] < count:
            raise ValueError(f"the encoder has {x.shape[-1]} features, fewer than the {count} that the loss reads")
        return {}, {}

    return Net(init, lambda params, stats, x, *, train, key=None: (x[..., :count], stats))


UNCHANGED = Net(lambda key, x: ({}, {}), lambda params, stats, x, *, train, key=None: (x, stats))
"""The head of methods without any."""
ENCODER = Place("encoder", ("params", "encoder"), ("method_state", "stats", "encoder"))
"""Where most methods have theirs."""


def taught(encoder: Net, projector: Net) -> Callable:
    """(TrainState, images [b, h, w, c]) -> [b, d]: the teacher's projection, in evaluation mode."""
    return _projected(encoder, projector, lambda state: (state.method_state["teacher"], "teacher_stats"))


def studied(encoder: Net, projector: Net) -> Callable:
    """(TrainState, images [b, h, w, c]) -> [b, d]: the student's projection, in evaluation mode."""
    return _projected(encoder, projector, lambda state: (state.params, "stats"))


def _projected(encoder: Net, projector: Net, side: Callable) -> Callable:
    def project(state: TrainState, images: Array) -> Array:
        params, name = side(state)
        stats = state.method_state[name]
        y, _ = encoder.apply(params["encoder"], stats["encoder"], images, train=False)
        return projector.apply(params["projector"], stats["projector"], y["pool"], train=False)[0]

    return project


def embedder(encoder: Net, *, place: Place = ENCODER, part: str = "") -> Callable:
    """The `embed` of a method whose encoder lies at `place` of its state and takes this part of an example.

    part: "" is the only one that is shown. Raises ValueError where there are several, or not this one.
    """

    def embed(params: Tree, state: Tree, inputs: dict[str, Array]) -> dict:
        roots = {"params": params, "method_state": state}
        own, stats = (functools.reduce(operator.getitem, path, roots) for path in (place.params, place.stats))
        if part not in inputs and (part or len(inputs) != 1):
            raise ValueError(f"the encoder takes {part or 'one part of an example'}, and is shown {', '.join(inputs)}")
        return encoder.apply(own, stats, inputs[part or next(iter(inputs))], train=False)[0]

    return embed
