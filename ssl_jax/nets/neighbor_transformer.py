"""The transformer that makes one vector of an example's neighbors: All4One's centroids.

Parameters: `layer0/attn/qkv`, `attn/proj`, `norm1`, `fc1`, `fc2`, `norm2`, `layer1/...`.
"""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.norm import LayerNorm
from ssl_jax.nets.options import LAYERS, MOST, TORCH, at_least_float32, compute_dtype, divided
from ssl_jax.nets.pure import pure
from ssl_jax.nets.transformer import Attention, Dense
from ssl_jax.types import Array, Net


def neighbor_transformer(
    *, layers: int = 3, heads: int = 8, hidden: int = 512, dropout: float = 0.1, dtype: str = "float32"
) -> Net:
    """A few vectors of each example, [n, k, d] -> [n, d]: what the first becomes (All4One, arXiv:2303.09417; code).

    A post-norm transformer (arXiv:1706.03762, section 3) with ReLU. hidden: width between the two layers of each MLP;
    512 for d = 256 in the code. dropout: of the attention's weights, of the hidden features, and of what each of the
    two halves of a layer adds, in training and where there is a key. Added before all are fixed `positions`. Kernels of
    the attention start Xavier-uniform, those of the MLP as torch's; the code begins with the same numbers in each
    layer. At least float32. Raises ValueError where the heads do not divide d, and for numbers that make no sense.
    """
    ranges.above_zero(layers=layers, heads=heads, hidden=hidden)
    ranges.at_most(MOST, hidden=hidden)
    ranges.at_most(LAYERS, layers=layers)
    ranges.below_one(dropout=dropout)
    return pure(NeighborTransformer(layers, heads, hidden, dropout, compute_dtype(dtype)))


def positions(count: int, features: int) -> np.ndarray:
    """What All4One's code adds to `count` vectors, float64 [count, features]: place 2 m has the sines of the features'
    numbers times a rate, place 2 m + 1 the cosines, and the rate falls from 1 with m.

    The usual encoding with the roles of place and feature exchanged: each place has a wave of its own.
    """
    rate = 10000.0 ** (-(np.arange(count) // 2) / np.ceil(count / 2))
    angle = rate[:, None] * np.arange(features)[None]
    return np.where(np.arange(count)[:, None] % 2, np.cos(angle), np.sin(angle))


class Layer(nn.Module):
    """x = norm(x + attention(x)), then x = norm(x + mlp(x)); a dropout of 0 is none."""

    heads: int
    hidden: int
    dropout: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        d, torch_eps = x.shape[-1], 1e-5
        drop = nn.Dropout(self.dropout, deterministic=not self.dropout)
        y, _ = Attention(self.heads, None, self.dtype, self.dropout, name="attn")(x)
        x = LayerNorm(self.dtype, torch_eps, name="norm1")(x + drop(y))
        y = drop(nn.relu(Dense(self.hidden, TORCH, self.dtype, name="fc1")(x)))
        y = Dense(d, TORCH, self.dtype, name="fc2")(y)
        return LayerNorm(self.dtype, torch_eps, name="norm2")(x + drop(y))


class NeighborTransformer(nn.Module):
    """See `neighbor_transformer`."""

    layers: int
    heads: int
    hidden: int
    dropout: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        _, count, d = x.shape
        divided("neighbor transformer", d, self.heads)
        dropout = self.dropout if train and self.has_rng("dropout") else 0.0
        x = (x + jnp.asarray(positions(count, d), x.dtype)[None]).astype(self.dtype)
        for i in range(self.layers):
            x = Layer(self.heads, self.hidden, dropout, self.dtype, name=f"layer{i}")(x)
        return at_least_float32(x[:, 0])
