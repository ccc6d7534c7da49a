"""The device's half of the views: colors, for a whole batch inside the jitted step."""

import functools
from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key, Tree, View
from ssl_jax.views import compose

PEAK = {"uint8": 255.0, "uint16": 65535.0}


def device(views: Iterable[View], *, photometric: str = "device") -> Callable[[Key, Tree], Tree]:
    """(key, {group: integers [b, v, s, s, c], ...}) -> the same with float32 in place of views of images and clips.

    Other entries of the batch pass as they are. Image v of example i draws from `key` folded with i, v and the place
    of the operation, so its colors depend on neither the size of the batch nor the number of devices, nor on what
    other views there are after it.
    photometric: "host" where the host has done all but `normalize` already.
    """
    on_host = compose.checked(photometric)
    plans = {}
    for run in compose.runs(views):
        plans.setdefault(run.group, []).append(_without_colors(run) if on_host else run)

    def augment(key: Key, batch: Tree) -> Tree:
        return {name: _group(key, value, plans[name]) if name in plans else value for name, value in batch.items()}

    return augment


def _without_colors(run: compose.Run) -> compose.Run:
    kept = [i for i, op in enumerate(run.color) if op.name == "normalize"]
    return run._replace(color=tuple(run.color[i] for i in kept), p=tuple(tuple(p[i] for i in kept) for p in run.p))


def _group(key: Key, images: Array, plan: list[compose.Run]) -> Array:
    """[b, v, h, w, c] integers -> float32, each run of views with its own operations; other parts as they are typed."""
    if plan[0].of in compose.PIXELS and images.dtype.name not in PEAK:
        raise ValueError(f"the host's views are {images.dtype.name}, and must be {' or '.join(PEAK)}")
    planned = sum(run.count for run in plan)
    if images.shape[1] != planned:
        raise ValueError(f"group '{plan[0].group}' has {images.shape[1]} views, and the recipe says {planned}")
    done, start = [], 0
    for run in plan:
        part = images[:, start : start + run.count]
        done.append(_run(key, part, run))
        start += run.count
    return done[0] if len(done) == 1 else jnp.concatenate(done, 1)


def _run(key: Key, images: Array, run: compose.Run) -> Array:
    """One image at a time on a CPU, which then skips what an image does not draw; all at once elsewhere."""
    if run.of not in compose.PIXELS and not run.color:
        return images
    b, v = images.shape[:2]
    numbers = run.first + jnp.arange(v)
    keys = jax.vmap(lambda i: jax.vmap(lambda j: jax.random.fold_in(jax.random.fold_in(key, i), j))(numbers))(
        jnp.arange(b)
    )
    chances = jnp.broadcast_to(jnp.array(run.p, jnp.float32).reshape(1, v, -1), (b, v, len(run.color)))
    flat = jax.tree.map(lambda x: x.reshape(b * v, *x.shape[2:]), (keys, chances, images))

    def one(each):
        return _image(*each, run)

    done = jax.lax.platform_dependent(flat, cpu=lambda flat: jax.lax.map(one, flat), default=jax.vmap(one))
    return done.reshape(images.shape)


def _image(key: Key, chances: Array, image: Array, run: compose.Run) -> Array:
    """[h, w, c] integers -> float32 [h, w, c], likewise of a clip; points and series [n, c] stay [n, c]."""
    pixels = run.of in compose.PIXELS
    planes = image
    if pixels:  # the barrier: integers are moved, not the floats that they become
        moved = jax.lax.optimization_barrier(jnp.moveaxis(image, -1, 0))
        planes = moved.astype(jnp.float32) / PEAK[image.dtype.name]
    for place, op in enumerate(run.color):
        p = [chance[place] for chance in run.p]
        if max(p) == 0:
            continue
        drawn, own = jax.random.split(jax.random.fold_in(key, place))
        apply = functools.partial(compose.KINDS[run.of].device[op.name], own, **op.args)
        planes = _perhaps(apply, planes, jax.random.uniform(drawn) < chances[place], certain=min(p) == 1)
    return jnp.moveaxis(planes, 0, -1) if pixels else planes


def _perhaps(apply: Callable, planes: Array, chosen: Array, *, certain: bool) -> Array:
    return apply(planes) if certain else jax.lax.cond(chosen, apply, lambda planes: planes, planes)
