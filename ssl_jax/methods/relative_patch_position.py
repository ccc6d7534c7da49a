"""Relative patch position (Doersch et al. 2015, arXiv:1505.05192): where does a patch lie, seen from another one?"""

from ssl_jax.checks import ranges
from ssl_jax.paradigms.pretext import named, pretext
from ssl_jax.tasks import relative_position as positions
from ssl_jax.types import Card, Method, Net

CARD = Card("Relative patch position", "pretext task", 2015, "arXiv:1505.05192")


def relative_patch_position(
    encoder: Net,
    classifier: Net,
    *,
    patch: int = 96,
    gap: int = 48,
    jitter: int = 7,
    shrunk: float = 0.33,
    drop_colors: float = 1.0,
) -> Method:
    """Defaults of the released code. Patch, gap and jitter in pixels, the last either way. shrunk: the share of patches
    made small and large again; drop_colors: the share with one channel. classifier: `late_fusion` with 8 outputs.
    """
    ranges.above_zero(patch=patch)
    ranges.zero_or_more(gap=gap, jitter=jitter)
    ranges.share(shrunk=shrunk, drop_colors=drop_colors)
    cut = dict(patch=patch, gap=gap, jitter=jitter)
    drawn = dict(patch=patch, jitter=jitter, shrunk=shrunk, drop_colors=drop_colors)

    def picture(key, held, images, logits):
        found = positions.patches(images, positions.draw(key, images, **drawn).moves, **cut)
        return {"relative_position": positions.picture(found, logits)}

    def task(key, held, images):
        return positions.asked(key, images, **(cut | drawn))

    return pretext(encoder, classifier, task, named(8), read=lambda y: positions.pairs(y["pool"]), picture=picture)
