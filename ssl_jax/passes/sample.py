"""A few rows of all, drawn at random in one pass, and centroids to start k-means from."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges, spelling
from ssl_jax.passes import rows
from ssl_jax.types import Array, Key, Pass


class Sample(NamedTuple):
    """The `m` rows with the greatest numbers of those drawn for all. key: of the draw. numbers: [m], -1 where no row is
    there yet. rows: [m, d]."""

    key: Key
    numbers: Array
    rows: Array


def none(key: Key, count: int, size: int, dtype: jnp.dtype) -> Sample:
    """A sample of `count` rows of `size` numbers, none there yet."""
    return Sample(key, jnp.full(count, -1.0), jnp.zeros((count, size), dtype))


def drawn(sample: Sample, index: Array, new: Array, real: Array) -> Sample:
    """With `new` rows [b, d], or [b, l, d], of the examples `index` int [b], each row with a number from the key.

    real: bool [b], the examples that count.
    """
    b, *places, d = new.shape
    numbers = jax.vmap(lambda i: jax.random.uniform(jax.random.fold_in(sample.key, i), places))(index)
    real = real.reshape(b, *(1 for _ in places))
    numbers = jnp.where(real, numbers, -1).astype(sample.numbers.dtype).reshape(-1)
    best, place = jax.lax.top_k(jnp.concatenate([sample.numbers, numbers]), sample.numbers.shape[0])
    return Sample(sample.key, best, jnp.concatenate([sample.rows, new.reshape(-1, d)])[place])


def random(key: Key, sample: Sample, count: int) -> Array:
    """`count` of the rows as centroids [count, d]; they repeat where there are fewer."""
    there = jnp.maximum(jnp.sum(sample.numbers >= 0), 1)
    return sample.rows[jnp.arange(count) % there]  # in the order of random numbers, so that the first are random


def plus_plus(key: Key, sample: Sample, count: int) -> Array:
    """k-means++ (Arthur & Vassilvitskii 2007, section 2.2) on the sample: centroids [count, d].

    Each is drawn with a chance in proportion to the squared distance from the nearest before it.
    """
    points, there = sample.rows, sample.numbers >= 0

    def distance(centroid: Array) -> Array:
        return jnp.where(there, jnp.sum((points - centroid[None]) ** 2, 1), 0)

    def step(i: Array, held: tuple[Array, Array]) -> tuple[Array, Array]:
        centroids, nearest = held
        chance = jnp.where(jnp.any(nearest > 0), nearest, there.astype(nearest.dtype))
        new = points[jax.random.categorical(jax.random.fold_in(key, i), jnp.log(chance))]
        return centroids.at[i].set(new), jnp.minimum(nearest, distance(new))

    first = jnp.zeros((count, points.shape[1]), points.dtype).at[0].set(points[0])
    return jax.lax.fori_loop(1, count, step, (first, distance(points[0])))[0]


def starting(
    centroids_of: Callable, put: Callable, *, start: str = "k-means++", count: int = 4096, due: Callable
) -> Pass:
    """The pass that draws `count` clean images and makes of them centroids to start from.

    centroids_of: (TrainState) -> [k, d], of which only shape and dtype are read. put: (TrainState, centroids) ->
    TrainState. Raises ValueError for another start than those of `STARTS`.
    """
    ranges.above_zero(count=count)
    if start not in STARTS:
        raise ValueError(spelling.unknown(start, STARTS, "the starts of k-means"))

    def begin(state, key):
        centroids = centroids_of(state)
        return none(key, count, centroids.shape[1], centroids.dtype)

    def fold(state, found, batch, key):
        return drawn(found, batch["index"], rows.clean(batch), batch["real"])

    def finish(state, found, key):
        return put(state, STARTS[start](key, found, len(centroids_of(state))))

    return Pass(due, finish, "clean", begin, fold)


STARTS: dict[str, Callable] = {"k-means++": plus_plus, "random": random}
"""(key, sample, count) -> centroids [count, d]."""
