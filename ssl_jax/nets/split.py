"""Two networks side by side, of the first channel of an image and of its others: CMC's."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.nets import heads, resnet
from ssl_jax.types import Array, Key, Net, Tree

NAMES = ("light", "color")
"""What the two are called among the parameters."""


def split_resnet(
    *,
    depth: int | tuple[int, ...] = 50,
    width: int = 1,
    stem: str = "imagenet",
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 32,
    remat: bool = False,
) -> Net:
    """Two ResNets of [b, h, w, c], "light" of the first channel and "color" of the others (CMC, arXiv:1906.05849).

    Options as in `resnet`; base=32 makes each half as wide. apply gives the outputs of both side by side, [.., 2 d].
    Raises ValueError for images of one channel.
    """
    options = dict(depth=depth, width=width, stem=stem, groups=groups, zero_init=zero_init, dtype=dtype)

    def channels(x: Array) -> tuple[Array, Array]:
        if x.shape[-1] < 2:
            raise ValueError("split_resnet sees the first channel and the others, and the images have one channel")
        return x[..., :1], x[..., 1:]

    return _two(resnet.resnet(**options, base=base, remat=remat), channels)


def split_linear(*, out: int, bias: bool = True, dtype: str = "float32") -> Net:
    """A linear layer of each half of [n, 2 d], side by side: [n, 2 out]. Raises ValueError for an odd width."""

    def halves(x: Array) -> tuple[Array, Array]:
        if (d := x.shape[-1]) % 2:
            raise ValueError(f"split_linear has a layer for each half of the features, of which there are {d}")
        return x[..., : d // 2], x[..., d // 2 :]

    return _two(heads.linear(out=out, bias=bias, dtype=dtype), halves)


def _two(net: Net, parts: Callable[[Array], tuple[Array, Array]]) -> Net:
    """The net twice, with parameters of its own for each part; outputs are joined along the last axis."""

    def init(key: Key, x: Array):
        made = [net.init(own, part) for own, part in zip(jax.random.split(key), parts(x), strict=True)]
        return tuple(dict(zip(NAMES, trees, strict=True)) for trees in zip(*made, strict=True))

    def apply(params: Tree, stats: Tree, x: Array, *, train: bool, key: Key | None = None):
        given = zip(NAMES, parts(x), strict=True)
        made = [net.apply(params[name], stats[name], part, train=train) for name, part in given]
        joined = jax.tree.map(lambda *outputs: jnp.concatenate(outputs, -1), *(y for y, _ in made))
        return joined, dict(zip(NAMES, (new for _, new in made), strict=True))

    return Net(init, apply)
