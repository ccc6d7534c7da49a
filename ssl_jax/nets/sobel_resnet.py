"""Residual networks that see no colors, only how images change from place to place: DeepCluster's."""

import jax.numpy as jnp

from ssl_jax.nets.resnet import resnet
from ssl_jax.types import Array, Net


def sobel_resnet(
    *,
    depth: int | tuple[int, ...] = 50,
    width: int = 1,
    stem: str = "imagenet",
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 64,
    remat: bool = False,
) -> Net:
    """`resnet` on `gradients` of the images [b, h, w, c], which no step changes (arXiv:1807.05520, section 4; code)."""
    options = dict(groups=groups, zero_init=zero_init, dtype=dtype, base=base, remat=remat)
    inner = resnet(depth=depth, width=width, stem=stem, **options)

    def apply(params, stats, x, *, train, key=None):
        return inner.apply(params, stats, gradients(x), train=train, key=key)

    return Net(lambda key, x: inner.init(key, gradients(x)), apply)


def gradients(x: Array) -> Array:
    """Sobel's filters on the mean of the channels [b, h, w, c], with zeros around it: [b, h, w, 2].

    What left has more than right, and top than bottom, each smoothed by 1, 2, 1 along the other axis.
    """
    gray = jnp.pad(jnp.mean(x, -1), ((0, 0), (1, 1), (1, 1)))
    down = gray[:, :-2] + 2 * gray[:, 1:-1] + gray[:, 2:]
    across = gray[:, :, :-2] + 2 * gray[:, :, 1:-1] + gray[:, :, 2:]
    return jnp.stack([down[:, :, :-2] - down[:, :, 2:], across[:, :-2] - across[:, 2:]], -1)
