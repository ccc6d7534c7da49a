"""Vision transformers.

Parameters: `patch_embed/kernel` [p, p, c, d] and `bias`, `cls_token` and `mask_token` [1, 1, d], `registers` [1, r, d],
`pos_embed` [1, 1 + l, d] (learned positions, cls first), `relative_bias` [places, heads] (relative ones),
`norm_pre` (if input_norm), `blocks/...` (stacked, see `transformer.py`), `norm`.
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets import positions as grids
from ssl_jax.nets.activations import GELUS
from ssl_jax.nets.norm import LayerNorm
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, divided, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.nets.transformer import Blocks, by_depth, kernel_init
from ssl_jax.types import Array, Net

POSITIONS = ("sincos", "learned", "relative")
VARIANTS = {"Ti": (192, 12, 3), "S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16), "H": (1280, 32, 16)}


def vit(
    *,
    variant: str | tuple[int, int, int, int] = "S/16",
    pool: str = "cls",
    positions: str = "sincos",
    image_size: int = 224,
    cls_token: bool = True,
    registers: int = 0,
    drop_path: float = 0.0,
    layer_scale: float | None = None,
    init_std: float | None = None,
    input_norm: bool = False,
    mask_token: bool = False,
    mask_std: float = 0.0,
    rescaled: bool = False,
    activation: str = "gelu",
    eps: float = 1e-6,
    scan: bool = True,
    remat: bool = False,
    dtype: str = "float32",
) -> Net:
    """A vision transformer (arXiv:2010.11929) for [b, h, w, c], any size that is a multiple of the patch.

    variant: "S/16" is size S (Ti, S, B, L, H) with patches of 16 pixels; or (width, layers, heads, patch).
    pool: "cls", or "mean" of the patch tokens; both after the final norm.
    positions: "sincos" (fixed, MAE's, float64 rounded to the compute dtype); "learned", which belong to the
      grid of `image_size` pixels and are interpolated for any other; or "relative" (BEiT, arXiv:2106.08254): none are
      added, and each head of all layers has a learned bias, zero at first, for each displacement between two patches
      of the grid of `image_size` pixels, beyond which no image goes.
    registers: extra tokens without position and without output (arXiv:2309.16588).
    drop_path: rate of the last block, rising linearly from 0; needs train=True and a key.
    layer_scale: first value of the gains, None for none (DINOv2 1e-5). init_std: None is Xavier-uniform for all
      matrices (MAE, MoCo v3), 0.02 the normal of timm and DINO.
    mask_token: one that can stand for patches before the positions are added (iBOT, arXiv:2111.07832), at first normal
      of mask_std (BEiT 0.02). rescaled: the two matrices that write into the sum begin over sqrt(2 layer), layers from
      1 (BEiT, section 2.5).
    input_norm: a layer norm before the first block. activation: "gelu" or "quick_gelu". eps: of the layer norms. CLIP's
      towers (arXiv:2103.00020) have the norm and 1e-5, OpenAI's the quick form.
    scan, remat: one compiled block for all layers; recomputing it backward. Values do not depend on them.

    apply takes keep=None or int32 [b, k], the patches to see: the others are dropped after the positions are added
    (MAE, arXiv:2111.06377); seen=None or bool [b, k], which of these are real (I-JEPA, arXiv:2301.08243): at others no
    token looks, and the mean pool leaves them out; and hidden=None or bool [b, l], the patches that are the mask token
    instead. It gives {"pool": [b, d], "cls": [b, d] if cls_token, "tokens": [b, l or k, d]}, all after the final norm
    and at least float32; tokens leave out cls and registers. last_layers=n adds "layers" [b, n, l or k, d], the patches
    as the last n blocks leave them (data2vec, arXiv:2202.03555). summaries=n adds "summaries" [b, n, 2, d], the first
    token and the mean patch as the last n blocks leave them (BEiT's probe), and with cls_token "cls_layers" [b, n, d],
    that token after the final norm (DINO's, arXiv:2104.14294). attention=True adds "attention", [b, layers, heads, l
    or k]: how much the class token looks at each patch, or without one the mean over all patches that look (DINO,
    arXiv:2104.14294, figure 1). Raises ValueError for unknown names, a pool "cls" without cls_token, and (apply) an
    image that is no multiple of the patch, hidden without mask_token, seen without keep, more layers than there are.
    """
    one_of("pool", pool, ("cls", "mean"))
    one_of("positions", positions, POSITIONS)
    one_of("activation", activation, tuple(GELUS))
    ranges.above_zero(eps=eps, image_size=image_size)
    ranges.zero_or_more(registers=registers, mask_std=mask_std, **{} if init_std is None else {"init_std": init_std})
    ranges.at_most(MOST, registers=registers, image_size=image_size)
    ranges.below_one(drop_path=drop_path)
    if pool == "cls" and not cls_token:
        raise ValueError('pool "cls" needs cls_token=True; without the token choose pool="mean"')
    width, layers, heads, patch = sizes(variant)
    if positions != "sincos" and image_size % patch:
        raise ValueError(f"image_size {image_size} is no multiple of the patch, {patch} pixels")
    compute = compute_dtype(dtype)
    blocks = Blocks(layers, heads, drop_path, layer_scale, init_std, scan, remat, activation, eps, compute)
    style = (positions, image_size // patch, cls_token, registers, init_std, input_norm)
    net = pure(ViT(width, patch, blocks, pool, *style, mask_std if mask_token else None, compute))
    return by_depth(net) if rescaled else net


def sizes(variant: str | tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """(width, layers, heads, patch) of "S/16", or the tuple itself; ValueError where it is neither."""
    if isinstance(variant, str):
        name, _, patch = variant.partition("/")
        one_of("vit size", name, tuple(VARIANTS))
        if not patch.isdecimal() or int(patch) == 0:
            raise ValueError(f'vit variant {variant!r} names no patch: write "{name}/16" for patches of 16 pixels')
        variant = (*VARIANTS[name], int(patch))
    if len(variant) != 4:
        raise ValueError(f'variant is {variant!r}; give "S/16", or (width, layers, heads, patch)')
    width, layers, heads, patch = variant
    ranges.above_zero(width=width, layers=layers, heads=heads, patch=patch)
    ranges.at_most(MOST, width=width, patch=patch)
    ranges.at_most(LAYERS, layers=layers)
    divided("vit", width, heads)
    return tuple(variant)


class PatchEmbed(nn.Module):
    """[b, h, w, c] -> [b, (h / p) (w / p), d]: pixels in the order (row, column, channel), times a matrix."""

    width: int
    patch: int
    init_std: float | None
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        b, h, w, c = x.shape
        p, kept = self.patch, parameter_dtype(self.dtype)

        def flat(key, shape, dtype):
            # a matrix [p p c, d] has the fans that MAE and MoCo v3 give to Xavier's formula; a convolution has not
            return kernel_init(self.init_std)(key, (p * p * c, self.width), dtype).reshape(shape)

        kernel = self.param("kernel", flat, (p, p, c, self.width), kept).reshape(p * p * c, -1).astype(self.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.width,), kept).astype(self.dtype)
        x = x.astype(self.dtype).reshape(b, h // p, p, w // p, p, c).transpose(0, 1, 3, 2, 4, 5)
        return (x.reshape(-1, p * p * c) @ kernel + bias[None]).reshape(b, -1, self.width)


def select(tokens: Array, keep: Array) -> Array:
    """tokens [b, l, d] at the indices keep [b, k] -> [b, k, d]; NaN for an index outside the grid.

    On a CPU two to four times as fast as a product with one-hot rows, which on a TPU moves fewer bytes by less than a
    thousandth of MAE's step (benchmarks/tokens.py).
    """
    return jnp.take_along_axis(tokens, keep[..., None], 1)


def replaced(patches: Array, hidden: Array | None, token: Array | None) -> Array:
    """Patches [b, l, d], of which those that are hidden, bool [b, l], are the token [1, 1, d].

    Raises ValueError where a network has no such token, and where there are more or fewer patches.
    """
    if hidden is None:
        return patches
    if token is None:
        raise ValueError("patches of this network cannot be hidden: give it mask_token=True")
    if hidden.shape[1] != patches.shape[1]:
        raise ValueError(
            f"{hidden.shape[1]} patches of an image are hidden or shown, and the encoder cuts it into "
            f"{patches.shape[1]}: give method.patch the size of the encoder's patches"
        )
    return jnp.where(hidden[..., None], token.astype(patches.dtype), patches)


def _mean(tokens: Array, seen: Array | None) -> Array:
    """Over the tokens [b, l, d] that are seen, bool [b, l]; None for all."""
    if seen is None:
        return tokens.mean(1)
    count = jnp.maximum(seen.sum(1, keepdims=True), 1).astype(tokens.dtype)
    return jnp.where(seen[..., None], tokens, 0).sum(1) / count


class ViT(nn.Module):
    """Patches, positions, tokens, blocks, norm.

    grid: side of the grid of positions that are not fixed. mask: deviation of the mask token; None for no token.
    """

    width: int
    patch: int
    blocks: Blocks
    pool: str
    positions: str
    grid: int
    cls_token: bool
    registers: int
    init_std: float | None
    input_norm: bool
    mask: float | None
    dtype: jnp.dtype

    @nn.compact
    def __call__(
        self,
        x: Array,
        *,
        train: bool,
        keep: Array | None = None,
        seen: Array | None = None,
        hidden: Array | None = None,
        last_layers: int = 0,
        summaries: int = 0,
        attention: bool = False,
    ) -> dict:
        self._check(keep, seen, max(last_layers, summaries))
        b, bias = x.shape[0], self._bias(x.shape[1:3], keep)  # b: which an export does not know
        x, places, place_of_cls = self._patches(x)
        x = self._masked(x, hidden) + places
        if keep is not None:
            x = select(x, keep)
        front = self._front(place_of_cls)
        x = jnp.concatenate([*(jnp.broadcast_to(t, (b, *t.shape[1:])) for t in front), x], 1)
        norm, first = partial(LayerNorm, self.dtype, self.blocks.eps), sum(t.shape[1] for t in front)
        x = norm(name="norm_pre")(x) if self.input_norm else x
        looked = None if seen is None else jnp.pad(seen, ((0, 0), (first, 0)), constant_values=True)[:, None, None]
        through, out = partial(self.blocks, train=train, mask=looked, bias=bias), {}
        asked = dict(layers=last_layers, summaries=summaries, attention=attention and self.blocks.layers)
        if any(asked.values()):
            x, told = through(x, tell=partial(self._telling, first, asked))
            out |= {name: at_least_float32(jnp.moveaxis(each, 0, 1)[:, -asked[name] :]) for name, each in told.items()}
        else:
            x = through(x)
        last = norm(name="norm")
        x = at_least_float32(last(x))
        if summaries and self.cls_token:
            out["cls_layers"] = at_least_float32(last(out["summaries"][:, :, 0]))
        out |= {"cls": x[:, 0]} if self.cls_token else {}
        tokens = x[:, first:]
        return out | {"tokens": tokens, "pool": x[:, 0] if self.pool == "cls" else _mean(tokens, seen)}

    def _telling(self, first: int, asked: dict[str, int], weights: Array, x: Array) -> dict[str, Array]:
        """Of a block what is asked: the patches behind it, its first token and their mean, and how much cls, or the
        mean patch, looks at each patch."""
        looking = weights[:, :, 0] if self.cls_token else weights[:, :, first:].mean(2)
        patches = x[:, first:]
        both = jnp.stack([x[:, 0], patches.mean(1)], 1)
        every = dict(layers=patches, summaries=both, attention=looking[..., first:])
        return {name: value for name, value in every.items() if asked[name]}

    def _check(self, keep: Array | None, seen: Array | None, last_layers: int) -> None:
        if seen is not None and keep is None:
            raise ValueError("seen says which of the kept patches are real: pass keep= as well")
        if last_layers > self.blocks.layers:
            raise ValueError(f"the last {last_layers} layers are asked of a network that has {self.blocks.layers}")

    def _patches(self, x: Array) -> tuple[Array, Array, Array]:
        """The patches [b, l, d], their positions [1, l, d], and the position of cls, [1, 1, d]."""
        h, w = x.shape[1:3]
        if h % self.patch or w % self.patch:
            raise ValueError(f"an image of {h} x {w} pixels cannot be cut into patches of {self.patch} x {self.patch}")
        places = self._positions(h // self.patch, w // self.patch)
        return PatchEmbed(self.width, self.patch, self.init_std, self.dtype, name="patch_embed")(x), *places

    def _masked(self, x: Array, hidden: Array | None) -> Array:
        """Patches [b, l, d], of which the hidden ones are the mask token."""
        token = None
        if self.mask is not None:
            start = nn.initializers.normal(self.mask)
            token = self.param("mask_token", start, (1, 1, self.width), parameter_dtype(self.dtype))
        return replaced(x, hidden, token)

    def _positions(self, h: int, w: int) -> tuple[Array, Array]:
        """Those of the patches [1, h w, d] and of cls [1, 1, d] (zero unless they are learned)."""
        nothing = jnp.zeros((1, 1, self.width), self.dtype)
        if self.positions == "sincos":
            return jnp.asarray(grids.sincos(h, w, self.width), self.dtype)[None], nothing
        if self.positions == "relative":
            return jnp.zeros((1, h * w, self.width), self.dtype), nothing
        shape = (1, self.grid**2 + self.cls_token, self.width)
        learned = self.param("pos_embed", nn.initializers.normal(0.02), shape, parameter_dtype(self.dtype))
        patches = grids.resample(learned[:, int(self.cls_token) :], (self.grid, self.grid), (h, w))
        return patches.astype(self.dtype), learned[:, :1].astype(self.dtype)

    def _bias(self, image: tuple[int, int], keep: Array | None) -> Array | None:
        """What relative positions add to the logits of attention, [1, heads, l, l]; None for other positions."""
        if self.positions != "relative":
            return None
        if self.registers:
            raise ValueError('registers have no place to be relative to: positions="relative" takes registers=0')
        if keep is not None:
            raise ValueError('positions="relative" are of all patches, and none can be left out: hide them instead')
        h, w = (side // self.patch for side in image)
        if max(h, w) > self.grid:
            raise ValueError(
                f"the relative positions are those of {self.grid} x {self.grid} patches, and an image has {h} x {w}: "
                f"give image_size={max(h, w) * self.patch}"
            )
        count, heads = (2 * self.grid - 1) ** 2 + 3 * self.cls_token, self.blocks.heads
        table = self.param("relative_bias", nn.initializers.zeros, (count, heads), parameter_dtype(self.dtype))
        return table[grids.between(h, w, self.grid, cls=self.cls_token)].transpose(2, 0, 1)[None]

    def _front(self, place_of_cls: Array) -> list[Array]:
        """The tokens before the patches: cls and registers, each [1, n, d]."""
        normal, kept, front = nn.initializers.normal(0.02), parameter_dtype(self.dtype), []
        if self.cls_token:
            cls = self.param("cls_token", normal, (1, 1, self.width), kept)
            front.append(cls.astype(self.dtype) + place_of_cls)
        if self.registers:
            extra = self.param("registers", normal, (1, self.registers, self.width), kept)
            front.append(extra.astype(self.dtype))
        return front
