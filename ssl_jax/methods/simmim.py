"""SimMIM (Xie et al. 2021, arXiv:2111.09886): all patches, the hidden ones as a token; one layer predicts pixels."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, patches
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.masked_modeling import masked_in_place
from ssl_jax.tasks import mask_units, targets
from ssl_jax.types import Card, Method, Net

CARD = Card("SimMIM", "masked modeling", 2021, "arXiv:2111.09886")


def simmim(encoder: Net, decoder: Net, *, patch: int, mask_unit: int = 32, mask_ratio: float = 0.6) -> Method:
    """Units of 32 x 32 pixels, of which 60 % are hidden (table 1); patch: pixels of the encoder's patches.

    decoder: a head of each token, whose s x s x channels values are in the order of a pixel shuffle.
    """
    ranges.above_zero(patch=patch, mask_unit=mask_unit)
    ranges.share(mask_ratio=mask_ratio)
    hide = mask_units.random(mask_unit, patch, mask_ratio)
    criterion = lenses.at(patches.absolute(), name="patches")
    return masked_in_place(encoder, encode.of_tokens(decoder), criterion, hide=hide, target=targets.shuffled())
