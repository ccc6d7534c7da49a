"""The text transformer of CLIP: tokens in, the feature of the end of the text out.

Parameters: `token_embed` [vocabulary, d], `pos_embed` [1, l, d], `blocks/...` (stacked, see `transformer.py`), `norm`.
"""

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.activations import GELUS
from ssl_jax.nets.norm import LayerNorm
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, divided, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.nets.transformer import Blocks
from ssl_jax.types import Array, Net

PADDING = 0
"""The token that fills texts up; every other token is of the text."""


def text_transformer(
    *,
    vocabulary: int = 49408,
    length: int = 77,
    width: int = 512,
    layers: int = 12,
    heads: int = 8,
    causal: bool = True,
    drop_path: float = 0.0,
    init_std: float | None = 0.02,
    activation: str = "quick_gelu",
    eps: float = 1e-5,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """CLIP's text tower (arXiv:2103.00020, section 2.4) for tokens int32 [b, l] with l up to `length`.

    A pre-norm transformer with learned positions. Tokens are 0..vocabulary-1, of which 0 is padding: no token of a text
    looks at one, so that what fills a text up changes nothing, wherever it stands behind the text. causal: a token
    looks at those before it and itself, as in the paper; else at all of the text.
    init_std: of all matrices; the authors' code has one for each kind, of about this size (their positions 0.01).
    scan, remat: as in `vit`; values do not depend on them.

    apply gives {"pool": [b, d], "tokens": [b, l, d]} after the final norm, at least float32. The pool is the feature
    of the last token that is no padding, the end of the text, by whatever number a tokenizer calls it; of a text of
    padding alone it is that of the first token. Raises ValueError for options that cannot be, and (apply) for tokens
    that are no integers [b, l], or longer texts. A token that the vocabulary lacks makes its text NaN.
    """
    one_of("activation", activation, tuple(GELUS))
    ranges.above_zero(vocabulary=vocabulary, length=length, width=width, layers=layers, heads=heads, eps=eps)
    ranges.zero_or_more(**{} if init_std is None else {"init_std": init_std})
    ranges.at_most(MOST, vocabulary=vocabulary, length=length, width=width)
    ranges.at_most(LAYERS, layers=layers)
    ranges.below_one(drop_path=drop_path)
    divided("text transformer", width, heads)
    compute = compute_dtype(dtype)
    blocks = Blocks(layers, heads, drop_path, None, init_std, scan, remat, activation, eps, compute)
    return pure(TextTransformer(vocabulary, length, width, blocks, causal, compute))


class TextTransformer(nn.Module):
    """See `text_transformer`."""

    vocabulary: int
    length: int
    width: int
    blocks: Blocks
    causal: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, tokens: Array, *, train: bool) -> dict:
        if tokens.ndim != 2 or not jnp.issubdtype(tokens.dtype, jnp.integer):
            raise ValueError(f"a text transformer takes tokens int32 [b, l], not {tokens.dtype} {list(tokens.shape)}")
        b, length = tokens.shape
        if length > self.length:
            raise ValueError(f"texts of {length} tokens are longer than the {self.length} that have positions")
        kept, real = parameter_dtype(self.dtype), tokens != PADDING
        words = self.param("token_embed", nn.initializers.normal(0.02), (self.vocabulary, self.width), kept)
        places = self.param("pos_embed", nn.initializers.normal(0.01), (1, self.length, self.width), kept)
        x = jnp.take(words, tokens, axis=0, mode="fill").astype(self.dtype) + places[:, :length].astype(self.dtype)
        x = self.blocks(x, train=train, mask=self._mask(real))
        x = at_least_float32(LayerNorm(self.dtype, self.blocks.eps, name="norm")(x))
        last = jnp.max(jnp.where(real, jnp.arange(length)[None], 0), 1)
        return {"tokens": x, "pool": jnp.take_along_axis(x, last[:, None, None], 1)[:, 0]}

    def _mask(self, real: Array) -> Array:
        """bool [b, 1, l, l]: which tokens (axis 2) look at which (axis 3)."""
        seen = real[:, None, None, :]
        before = jnp.tril(jnp.ones((real.shape[1],) * 2, bool))[None, None]
        return jnp.logical_and(seen, before) if self.causal else seen
