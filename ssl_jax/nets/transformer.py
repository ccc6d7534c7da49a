"""The pre-norm transformer block and a stack of it, shared by vision transformers and decoders.

Parameters are named as timm's (`norm1`, `attn/qkv`, `attn/proj`, `ls1/gamma`, `norm2`, `mlp/fc1`, `mlp/fc2`,
`ls2/gamma`) and stacked: axis 0 of every leaf under `blocks` is the layer, so a bias is [layers, d]. Rules about
weight decay must therefore go by name, not by the number of axes, and layer-wise rates by the index on axis 0.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ssl_jax.nets.activations import GELUS
from ssl_jax.nets.affine import shifted
from ssl_jax.nets.norm import LayerNorm
from ssl_jax.nets.options import at_least_float32, parameter_dtype
from ssl_jax.types import Array, Key, Net, Tree


def kernel_init(std: float | None) -> nn.initializers.Initializer:
    """Xavier-uniform (MAE, MoCo v3) for None, else a normal of that std (timm, DINO: 0.02).

    timm's and DINO's "truncated normal" cuts at -2 and 2, a hundred std away: it is a normal.
    """
    return nn.initializers.xavier_uniform() if std is None else nn.initializers.normal(std)


def qkv_init(std: float | None) -> nn.initializers.Initializer:
    """`kernel_init` of the three matrices [d, d] that are fused in [d, 3 d] (MoCo v3's code; not MAE's)."""

    def init(key, shape, dtype):
        one = kernel_init(std)
        return jnp.concatenate([one(k, (shape[0], shape[1] // 3), dtype) for k in jax.random.split(key, 3)], -1)

    return init


class Dense(nn.Module):
    """A linear layer with bias on [..., d], computed on rows merged to [n, d]: faster on CPU, the same elsewhere."""

    features: int
    start: nn.initializers.Initializer
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kept = parameter_dtype(self.dtype)
        kernel = self.param("kernel", self.start, (x.shape[-1], self.features), kept).astype(self.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), kept).astype(self.dtype)
        y = shifted(x.reshape(-1, x.shape[-1]).astype(self.dtype) @ kernel, bias)
        return y.reshape(*x.shape[:-1], self.features)


class Attention(nn.Module):
    """Multi-head self-attention of [b, l, d] with q, k, v fused in this order; softmax in at least float32.

    mask: bool, broadcast against [b, heads, query l, key l], True where a query may look; None for everywhere. A query
    that may look nowhere gets the mean of all values. bias: added to the logits, with the same axes, or None. dropout:
    of the weights; above 0 it always acts. Gives y, and the weights [b, heads, query l, key l] before dropout.
    """

    heads: int
    init_std: float | None
    dtype: jnp.dtype
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x: Array, mask: Array | None = None, bias: Array | None = None) -> tuple[Array, Array]:
        b, length, d = x.shape
        qkv = Dense(3 * d, qkv_init(self.init_std), self.dtype, name="qkv")(x)
        qkv = qkv.reshape(b, length, 3, self.heads, d // self.heads).transpose(
            2, 0, 3, 1, 4
        )  # [3, b, heads, l, d / heads]
        q, k, v = qkv[0], qkv[1], qkv[2]
        # einsum in this layout: on CPU 1.5 times as fast as jax.nn.dot_product_attention
        logits = jnp.einsum("bhqd,bhkd->bhqk", q * (d // self.heads) ** -0.5, k)
        logits = at_least_float32(logits)
        logits = logits if bias is None else logits + bias.astype(logits.dtype)
        if mask is not None:
            logits = jnp.where(mask, logits, jnp.finfo(logits.dtype).min)
        weights = jax.nn.softmax(logits, -1)
        kept = weights.astype(self.dtype)
        kept = nn.Dropout(self.dropout, deterministic=False)(kept) if self.dropout else kept
        y = jnp.einsum("bhqk,bhkd->bhqd", kept, v).transpose(0, 2, 1, 3).reshape(b, length, d)
        return Dense(d, kernel_init(self.init_std), self.dtype, name="proj")(y), weights


class Mlp(nn.Module):
    """Linear to four times the width, one of `GELUS`, linear back."""

    init_std: float | None
    activation: str
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        init, d = kernel_init(self.init_std), x.shape[-1]
        y = GELUS[self.activation](Dense(4 * d, init, self.dtype, name="fc1")(x))
        return Dense(d, init, self.dtype, name="fc2")(y)


class LayerScale(nn.Module):
    """A learned gain for each feature that starts small (CaiT, arXiv:2103.17239, eq. 4)."""

    start: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        start = nn.initializers.constant(self.start)
        gamma = self.param("gamma", start, (x.shape[-1],), parameter_dtype(self.dtype)).astype(self.dtype)
        return x * gamma.reshape(1, 1, -1)


class Block(nn.Module):
    """x + path(attention(norm(x))), then x + path(mlp(norm(x))), pre-norm as arXiv:2010.11929, eq. 2-3.

    The carry of a scan over layers: (x, rate, mask, places, bias) -> (x, what `tell` makes of it, or None). `rate` is
    the probability that an example skips a path; it is read only if `dropping`. mask, bias: as in `Attention`, the same
    for all layers. places: what is added to x before all, likewise; [b, l, d], or None. tell: (weights of the attention
    [b, heads, query l, key l], x behind the block) -> any tree.
    """

    heads: int
    layer_scale: float | None
    init_std: float | None
    dropping: bool
    activation: str
    eps: float
    dtype: jnp.dtype
    tell: Callable | None

    @nn.compact
    def __call__(
        self, x: Array, rate: Array, mask: Array | None, places: Array | None, bias: Array | None
    ) -> tuple[Array, Tree]:
        x = x if places is None else x + places
        norm = partial(LayerNorm, self.dtype, self.eps)
        attention = Attention(self.heads, self.init_std, self.dtype, name="attn")
        y, weights = attention(norm(name="norm1")(x), mask, bias)
        x = x + self._path(y, rate, "ls1")
        y = Mlp(self.init_std, self.activation, self.dtype, name="mlp")(norm(name="norm2")(x))
        x = x + self._path(y, rate, "ls2")
        return x, None if self.tell is None else self.tell(weights, x)

    def _path(self, y: Array, rate: Array, name: str) -> Array:
        """Layer scale, then drop path (arXiv:1603.09382, per example; survivors are divided by their probability)."""
        if self.layer_scale is not None:
            y = LayerScale(self.layer_scale, self.dtype, name=name)(y)
        if not self.dropping:
            return y
        survives = jax.random.bernoulli(self.make_rng("dropout"), 1 - rate, (y.shape[0], 1, 1))
        return jnp.where(survives, y / (1 - rate).astype(y.dtype), jnp.zeros((), y.dtype))


class Blocks(nn.Module):
    """`layers` blocks under one scan: [b, l, d] -> [b, l, d]. mask, bias: as in `Attention`, of all blocks.

    places: [b, l, d], added before every block (Point-MAE, arXiv:2203.06604; code), and not once before the first.

    drop_path: the rate of the last layer; it rises linearly from 0 at the first. scan=False unrolls the loop and
    remat=True recomputes a block in the backward pass; neither changes parameters or values. tell: as in `Block`; what
    it gives for each layer, stacked along axis 0, is then returned beside x.
    """

    layers: int
    heads: int
    drop_path: float = 0.0
    layer_scale: float | None = None
    init_std: float | None = None
    scan: bool = True
    remat: bool = False
    activation: str = "gelu"
    eps: float = 1e-6
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        *,
        train: bool,
        mask: Array | None = None,
        places: Array | None = None,
        bias: Array | None = None,
        tell: Callable | None = None,
    ) -> Array | tuple[Array, Tree]:
        dropping = train and self.drop_path > 0 and self.has_rng("dropout")
        block = self._kept()
        stack = nn.scan(
            block,
            variable_axes={"params": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=(0, nn.broadcast, nn.broadcast, nn.broadcast),
            length=self.layers,
            unroll=1 if self.scan else self.layers,
        )
        rates = jnp.asarray(np.linspace(0, self.drop_path, self.layers), jnp.float32)
        options = (self.layer_scale, self.init_std, dropping, self.activation, self.eps, self.dtype, tell)
        layers = stack(self.heads, *options)
        nn.share_scope(self, layers)  # no further level in the names of the parameters
        x, told = layers(x, rates, mask, places, bias)
        return x if tell is None else (x, told)

    def _kept(self) -> type[Block]:
        """The block with what it keeps for its backward pass: in bfloat16 the results of products alone, from which
        norms, activations and the weights of attention are made again (`options.remade` says why not in float32)."""
        if not self.remat and self.dtype != jnp.bfloat16:
            return Block
        policy = None if self.remat else jax.checkpoint_policies.dots_saveable
        return nn.remat(Block, prevent_cse=not self.scan, policy=policy)


def by_depth(net: Net) -> Net:
    """A network with `blocks` whose matrices that write into the residual sum begin over sqrt(2 layer), layers from 1
    (BEiT, arXiv:2106.08254, section 2.5)."""

    def init(key: Key, x: Array, **options) -> tuple[Tree, Tree]:
        params, stats = net.init(key, x, **options)
        blocks = params["blocks"]
        for part, last in (("attn", "proj"), ("mlp", "fc2")):
            kernel = blocks[part][last]["kernel"]
            layer = jnp.arange(1, len(kernel) + 1, dtype=kernel.dtype)[:, None, None]
            new = {**blocks[part][last], "kernel": kernel / jnp.sqrt(2 * layer)}
            blocks = {**blocks, part: {**blocks[part], last: new}}
        return {**params, "blocks": blocks}, stats

    return Net(init, net.apply)
