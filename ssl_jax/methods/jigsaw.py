"""Jigsaw puzzles (Noroozi and Favaro 2016, arXiv:1603.09246): in which of many orders are the tiles of an image?"""

from functools import partial

from ssl_jax.checks import ranges
from ssl_jax.paradigms.pretext import named, pretext
from ssl_jax.tasks import jigsaw as tiles
from ssl_jax.tasks import orders
from ssl_jax.types import Card, Method, Net

CARD = Card("Jigsaw", "pretext task", 2016, "arXiv:1603.09246")


def jigsaw(
    encoder: Net,
    classifier: Net,
    *,
    grid: int = 3,
    tile: int = 64,
    jitter: int = 21,
    permutations: int = 2000,
    seed: int = 0,
) -> Method:
    """Defaults of VISSL's ResNet-50. jitter: pixels by which a tile moves in its cell. classifier: `late_fusion` with
    an output for each of the permutations. `seed` chooses these, and they lie in the state with it.
    """
    ranges.above_zero(tile=tile, permutations=permutations)
    ranges.zero_or_more(jitter=jitter, seed=seed)
    orders.check(permutations, grid)
    options = dict(tile=tile, jitter=jitter)

    return pretext(
        encoder,
        classifier,
        lambda key, held, images: tiles.asked(key, held["orders"], images, **options),
        named(permutations),
        read=lambda y: tiles.gathered(y["pool"], grid=grid),
        held=partial(orders.chosen, seed, count=permutations, pieces=grid**2),
        picture=lambda key, held, images, logits: tiles.picture(key, held["orders"], images, logits, **options),
    )
