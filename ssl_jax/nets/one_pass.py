"""Batch norm in training on an accelerator, where the memory that activations pass through sets the time of a step.

In bfloat16 alone: float32 keeps the form of `norm.py`. Statistics are sums that a compiler makes while it writes what
they are of, and the backward passes keep no array as large as an activation besides their inputs. After a 1x1
convolution to more channels the norm takes its statistics from the convolution's narrow input, so that the wide output
is never stored: its variance is w' C w, C the covariance of the inputs.

Results that stand for statistics, the second and the third, have no gradient: they are for running averages.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.nets.options import at_least_float32
from ssl_jax.types import Array

exact = partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)
"""Of small matrices of statistics."""


class Product(NamedTuple):
    """A 1x1 convolution that is left to the norm after it. x: [n, ..., f]. kernel: [f, o]."""

    x: Array
    kernel: Array


def split(x: Array, groups: int) -> Array:
    """[n, ..., d] -> [groups, n / groups, ..., d]; no other axes are merged, as an accelerator would copy for it."""
    return x.reshape(groups, -1, *x.shape[1:])


def over(x: Array) -> tuple[int, ...]:
    """The axes of a group's rows."""
    return tuple(range(1, x.ndim - 1))


@partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def normalized(x: Array, scale: Array, bias: Array, near: Array, groups: int, eps: float) -> tuple[Array, Array, Array]:
    """Batch norm of [n, ..., d] in one pass: y like x, and [groups, d], the mean and the biased variance.

    near: [d], a guess of the mean, from which sums of the values and their squares are taken. Of b bits of a float's
    mantissa the variance keeps b - log2(1 + (mean - near)^2 / var).
    """
    return _normalized(x, scale, bias, near, groups, eps)[0]


def _normalized(x, scale, bias, near, groups, eps):
    rows = split(at_least_float32(x), groups)  # in this order, so that a compiler may leave out the rounding of x
    near, scale, bias = (_row(v[None], rows) for v in (near, scale, bias))
    away = rows - near
    shift, square = (v.mean(over(rows), keepdims=True) for v in (away, jnp.square(away)))
    mean, var = near + shift, jnp.maximum(square - jnp.square(shift), 0)
    gain = jax.lax.rsqrt(var + eps)
    y = (rows - mean) * (gain * scale) + bias
    flat = (groups, x.shape[-1])
    return (y.reshape(x.shape).astype(x.dtype), mean.reshape(flat), var.reshape(flat)), (x, scale, mean, gain)


def _normalized_back(groups, eps, kept, cotangents):
    x, scale, mean, gain = kept
    rows, dy = (split(at_least_float32(v), groups) for v in (x, cotangents[0]))
    white = (rows - mean) * gain
    dbias, dscale = (v.sum(over(rows), keepdims=True) for v in (dy, dy * white))
    dx = gain * scale * (dy - (dbias + white * dscale) * (mean.size / x.size))
    dbias, dscale = (v.reshape(groups, -1).sum(0) for v in (dbias, dscale))
    return dx.reshape(x.shape).astype(x.dtype), dscale, dbias, jnp.zeros_like(dbias)


normalized.defvjp(_normalized, _normalized_back)


@partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def normalized_product(
    x: Array, kernel: Array, scale: Array, bias: Array, groups: int, eps: float
) -> tuple[Array, Array, Array]:
    """Batch norm of x @ kernel, [n, ..., f] and [f, o]: y [n, ..., o] like x, and the mean and variance [groups, o]."""
    return _product(x, kernel, scale, bias, groups, eps)[0]


def _product(x, kernel, scale, bias, groups, eps):
    rows, w = split(x, groups), at_least_float32(kernel)
    n = x.size // (groups * x.shape[-1])
    center = at_least_float32(rows).sum(over(rows)) / n
    spread = _crossed(rows, rows) / n - center[:, :, None] * center[:, None]
    spread_w = exact("gfk,ko->gfo", spread, w)
    mean, var = exact("gf,fo->go", center, w), jnp.maximum((w[None] * spread_w).sum(1), 0)
    gain = jax.lax.rsqrt(var + eps)
    wide = _times(rows, kernel[None])
    y = (wide - _row(mean, wide)) * _row(gain * scale[None], wide) + _row(bias[None], wide)
    y = y.astype(x.dtype).reshape(*x.shape[:-1], -1)
    return (y, mean, var), (x, kernel, scale, center, spread_w, mean, gain)


def _product_back(groups, eps, kept, cotangents):
    x, kernel, scale, center, spread_w, mean, gain = kept
    rows, dy, w = split(x, groups), split(cotangents[0], groups), at_least_float32(kernel)
    n = x.size // (groups * x.shape[-1])
    crossed, dbias = _crossed(rows, dy), at_least_float32(dy).sum(over(dy))
    dscale = gain * ((w[None] * crossed).sum(1) - mean * dbias)
    whole = gain * scale[None]
    # The gradient by x @ kernel is whole (dy - (dbias + dscale (x @ kernel - mean) gain) / n), never written down.
    dw = whole[:, None] * (crossed - center[:, :, None] * dbias[:, None] - spread_w * (gain * dscale)[:, None])
    back = exact("fo,go,ko->gfk", w, whole * gain * dscale / n, w).astype(x.dtype)
    constant = exact("go,fo->gf", whole * dbias / n, w) - exact("gf,gfk->gk", center, at_least_float32(back))
    turned = (whole[:, None] * w[None]).astype(x.dtype).transpose(0, 2, 1)
    dx = _times(dy, turned) - _times(rows, back)
    dx = (dx - _row(constant, dx)).astype(x.dtype).reshape(x.shape)
    return dx, dw.sum(0).astype(kernel.dtype), dscale.sum(0), dbias.sum(0)


normalized_product.defvjp(_product, _product_back)


def _crossed(a: Array, b: Array) -> Array:
    """[g, ..., f] and [g, ..., o] -> [g, f, o], sums over rows in at least float32."""
    kind = at_least_float32(a[:0]).dtype
    return jax.lax.dot_general(a, b, ((over(a), over(b)), ((0,), (0,))), preferred_element_type=kind)


def _times(rows: Array, kernel: Array) -> Array:
    """[g, ..., f] and [g or 1, f, o] -> [g, ..., o] in at least float32, rounded as a convolution rounds."""
    if len(kernel) == 1:
        product = jax.lax.dot_general(rows, kernel[0], (((rows.ndim - 1,), (0,)), ((), ())))
    else:
        product = jax.lax.dot_general(rows, kernel, (((rows.ndim - 1,), (1,)), ((0,), (0,))))
    return at_least_float32(product)


def _row(values: Array, like: Array) -> Array:
    """[g, d] against [g, ..., d]."""
    return values.reshape(len(values), *(1,) * (like.ndim - 2), -1)
