"""MAE (He et al. 2022, arXiv:2111.06377): encode a quarter of the patches, reconstruct the pixels of the others."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, patches
from ssl_jax.paradigms.masked_modeling import masked_modeling
from ssl_jax.tasks import masks, pixels
from ssl_jax.types import Card, Method, Net

CARD = Card("MAE", "masked modeling", 2022, "arXiv:2111.06377")


def mae(encoder: Net, decoder: Net, *, patch: int, mask_ratio: float = 0.75) -> Method:
    """Normalized pixels as target (table 1d); int(l (1 - mask_ratio)) of l patches are seen, as in the code."""
    ranges.above_zero(patch=patch, mask_ratio=mask_ratio)
    ranges.below_one(mask_ratio=mask_ratio)

    def mask(key, b, length):
        return masks.random(key, b, length, int(length * (1 - mask_ratio)))

    criterion, own = lenses.at(patches.squared(), name="patches"), pixels.normalized(patch)
    return masked_modeling(
        encoder,
        decoder,
        criterion,
        mask=mask,
        target=lambda images, y: own(images),
        fitting=lambda images, target: f"patch={patch} and channels={images.shape[-1]}",
        told=lambda images: {"grid": (images.shape[1] // patch, images.shape[2] // patch)},
    )
