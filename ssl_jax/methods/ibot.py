"""iBOT (Zhou et al. 2021, arXiv:2111.07832): DINO's task for images, and the same for patches that are hidden."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import centered, lenses
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import by_teacher, self_distillation
from ssl_jax.tasks import masks
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("iBOT", "joint embedding", 2021, "arXiv:2111.07832")


def ibot(
    encoder: Net,
    projector: Net,
    *,
    ema_decay: Schedule,
    teacher_temperature: Schedule,
    patch_teacher_temperature: Schedule,
    patch_projector: Net | None = None,
    student_temperature: float = 0.1,
    center_momentum: float = 0.9,
    cls_weight: float = 1.0,
    patch_weight: float = 1.0,
    mask_share: float = 0.5,
    mask_ratio: tuple[float, float] = (0.1, 0.5),
    mask_shape: str = "block",
) -> Method:
    """Defaults of the official run_ibot.sh; the teacher is evaluated. mask_shape: "block" or "random".

    patch_projector: of patches, else `projector`. mask_share: of full-size crops hides patches, U(mask_ratio) of each.
    """
    ranges.share(mask_share=mask_share)
    sharp = dict(student_temperature=student_temperature, center_momentum=center_momentum)
    images = lenses.at(centered.centered(teacher_temperature=teacher_temperature, **sharp), name="projection")
    patches = lenses.at(centered.centered_patches(teacher_temperature=patch_teacher_temperature, **sharp), name="dense")
    criterion = lenses.total(cls=(cls_weight, images), patches=(patch_weight, patches))
    hide = masks.now_and_then(mask_share, mask_ratio, mask_shape)
    options = dict(ema_decay=ema_decay, through=encode.joint, dense=patch_projector or projector, hide=hide)
    return by_teacher(self_distillation(encoder, projector, criterion, **options), encoder)
