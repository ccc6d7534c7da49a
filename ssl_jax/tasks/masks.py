"""Which tokens of an example are seen and which are hidden."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key


class Mask(NamedTuple):
    """A split of l tokens into k kept and l - k hidden ones, for each example.

    keep: int32 [b, k], positions of the kept tokens. hide: int32 [b, l - k], positions of the hidden ones.
    restore: int32 [b, l]; tokens in the order keep, hide go back to their places by taking them at `restore`.
    hidden: bool [b, l].
    """

    keep: Array
    hide: Array
    restore: Array
    hidden: Array


def random(key: Key, b: int, length: int, keep: int, *, noise: Array | None = None) -> Mask:
    """MAE's mask (arXiv:2111.06377, section 3 and code): each example keeps the `keep` tokens of least noise.

    noise: [b, length], in place of the uniform noise drawn from `key`. Raises ValueError unless 1 <= keep < length.
    """
    if not 1 <= keep < length:
        raise ValueError(f"cannot keep {keep} of {length} tokens; keep at least 1 and hide at least 1")
    noise = jax.random.uniform(key, (b, length)) if noise is None else noise
    order = jnp.argsort(noise, 1).astype(jnp.int32)
    restore = jnp.argsort(order, 1).astype(jnp.int32)
    return Mask(order[:, :keep], order[:, keep:], restore, restore >= keep)


def scattered(key: Key, grid: tuple[int, int], ratio: Array, *, draws: Array | None = None) -> Array:
    """Hides int(ratio l) of the l patches of a grid, each as likely as any other (iBOT, arXiv:2111.07832; code "rand").

    ratio: scalar, 0..1. draws: [l], in place of the uniform noise drawn from `key`. Returns bool [l].
    """
    length = grid[0] * grid[1]
    noise = jax.random.uniform(key, (length,)) if draws is None else draws
    rank = jnp.argsort(jnp.argsort(noise))
    return rank < jnp.floor(jnp.asarray(ratio) * length).astype(rank.dtype)


def dropping(share: float) -> Callable[..., Array] | None:
    """The function (key, b, v, l) -> int32 [b, v, k], the patches that stay: k = floor(l (1 - share)), the same ones of
    all images (MSN, arXiv:2204.07141, code). None where none is dropped.
    """

    def keep(key: Key, b: int, v: int, length: int) -> Array:
        if not (count := math.floor(length * (1 - share))):
            raise ValueError(f"of {length} patches none is left without a share of {share}; drop fewer")
        kept = jax.random.permutation(key, length)[:count].astype(jnp.int32)
        return jnp.broadcast_to(kept[None, None], (b, v, count))

    return keep if share else None


TRIES, IN_A_ROW = 64, 10
"""Blocks that are drawn for one image, and failures after which it has no more."""
ASPECT = 0.3
"""The flattest block, and its inverse the steepest one."""


def blocks(key: Key, grid: tuple[int, int], ratio: Array, *, draws: Array | None = None) -> Array:
    """Hides blocks of patches of a grid until no more fit into the ratio (BEiT, arXiv:2106.08254, algorithm 1).

    As iBOT's code draws them (arXiv:2111.07832, section 4.1): the area is uniform between (min(rows, columns) // 3)^2
    and what is left of ratio * l, the aspect log-uniform in 0.3..1/0.3, the place uniform; a block counts if it is
    smaller than the grid on both sides and hides at least one patch more and at most what is left. It ends after
    `IN_A_ROW` that do not count, here also after `TRIES`. ratio: scalar, 0..1. draws: [TRIES, 4], in place of the
    uniform numbers drawn from `key`. Returns bool [l] in row-major order.
    """
    rows, columns = grid
    least, most = float((min(grid) // 3) ** 2), jnp.asarray(ratio) * (rows * columns)
    draws = (jax.random.uniform(key, (TRIES, 4)) if draws is None else draws).astype(most.dtype)
    row, column = jnp.arange(rows, dtype=jnp.int32)[:, None], jnp.arange(columns, dtype=jnp.int32)[None]

    def tried(carry: tuple[Array, Array], draw: Array) -> tuple[tuple[Array, Array], None]:
        hidden, failures = carry
        left = most - jnp.sum(hidden).astype(most.dtype)
        area = least + draw[0] * (left - least)
        aspect = jnp.exp(math.log(ASPECT) * (1 - 2 * draw[1]))
        h, w = (jnp.round(jnp.sqrt(jnp.maximum(a, 0))).astype(jnp.int32) for a in (area * aspect, area / aspect))
        top = jnp.floor(draw[2] * (rows - h + 1).astype(draw.dtype)).astype(jnp.int32)
        side = jnp.floor(draw[3] * (columns - w + 1).astype(draw.dtype)).astype(jnp.int32)
        block = (row >= top) & (row < top + h) & (column >= side) & (column < side + w)
        more = jnp.sum(block & ~hidden)
        counts = (h < rows) & (w < columns) & (more > 0) & (more.astype(left.dtype) <= left) & (failures < IN_A_ROW)
        return (hidden | (block & counts), jnp.where(counts, 0, failures + 1)), None

    (hidden, _), _ = jax.lax.scan(tried, (jnp.zeros(grid, bool), jnp.zeros((), jnp.int32)), draws)
    return hidden.reshape(-1)


SHAPES = {"block": blocks, "random": scattered}
"""How the hidden patches of an image lie, by the names of recipes."""


def now_and_then(share: float, ratio: tuple[float, float], shape: str) -> Callable[..., Array]:
    """The function (key, b, v, grid) -> bool [b, v, l] that hides patches of a `share` of the views (iBOT's code).

    ratio: from which the hidden part of such a view is drawn, uniformly. shape: one of SHAPES. Raises ValueError for
    another, and for a ratio that does not rise within 0..1.
    """
    _check_shape(shape, ratio)

    def one(key: Key, grid: tuple[int, int]) -> Array:
        which, how, where = jax.random.split(key, 3)
        part = jax.random.uniform(how, (), jnp.float32, *ratio)
        return SHAPES[shape](where, grid, jnp.where(jax.random.uniform(which) < share, part, 0))

    def hide(key: Key, b: int, v: int, grid: tuple[int, int]) -> Array:
        return jax.vmap(jax.vmap(lambda key: one(key, grid)))(jax.random.split(key, (b, v)))

    return hide


class HiddenPatches(NamedTuple):
    """The hidden patches of groups of g examples each, b / g groups, as lists of one length, s for each example.

    at: int32 [b / g, g s], places among the g v l patches of the group. real: bool [b, s], the entries that are hidden
    patches; the others fill the list up. count: int32 [b, s], how many patches the view hides that the entry is of.
    """

    at: Array
    real: Array
    count: Array

    def of(self, patches: Array) -> Array:
        """[b, v, l, d] -> [b, 1, s, d], the listed ones; a device that has whole groups asks no other for any."""
        rows = patches.reshape(len(self.at), -1, patches.shape[-1])
        return take(rows, self.at).reshape(len(patches), 1, -1, patches.shape[-1])


class Hiding(NamedTuple):
    """hide: (key, b, v, grid) -> bool [b, v, l], the hidden patches. listed: these -> HiddenPatches, all of them."""

    hide: Callable[..., Array]
    listed: Callable[[Array], HiddenPatches]


def evenly(share: float, ratio: tuple[float, float], *, among: int, shape: str = "block") -> Hiding:
    """Hides patches of int(share g v) of the v views of each g examples (DINOv2, arXiv:2304.07193, code).

    ratio: the n views are drawn at random, and the i-th hides a part between the i-th and the next of n + 1 even steps
    from the first to the second, so that what a group hides has a bound: the length of its list. among: g, one GPU's
    examples in the code; where the batch is no multiple of it, their greatest common divisor. shape: one of SHAPES.
    Raises ValueError for another, for no examples, and (when called) where a share above 0 hides patches of no view.
    """
    _check_shape(shape, ratio)
    if among < 1:
        raise ValueError(f"masks are spread among {among} examples; give 1 or more, a divisor of the batch")
    low, high = ratio

    def sizes(b: int, v: int) -> tuple[int, int]:
        """Examples of a group, and how many of its views hide patches."""
        group = math.gcd(b, among)
        if share and not int(share * group * v):
            raise ValueError(
                f"of the {group * v} views of {group} examples a share of {share} is none; hide patches of a larger "
                f"share, or draw it among more than {among} examples, a divisor of the batch"
            )
        return group, int(share * group * v)

    def hide(key: Key, b: int, v: int, grid: tuple[int, int]) -> Array:
        group, count = sizes(b, v)

        def one(key: Key) -> Array:
            which, how, where = jax.random.split(key, 3)
            rank = jax.random.permutation(which, group * v)
            within = (rank.astype(jnp.float32) + jax.random.uniform(how, (group * v,), jnp.float32)) / max(count, 1)
            parts = jnp.where(rank < count, low + (high - low) * within, 0)
            return jax.vmap(lambda key, part: SHAPES[shape](key, grid, part))(jax.random.split(where, group * v), parts)

        return jax.vmap(one)(jax.random.split(key, b // group)).reshape(b, v, -1)

    def listed(hidden: Array) -> HiddenPatches:
        b, v, length = hidden.shape
        group, count = sizes(b, v)
        # a thousandth more, as the parts are float32
        most = sum(int(length * (low + (high - low) * (i + 1) / count) + 1e-3) for i in range(count))
        rows = hidden.reshape(b // group, -1)
        at = jnp.argsort(~rows, 1, stable=True)[:, : group * max(1, -(-most // group))].astype(jnp.int32)
        counts = take(jnp.sum(hidden, -1, dtype=jnp.int32).reshape(b // group, -1), at // length)
        return HiddenPatches(at, *(a.reshape(b, -1) for a in (take(rows, at), counts)))

    return Hiding(hide, listed)


def so_many(count: int, *, shape: str = "block") -> Callable[..., Array]:
    """The function (key, b, v, grid) -> bool [b, v, l] that hides up to `count` patches of every view (BEiT's code).

    Blocks end where no more of them fits, which is often a few patches before: of 14 x 14 patches and 75 to hide, 64 to
    75 are hidden and 74.5 on average. shape: one of SHAPES. Raises ValueError for another, and (when called) for a
    count that leaves nothing to see.
    """
    _check_shape(shape, (0, 1))

    def hide(key: Key, b: int, v: int, grid: tuple[int, int]) -> Array:
        length = grid[0] * grid[1]
        if not 0 < count < length:
            raise ValueError(f"cannot hide {count} of {length} patches; hide at least 1 and leave at least 1 to see")
        ratio = count * (1 + 1e-6) / length  # so that float32 does not round the last patch away
        return now_and_then(1.0, (ratio, ratio), shape)(key, b, v, grid)

    return hide


def _check_shape(shape: str, ratio: tuple[float, float]) -> None:
    if shape not in SHAPES:
        raise ValueError(f"patches are hidden in the shape '{shape}'; the shapes are {', '.join(SHAPES)}")
    if not 0 <= ratio[0] <= ratio[1] <= 1:
        raise ValueError(
            f"the hidden part of an image is drawn from {tuple(ratio)}; give two numbers that rise in 0..1"
        )


def take(tokens: Array, positions: Array) -> Array:
    """The tokens at `positions`: [b, l, ...], int [b, k] -> [b, k, ...]."""
    return jnp.take_along_axis(tokens, positions.reshape(*positions.shape, *(1,) * (tokens.ndim - 2)), 1)
