"""A residual network of the overlapping patches of an image, one by one: CPC's."""

from functools import partial

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.nets import resnet
from ssl_jax.nets.map_norm import MapNorm
from ssl_jax.nets.options import MOST, compute_dtype, one_of
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Key, Net, Tree


def patch_resnet(
    *,
    patch: int = 80,
    stride: int = 36,
    drop_colors: float = 0.0,
    depth: int | tuple[int, ...] = 50,
    width: int = 1,
    stem: str = "imagenet",
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 64,
    remat: bool = False,
) -> Net:
    """A ResNet with layer norm of each square patch of [b, h, w, c] (CPC v2, arXiv:1905.09272, section 3).

    patch: pixels of its side. stride: pixels from one patch to the next; 80 and 36 make 6 x 6 of 260 pixels.
    drop_colors: the share of patches that keep one channel in training, the others being 0, the mean. The rest as in
    `resnet`. Layer norm in place of batch norm, whose statistics would tell a patch of its neighbors.

    apply gives {"pool": [b, d], "maps": {"grid": [b, r, c, d]}}; pool is the mean of the patches. Raises ValueError for
    images that patches do not fill.
    """
    one_of("stem", stem, tuple(resnet.STEMS))
    ranges.above_zero(patch=patch, stride=stride, width=width, base=base)
    ranges.at_most(MOST, patch=patch, stride=stride, width=width, base=base)
    ranges.share(drop_colors=drop_colors)
    compute = compute_dtype(dtype)
    module = resnet.ResNet(
        blocks=resnet.stages(depth, resnet.BASIC | resnet.BOTTLENECK),
        bottleneck=isinstance(depth, int) and depth in resnet.BOTTLENECK,
        base=base * width,
        stem=resnet.STEMS[stem],
        zero_init=zero_init,
        norm=lambda train: partial(MapNorm, dtype=compute),
        dtype=compute,
        remat=remat,
    )
    net = pure(module)

    def init(key: Key, x: Array):
        return net.init(key, flat(cut(x, patch=patch, stride=stride)))

    def apply(params: Tree, stats: Tree, x: Array, *, train: bool, key: Key | None = None):
        patches = cut(x, patch=patch, stride=stride)
        if train and key is not None and drop_colors:
            patches = without_colors(key, patches, share=drop_colors)
        y, stats = net.apply(params, stats, flat(patches), train=train)
        grid = y["pool"].reshape(*patches.shape[:3], -1)
        return {"pool": grid.mean((1, 2)), "maps": {"grid": grid}}, stats

    return Net(init, apply)


def cut(images: Array, *, patch: int, stride: int) -> Array:
    """[b, h, w, c] -> [b, r, c, p, p, c], squares of `patch` pixels, `stride` from one to the next, row by row.

    Raises ValueError where the last one does not end with the image.
    """
    h, w = images.shape[1:3]
    if min(h, w) < patch or (h - patch) % stride or (w - patch) % stride:
        fits = patch + max(min(h, w) - patch, 0) // stride * stride
        raise ValueError(
            f"patches of {patch} pixels, {stride} from one to the next, do not fill images of {h} x {w}; give views of "
            f"{fits} or {fits + stride} pixels, or other patches"
        )
    rows = jnp.stack([images[:, i : i + patch] for i in range(0, h - patch + 1, stride)], 1)
    return jnp.stack([rows[:, :, :, j : j + patch] for j in range(0, w - patch + 1, stride)], 2)


def flat(patches: Array) -> Array:
    """[b, r, c, p, p, c] -> [b r c, p, p, c]."""
    return patches.reshape(-1, *patches.shape[3:])


def without_colors(key: Key, patches: Array, *, share: float) -> Array:
    """[b, r, c, p, p, c] with all but one of the channels of a `share` of the patches set to 0."""
    drop_key, keep_key = jax.random.split(key)
    places, channels = patches.shape[:3], patches.shape[-1]
    dropped = jax.random.bernoulli(drop_key, share, places)
    kept = jax.nn.one_hot(jax.random.randint(keep_key, places, 0, channels), channels, dtype=bool)
    seen = kept | ~dropped[..., None]
    return jnp.where(seen[:, :, :, None, None], patches, 0)
