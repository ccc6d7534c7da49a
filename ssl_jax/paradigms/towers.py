"""Several networks, one a part of an example, meet in one space: CLIP, and relatives such as CMC, BraVe and SLidR."""

import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Place, Seen, Tree


class Tower(NamedTuple):
    """One of the networks: views -> encoder -> projector.

    net: the role of the encoder among the recipe's nets. group: the views that it sees in training. part: of an
    example that `embed` is given, such as "image" or "text".
    through: `encode.joint` or `encode.each`, which of its views share batch statistics.
    """

    encoder: Net
    projector: Net
    net: str
    group: str
    part: str
    through: Callable = encode.joint


def towers(parts: dict[str, Tower], criterion: Criterion) -> Method:
    """Each tower sees its own views; the criterion sees all projections, {tower: [b, v, d]}, as the student's side.

    There is no teacher's side: {}. Parameters and statistics lie under the names of the towers. Features for probes and
    monitors are those of the first tower's first view; metrics tell how the first views of each two towers agree.
    embed: {part: inputs} -> what the encoder of the first tower whose part is given makes of it, and beside that the
    projections of all whose part is given, "projection/NAME" [b, d].
    """
    names = tuple(parts)
    if len(names) < 2:
        raise ValueError("towers are compared with each other; give two or more")

    def project(name: str, params: Tree, stats: Tree, views: Array, *, train: bool, key: Key | None = None):
        tower, new = parts[name], {}
        y, new["encoder"] = tower.through(
            tower.encoder, params["encoder"], stats["encoder"], views, train=train, key=key
        )
        z, new["projector"] = tower.through(
            tower.projector, params["projector"], stats["projector"], y["pool"], train=train
        )
        return y, z, new

    def forward(params: Tree, stats: Tree, batch: dict, key: Key | None):
        h, z, new = {}, {}, {}
        for number, name in enumerate(names):
            own = None if key is None else jax.random.fold_in(key, number)
            y, z[name], new[name] = project(name, params[name], stats[name], seen_by(name, batch), train=True, key=own)
            h[name] = y["pool"]
        return h, z, new

    def seen_by(name: str, batch: dict) -> Array:
        if (group := parts[name].group) not in batch:
            raise ValueError(f"the tower '{name}' wants views of group '{group}', the recipe makes {sorted(batch)}")
        return batch[group]

    def facts(batch: dict) -> dict:
        return {name: value for name, value in batch.items() if name not in {tower.group for tower in parts.values()}}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        criterion_key, *keys = jax.random.split(key, len(names) + 1)
        params, stats = {}, {}
        for name, own in zip(names, keys, strict=True):
            tower, x = parts[name], seen_by(name, batch)[:, 0]
            params[name], stats[name] = encode.init_chain(own, x, encoder=tower.encoder, projector=tower.projector)
        _, z, _ = jax.eval_shape(lambda p, s: forward(p, s, batch, None), params, stats)
        seen = Seen(z, {}, facts(batch), jnp.zeros((), jnp.int32), criterion_key)
        params["criterion"], state = criterion.init(criterion_key, seen)
        return params, {"stats": stats, "criterion": state}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, criterion_key = jax.random.split(key)
        h, z, stats = forward(params, state["stats"], batch, net_key)
        seen = Seen(z, {}, facts(batch), step, criterion_key)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        metrics = {**agreement({name: rows[:, 0] for name, rows in z.items()}), **metrics}
        return value, jax.lax.stop_gradient(Aux({"stats": stats, "seen": seen}, h[names[0]][:, 0], metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {"stats": carry["stats"], "criterion": criterion.update(state["criterion"], carry["seen"])}

    def embed(params: Tree, state: Tree, inputs: dict[str, Array]) -> dict:
        given = [name for name in names if parts[name].part in inputs]
        if not given:
            wanted = " or ".join(dict.fromkeys(tower.part for tower in parts.values()))
            raise ValueError(f"the encoders take {wanted}, and are given {', '.join(inputs) or 'nothing'}")
        out = {}
        for name in given:
            x = inputs[parts[name].part][:, None]
            y, z, _ = project(name, params[name], state["stats"][name], x, train=False)
            first = jax.tree.map(lambda a: a[:, 0], {**y, f"projection/{name}": z})
            out = {**first, **out}
        return out

    where = {n: (("params", n, "encoder"), ("method_state", "stats", n, "encoder")) for n in names}
    places = {name: Place(parts[name].net, *paths, parts[name].part) for name, paths in where.items()}
    return Method(init, loss, update, embed, places, placement=encode.placement(criterion))


def agreement(z: dict[str, Array]) -> dict[str, Array]:
    """`monitors.matches` of projections {tower: [b, d]}, a mean over each two towers of one width."""
    pairs = [(a, b) for a, b in itertools.combinations(z.values(), 2) if a.shape == b.shape]
    found = [monitors.matches(a, b) for a, b in pairs]
    add = functools.partial(jax.tree.map, lambda *terms: sum(terms) / len(terms))
    return add(*found) if found else {}
