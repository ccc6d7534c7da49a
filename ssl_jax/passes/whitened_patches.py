"""A whitening of patches and their k-means, found in one pass: both are those of a random sample of them."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.losses import blocks
from ssl_jax.losses.precision import matmul, widen
from ssl_jax.passes import lloyd, moments, patch_codes, pieces, sample, times
from ssl_jax.types import Array, Pass, TrainState


class Whitening(NamedTuple):
    """Rows x become (x - mean) matrix. mean: [d]. matrix: [d, d], symmetric."""

    mean: Array
    matrix: Array


def zca(rows: Array, real: Array, *, epsilon: float, numbers_at_once: int = blocks.AT_ONCE) -> Whitening:
    """Of rows [n, d] where `real` bool [n]: V (D + epsilon)^(-1/2) V', of their covariance V D V' over n - 1
    (Coates, Lee & Ng 2011, section 3.1.2; Krizhevsky 2009, appendix A)."""
    start, at_once = moments.none(rows[0]), numbers_at_once // rows.shape[1]
    found, _ = pieces.over(lambda held, part: (moments.joined(held, *part), None), start, (rows, real), at_once=at_once)
    columns, variances = moments.principal(found, rows.shape[1])
    return Whitening(found.mean, matmul(columns / jnp.sqrt(variances + epsilon)[None], columns.T))


def nearest(white: Array, centers: Array) -> Array:
    """The mean squared distance of each image's patches [b, l, d] from the nearest of centers [k, d]: [b]."""
    b, places, d = white.shape
    return lloyd.assigned(white.reshape(b * places, d), centers)[1].reshape(b, places).mean(1)


def nothing(weights: dict) -> dict:
    """What is found beside the weights {"mean", "whiten", "kernel" [d, k]}, before the pass."""
    size, zero = jnp.zeros(weights["kernel"].shape[1], jnp.int32), jnp.zeros((), jnp.int32)
    return {"size": size, "error": 0 * weights["mean"][0], "different": zero}


def fitting(
    patches_of: Callable[[dict, Array], Array],
    *,
    drawn: int,
    iterations: int,
    epsilon: float,
    option: str,
    due: Callable = times.at_the_start,
) -> Pass:
    """The pass that draws `drawn` patches of all clean images, and makes of them a whitening and its codebook.

    patches_of: (weights, images [b, h, w, c]) -> [b, l, d], before they are whitened. Weights lie under "encoder" of
    the method state, and the rest of the codebook under "found", as `nothing` has it. The sample, its steps of k-means
    and its sentences, of which `option` is a word, are those of `patch_codes.fitting`.
    """
    ranges.above_zero(epsilon=epsilon)

    def codebook(state: TrainState) -> patch_codes.Codebook:
        held = state.method_state
        return patch_codes.Codebook(held["encoder"]["kernel"].T, **held["found"])

    options = dict(drawn=drawn, iterations=iterations, option=option, due=due)
    plain = patch_codes.fitting(lambda batch: (), codebook, lambda state, book: state, **options)

    def fold(state, found, batch, key):
        patches = patches_of(state.method_state["encoder"], batch["clean"][:, 0])
        return sample.drawn(found, batch["index"], widen(patches), batch["real"])

    def finish(state, found, key):
        white = zca(found.rows, found.numbers >= 0, epsilon=epsilon)
        rows = found._replace(rows=matmul(found.rows - white.mean[None], white.matrix))
        book = patch_codes.of_sample(key, rows, len(codebook(state).centers), iterations=iterations)
        weights = {"mean": white.mean, "whiten": white.matrix, "kernel": book.centers.T}
        rest = {"size": book.size, "error": book.error, "different": book.different}
        return state._replace(method_state={**state.method_state, "encoder": weights, "found": rest})

    return plain._replace(fold=fold, finish=finish)
