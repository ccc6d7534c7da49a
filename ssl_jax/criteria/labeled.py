"""Criteria that read the classes of examples, batch["label"] [b], -1 where there is none."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive
from ssl_jax.types import Criterion


def supcon(*, temperature: float = 0.1, base_temperature: float = 0.07) -> Criterion:
    """SupCon (arXiv:2004.11362, eq. 2) on all views of the student, times temperature / base_temperature.

    student: [b, v, d], any norm. base_temperature: 0.07 in the authors' PyTorch code, 1 in their TensorFlow code, where
    eq. 2 has no factor. An example without a label has its own views as positives alone, as in SimCLR.
    """
    ranges.above_zero(temperature=temperature, base_temperature=base_temperature)

    def loss(params, state, seen):
        value = contrastive.supcon(seen.student, seen.batch["label"], temperature)
        return value * temperature / base_temperature, {}

    return views.stateless(loss, examples=2)
