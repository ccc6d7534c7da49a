"""MAE (He et al. 2022, arXiv:2111.06377): encode a quarter of the patches, reconstruct the pixels of the others."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, patches
from ssl_jax.paradigms.masked_modeling import masked_in_place, masked_modeling
from ssl_jax.passes import patch_targets
from ssl_jax.tasks import masks
from ssl_jax.types import Card, Method, Net

CARD = Card("MAE", "masked modeling", 2022, "arXiv:2111.06377")


def mae(
    encoder: Net,
    decoder: Net,
    *,
    patch: int,
    mask_ratio: float = 0.75,
    target: str = "normalized",
    components: int = 96,
    codes: int = 512,
    mask_token: bool = False,
) -> Method:
    """int(l (1 - mask_ratio)) of l patches are seen, as in the code. target: "normalized" pixels, "pixels", "pca" with
    so many components, or "codes" of so many centers (table 1d). mask_token: the encoder sees one for each hidden patch
    (table 1c)."""
    ranges.above_zero(patch=patch, mask_ratio=mask_ratio)
    ranges.below_one(mask_ratio=mask_ratio)

    def mask(key, b, length):
        return masks.random(key, b, length, int(length * (1 - mask_ratio)))

    aim = patch_targets.of(target, patch=patch, components=components, codes=codes)
    criterion = lenses.at(patches.codes() if aim.classes else patches.squared(), name="patches")
    grid = lambda images: (images.shape[1] // patch, images.shape[2] // patch)  # noqa: E731
    options = dict(target=aim, told=lambda images: {"grid": grid(images)})
    if not mask_token:
        return masked_modeling(encoder, decoder, criterion, mask=mask, **options)
    hide = lambda key, images: mask(key, len(images), grid(images)[0] * grid(images)[1]).hidden  # noqa: E731
    return masked_in_place(encoder, decoder, criterion, hide=hide, **options)
