"""CMC (Tian et al. 2019, arXiv:1906.05849): the light of an image and its color find each other among all images."""

from ssl_jax.criteria import channels, lenses
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Examples, Method, Net

CARD = Card("CMC", "joint embedding", 2019, "arXiv:1906.05849")


def cmc(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    form: str = "nce",
    negatives: int = 16384,
    temperature: float = 0.07,
    momentum: float = 0.5,
) -> Method:
    """Defaults of the official code for ImageNet. encoder: two networks side by side, of the first channel and of the
    others (`split_resnet`); the features of both are evaluated. projector: a layer of each (`split_linear`).

    One view of each image, whose operations end with `lab`. form: "nce", "sampled" or "full", as in `inst_disc`. Each
    half is compared with the rows of the other's bank; the same rows are drawn both ways.
    """
    options = dict(form=form, negatives=negatives, temperature=temperature, momentum=momentum)
    criterion = lenses.at(channels.crossed(examples=examples, **options), name="projection")
    made = joint_embedding(encoder, projector, criterion)

    def init(key, batch):
        params, state = made.init(key, batch)
        for role, net in {"encoder": "split_resnet", "projector": "split_linear"}.items():
            if set(params[role]) != {"light", "color"}:
                raise ValueError(f"CMC compares two networks, of light and of color, and its {role} is one: take {net}")
        return params, state

    return made._replace(init=init)
