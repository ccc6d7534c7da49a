"""Point-MAE (Pang et al. 2022, arXiv:2203.06604): encode some patches of a cloud of points, rebuild the others."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, patches
from ssl_jax.paradigms.masked_modeling import masked_modeling
from ssl_jax.tasks import masks
from ssl_jax.tasks.targets import Target
from ssl_jax.types import Card, Method, Net

CARD = Card("Point-MAE", "masked modeling", 2022, "arXiv:2203.06604", needs=("points",))


def point_mae(encoder: Net, decoder: Net, *, mask_ratio: float = 0.6) -> Method:
    """int(l mask_ratio) of l patches are hidden, any with the same chance, as in the code ("rand").

    The target is the points of hidden patches relative to their centers, which the decoder is told and the encoder not.
    """
    ranges.above_zero(mask_ratio=mask_ratio)
    ranges.below_one(mask_ratio=mask_ratio)

    def mask(key, b, length):
        return masks.random(key, b, length, length - int(length * mask_ratio))

    def points_of(points, y, found):
        return y["patches"].reshape(*y["patches"].shape[:2], -1)

    criterion = lenses.at(patches.chamfer(), name="patches")
    target = Target(points_of, lambda points, targets: f"points={targets.shape[-1] // 3}")
    return masked_modeling(encoder, decoder, criterion, mask=mask, target=target)
