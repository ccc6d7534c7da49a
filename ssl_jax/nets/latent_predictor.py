"""I-JEPA's predictor: from the features of a context to those of blocks that it did not see.

Parameters: `embed`, `mask_token` [1, 1, d], `blocks/...` (stacked, see `transformer.py`), `norm`, `pred`.
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


def latent_predictor(
    *,
    width: int = 384,
    layers: int = 12,
    heads: int = 16,
    init_std: float | None = 0.02,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """A narrow vision transformer (arXiv:2301.08243, section 3 and appendix A.1; code) whose output has the width of
    its input.

    Its input is the encoder's output, of which it reads "tokens" [b, k, d]. apply(params, stats, x, *, train, grid,
    keep, seen, at, asked, key=None): grid is (rows, columns) of the image's patches; keep, int32 [b, k], the places of
    the tokens in row-major order, and seen, bool [b, k], which of them are real; at, int32 [b, m, t], the places that
    are asked for, block after block, and asked, bool [b, m, t], which of these are real. Each block is predicted alone,
    from the context and mask tokens at its places; both get fixed sine-cosine positions, and nothing looks at what is
    not real. It gives [b, m, t, d], at least float32. Raises ValueError where heads do not divide the width.
    init_std: as `vit`'s; heads are those of the encoder in the code, layers 6 for its ViT-B, 12 for larger ones.
    """
    ranges.above_zero(width=width, layers=layers, heads=heads)
    ranges.at_most(MOST, width=width)
    ranges.at_most(LAYERS, layers=layers)
    ranges.zero_or_more(**{} if init_std is None else {"init_std": init_std})
    divided("predictor", width, heads)
    compute = compute_dtype(dtype)
    blocks = Blocks(layers, heads, init_std=init_std, scan=scan, remat=remat, dtype=compute)
    net = pure(LatentPredictor(blocks, width, compute))

    def init(key, x):
        # parameters do not depend on the grid and the places: any will do
        b, k, _ = x["tokens"].shape
        keep, seen = jnp.zeros((b, k), jnp.int32), jnp.ones((b, k), bool)
        return net.init(key, x, grid=(1, k), keep=keep, seen=seen, at=keep[:, None, :1], asked=seen[:, None, :1])

    return Net(init, net.apply)


class LatentPredictor(nn.Module):
    """See `latent_predictor`."""

    blocks: Blocks
    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(
        self, x: dict, *, train: bool, grid: tuple[int, int], keep: Array, seen: Array, at: Array, asked: Array
    ) -> Array:
        start, (b, m, t) = kernel_init(self.blocks.init_std), at.shape
        places = jnp.asarray(positions.sincos(*grid, self.width), self.dtype)
        token = self.param("mask_token", nn.initializers.normal(0.02), (1, 1, self.width), parameter_dtype(self.dtype))
        context = Dense(self.width, start, self.dtype, name="embed")(x["tokens"]) + places[keep]
        context = jnp.broadcast_to(context[:, None], (b, m, *context.shape[1:]))
        y = jnp.concatenate([context, token[None].astype(self.dtype) + places[at]], 2).reshape(b * m, -1, self.width)
        real = jnp.concatenate([jnp.broadcast_to(seen[:, None], (b, m, seen.shape[1])), asked], 2)
        y = self.blocks(y, train=train, mask=real.reshape(b * m, 1, 1, -1))
        y = LayerNorm(self.dtype, name="norm")(y[:, -t:])
        y = Dense(x["tokens"].shape[-1], start, self.dtype, name="pred")(y)
        return at_least_float32(y).reshape(b, m, t, -1)
