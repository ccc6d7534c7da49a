"""iBOT (Zhou et al. 2021, arXiv:2111.07832): DINO's task for images, and the same for patches that are hidden."""

import jax
import jax.numpy as jnp

from ssl_jax import masks, ranges
from ssl_jax.criteria import centred, lenses
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import by_teacher, self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("iBOT", "joint embedding", 2021, "arXiv:2111.07832")

SHAPES = {"block": masks.blocks, "random": masks.scattered}


def ibot(
    encoder: Net,
    projector: Net,
    patch_projector: Net | None = None,
    *,
    ema_decay: Schedule,
    teacher_temperature: Schedule,
    patch_teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    centre_momentum: float = 0.9,
    cls_weight: float = 1.0,
    patch_weight: float = 1.0,
    mask_share: float = 0.5,
    mask_ratio: tuple[float, float] = (0.1, 0.5),
    mask_shape: str = "block",
) -> Method:
    """Defaults of the official run_ibot.sh. The encoder, a transformer with a mask token, is evaluated as the teacher.

    patch_projector: the head of patches; the projector itself where it is left out. mask_share: of the full-size crops
    has patches hidden, of each a share from U(mask_ratio). mask_shape: "block" or "random".
    """
    ranges.share(mask_share=mask_share, **{f"mask_ratio.{i}": ratio for i, ratio in enumerate(mask_ratio)})
    if mask_shape not in SHAPES:
        raise ValueError(f"mask_shape is '{mask_shape}'; it is one of {', '.join(SHAPES)}")
    sharp = dict(student_temperature=student_temperature, centre_momentum=centre_momentum)
    images = centred.centred(teacher_temperature=teacher_temperature, **sharp)
    patches = centred.centred_patches(teacher_temperature=patch_teacher_temperature, **sharp)
    criterion = lenses.total(
        cls=(cls_weight, lenses.at("projection", images)), patches=(patch_weight, lenses.at("dense", patches))
    )

    def hide(key, b, w, grid):
        def one(key):
            which, how, where = jax.random.split(key, 3)
            ratio = jax.random.uniform(how, (), jnp.float32, *mask_ratio)
            return SHAPES[mask_shape](where, grid, jnp.where(jax.random.uniform(which) < mask_share, ratio, 0))

        return jax.vmap(jax.vmap(one))(jax.random.split(key, (b, w)))

    options = dict(ema_decay=ema_decay, through=encode.joint, dense=patch_projector or projector, hide=hide)
    return by_teacher(self_distillation(encoder, projector, criterion, **options), encoder)
