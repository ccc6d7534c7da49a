"""Criteria of maps of several scales: what one view says as a whole finds what another shows at its places."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import predictive
from ssl_jax.types import Array, Criterion, Pairs

SCALES = (("1x1", "5x5"), ("1x1", "7x7"), ("5x5", "5x5"))
"""AMDIM's: which map the vector is from, and which one it finds the places of."""


def infomax(
    *,
    clip: float = 20.0,
    penalty: float = 0.05,
    scales: tuple[tuple[str, str], ...] = SCALES,
    pairs: Pairs = views.crossed,
) -> Criterion:
    """AMDIM (arXiv:1906.00910, section 3 and its code): the sum over `scales` of `losses.predictive.global_to_local`
    and of `penalty` times the mean square of its scores, each a mean over ordered pairs of views.

    student: {map: [b, v, h, w, d]}, any norm, all of one width, with gradient on both sides. Of a map of more than one
    place the source is one drawn evenly for each view of each example. clip: of the scores. pairs: which views are
    compared. Metrics: the term of each two scales, and "penalty", before its weight. `init` raises ValueError for maps
    that are missing or of other widths, for one view and for one example.
    """
    ranges.above_zero(clip=clip)
    ranges.zero_or_more(penalty=penalty)

    def init(key, seen):
        maps = seen.student
        missing = sorted({name for names in scales for name in names} - set(maps))
        if missing:
            raise ValueError(f"this loss looks at the map {missing[0]} of the encoder, which has {', '.join(maps)}")
        widths = {name: maps[name].shape[-1] for names in scales for name in names}
        if len(set(widths.values())) > 1:
            raise ValueError(f"this loss multiplies maps of one width with each other; these have {widths}")
        one = maps[scales[0][0]]
        views.require(seen._replace(student=one, teacher=one), pairs=pairs, examples=2)
        return {}, {}

    def loss(params, state, seen):
        flat = {name: x.reshape(*x.shape[:2], -1, x.shape[-1]) for name, x in seen.student.items()}
        v, terms, squares = next(iter(flat.values())).shape[1], {}, []
        for source, target in scales:
            vectors, found = _drawn(seen.key, flat[source]), []
            for t, s in pairs(v, v):
                found.append(predictive.global_to_local(vectors[:, s], flat[target][:, t], clip=clip))
            terms[f"{source}-{target}"], square = (sum(x) / len(found) for x in zip(*found, strict=True))
            squares.append(square)
        total = sum(squares)
        return sum(terms.values()) + penalty * total, {**terms, "penalty": total}

    return Criterion(init, loss, lambda state, seen: state)


def _drawn(key: jax.Array, places: Array) -> Array:
    """[b, v, l, d] -> [b, v, d], one place of each."""
    b, v, count, _ = places.shape
    at = jax.random.randint(key, (b, v, 1, 1), 0, count, jnp.int32)
    return jnp.take_along_axis(places, at, 2)[:, :, 0]
