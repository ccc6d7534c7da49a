"""Rank-N-Contrast (Zha et al. 2023, arXiv:2210.01189): features in the order of what is to be predicted."""

from ssl_jax.criteria import lenses, targeted
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("Rank-N-Contrast", "supervised", 2023, "arXiv:2210.01189", needs=("target",))


def rank_n_contrast(encoder: Net, projector: Net, *, temperature: float = 2.0) -> Method:
    """Supervised: it reads the targets of the training set, and a regressor on frozen features comes after it.

    The paper has no projector (`identity`); temperature: of the official code. Batch statistics over
    both views together.
    """
    criterion = lenses.at(targeted.rank_n_contrast(temperature=temperature), name="projection")
    return joint_embedding(encoder, projector, criterion)
