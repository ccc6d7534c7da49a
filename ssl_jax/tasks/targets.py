"""What a masked model predicts of each patch."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from ssl_jax.tasks import hog, pixels
from ssl_jax.types import Array, Key, Pass, Tree


class Target(NamedTuple):
    """A target of b examples, one row a token of the encoder in their order, also of tokens that it has not seen.

    of: (views [b, ...], the encoder's output, found) -> [b, l, p], or int32 [b, l], classes.
    fits: (views, targets) -> options of a decoder whose prediction fits, in words.
    classes: how many there are, where the target is one.
    hidden: (hidden bool [b, n], views, targets) -> what the criterion is told of them; n patches of the encoder's.
    painted: (predictions [b, l, p], views, found) -> images [b, h, w, c] in the units of the views, where it can be.
    found: (key, views) -> what passes have to find, as it is before them; it lies under "target" of the method state.
    """

    of: Callable[[Array, dict, Tree], Array]
    fits: Callable[[Array, Array], str]
    classes: int | None = None
    hidden: Callable[[Array, Array, Array], Array] = lambda hidden, views, targets: hidden
    painted: Callable[[Array, Array, Tree], Array] | None = None
    found: Callable[[Key, Array], Tree] = lambda key, views: ()
    passes: tuple[Pass, ...] = ()


def raw(patch: int) -> Target:
    """Pixels as the views have them."""

    def painted(prediction: Array, images: Array, found: Tree) -> Array:
        return pixels.unpatchify(prediction, patch, height=images.shape[1], width=images.shape[2])

    return Target(lambda images, y, found: pixels.raw(patch)(images), pixels_of(patch), painted=painted)


def normalized(patch: int) -> Target:
    """Pixels, each patch by its own mean and deviation (MAE, arXiv:2111.06377, section 3).

    Painted with the mean and the deviation of the true patch, which no model knows: a picture shows more than is
    predicted.
    """

    def painted(prediction: Array, images: Array, found: Tree) -> Array:
        true = pixels.raw(patch)(images)
        spread = jnp.sqrt(jnp.var(true, -1, keepdims=True, ddof=1) + 1e-6)
        return raw(patch).painted(prediction * spread + true.mean(-1, keepdims=True), images, found)

    return Target(lambda images, y, found: pixels.normalized(patch)(images), pixels_of(patch), painted=painted)


def shuffled() -> Target:
    """Pixels of the square that each token of the encoder stands for, channel by channel (SimMIM, arXiv:2111.09886).

    Hidden patches may be smaller than that square: the criterion is told of each pixel of it, bool [b, l, s s].
    """

    def stride(images: Array, tokens: int) -> int:
        return images.shape[1] // pixels.sides(images.shape[1:], tokens)[0]

    def of(images: Array, y: dict, found: Tree) -> Array:
        return pixels.shuffled(images, stride(images, y["tokens"].shape[1]))

    def hidden(hidden: Array, images: Array, targets: Array) -> Array:
        return pixels.shuffled(pixels.covered(hidden, images), stride(images, targets.shape[1]))

    def painted(prediction: Array, images: Array, found: Tree) -> Array:
        s, (_, h, w, _) = stride(images, prediction.shape[1]), images.shape
        return pixels.unshuffled(prediction, s, height=h, width=w)

    return Target(of, out, hidden=hidden, painted=painted)


def histograms(patch: int, *, cell: int, bins: int, window: int) -> Target:
    """Histograms of oriented gradients of the cells of each patch (MaskFeat, arXiv:2112.09133, section 3.2)."""
    return Target(lambda images, y, found: hog.by_patch(images, patch, cell=cell, bins=bins, window=window), out)


def pixels_of(patch: int) -> Callable[[Array, Array], str]:
    """`fits` of a decoder that gives the pixels of a patch."""
    return lambda images, targets: f"patch={patch} and channels={images.shape[-1]}"


def out(images: Array, targets: Array) -> str:
    """`fits` of a head that gives so many values."""
    return f"out={targets.shape[-1]}"
