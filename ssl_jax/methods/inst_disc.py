"""InstDisc, also NPID (Wu et al. 2018, arXiv:1805.01978): each image is a class, whose weights lie in a bank."""

from ssl_jax.criteria import instances, lenses
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Examples, Method, Net

CARD = Card("InstDisc (NPID)", "joint embedding", 2018, "arXiv:1805.01978")


def inst_disc(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    form: str = "nce",
    negatives: int = 4096,
    temperature: float = 0.07,
    momentum: float = 0.5,
) -> Method:
    """Defaults of the official code for ImageNet; form="full" and 0.1 for CIFAR-10. projector: `linear`.

    One view of each image. form: "nce", "sampled" (a softmax over the same rows, better in later codes) or "full". The
    paper's pull towards the last embedding (eq. 9) is the bank's momentum, as in the code. NPID++ is this with other
    numbers: `npid_plus_plus_imagenet_r50`.
    """
    options = dict(form=form, negatives=negatives, temperature=temperature, momentum=momentum)
    criterion = lenses.at(instances.instances(examples=examples, **options), name="projection")
    return joint_embedding(encoder, projector, criterion)
