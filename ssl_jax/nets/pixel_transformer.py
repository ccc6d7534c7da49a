"""A transformer of pixels in raster order, each one of a palette's colors: iGPT's.

Parameters: `token_embed` [k, d], `pos_embed` [1, l, d], `sos` [1, 1, d] (if causal), `blocks/...` (stacked, axis 0 is
the layer: `norm1`, `qkv`, `proj`, `norm2`, `fc1`, `fc2`), `norm`, `head` [k, d], zero at first, so that the first loss
is log(k). There are no biases. Statistics: `palette` [k, c], which no gradient moves; a pass over the data finds it.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.activations import quick_gelu
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, divided, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net

EPS = 1e-5


def pixel_transformer(
    *,
    colors: int = 512,
    image_size: int = 32,
    width: int = 512,
    layers: int = 24,
    heads: int = 8,
    causal: bool = True,
    layer: int | None = None,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """iGPT's transformer (Chen et al. 2020, section 2.3; code) for [b, h, w, c] or colors int [b, h w], h = w =
    image_size.

    Pre-norm, with norms that divide by the root mean square and scale, and x sigmoid(1.702 x). Sizes are those of S; M
    is 1024, 36 and 8, L 1536, 48 and 16. causal: a start of sequence comes first, and what is said of a pixel has seen
    those before it alone; else all see all, and hidden pixels are zeros before their positions are added. layer: how
    many blocks the features have passed, half of all if None; the mean over the pixels of what the next norm makes of
    them. scan, remat: as in `vit`.

    apply gives {"pool": [b, d], "tokens": [b, l, d] after the last norm}; with predict=True also "logits" [b, l, k] and
    the "colors" int32 [b, l] of the image. hidden=None or bool [b, l]. Images are taken apart into the nearest colors
    of the palette, ties to the first. Raises ValueError for options that cannot be, and (apply) for another size of
    image, for hidden pixels of a causal network, and for training of another without any: it would see what it says.
    """
    ranges.above_zero(colors=colors, image_size=image_size, width=width, layers=layers, heads=heads)
    ranges.at_most(MOST, colors=colors, image_size=image_size, width=width)
    ranges.at_most(LAYERS, layers=layers)
    divided("pixel transformer", width, heads)
    layer = layers // 2 if layer is None else layer
    ranges.zero_or_more(layer=layer)
    ranges.at_most(layers, layer=layer)
    sizes = (colors, image_size, width, layers, heads, causal, layer)
    return pure(PixelTransformer(*sizes, scan, remat, compute_dtype(dtype)))


def nearest(images: Array, palette: Array) -> Array:
    """The nearest of colors [k, c] to each pixel of [b, h, w, c], ties to the first: int32 [b, h w]."""
    pixels = images.reshape(len(images), -1, images.shape[-1]).astype(palette.dtype)
    products = jnp.matmul(pixels, palette.T, precision="highest")
    return jnp.argmin(jnp.sum(palette**2, 1)[None, None] - 2 * products, -1).astype(jnp.int32)


class ScaleNorm(nn.Module):
    """x over the root of its mean square, times a scale: no mean is taken off and nothing added."""

    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],), parameter_dtype(self.dtype))
        rows = at_least_float32(x)
        rows = rows * jax.lax.rsqrt(jnp.square(rows).mean(-1, keepdims=True) + EPS)
        return (rows * scale.reshape(1, 1, -1).astype(rows.dtype)).astype(self.dtype)


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)). The carry of a scan: (x, _) -> (x, the first norm's mean)."""

    heads: int
    layers: int
    causal: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, _: None) -> tuple[Array, Array]:
        b, length, d = x.shape
        y = ScaleNorm(self.dtype, name="norm1")(x)
        mean = at_least_float32(y).mean(1)
        q, k, v = jnp.split(self._times("qkv", y, 3 * d, d**-0.5), 3, -1)
        q, k, v = (a.reshape(b, length, self.heads, -1) for a in (q, k, v))
        logits = at_least_float32(jnp.einsum("bqhd,bkhd->bhqk", q * q.shape[-1] ** -0.5, k))
        if self.causal:
            seen = jnp.tril(jnp.ones((length, length), bool))[None, None]
            logits = jnp.where(seen, logits, jnp.finfo(logits.dtype).min)
        y = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits, -1).astype(self.dtype), v)
        x = x + self._times("proj", y.reshape(b, length, d), d, (d * self.layers) ** -0.5)
        y = self._times("fc1", ScaleNorm(self.dtype, name="norm2")(x), 4 * d, 0.02)
        return x + self._times("fc2", quick_gelu(y), d, 0.02), mean

    def _times(self, name: str, x: Array, out: int, std: float) -> Array:
        shape, kept = (x.shape[-1], out), parameter_dtype(self.dtype)
        return x @ self.param(name, nn.initializers.normal(std), shape, kept).astype(self.dtype)


class PixelTransformer(nn.Module):
    """See `pixel_transformer`."""

    colors: int
    image_size: int
    width: int
    layers: int
    heads: int
    causal: bool
    layer: int
    scan: bool
    remat: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool, hidden: Array | None = None, predict: bool = False) -> dict:
        codes = self._codes(x)
        if self.causal and hidden is not None:
            raise ValueError("a causal network has no hidden pixels: give nets.encoder causal=False")
        if train and hidden is None and not self.causal:
            raise ValueError(
                "a network that is not causal sees the pixels that it is asked for: give nets.encoder causal=True, or "
                'hide some with method.objective="bert"'
            )
        x = self._embedded(codes, hidden)
        block = nn.remat(Block, prevent_cse=not self.scan) if self.remat else Block
        stack = nn.scan(
            block,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=self.layers,
            unroll=1 if self.scan else self.layers,
        )
        x, means = stack(self.heads, self.layers, self.causal, self.dtype, name="blocks")(x, None)
        x = ScaleNorm(self.dtype, name="norm")(x)
        tokens = at_least_float32(x)
        head = self.param("head", nn.initializers.zeros, (self.colors, self.width), parameter_dtype(self.dtype))
        out = {"tokens": tokens, "pool": means[self.layer] if self.layer < self.layers else tokens.mean(1)}
        return out | {"logits": at_least_float32(x @ head.T.astype(self.dtype)), "colors": codes} if predict else out

    def _codes(self, x: Array) -> Array:
        """Images as colors; colors as they are."""
        kept, length = parameter_dtype(self.dtype), self.image_size**2

        def spread(channels):  # over the range of normalized pixels, so that an untrained network tells colors apart
            return jax.random.uniform(self.make_rng("params"), (self.colors, channels), kept, -2.0, 2.0)

        palette = self.variable("batch_stats", "palette", lambda: spread(x.shape[-1]))
        sides = x.shape[1:3] if x.ndim == 4 else x.shape[1:]
        if sides != ((self.image_size,) * 2 if x.ndim == 4 else (length,)):
            raise ValueError(f"the pixels of {list(sides)} have no positions: give nets.encoder image_size={sides[0]}")
        return nearest(x, palette.value) if x.ndim == 4 else x

    def _embedded(self, codes: Array, hidden: Array | None) -> Array:
        """The sequence that the blocks see, [b, l, d]."""
        normal, kept = nn.initializers.normal, parameter_dtype(self.dtype)
        table = self.param("token_embed", normal(0.02), (self.colors, self.width), kept)
        places = self.param("pos_embed", normal(0.01), (1, self.image_size**2, self.width), kept)
        x = jnp.take(table, codes, axis=0, mode="fill")
        if self.causal:
            sos = self.param("sos", normal(0.02), (1, 1, self.width), kept)
            x = jnp.concatenate([jnp.broadcast_to(sos, (len(x), 1, self.width)), x[:, :-1]], 1)
        elif hidden is not None:
            x = jnp.where(hidden[..., None], 0, x)
        return (x + places).astype(self.dtype)
