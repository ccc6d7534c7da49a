"""DINO (Caron et al. 2021, arXiv:2104.14294): match the centred, sharpened output of one's own average."""

from ssl_jax.criteria import centred
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("DINO", "joint embedding", 2021, "arXiv:2104.14294")


def dino(
    encoder: Net,
    projector: Net,
    *,
    ema_decay: Schedule,
    teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    centre_momentum: float = 0.9,
) -> Method:
    """Defaults of the official main_dino.py. The encoder that is evaluated and exported is the teacher's."""
    criterion = centred.centred(
        teacher_temperature=teacher_temperature,
        student_temperature=student_temperature,
        centre_momentum=centre_momentum,
    )
    method = self_distillation(encoder, projector, criterion, ema_decay=ema_decay, through=encode.joint)

    def embed(params, state, images):
        y, _ = encoder.apply(state["teacher"]["encoder"], state["teacher_stats"]["encoder"], images, train=False)
        return y

    return method._replace(embed=embed, encoders={name: method.encoders[name] for name in ("teacher", "student")})
