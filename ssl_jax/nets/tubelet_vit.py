"""Vision transformers for clips [b, t, h, w, c]: tubelets in place of patches, attention over space and time at once.

Parameters are those of `vit.py`, with fixed positions; `patch_embed/kernel` is [p, p, tubelet * c, d], in which the
frames of a tubelet come in turn, each with its channels.
"""

import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.nets import positions
from ssl_jax.nets.options import MOST, clips_only, compute_dtype, one_of
from ssl_jax.nets.pure import pure
from ssl_jax.nets.transformer import Blocks
from ssl_jax.nets.vit import PatchEmbed, ViT, sizes
from ssl_jax.types import Array, Net


def tubelet_vit(
    *,
    variant: str | tuple[int, int, int, int] = "B/16",
    tubelet: int = 2,
    pool: str = "mean",
    cls_token: bool = False,
    drop_path: float = 0.0,
    layer_scale: float | None = None,
    init_std: float | None = None,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """A vision transformer over the tubelets of a clip (ViViT's model 1, arXiv:2103.15691; VideoMAE, arXiv:2203.12602).

    A tubelet is `tubelet` frames of one patch, embedded by one matrix; every token attends to all of the clip.
    Positions are fixed (`positions.space_time`), so that clips of any length and size can be seen that tubelets divide.
    variant, pool and the rest: as in `vit`, without registers.

    apply takes keep=None or int32 [b, k], the tubelets to see, and gives {"pool": [b, d], "cls": [b, d] if cls_token,
    "tokens": [b, l or k, d]}; tokens go frame after frame, row by row. Raises ValueError for unknown names, a pool
    "cls" without cls_token, and (apply) for a clip that cannot be cut.
    """
    one_of("pool", pool, ("cls", "mean"))
    ranges.above_zero(tubelet=tubelet)
    ranges.at_most(MOST, tubelet=tubelet)
    ranges.zero_or_more(**{} if init_std is None else {"init_std": init_std})
    ranges.below_one(drop_path=drop_path)
    if pool == "cls" and not cls_token:
        raise ValueError('pool "cls" needs cls_token=True; without the token choose pool="mean"')
    width, layers, heads, patch = sizes(variant)
    compute = compute_dtype(dtype)
    blocks = Blocks(layers, heads, drop_path, layer_scale, init_std, scan, remat, dtype=compute)
    own = dict(positions="sincos", grid=0, registers=0, input_norm=False, mask=None, tubelet=tubelet)
    return pure(TubeletViT(width, patch, blocks, pool, cls_token=cls_token, init_std=init_std, dtype=compute, **own))


class TubeletViT(ViT):
    """A `ViT` whose patches go through `tubelet` frames."""

    tubelet: int

    def _patches(self, x: Array) -> tuple[Array, Array, Array]:
        clips_only(x)
        b, t, h, w, c = x.shape
        p, n = self.patch, self.tubelet
        if t % n or h % p or w % p:
            raise ValueError(f"a clip of {t} frames of {h} x {w} pixels cannot be cut into tubelets of {n} x {p} x {p}")
        deep = x.reshape(b, t // n, n, h, w, c).transpose(0, 1, 3, 4, 2, 5).reshape(-1, h, w, n * c)
        patches = PatchEmbed(self.width, p, self.init_std, self.dtype, name="patch_embed")(deep)
        places = positions.space_time(t // n, h // p, w // p, self.width)
        tokens, places = patches.reshape(b, -1, self.width), jnp.asarray(places, self.dtype)[None]
        return tokens, places, jnp.zeros((1, 1, self.width), self.dtype)
