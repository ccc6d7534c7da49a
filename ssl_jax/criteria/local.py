"""Criteria of places: what two views of one image show of the same thing, each at its place."""

import math

import jax

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import places, redundancy
from ssl_jax.types import Array, Criterion, Pairs

PLACE = "global/place"
"""Where the full-size views lie, in a batch whose views say so."""


def vicreg(
    *,
    num_matches: tuple[int, int] = (20, 4),
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 0.5,
    pairs: Pairs = views.crossed,
) -> Criterion:
    """VICRegL's local term (arXiv:2210.01571, section 3.2): VICReg of places that were matched, by where they lie and
    by what they show.

    student: [b, v, l, d], not normalized, of l = side x side places of each full-size view, row by row; of the teacher
    only the number of views is read. batch["global/place"]: [b, v, 2, 3], see `losses.places.positions`. A mean over
    ordered pairs of views of the sum of both kinds of matches, each the mean of two searches, from the first view's
    places for the `num_matches[0]` nearest and from the second's for the `num_matches[1]` nearest, at most l. pairs:
    which views are compared. Metrics: the terms before their weights, sums over both kinds.
    """
    weights = {"invariance": invariance, "variance": variance, "covariance": covariance}
    ranges.zero_or_more(**weights)
    ranges.above_zero(**{f"num_matches {i}": count for i, count in enumerate(num_matches)})

    def init(key, seen):
        views.require(seen, pairs=pairs, examples=2)
        _side(seen.student)
        if PLACE not in seen.batch:
            raise ValueError("this loss asks where in its image each view lies; say places=True in the recipe's views")
        return {}, {}

    def loss(params, state, seen):
        side, z = _side(seen.student), seen.student
        where = [places.positions(seen.batch[PLACE][:, i], side) for i in range(z.shape[1])]
        found, compared = [], views.of(seen, pairs)
        for pair in compared:
            for (i, j), count in zip((pair, pair[::-1]), num_matches, strict=True):
                for a, b in ((z[:, i], z[:, j]), (where[i], where[j])):
                    at = places.nearest(a, b, min(count, side**2))
                    matched = (places.taken(z[:, k], each) for k, each in zip((i, j), at, strict=True))
                    found.append(redundancy.vicreg_of_places(*matched, **weights))
        value, terms = jax.tree.map(lambda *x: sum(x) / (2 * len(compared)), *found)
        return value, {f"redundancy/{name}": term for name, term in terms.items()}

    return Criterion(init, loss, lambda state, seen: state)


def _side(grid: Array) -> int:
    """Of the square that the places of [b, v, l, d] make. Raises ValueError where they make none."""
    count = grid.shape[2]
    if (side := math.isqrt(count)) ** 2 != count:
        raise ValueError(f"this loss compares places of square maps, and the encoder has {count} of a view")
    return side
