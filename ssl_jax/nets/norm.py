"""Batch norm over groups of the batch, never over devices, and layer norm."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.nets import one_pass
from ssl_jax.nets.affine import scaled, shifted
from ssl_jax.nets.one_pass import Product
from ssl_jax.nets.options import at_least_float32, parameter_dtype, remade
from ssl_jax.types import Array


def check_groups(x: Array, groups: int) -> None:
    """Raises ValueError where [n, ..., d] are no multiple of `groups`, or a group has one value only."""
    n = x.shape[0]
    if n % groups:
        raise ValueError(
            f"batch norm cannot split {n} rows into {groups} equal groups: "
            "choose a batch (examples x views) that is a multiple of the groups, or groups=1"
        )
    if x.size == groups * x.shape[-1]:
        raise ValueError(f"batch norm needs two values a group or more; {n} rows in {groups} groups have one each")


def group_moments(x: Array, *, groups: int) -> tuple[Array, Array]:
    """Mean and biased variance of each of `groups` contiguous groups of rows, per feature.

    x: [n, ..., d], at least float32. Returns two arrays [groups, 1, d]. The variance is that of the
    centered values: E[x^2] - E[x]^2, the fast form, loses all digits in float32 once |mean| >> std.
    """
    x = rows(x, groups)
    mean = x.mean(1, keepdims=True)
    return mean, jnp.square(x - mean).mean(1, keepdims=True)


def rows(x: Array, groups: int) -> Array:
    """[n, ..., d] -> [groups, rows, d]. On CPU a mean over one axis is up to ten times as fast as one over three."""
    return x.reshape(groups, -1, x.shape[-1])


def affine(x: Array, mean: Array, var: Array, scale: Array, bias: Array, *, eps: float) -> Array:
    """(x - mean) / sqrt(var + eps) * scale + bias of [n, ..., d], in at least float32.

    mean, var: [d], or [groups, 1, d]. scale, bias: [d].
    """
    kept, row = at_least_float32(x), (-1, 1, x.shape[-1])
    mean, var, scale, bias = (v.astype(kept.dtype).reshape(row) for v in (mean, var, scale, bias))
    return ((rows(kept, len(mean)) - mean) * (jax.lax.rsqrt(var + eps) * scale) + bias).reshape(x.shape)


class BatchNorm(nn.Module):
    """Batch norm (arXiv:1502.03167) of [n, ..., d] over the rows of each of `groups` contiguous groups.

    groups=1 is global ("synchronized") batch norm on any number of devices; k is "ghost" batch norm
    (arXiv:1705.08741) over n/k rows each, what k devices with unsynchronized batch norm compute.

    train: normalize by the batch and move the running statistics; else normalize by the running statistics.
    `momentum` is the share of the running statistics that survives a step (0.9 = torch's momentum 0.1).
    The running variance is the unbiased one, n/(n-1) times what normalizes, averaged over the groups: the
    convention of torch, in which most reference results were made and to which weights are exported (flax
    keeps the biased one), and the one whose expectation does not depend on the number of groups.
    In bfloat16 training is that of `one_pass.py`: the same numbers within rounding, at less memory.
    """

    train: bool
    groups: int = 1
    momentum: float = 0.9
    eps: float = 1e-5
    scale: bool = True
    bias: bool = True
    scale_init: nn.initializers.Initializer = nn.initializers.ones
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array | Product) -> Array:
        """x: or, in training in bfloat16, the product that is to be normalized."""
        width, kept = (x.kernel if isinstance(x, Product) else x).shape[-1:], parameter_dtype(self.dtype)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, width, kept)
        running_var = self.variable("batch_stats", "var", jnp.ones, width, kept)
        scale = self.param("scale", self.scale_init, width, kept) if self.scale else jnp.ones(width, kept)
        bias = self.param("bias", nn.initializers.zeros, width, kept) if self.bias else jnp.zeros(width, kept)
        if not self.train:
            return affine(x, running_mean.value, running_var.value, scale, bias, eps=self.eps).astype(self.dtype)
        check_groups(x.x if isinstance(x, Product) else x, self.groups)
        if isinstance(x, Product):
            y, mean, var = one_pass.normalized_product(*x, scale, bias, self.groups, self.eps)
        elif x.dtype == jnp.bfloat16:
            near = jax.lax.stop_gradient(running_mean.value)
            y, mean, var = one_pass.normalized(x, scale, bias, near, self.groups, self.eps)
        else:
            mean, var = group_moments(at_least_float32(x), groups=self.groups)
            y = affine(x, mean, var, scale, bias, eps=self.eps)
        n = y.size // mean.size
        self._follow(running_mean, mean)
        self._follow(running_var, var * (n / (n - 1)))
        return y.astype(self.dtype)

    def _follow(self, running: nn.Variable, now: Array) -> None:
        """Moves a running statistic towards the mean of the groups' ones."""
        now = jax.lax.stop_gradient(now).reshape(self.groups, -1).mean(0)
        running.value = (self.momentum * running.value + (1 - self.momentum) * now).astype(running.value.dtype)


class LayerNorm(nn.Module):
    """Layer norm (arXiv:1607.06450) over the last axis; eps as timm's and MAE's vision transformers have it.

    Statistics in at least float32, from centered values. Parameters `scale` and `bias`, both [d].
    """

    dtype: jnp.dtype
    eps: float = 1e-6

    @nn.compact
    def __call__(self, x: Array) -> Array:
        width, kept = (x.shape[-1],), parameter_dtype(self.dtype)
        scale = self.param("scale", nn.initializers.ones, width, kept)
        bias = self.param("bias", nn.initializers.zeros, width, kept)
        return remade(partial(layer_norm, eps=self.eps, dtype=self.dtype))(x, scale, bias)


def layer_norm(x: Array, scale: Array, bias: Array, *, eps: float, dtype: jnp.dtype) -> Array:
    """See `LayerNorm`."""
    rows = at_least_float32(x).reshape(-1, x.shape[-1])
    scale, bias = scale.astype(rows.dtype), bias.astype(rows.dtype)
    rows = rows - rows.mean(-1, keepdims=True)
    rows = rows * jax.lax.rsqrt(jnp.square(rows).mean(-1, keepdims=True) + eps)
    return shifted(scaled(rows, scale), bias).reshape(x.shape).astype(dtype)
