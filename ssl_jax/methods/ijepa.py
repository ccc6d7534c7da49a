"""I-JEPA (Assran et al. 2023, arXiv:2301.08243): predict the features of blocks of an image from its other patches."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, patches
from ssl_jax.paradigms.latent_prediction import blocks_from_context, latent_prediction, tokens
from ssl_jax.paradigms.self_distillation import by_teacher
from ssl_jax.tasks.multiblock import multiblock
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("I-JEPA", "masked modeling", 2023, "arXiv:2301.08243")


def ijepa(
    encoder: Net,
    predictor: Net,
    *,
    ema_decay: Schedule,
    targets: int = 4,
    target_scale: tuple[float, float] = (0.15, 0.2),
    target_aspect: tuple[float, float] = (0.75, 1.5),
    context_scale: tuple[float, float] = (0.85, 1.0),
    context_share: float = 0.27,
    least_context: int = 10,
) -> Method:
    """Defaults of the code; the teacher is evaluated. Blocks and context: `tasks/multiblock.py`. Smooth L1, as there.

    context_share: of the patches an image shows at most so many, 0.27 being the mean of the code's batches of 128.
    """
    ranges.above_zero(targets=targets, context_share=context_share)
    ranges.share(context_share=context_share)
    blocks = dict(target_scale=target_scale, target_aspect=target_aspect, context_scale=context_scale)
    split = multiblock(targets=targets, **blocks, context_share=context_share, least=least_context)
    options = dict(ema_decay=ema_decay, hide=blocks_from_context(split), target=tokens)
    criterion = lenses.at(patches.smooth_l1(), name="places")
    return by_teacher(latent_prediction(encoder, predictor, criterion, **options), encoder)
