"""PIRL (Misra and van der Maaten 2019, arXiv:1912.01991): an image and its jigsaw find the same row of a bank."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import instances, lenses
from ssl_jax.paradigms.jigsaw import with_jigsaw
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Examples, Method, Net

CARD = Card("PIRL", "joint embedding", 2019, "arXiv:1912.01991")


def pirl(
    encoder: Net,
    projector: Net,
    jigsaw_projector: Net,
    *,
    examples: Examples,
    form: str = "nce",
    negatives: int = 32000,
    temperature: float = 0.07,
    momentum: float = 0.5,
    jigsaw_weight: float = 0.5,
) -> Method:
    """InstDisc, and beside it the same loss of nine pieces in random order, the views "patches" (eq. 5).

    Defaults of the paper and of VISSL; with the heads of two layers form="sampled" and 0.1 there. jigsaw_weight:
    lambda. The bank learns from the image alone; without weight for the jigsaw it is `inst_disc`. Both look at the same
    negatives, as in PyContrast; VISSL draws for each.
    """
    ranges.share(jigsaw_weight=jigsaw_weight)
    options = dict(form=form, negatives=negatives, temperature=temperature, momentum=momentum)
    criterion = lenses.at(instances.instances(examples=examples, **options), name="projection")
    method = joint_embedding(encoder, projector, criterion)
    return with_jigsaw(method, encoder, jigsaw_projector, criterion, weight=jigsaw_weight)
