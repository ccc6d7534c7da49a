"""Decoders: from the tokens of an encoder to predictions for every patch.

Parameters of MAE's: `embed`, `mask_token` [1, 1, d], `blocks/...` (stacked, see `transformer.py`), `norm`, `pred`.
"""

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets import positions
from ssl_jax.nets.norm import LayerNorm
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, divided, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.nets.transformer import Blocks, Dense, kernel_init
from ssl_jax.types import Array, Net


def mae_decoder(
    *,
    patch: int,
    channels: int = 3,
    out: int | None = None,
    width: int = 512,
    layers: int = 8,
    heads: int = 16,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """MAE's decoder (arXiv:2111.06377, section 3; code): pixels of every patch from the tokens of the seen ones.

    Its input is the encoder's output as it is: a dict with "tokens" [b, k, d] and perhaps "cls" [b, d], which
    takes part in the attention (without position) and is dropped at the end.
    apply(params, stats, x, *, train, grid, keep=None, key=None): grid is (rows, columns) of the image's patches;
    keep, int32 [b, k], the places of the tokens on it in row-major order, as given to the encoder; None where the
    tokens are those of all patches. It gives [b, rows * columns, patch * patch * channels], at least float32; the
    pixels of a patch in the order (row, column, channel); or `out` values of each patch, where they are no pixels.
    Mask tokens fill the other places and all get fixed sine-cosine positions. Raises ValueError where heads do not
    divide the width, or without keep the number of tokens is not the grid's.
    """
    ranges.above_zero(patch=patch, channels=channels, width=width, layers=layers, heads=heads)
    ranges.above_zero(**{} if out is None else {"out": out})
    ranges.at_most(MOST, patch=patch, channels=channels, width=width)
    ranges.at_most(LAYERS, layers=layers)
    divided("decoder", width, heads)
    compute = compute_dtype(dtype)
    blocks = Blocks(layers, heads, scan=scan, remat=remat, dtype=compute)
    net = pure(MaeDecoder(blocks, width, out or patch * patch * channels, compute))

    def init(key, x):
        # parameters do not depend on the grid: any that holds the tokens will do
        return net.init(key, x, grid=(1, x["tokens"].shape[1]))

    return Net(init, net.apply)


def place(tokens: Array, keep: Array, length: int, filler: Array) -> Array:
    """tokens [b, k, d] at the indices keep [b, k] of [b, length, d]; `filler` [1, 1, d] everywhere else.

    The inverse of dropping: each place looks its token up. MAE's code sorts the shuffle once more instead.
    """
    b, k, d = tokens.shape
    found = keep[:, :, None] == jnp.arange(length, dtype=keep.dtype)[None, None]  # [b, k, length]
    slot = jnp.where(found.any(1), found.argmax(1), k)
    rows = jnp.concatenate([tokens, jnp.broadcast_to(filler, (b, 1, d))], 1)
    return jnp.take_along_axis(rows, slot[..., None], 1)


class MaeDecoder(nn.Module):
    """See `mae_decoder`."""

    blocks: Blocks
    width: int
    out: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: dict, *, train: bool, grid: tuple[int, int], keep: Array | None = None) -> Array:
        init, cls = kernel_init(None), int("cls" in x)
        tokens = jnp.concatenate([x["cls"][:, None], x["tokens"]], 1) if cls else x["tokens"]
        y = Dense(self.width, init, self.dtype, name="embed")(tokens)
        mask = self.param("mask_token", nn.initializers.normal(0.02), (1, 1, self.width), parameter_dtype(self.dtype))
        patches, length = y[:, cls:], grid[0] * grid[1]
        if keep is not None:
            patches = place(patches, keep, length, mask.astype(self.dtype))
        elif patches.shape[1] != length:
            raise ValueError(f"{patches.shape[1]} tokens do not fill a grid of {grid[0]} x {grid[1]}: pass keep=")
        patches = patches + jnp.asarray(positions.sincos(*grid, self.width), self.dtype)[None]
        y = jnp.concatenate([y[:, :cls], patches], 1)
        y = LayerNorm(self.dtype, name="norm")(self.blocks(y, train=train))
        return at_least_float32(Dense(self.out, init, self.dtype, name="pred")(y[:, cls:]))
