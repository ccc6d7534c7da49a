"""Swin transformers: attention within windows of a map that shrinks from stage to stage.

Parameters: `patch_embed/kernel` [p, p, c, d] and `bias`, `patch_norm`, `mask_token` [1, 1, d]; of each stage
`stageN/blocks/plain/...` and `stageN/blocks/shifted/...`, of which axis 0 is the pair of blocks, named as in
`transformer.py` with `relative_bias` [2 w - 1, 2 w - 1, heads] beside `attn`; `mergeN/norm` and `mergeN/kernel`
[4 d, 2 d]; `norm`.
"""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.norm import LayerNorm
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, divided, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.nets.transformer import Attention, Block, Mlp, kernel_init
from ssl_jax.nets.vit import PatchEmbed, replaced
from ssl_jax.types import Array, Net

Variant = tuple[int, tuple[int, ...], tuple[int, ...]]
VARIANTS: dict[str, Variant] = {
    "T": (96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "S": (96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "B": (128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "L": (192, (2, 2, 18, 2), (6, 12, 24, 48)),
}
"""Width of the first stage, and of each stage the blocks and the heads (arXiv:2103.14030, section 3.3 and code)."""


def swin(
    *,
    variant: str | tuple = "T",
    patch: int = 4,
    window: int = 7,
    drop_path: float = 0.0,
    init_std: float = 0.02,
    mask_token: bool = False,
    eps: float = 1e-5,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """A Swin transformer (arXiv:2103.14030) for [b, h, w, c].

    variant: T, S, B, L; or (width, blocks of each stage, heads of each stage), as in (32, (2, 2), (2, 4)). Blocks come
      in pairs, the second of which has its windows shifted by half of their side. Width doubles from stage to stage.
    window: tokens of a window's side. A map that is no larger than a window is one window, of the map's size.
    drop_path: rate of the last block, rising linearly from 0; needs train=True and a key. init_std: of all matrices.
    mask_token: one that can stand for patches, from a normal of 0.02, behind their norm (SimMIM, arXiv:2111.09886).
    remat: recomputes a pair of blocks backward; values do not depend on it.

    apply takes hidden=None or bool [b, (h / patch) (w / patch)], the patches that are the mask token instead. It gives
    {"pool": [b, d], "tokens": [b, l, d], "maps": {"stage1": [b, h / patch, w / patch, width], ...}}: tokens are of the
    last stage after the final norm and pool is their mean; maps are of each stage before they are merged; all at least
    float32. Raises ValueError for blocks that are no pairs, and (apply) for an image that patches, windows or merges
    do not divide.
    """
    width, depths, heads = sizes(variant)
    ranges.above_zero(patch=patch, window=window, eps=eps)
    ranges.zero_or_more(init_std=init_std)
    ranges.at_most(MOST, patch=patch, window=window)
    ranges.below_one(drop_path=drop_path)
    rates = tuple(float(rate) for rate in np.linspace(0, drop_path, sum(depths)))
    common = dict(init_std=init_std, eps=eps, dtype=compute_dtype(dtype))
    stage = partial(Stage, window=window, remat=remat, **common)
    stages = tuple(
        partial(stage, heads=heads[i], rates=rates[sum(depths[:i]) : sum(depths[: i + 1])]) for i in range(len(depths))
    )
    return pure(Swin(width, patch, stages, mask_token, **common))


def sizes(variant: str | tuple) -> Variant:
    """(width, blocks, heads) of a name, or the tuple itself; ValueError where it is neither, or blocks are no pairs."""
    if isinstance(variant, str):
        variant = VARIANTS[one_of("swin variant", variant, tuple(VARIANTS))]
    listed = len(variant) == 3 and all(isinstance(each, tuple | list) for each in variant[1:])
    if not listed or not all(isinstance(n, int) for n in (variant[0], *variant[1], *variant[2])):
        raise ValueError(f'variant is {variant!r}; give "B", or (width, blocks of each stage, heads of each stage)')
    width, depths, heads = variant
    if not depths or len(depths) != len(heads):
        raise ValueError(f"a swin has blocks {depths} and heads {heads}; give one number of each for every stage")
    for i, (blocks, number) in enumerate(zip(depths, heads, strict=True)):
        ranges.above_zero(width=width, blocks=blocks, heads=number)
        if blocks % 2:
            raise ValueError(f"stage {i + 1} of a swin has {blocks} blocks; they come in pairs, so give an even number")
        divided("swin stage", width * 2**i, number)
    ranges.at_most(MOST, width=width * 2 ** len(depths))
    ranges.at_most(LAYERS, blocks=sum(depths))
    return width, tuple(depths), tuple(heads)


def windows(x: Array, window: int) -> Array:
    """[b, h, w, d] -> [b (h / window) (w / window), window window, d], rows of windows within an image."""
    b, h, w, d = x.shape
    x = x.reshape(b, h // window, window, w // window, window, d).swapaxes(2, 3)
    return x.reshape(-1, window * window, d)


def unwindowed(x: Array, window: int, h: int, w: int) -> Array:
    """The inverse of `windows`."""
    x = x.reshape(-1, h // window, w // window, window, window, x.shape[-1]).swapaxes(2, 3)
    return x.reshape(-1, h, w, x.shape[-1])


def neighbors(h: int, w: int, window: int, shift: int) -> np.ndarray:
    """bool [windows, l, l]: the pairs of tokens of a shifted window that were neighbors before the map was rolled.

    Rolling by `shift` brings the first rows and columns to the end: within a window they see one another alone.
    """
    rows, columns = (np.repeat([0, 1], [n - shift, shift]) for n in (h, w))
    part = (2 * rows[:, None] + columns[None]).reshape(1, h, w, 1)
    part = windows(part, window)[..., 0]
    return part[:, :, None] == part[:, None]


def between(table: Array, window: int) -> Array:
    """The bias of every pair of tokens of a window, [heads, l, l], l = window^2, query first (arXiv:2103.14030, eq. 4).

    table: [2 w - 1, 2 w - 1, heads], by the query's row less the key's, and the columns likewise, from 1 - w on. Made
    of slices, whose gradient is a sum in a fixed order, where a look-up's is a scatter.
    """

    def by_pairs(table: Array) -> Array:  # [2 w - 1, ...] -> [query, key, ...]
        return jnp.stack([table[i : i + window][::-1] for i in range(window)])

    rows = by_pairs(table).transpose(2, 0, 1, 3)  # [2 w - 1, query row, key row, heads]
    pairs = by_pairs(rows)  # [query column, key column, query row, key row, heads]
    return pairs.transpose(4, 2, 0, 3, 1).reshape(-1, window**2, window**2)


class WindowBlock(Block):
    """A block on [b, h w, d] whose attention stays within windows, with a bias for each distance of two tokens."""

    grid: tuple[int, int]
    window: int
    shift: int

    @nn.compact
    def __call__(self, x: Array, rate: Array) -> Array:
        norm = partial(LayerNorm, self.dtype, self.eps)
        x = x + self._path(self._attended(norm(name="norm1")(x)), rate, "ls1")
        y = Mlp(self.init_std, self.activation, self.dtype, name="mlp")(norm(name="norm2")(x))
        return x + self._path(y, rate, "ls2")

    def _attended(self, x: Array) -> Array:
        (h, w), side, d = self.grid, 2 * self.window - 1, x.shape[-1]
        start, kept = nn.initializers.normal(0.02), parameter_dtype(self.dtype)
        table = self.param("relative_bias", start, (side, side, self.heads), kept)
        x = jnp.roll(x.reshape(-1, h, w, d), (-self.shift, -self.shift), (1, 2))
        x, mask = windows(x, self.window), None
        if self.shift:
            allowed = jnp.asarray(neighbors(h, w, self.window, self.shift))[None, :, None]
            mask = jnp.broadcast_to(allowed, (len(x) // allowed.shape[1], *allowed.shape[1:]))
            mask = mask.reshape(-1, *mask.shape[2:])
        attention = Attention(self.heads, self.init_std, self.dtype, name="attn")
        y, _ = attention(x, mask, between(table, self.window)[None])
        y = unwindowed(y, self.window, h, w)
        return jnp.roll(y, (self.shift, self.shift), (1, 2)).reshape(-1, h * w, d)


class Pair(nn.Module):
    """A block with plain windows and one with shifted windows; the carry of a scan, (x, rates [2]) -> (x, None)."""

    block: dict
    shift: int

    @nn.compact
    def __call__(self, x: Array, rates: Array) -> tuple[Array, None]:
        x = WindowBlock(shift=0, name="plain", **self.block)(x, rates[0])
        return WindowBlock(shift=self.shift, name="shifted", **self.block)(x, rates[1]), None


class Stage(nn.Module):
    """Pairs of blocks under one scan: [b, h, w, d] -> [b, h, w, d]. rates: of the drop path of each block."""

    heads: int
    rates: tuple[float, ...]
    window: int
    init_std: float
    eps: float
    remat: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        _, h, w, d = x.shape
        window = min(self.window, h, w)
        if h % window or w % window:
            raise ValueError(
                f"a map of {h} x {w} tokens cannot be cut into windows of {window} x {window}: "
                "choose an image size or a window so that windows divide the map of every stage"
            )
        block = dict(heads=self.heads, layer_scale=None, init_std=self.init_std, activation="gelu", eps=self.eps)
        block |= dict(dtype=self.dtype, tell=None, grid=(h, w), window=window)
        block |= dict(dropping=train and max(self.rates) > 0 and self.has_rng("dropout"))
        axes = dict(variable_axes={"params": 0}, split_rngs={"params": True, "dropout": True}, in_axes=0)
        pairs = nn.remat(Pair, prevent_cse=False) if self.remat else Pair
        pairs = nn.scan(pairs, length=len(self.rates) // 2, **axes)
        shift = 0 if window == min(h, w) else window // 2  # one window sees all: there is nothing to shift
        rates = jnp.asarray(self.rates, jnp.float32).reshape(-1, 2)
        x, _ = pairs(block, shift, name="blocks")(x.reshape(-1, h * w, d), rates)
        return x.reshape(-1, h, w, d)


class Merge(nn.Module):
    """Squares of 2 x 2 tokens, column by column, as one of twice the width (arXiv:2103.14030, section 3.1; code)."""

    init_std: float
    eps: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        b, h, w, d = x.shape
        if h % 2 or w % 2:
            raise ValueError(f"a map of {h} x {w} tokens cannot be merged by twos: choose another image size or patch")
        x = x.reshape(b, h // 2, 2, w // 2, 2, d).transpose(0, 1, 3, 4, 2, 5).reshape(b, h // 2, w // 2, 4 * d)
        x = LayerNorm(self.dtype, self.eps, name="norm")(x)
        kernel = self.param("kernel", kernel_init(self.init_std), (4 * d, 2 * d), parameter_dtype(self.dtype))
        return x @ kernel.astype(self.dtype)


class Swin(nn.Module):
    """See `swin`."""

    width: int
    patch: int
    stages: tuple[Callable, ...]
    mask_token: bool
    init_std: float
    eps: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool, hidden: Array | None = None) -> dict:
        (h, w), dtype, eps, std = x.shape[1:3], self.dtype, self.eps, self.init_std
        if h % self.patch or w % self.patch:
            raise ValueError(f"an image of {h} x {w} pixels cannot be cut into patches of {self.patch} x {self.patch}")
        x = PatchEmbed(self.width, self.patch, std, dtype, name="patch_embed")(x)
        x = LayerNorm(dtype, eps, name="patch_norm")(x)
        token = None
        if self.mask_token:
            start, shape = nn.initializers.normal(0.02), (1, 1, self.width)
            token = self.param("mask_token", start, shape, parameter_dtype(dtype))
        x = replaced(x, hidden, token).reshape(-1, h // self.patch, w // self.patch, self.width)
        maps = {}
        for i, stage in enumerate(self.stages):
            x = Merge(std, eps, dtype, name=f"merge{i}")(x) if i else x
            x = maps[f"stage{i + 1}"] = stage(name=f"stage{i + 1}")(x, train=train)
        tokens = at_least_float32(LayerNorm(dtype, eps, name="norm")(x)).reshape(x.shape[0], -1, x.shape[-1])
        return {"pool": tokens.mean(1), "tokens": tokens, "maps": {n: at_least_float32(m) for n, m in maps.items()}}
