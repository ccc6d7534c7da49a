"""Point-MAE's encoder and decoder: transformers over patches of a cloud of points [b, n, 3].

Parameters of the encoder: `embed/...`, a small PointNet; `places/fc1`, `places/fc2`, of the centers; `blocks/...`
(stacked, see `transformer.py`); `norm`. Of the decoder: `mask_token` [1, 1, d], `places/...`, `blocks/...`, `norm`,
`pred`.
"""

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.activations import gelu
from ssl_jax.nets.decoders import place
from ssl_jax.nets.norm import BatchNorm, LayerNorm
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, divided, parameter_dtype
from ssl_jax.nets.points import patches as cut
from ssl_jax.nets.pure import pure
from ssl_jax.nets.transformer import Blocks, Dense, kernel_init
from ssl_jax.types import Array, Net

EPS = 1e-5
"""Of the layer norms, as in the code."""


def point_transformer(
    *,
    patches: int = 64,
    points: int = 32,
    width: int = 384,
    layers: int = 12,
    heads: int = 6,
    drop_path: float = 0.0,
    init_std: float | None = 0.02,
    groups: int = 1,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """Point-MAE's encoder (arXiv:2203.06604, section 3; code): a transformer of `patches` of `points` points each.

    A patch is embedded relative to its center by a small PointNet with batch norm in `groups` of the batch; what places
    it is an MLP of its center, added before every block. apply takes keep=None or int32 [b, k], the patches to see:
    nothing that it computes depends on the others. It gives {"pool": [b, 2 d], the mean and the maximum of the tokens,
    "tokens": [b, k, d], "centers": [b, l, 3], "patches": [b, l, points, 3], relative to the centers}, the last two of
    all patches, at least float32.

    The code embeds hidden patches, too, so that they have a part in the batch statistics; its queries, keys and values
    have no biases. Raises ValueError for sizes that cannot be, and (apply) what is no cloud or has too few points.
    """
    ranges.zero_or_more(**{} if init_std is None else {"init_std": init_std})
    blocks = _blocks(width, layers, heads, drop_path, init_std, scan, remat, dtype)
    ranges.above_zero(patches=patches, points=points, groups=groups)
    ranges.at_most(MOST, patches=patches, points=points, groups=groups)
    return pure(PointTransformer(patches, points, width, blocks, groups, blocks.dtype))


def point_decoder(
    *,
    points: int = 32,
    width: int = 384,
    layers: int = 4,
    heads: int = 6,
    drop_path: float = 0.0,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """Point-MAE's decoder (arXiv:2203.06604, section 3; code): the points of every patch from the tokens of seen ones.

    Its input is the encoder's output as it is. apply(params, stats, x, *, train, keep=None, key=None): keep, int32
    [b, k], the places of the tokens among the patches, as given to the encoder; None where all were seen. It gives
    [b, l, 3 points], relative to the centers, at least float32. It is told the centers of all patches, also of hidden
    ones. Raises ValueError for sizes that cannot be, and (apply) where the encoder has another width.
    """
    blocks = _blocks(width, layers, heads, drop_path, None, scan, remat, dtype)
    ranges.above_zero(points=points)
    ranges.at_most(MOST, points=points)
    return pure(PointDecoder(points, width, blocks, blocks.dtype))


def _blocks(width, layers, heads, drop_path, init_std, scan, remat, dtype) -> Blocks:
    ranges.above_zero(width=width, layers=layers, heads=heads)
    ranges.at_most(MOST, width=width)
    ranges.at_most(LAYERS, layers=layers)
    ranges.below_one(drop_path=drop_path)
    divided("transformer", width, heads)
    compute = compute_dtype(dtype)
    return Blocks(layers, heads, drop_path, None, init_std, scan, remat, eps=EPS, dtype=compute)


class PatchNet(nn.Module):
    """A small PointNet (arXiv:1612.00593): [n, points, 3] -> [n, d], whatever the order of the points."""

    width: int
    groups: int
    init_std: float | None
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        y = self._layer(128, "linear1", bias=False)(x)
        y = nn.relu(BatchNorm(train, self.groups, dtype=self.dtype, name="norm1")(y))
        y = self._layer(256, "linear2", bias=False)(y)
        whole = jnp.broadcast_to(y.max(1, keepdims=True), y.shape)
        y = self._layer(512, "linear3", bias=False)(jnp.concatenate([whole, y], -1))
        y = nn.relu(BatchNorm(train, self.groups, dtype=self.dtype, name="norm2")(y))
        return self._layer(self.width, "linear4", bias=True)(y).max(1)

    def _layer(self, width: int, name: str, *, bias: bool) -> nn.Module:
        """Linear; what the batch norm behind it would take away again is left out."""
        kept = parameter_dtype(self.dtype)
        init = kernel_init(self.init_std)
        return nn.Dense(width, use_bias=bias, kernel_init=init, dtype=self.dtype, param_dtype=kept, name=name)


class Places(nn.Module):
    """An MLP of centers: [b, l, 3] -> [b, l, d]."""

    width: int
    init_std: float | None
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, centers: Array) -> Array:
        init = kernel_init(self.init_std)
        return Dense(self.width, init, self.dtype, name="fc2")(gelu(Dense(128, init, self.dtype, name="fc1")(centers)))


class PointTransformer(nn.Module):
    """See `point_transformer`."""

    patches: int
    points: int
    width: int
    blocks: Blocks
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool, keep: Array | None = None) -> dict:
        centers, patches = cut(at_least_float32(x), self.patches, self.points)
        seen, where = patches, centers
        if keep is not None:
            seen = jnp.take_along_axis(patches, keep[..., None, None], 1)
            where = jnp.take_along_axis(centers, keep[..., None], 1)
        rows = seen.reshape(-1, self.points, 3)
        tokens = PatchNet(self.width, self.groups, self.blocks.init_std, self.dtype, name="embed")(rows, train=train)
        tokens = tokens.reshape(*where.shape[:2], self.width)
        places = Places(self.width, self.blocks.init_std, self.dtype, name="places")(where)
        y = LayerNorm(self.dtype, EPS, name="norm")(self.blocks(tokens, train=train, places=places))
        y = at_least_float32(y)
        return {
            "pool": jnp.concatenate([y.mean(1), y.max(1)], -1),
            "tokens": y,
            "centers": centers,
            "patches": patches,
        }


class PointDecoder(nn.Module):
    """See `point_decoder`."""

    points: int
    width: int
    blocks: Blocks
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: dict, *, train: bool, keep: Array | None = None) -> Array:
        # A larger start of `pred` predicts far points, whose gradients Adam remembers for a thousand steps.
        start = kernel_init(0.02)
        tokens, centers = x["tokens"].astype(self.dtype), x["centers"]
        if tokens.shape[2] != self.width:
            raise ValueError(f"the decoder has width {self.width} and the encoder {tokens.shape[2]}; give both one")
        mask = self.param("mask_token", nn.initializers.normal(0.02), (1, 1, self.width), parameter_dtype(self.dtype))
        if keep is not None:
            tokens = place(tokens, keep, centers.shape[1], mask.astype(self.dtype))
        places = Places(self.width, None, self.dtype, name="places")(centers)
        y = LayerNorm(self.dtype, EPS, name="norm")(self.blocks(tokens, train=train, places=places))
        return at_least_float32(Dense(3 * self.points, start, self.dtype, name="pred")(y))
