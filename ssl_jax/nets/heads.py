"""Heads: what stands between an encoder's pooled features and a criterion. [n, d] -> [n, out], at least float32.

Kernels start as torch's linear layers do, uniform within 1 / sqrt(inputs), in which most of the sources are
written; biases start at zero. `groups` is batch norm's, over contiguous rows.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.activations import gelu
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import LAYERS, MOST, TORCH, at_least_float32, compute_dtype, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net

LAST_NORMS = {"affine": (True, True), "no_bias": (True, False), "plain": (False, False)}
ACTIVATIONS = {"relu": nn.relu, "gelu": gelu}


def mlp(
    *,
    widths: tuple[int, ...],
    bias: bool = True,
    norm: str = "batch",
    last_bias: bool = True,
    last_norm: str = "none",
    activation: str = "relu",
    groups: int = 1,
    dtype: str = "float32",
) -> Net:
    """Linear, norm and activation for each hidden width; then linear and `last_norm` for the last one.

    widths: outputs of the linear layers, in order. bias, last_bias: of the hidden linear layers and of the last.
    norm: of the hidden layers, "batch" or "none". last_norm: "none", or batch norm with scale and bias
    ("affine"), with scale only ("no_bias"), with neither ("plain"). activation: "relu" or "gelu" (exact).
    Parameters: `linear1`, `norm1`, `linear2`, ... apply's option layers=n gives what the n-th of the hidden layers
    says, after its activation. Raises ValueError for unknown names or no widths.
    """
    one_of("norm", norm, ("batch", "none"))
    one_of("last_norm", last_norm, ("none", *LAST_NORMS))
    one_of("activation", activation, tuple(ACTIVATIONS))
    if not widths:
        raise ValueError("mlp needs one width or more; a head that does nothing is `identity`")
    ranges.above_zero(groups=groups, **{f"width {i}": width for i, width in enumerate(widths, 1)})
    ranges.at_most(MOST, groups=groups, **{f"width {i}": width for i, width in enumerate(widths, 1)})
    compute = compute_dtype(dtype)
    return pure(Mlp(tuple(widths), bias, norm == "batch", last_bias, last_norm, activation, groups, compute))


def linear(*, out: int, bias: bool = True, dtype: str = "float32") -> Net:
    """One linear layer: a classifier of pretext labels, MoCo v1's projector (arXiv:1911.05722)."""
    return mlp(widths=(out,), last_bias=bias, dtype=dtype)


def identity() -> Net:
    """The features themselves; no parameters."""
    return Net(lambda key, x: ({}, {}), lambda params, stats, x, *, train, key=None: (at_least_float32(x), stats))


def simclr_projector(*, widths: tuple[int, ...] = (2048, 128), groups: int = 1, dtype: str = "float32") -> Net:
    """SimCLR's (arXiv:2002.05709, section 4.2; code): no linear biases, batch norm everywhere, the last without bias.

    v1 has two layers; v2 (arXiv:2006.10029, section 2) three: widths=(2048, 2048, 128) for a ResNet-50.
    """
    return mlp(widths=widths, bias=False, last_bias=False, last_norm="no_bias", groups=groups, dtype=dtype)


def moco_v2_projector(*, hidden: int = 2048, out: int = 128, dtype: str = "float32") -> Net:
    """Linear, ReLU, linear with biases, no norm (arXiv:2003.04297, section 3). v1 has one layer: `linear`."""
    return mlp(widths=(hidden, out), norm="none", dtype=dtype)


def byol_mlp(*, hidden: int = 4096, out: int = 256, groups: int = 1, dtype: str = "float32") -> Net:
    """BYOL's projector and predictor alike (arXiv:2006.07733, section 3.3): the last linear layer has no bias."""
    return mlp(widths=(hidden, out), last_bias=False, groups=groups, dtype=dtype)


def simsiam_projector(*, widths: tuple[int, ...] = (2048, 2048, 2048), groups: int = 1, dtype: str = "float32") -> Net:
    """SimSiam's (arXiv:2011.10566, section 3): batch norm everywhere, the last plain; two layers for CIFAR.

    The code freezes the last linear layer's bias, which the norm after it cancels: it is left out here.
    """
    return mlp(widths=widths, bias=False, last_bias=False, last_norm="plain", groups=groups, dtype=dtype)


def simsiam_predictor(*, hidden: int = 512, out: int = 2048, groups: int = 1, dtype: str = "float32") -> Net:
    """The bottleneck of SimSiam (arXiv:2011.10566, section 3): the output has a bias and no norm."""
    return mlp(widths=(hidden, out), bias=False, groups=groups, dtype=dtype)


def barlow_projector(*, widths: tuple[int, ...] = (8192, 8192, 8192), groups: int = 1, dtype: str = "float32") -> Net:
    """Barlow Twins' (arXiv:2103.03230, section 2.2; code): no biases, no norm at the end (the loss has its own)."""
    return mlp(widths=widths, bias=False, last_bias=False, groups=groups, dtype=dtype)


def vicreg_expander(*, widths: tuple[int, ...] = (8192, 8192, 8192), groups: int = 1, dtype: str = "float32") -> Net:
    """VICReg's (arXiv:2105.04906, section 4.2; code): the hidden linear layers have biases, the last has none."""
    return mlp(widths=widths, last_bias=False, groups=groups, dtype=dtype)


def swav_projector(*, hidden: int = 2048, out: int = 128, groups: int = 1, dtype: str = "float32") -> Net:
    """SwAV's and DeepCluster-v2's (arXiv:2006.09882, code), before the L2 norm, which belongs to the criterion."""
    return mlp(widths=(hidden, out), groups=groups, dtype=dtype)


def jigsaw_projector(*, widths: tuple[int, ...] = (128,), out: int = 128, dtype: str = "float32") -> Net:
    """PIRL's head of pieces (arXiv:1912.01991, figure 3; VISSL): [n, p, d] -> [n, out], no norm.

    widths: linear layers of each piece, with ReLU between them, "piece"; one more, "whole", takes all pieces side by
    side, in their order. InfoMin and PIRL's MLP for a ResNet-50: widths=(2048, 128).
    """
    if not widths:
        raise ValueError("jigsaw_projector needs one width or more")
    ranges.above_zero(out=out, **{f"width {i}": width for i, width in enumerate(widths, 1)})
    ranges.at_most(MOST, out=out, **{f"width {i}": width for i, width in enumerate(widths, 1)})
    return pure(JigsawHead(tuple(widths), out, compute_dtype(dtype)))


def dino_head(
    *,
    out: int = 65536,
    hidden: int = 2048,
    bottleneck: int = 256,
    layers: int = 3,
    norm_last: bool = True,
    batch_norm: bool = False,
    groups: int = 1,
    dtype: str = "float32",
) -> Net:
    """DINO's head (arXiv:2104.14294, section 3 and its code): MLP with exact GELU, L2 norm, weight-normalized linear.

    layers: linear layers of the MLP, the last to `bottleneck`; they start as normals of std 0.02
    (torch cuts them at -2 and 2, which is a hundred std away).
    norm_last: the rows of the last layer stay unit vectors; else each has a learned length, `last/scale` [out],
    that starts at 1. `last/direction` [bottleneck, out] holds the rows as columns, of any length. batch_norm:
    after the hidden linear layers (runs with a ResNet). The logits are computed in at least float32, since they
    are divided by temperatures near 0.05.
    """
    ranges.above_zero(layers=layers, out=out, hidden=hidden, bottleneck=bottleneck, groups=groups)
    ranges.at_most(MOST, out=out, hidden=hidden, bottleneck=bottleneck, groups=groups)
    ranges.at_most(LAYERS, layers=layers)
    compute = compute_dtype(dtype)
    widths = (hidden,) * (layers - 1) + (bottleneck,)
    small = nn.initializers.normal(0.02)
    body = Mlp(widths, True, batch_norm, True, "none", "gelu", groups, compute, small)
    return pure(DinoHead(body, out, norm_last, compute))


class Mlp(nn.Module):
    """See `mlp`."""

    widths: tuple[int, ...]
    bias: bool
    norm: bool
    last_bias: bool
    last_norm: str
    activation: str
    groups: int
    dtype: jnp.dtype
    start: nn.initializers.Initializer = TORCH

    @nn.compact
    def __call__(self, x: Array, *, train: bool, layers: int | None = None) -> Array:
        *hidden, last = self.widths
        for i, width in enumerate(hidden, 1):
            x = self._linear(width, self.bias, i)(x)
            if self.norm:
                x = self._norm(train, True, True, i)(x)
            x = ACTIVATIONS[self.activation](x)
            if i == layers:
                return at_least_float32(x)
        x = at_least_float32(self._linear(last, self.last_bias, len(self.widths))(x))
        if self.last_norm == "none":
            return x
        return at_least_float32(self._norm(train, *LAST_NORMS[self.last_norm], len(self.widths))(x))

    def _linear(self, width: int, bias: bool, i: int) -> nn.Module:
        kept = parameter_dtype(self.dtype)
        return nn.Dense(
            width, use_bias=bias, kernel_init=self.start, dtype=self.dtype, param_dtype=kept, name=f"linear{i}"
        )

    def _norm(self, train: bool, scale: bool, bias: bool, i: int) -> nn.Module:
        return BatchNorm(train, self.groups, scale=scale, bias=bias, dtype=self.dtype, name=f"norm{i}")


class JigsawHead(nn.Module):
    """See `jigsaw_projector`."""

    widths: tuple[int, ...]
    out: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        layers = dict(bias=True, norm=False, last_bias=True, last_norm="none", activation="relu", groups=1)
        piece = Mlp(self.widths, **layers, dtype=self.dtype, name="piece")(x, train=train)
        whole = Mlp((self.out,), **layers, dtype=self.dtype, name="whole")
        return whole(piece.reshape(len(piece), -1), train=train)


class UnitLinear(nn.Module):
    """x times unit columns (arXiv:1602.07868 with the lengths fixed to 1 unless `scaled`), in at least float32."""

    out: int
    scaled: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kept = parameter_dtype(self.dtype)
        v = self.param("direction", TORCH, (x.shape[-1], self.out), kept)
        v = v * jax.lax.rsqrt(jnp.maximum(jnp.square(v).sum(0, keepdims=True), 1e-24))
        y = jnp.matmul(x, v, precision=jax.lax.Precision.HIGHEST)
        return y * self.param("scale", nn.initializers.ones, (self.out,), kept)[None] if self.scaled else y


class DinoHead(nn.Module):
    """See `dino_head`."""

    mlp: Mlp
    out: int
    norm_last: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        z = self.mlp(x, train=train)
        # torch's normalize: at zero the gradient is finite
        z = z * jax.lax.rsqrt(jnp.maximum(jnp.square(z).sum(-1, keepdims=True), 1e-24))
        return UnitLinear(self.out, not self.norm_last, self.dtype, name="last")(z)
