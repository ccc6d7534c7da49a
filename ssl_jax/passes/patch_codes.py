"""A codebook of patches by k-means, found in one pass before the first step, and the codes of images by it.

A palette of colors is a codebook of patches of one pixel.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.losses import blocks
from ssl_jax.losses.precision import wide, widen
from ssl_jax.passes import clusters, lloyd, sample, times
from ssl_jax.types import Array, Key, Pass, TrainState


class Codebook(NamedTuple):
    """centers: [k, d]. size: int32 [k], patches of the sample that lie next to each. error: [], their mean squared
    distance from it. different: int32 [], how many centers differ, which is below k where the sample has no k patches
    that do."""

    centers: Array
    size: Array
    error: Array
    different: Array


def init(key: Key, patches: Array, count: int) -> Codebook:
    """`count` normal random centers, before a pass has found others; of patches [..., d] only the shape is read."""
    ranges.above_zero(count=count)
    return unfound(jax.random.normal(key, (count, patches.shape[-1]), wide(patches.dtype)))


def unfound(centers: Array) -> Codebook:
    """The codebook of centers [k, d] that no pass has found."""
    nothing = jnp.zeros((), jnp.int32)
    return Codebook(centers, jnp.zeros(len(centers), jnp.int32), jnp.zeros((), centers.dtype), nothing)


def under(name: str) -> tuple[Callable, Callable]:
    """(TrainState) -> the Codebook of this name in the method state, and (TrainState, Codebook) -> with another."""

    def put(state: TrainState, book: Codebook) -> TrainState:
        return state._replace(method_state={**state.method_state, name: book})

    return lambda state: state.method_state[name], put


def codes(patches: Array, centers: Array, *, scores_at_once: int = blocks.AT_ONCE) -> Array:
    """The nearest of centers [k, d] to each of patches [..., d]: int32 [...], ties to the first.

    At most `scores_at_once` scores exist at a time; axis 0 may be split over devices. No gradient passes.
    """
    rows, centers = jax.lax.stop_gradient((widen(patches).reshape(-1, patches.shape[-1]), centers))
    nearest = lambda part: lloyd.assigned(part, centers)[0]  # noqa: E731
    found = blocks.by_rows(nearest, rows, columns=len(centers), at_once=scores_at_once)
    return found.reshape(patches.shape[:-1])


def of_sample(key: Key, found: sample.Sample, count: int, *, iterations: int) -> Codebook:
    """The k-means of a sample: from a k-means++ start, so many steps of Lloyd's algorithm in pieces, an assignment."""
    start, real = sample.plus_plus(key, found, count), found.numbers >= 0
    options = dict(clusters=count, iterations=iterations, start=start)
    means, labels, distances = clusters.of_rows(key, found.rows, real, **options)
    size = jnp.zeros(count, jnp.int32).at[jnp.where(real, labels, count)].add(1, mode="drop")
    error = jnp.sum(jnp.where(real, distances**2, 0)) / jnp.maximum(jnp.sum(real), 1).astype(means.dtype)
    first = codes(start, start) == jnp.arange(count, dtype=jnp.int32)  # another like it came before it where not
    return Codebook(means, size, error, jnp.sum(first, dtype=jnp.int32))


def fitting(
    patches_of: Callable[[dict], Array],
    codebook_of: Callable[[TrainState], Codebook],
    put: Callable[[TrainState, Codebook], TrainState],
    *,
    views: str = "clean",
    drawn: int = 2**16,
    iterations: int = 20,
    what: str = "patches",
    option: str = "codes",
    due: Callable = times.at_the_start,
) -> Pass:
    """The pass that draws `drawn` patches of all images, each as likely as any other, and makes a codebook of them.

    One reading of the data, however many `iterations`: these are steps on the sample. Memory is that of the sample, a
    batch and a piece of their scores; the sample depends on the images' stable ids and the key, on no batch or mesh.
    patches_of: (batch) -> [b, l, d], the same l of every image. codebook_of: the one in the state, of which shape and
    dtype are read. put: (TrainState, Codebook) -> TrainState, with it in its place. views: "clean" or "train".
    The pass ends the run with a sentence where fewer patches differ than the codebook has centers; `what` they are and
    the `option` that says how many are words of it.
    """
    ranges.above_zero(drawn=drawn, iterations=iterations)

    def start(state, key):
        count, size = codebook_of(state).centers.shape
        if drawn < count:
            raise ValueError(f"{option} is {count} and of {drawn} {what} none finds so many: raise the number drawn")
        return sample.none(key, drawn, size, codebook_of(state).centers.dtype)

    def fold(state, found, batch, key):
        return sample.drawn(found, batch["index"], widen(patches_of(batch)), batch["real"])

    def finish(state, found, key):
        return put(state, of_sample(key, found, len(codebook_of(state).centers), iterations=iterations))

    def refuses(state):
        count, different = len(codebook_of(state).centers), int(codebook_of(state).different)
        return (
            ""
            if different == count
            else f"{option} is {count}, and only {different} {what} of the images differ; take {different} or fewer"
        )

    return Pass(due, finish, views, start, fold, refuses=refuses)
