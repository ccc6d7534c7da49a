"""CLIP (Radford et al. 2021, arXiv:2103.00020): an image and its caption find each other among all of a batch."""

from ssl_jax.criteria import paired
from ssl_jax.paradigms.towers import Tower, towers
from ssl_jax.types import Card, Method, Net

CARD = Card("CLIP", "multimodal", 2021, "arXiv:2103.00020", needs=("image", "text"))


def clip(
    encoder: Net,
    projector: Net,
    text_encoder: Net,
    text_projector: Net,
    *,
    temperature: float = 0.07,
    scale_limit: float = 100.0,
) -> Method:
    """Defaults of section 2.5. Views: of group "global" of the image, of group "text" of the caption.

    The projectors are linear without bias in the paper. The temperature is learned from this value on; logits are
    multiplied by no more than scale_limit.
    """
    parts = {
        "image": Tower(encoder, projector, "encoder", group="global", part="image"),
        "text": Tower(text_encoder, text_projector, "text_encoder", group="text", part="text"),
    }
    return towers(parts, paired.paired(temperature=temperature, most=scale_limit))
