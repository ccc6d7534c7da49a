"""data2vec (Baevski et al. 2022, arXiv:2202.03555) for images: predict the teacher's last layers at hidden patches."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, patches
from ssl_jax.losses import latent
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.latent_prediction import latent_prediction, masked_patches
from ssl_jax.tasks import masks
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("data2vec", "masked modeling", 2022, "arXiv:2202.03555")


def data2vec(
    encoder: Net,
    predictor: Net,
    *,
    ema_decay: Schedule,
    layers: int = 6,
    beta: float = 2.0,
    hidden: int = 120,
    instance_norm: bool = False,
) -> Method:
    """Defaults of the released ViT-B run. predictor: a head of each patch, as wide as the encoder, linear there.

    layers: the last so many of the teacher's are averaged. beta: of the smooth L1. hidden: patches, of 14 x 14
    there, in blocks as BEiT's. instance_norm: each feature of these layers is normalized over the places of an image,
    not each place over its features; the paper has this for speech, the code as an option, data2vec 2.0 for images.
    """
    ranges.above_zero(layers=layers, beta=beta, hidden=hidden)
    return latent_prediction(
        encoder,
        encode.of_tokens(predictor),
        lenses.at(patches.smooth_l1(beta=beta), name="places"),
        ema_decay=ema_decay,
        hide=masked_patches(masks.so_many(hidden)),
        target=lambda y: latent.layers_averaged(y["layers"], instance_norm=instance_norm),
        asked_of_teacher={"last_layers": layers},
    )
