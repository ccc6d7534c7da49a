"""Weights by the names and axes that other libraries give them, in both directions.

"Own" weights are flat: {"stem/conv/kernel": array, "stem/norm/mean": array, "blocks/0/attn/qkv/kernel": array, ...},
parameters and batch statistics together, one entry a layer where the network stacks its layers.
"""

import math
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from ssl_jax.checks import spelling
from ssl_jax.nets import positions as grids
from ssl_jax.types import Tree

Flat = dict[str, np.ndarray]
STATISTICS = ("mean", "var")
"""What batch statistics end with; nothing among the parameters does."""
FIXED = "{} cannot be: the recipe's network has fixed values there, and the file has others"


class Layout(NamedTuple):
    """How one library names the weights of one kind of network.

    rules: (pattern, replacement) pairs for `re.sub`, applied in order to an own name; "/" then becomes ".".
    split: (pattern, three replacements) for what is fused here and is three arrays there, or None.
    prepare: (own, fixed positions or None) -> own, what is no matter of names, before the naming; undo: its reverse.
    constant: names -> arrays that the library wants besides, which say nothing.
    torch: dots in the names, and outputs first in the axes of kernels; else both are as here.
    inside: what all names begin with, in a file or in that of a larger model.
    """

    rules: tuple[tuple[str, str], ...]
    split: tuple[str, tuple[str, str, str]] | None = None
    prepare: Callable = lambda own, positions: own
    undo: Callable = lambda own: own
    constant: Callable[[Flat], Flat] = lambda theirs: {}
    torch: bool = True
    inside: str = ""


def stacked(params: Tree, stats: Tree) -> Flat:
    """Own weights as the network has them, where an array may be of all its layers."""
    return {**dict(_leaves(params)), **dict(_leaves(stats))}


def flat(params: Tree, stats: Tree) -> Flat:
    """Own weights out of a network's parameters and statistics."""
    out = {}
    for name, value in stacked(params, stats).items():
        if name.startswith("blocks/"):
            out |= {f"blocks/{i}/{name.removeprefix('blocks/')}": one for i, one in enumerate(value)}
        else:
            out[name] = value
    return out


def nested(own: Flat) -> tuple[Tree, Tree]:
    """(parameters, statistics) as the network wants them: the reverse of `flat`, and of `stacked`, traced or not.

    `own` is empty afterwards, so that the layers need not lie in memory twice.
    """
    places: dict[str, dict[int, str]] = {}
    for name in own:
        layer = re.fullmatch(r"blocks/(\d+)/(.+)", name)
        places.setdefault(f"blocks/{layer[2]}" if layer else name, {})[int(layer[1]) if layer else -1] = name
    trees: tuple[dict, dict] = {}, {}
    for name, parts in places.items():
        value = own.pop(name) if -1 in parts else np.stack([own.pop(parts[i]) for i in range(len(parts))])
        *folders, leaf = name.split("/")
        place = trees[leaf in STATISTICS]
        for folder in folders:
            place = place.setdefault(folder, {})
        place[leaf] = value
    return trees


def exported(own: Flat, layout: Layout, positions: np.ndarray | None = None) -> Flat:
    """Own weights -> the library's. positions: fixed ones [l, d] of a vision transformer that has no learned ones."""
    out: Flat = {}
    for name, value in layout.prepare(own, positions).items():
        theirs = names(name, layout)
        value = np.ascontiguousarray(value.transpose(axes(name, value.ndim, layout)))
        out |= dict(zip(theirs, np.split(value, len(theirs)), strict=True))
    return out | layout.constant(out)


def imported(
    theirs: Flat,
    layout: Layout,
    wanted: Flat,
    positions: np.ndarray | None = None,
    adapt: Callable = lambda name, value, shape: value,
) -> Flat:
    """The library's weights -> own ones, in the names and shapes of `wanted`, whose values are not read.

    adapt: (own name, array, shape that is wanted) -> the array, perhaps in that shape.

    Every array is accounted for: raises ValueError in one sentence for those that are missing, those that have no use,
    those of another shape, and those whose values the network cannot take, since it has fixed ones.
    """
    shapes = layout.prepare(wanted, positions)
    expected = {name: names(name, layout) for name in shapes}
    every = [one for found in expected.values() for one in found]
    missing = [n for n in every if n not in theirs]
    unused = sorted({*theirs} - {*every} - {*layout.constant(dict.fromkeys(every))})
    if missing or unused:
        raise ValueError(unaccounted(missing, unused))
    own, adapted = {}, set()
    for name, found in expected.items():
        value, order = np.concatenate([np.atleast_1d(theirs[n]) for n in found]), axes(name, shapes[name].ndim, layout)
        if value.ndim != len(order):
            raise ValueError(f"{found[0]} is {list(value.shape)}, and the recipe's network wants {len(order)} axes")
        value = value.transpose(np.argsort(order))
        own[name] = np.ascontiguousarray(adapt(name, value, shapes[name].shape))
        if own[name].shape != value.shape:
            adapted |= {*found}
            if name not in wanted and not _fixed(value):
                raise ValueError(FIXED.format(found[0]))
        if own[name].shape != shapes[name].shape:
            there = [shapes[name].shape[i] for i in order]
            raise ValueError(f"{found[0]} is {[value.shape[i] for i in order]}, and the recipe's network wants {there}")
    own = {name: value for name, value in layout.undo(own).items() if name in wanted}
    again = exported(own, layout, positions)
    for name in every:
        if name in again and name not in adapted and not np.allclose(again[name], theirs[name], atol=1e-5):
            raise ValueError(FIXED.format(name))
    return own


def _fixed(places: np.ndarray) -> bool:
    """Whether positions [..., n + h w, d] are the fixed ones of their own grid, with zeros for n tokens in front."""
    side, (count, width) = math.isqrt(places.shape[-2]), places.shape[-2:]
    front = np.zeros((count - side**2, width))
    return bool(np.allclose(places, np.concatenate([front, grids.sincos(side, side, width)]), atol=1e-5))


def unaccounted(missing: list[str], unused: list[str]) -> str:
    """One sentence about names that do not fit together, each with the nearest one on the other side."""
    parts = []
    for what, ones, others in (("missing", missing, unused), ("without use", unused, missing)):
        if ones:
            told = ", ".join(one + _perhaps(one, others) for one in ones[:5])
            parts.append(f"{len(ones)} {what}: {told}{', …' if len(ones) > 5 else ''}")
    return f"the weights are not those of the recipe's network; {'; '.join(parts)}"


def _perhaps(one: str, others: list[str]) -> str:
    near = spelling.near(one, others, few=1)
    return f" (perhaps {near[0]})" if near else ""


def names(own: str, layout: Layout) -> tuple[str, ...]:
    """What the library calls an own array: one name, or three where it splits it."""
    places = [own]
    if layout.split and re.search(layout.split[0], own):
        places = [re.sub(layout.split[0], part, own) for part in layout.split[1]]
    for pattern, replacement in layout.rules:
        places = [re.sub(pattern, replacement, place) for place in places]
    return tuple(place.replace("/", ".") if layout.torch else place for place in places)


def axes(name: str, ndim: int, layout: Layout) -> tuple[int, ...]:
    """The order of an own array's axes in torch's: kernels [h, w, in, out] and [in, out] have the outputs first."""
    if layout.torch and name.endswith("/kernel"):
        return {4: (3, 2, 0, 1), 2: (1, 0)}[ndim]
    return tuple(range(ndim))


def _leaves(tree: Tree, path: tuple[str, ...] = ()) -> Iterable[tuple[str, np.ndarray]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield "/".join((*path, name)), np.asarray(value)
