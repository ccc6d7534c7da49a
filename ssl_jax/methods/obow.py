"""oBoW (Gidaris et al. 2020, arXiv:2012.11552): name the visual words of an image from crops of it, as words change."""

from ssl_jax.checks import ranges
from ssl_jax.paradigms.bags_of_words import bags_of_words
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("oBoW", "joint embedding", 2020, "arXiv:2012.11552")


def obow(
    encoder: Net,
    weight_generator: Net,
    *,
    ema_decay: Schedule,
    levels: tuple[str, ...] = ("stage3", "stage4"),
    words: int = 8192,
    sharpness: float = 15.0,
    scale: float = 8.0,
) -> Method:
    """Defaults of the official code for a ResNet-50; a ResNet-18 has the last level alone, 10 and 5 there.

    The teacher sees the one view of group "global", whole and without colors; the student views of "local" and
    "patches", or one of both. levels: maps of the encoder. words: of each level, a multiple of the batch.
    weight_generator: `mlp` of two widths, twice the encoder's features and these, without the first bias. sharpness:
    1 / delta_base. scale: kappa. ema_decay: cosine from 0.99 to 1 there, of the encoder alone.
    """
    ranges.above_zero(words=words, sharpness=sharpness, scale=scale, levels=len(levels))
    options = dict(levels=levels, size=words, sharpness=sharpness, scale=scale)
    return bags_of_words(encoder, weight_generator, ema_decay=ema_decay, **options)
