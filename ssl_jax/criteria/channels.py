"""Criteria of an image's channels: what one half of an embedding shows finds the other half's row of a bank."""

import jax
import jax.numpy as jnp

from ssl_jax.criteria.instances import instances
from ssl_jax.types import Criterion, Examples, Seen

WAYS = {"light": (0, 1), "color": (1, 0)}
"""Which half is compared with the bank of which."""


def crossed(
    *,
    examples: Examples,
    form: str = "nce",
    negatives: int = 16384,
    temperature: float = 0.07,
    momentum: float = 0.5,
) -> Criterion:
    """CMC (arXiv:1906.05849, section 3.2; code): `instances` both ways, each against the other's bank, summed.

    student: [b, 1, 2 d], the embeddings of both parts of the channels side by side, any norm. state: {"light": ...,
    "color": ...}, each with the bank of the other half. Both draw the same rows. The rest as in `instances`; halves
    exchanged, with their banks, it is the same. `init` raises ValueError for a width that cannot be halved.
    """
    options = dict(examples=examples, form=form, negatives=negatives, temperature=temperature, momentum=momentum)
    one = instances(**options, written=lambda seen: seen.teacher)

    def seen_by(seen: Seen, way: str) -> Seen:
        halves = jnp.split(seen.student, 2, -1)
        query, key = WAYS[way]
        return seen._replace(student=halves[query], teacher=jax.lax.stop_gradient(halves[key]))

    def init(key, seen):
        if (width := seen.student.shape[-1]) % 2:
            raise ValueError(f"this loss compares two halves of an embedding, whose width is {width}; give an even one")
        half = jax.ShapeDtypeStruct((*seen.student.shape[:2], width // 2), seen.student.dtype)
        keys = zip(WAYS, jax.random.split(key), strict=True)
        return {}, {way: one.init(own, seen._replace(student=half))[1] for way, own in keys}

    def loss(params, state, seen):
        found = {way: one.loss({}, state[way], seen_by(seen, way)) for way in WAYS}
        metrics = {
            f"{way}/{name}": m for way, (value, more) in found.items() for name, m in {"loss": value, **more}.items()
        }
        return sum(value for value, _ in found.values()), metrics

    def update(state, seen):
        return {way: one.update(state[way], seen_by(seen, way)) for way in WAYS}

    return Criterion(init, loss, update, tuple((f"{way}/{path}", axes) for way in WAYS for path, axes in one.placement))
