"""MaskFeat (Wei et al. 2021, arXiv:2112.09133): predict histograms of oriented gradients of hidden patches."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, patches
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.masked_modeling import masked_in_place
from ssl_jax.tasks import masks, targets
from ssl_jax.types import Card, Method, Net

CARD = Card("MaskFeat", "masked modeling", 2021, "arXiv:2112.09133")


def maskfeat(
    encoder: Net,
    decoder: Net,
    *,
    patch: int,
    cell: int = 8,
    bins: int = 9,
    window: int = 0,
    mask_ratio: float = 0.4,
) -> Method:
    """9 bins of cells of 8 x 8 pixels, channels apart; blocks of patches are hidden, 40 % at most (the authors' code).

    decoder: a head of each token. The histograms are of the view itself, colors and all, and of no mask. window: pixels
    of a Gaussian's window, 0 for none, 16 in MMSelfSup's code.
    """
    ranges.above_zero(patch=patch, cell=cell, bins=bins, mask_ratio=mask_ratio)
    ranges.below_one(mask_ratio=mask_ratio)
    ranges.zero_or_more(window=window)
    blocks = masks.now_and_then(1.0, (mask_ratio, mask_ratio), "block")

    def hide(key, images):
        return blocks(key, len(images), 1, (images.shape[1] // patch, images.shape[2] // patch))[:, 0]

    target = targets.histograms(patch, cell=cell, bins=bins, window=window)
    criterion = lenses.at(patches.squared(), name="patches")
    return masked_in_place(encoder, encode.of_tokens(decoder), criterion, hide=hide, target=target)
