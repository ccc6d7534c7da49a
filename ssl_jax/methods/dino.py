"""DINO (Caron et al. 2021, arXiv:2104.14294): match the centered, sharpened output of one's own average."""

from ssl_jax.criteria import centered, lenses
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import by_teacher, self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("DINO", "joint embedding", 2021, "arXiv:2104.14294")


def dino(
    encoder: Net,
    projector: Net,
    *,
    ema_decay: Schedule,
    teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    center_momentum: float = 0.9,
) -> Method:
    """Defaults of the official main_dino.py. The encoder that is evaluated and exported is the teacher's."""
    criterion = centered.centered(
        teacher_temperature=teacher_temperature,
        student_temperature=student_temperature,
        center_momentum=center_momentum,
    )
    seen = lenses.at(criterion, name="projection")
    return by_teacher(self_distillation(encoder, projector, seen, ema_decay=ema_decay, through=encode.joint), encoder)
