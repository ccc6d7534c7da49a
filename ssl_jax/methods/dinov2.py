"""DINOv2 (Oquab et al. 2023, arXiv:2304.07193): iBOT with heads of their own, a balanced teacher and KoLeo."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import balanced, lenses
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import by_teacher, self_distillation
from ssl_jax.tasks import masks
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("DINOv2", "joint embedding", 2023, "arXiv:2304.07193")


def dinov2(
    encoder: Net,
    projector: Net,
    patch_projector: Net,
    *,
    ema_decay: Schedule,
    teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    iterations: int = 3,
    patch_weight: float = 1.0,
    koleo_weight: float = 0.1,
    koleo_among: int = 0,
    mask_share: float = 0.5,
    mask_ratio: tuple[float, float] = (0.1, 0.5),
    mask_among: int = 8,
) -> Method:
    """Defaults of the code. koleo_among, mask_among: examples, one GPU's there, among which KoLeo looks for the nearest
    (0: all), and of whose full-size crops mask_share hides patches, parts spread over mask_ratio.
    """
    ranges.share(mask_share=mask_share)
    own = dict(teacher_temperature=teacher_temperature, student_temperature=student_temperature, iterations=iterations)
    images = lenses.at(balanced.balanced(**own), name="projection")
    patches = lenses.at(balanced.balanced_patches(**own), name="dense")
    apart = lenses.at(balanced.koleo(among=koleo_among), name="pool")
    criterion = lenses.total(cls=(1.0, images), patches=(patch_weight, patches), koleo=(koleo_weight, apart))
    hiding = masks.evenly(mask_share, mask_ratio, among=mask_among)._asdict()
    options = dict(ema_decay=ema_decay, dense=patch_projector, through=encode.joint, **hiding)
    return by_teacher(self_distillation(encoder, projector, criterion, **options), encoder)
