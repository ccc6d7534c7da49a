"""Knowledge distillation (Hinton et al. 2015, arXiv:1503.02531): a small network learns what a finished one says."""

from ssl_jax.criteria import distilled, lenses
from ssl_jax.paradigms.imitation import imitation
from ssl_jax.types import Card, Method, Net

CARD = Card("Knowledge distillation", "distillation", 2015, "arXiv:1503.02531")


def knowledge_distillation(
    encoder: Net,
    projector: Net,
    teacher: Net,
    *,
    feature_weight: float = 1.0,
    soft_weight: float = 0.0,
    temperature: float = 4.0,
) -> Method:
    """Without labels: of the teacher's features its pool alone is known, as of any run of this library.

    projector: from the student's features to as many numbers as the teacher's have. feature_weight: of their squared
    distance (FitNets, arXiv:1412.6550, eq. 3). soft_weight: of the divergence of both sides' softmaxes at
    `temperature`. The recipe's `start` names the run whose encoder the teacher is; teacher and student see the same
    crop (arXiv:2106.05237).
    """
    criterion = lenses.total(
        features=(feature_weight, lenses.at(distilled.features(), name="projection", teacher="pool")),
        soft=(
            soft_weight,
            lenses.at(distilled.soft_targets(temperature=temperature), name="projection", teacher="pool"),
        ),
    )
    return imitation(encoder, projector, teacher, criterion)
