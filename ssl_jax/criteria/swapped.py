"""SwAV's criteria: predict the balanced code of one view from another."""

import jax

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import clustering, contrastive
from ssl_jax.losses.precision import matmul, wide
from ssl_jax.state import queue
from ssl_jax.types import Array, Criterion, Key, Metrics, Pairs, Seen

MOST = 1000
"""Iterations, each of which is written out in the step."""


def swapped(
    *,
    prototypes: int = 3000,
    temperature: float = 0.1,
    epsilon: float = 0.05,
    iterations: int = 3,
    pairs: Pairs = views.crossed,
) -> Criterion:
    """SwAV (arXiv:2006.09882, eq. 2): codes of the global crops, predicted from every other crop; a mean over pairs.

    student: [b, v, d], any norm; its first w views are the global ones, where w is the teacher's number of views (of
    the teacher nothing else is read). Parameters: {"prototypes": [d, k]} without bias, columns of norm 1 at the start;
    to keep them so is the work of the optimizer's constraint, after each update. pairs: which views are compared, the
    first of each being a global one.
    """
    ranges.above_zero(prototypes=prototypes, temperature=temperature, epsilon=epsilon, iterations=iterations)

    ranges.at_most(MOST, iterations=iterations)

    def init(key, seen):
        views.require(seen, pairs=pairs, examples=2)
        return _prototypes(key, seen, prototypes), {}

    def loss(params, state, seen):
        scores = _scores(params, contrastive.unit(seen.student))
        codes = clustering.sinkhorn(_globals(scores, seen), epsilon=epsilon, iterations=iterations)
        return _predict(codes, scores, temperature, views.of(seen, pairs))

    return Criterion(init, loss, lambda state, seen: state)


def swapped_queued(
    *,
    size: int = 3840,
    start: int = 0,
    prototypes: int = 3000,
    temperature: float = 0.1,
    epsilon: float = 0.05,
    iterations: int = 3,
    pairs: Pairs = views.crossed,
) -> Criterion:
    """SwAV for small batches: past features take part in the balance of the codes (arXiv:2006.09882, section 3.1).

    As `swapped`, with a queue of `size` rows of the global crops' features for each crop, scored by the prototypes of
    today. It is written from the beginning and used from step `start` on, when full. `init` raises ValueError if
    `size` is no multiple of the batch.
    """
    ranges.above_zero(prototypes=prototypes, temperature=temperature, epsilon=epsilon, iterations=iterations)

    ranges.at_most(MOST, iterations=iterations)
    ranges.above_zero(size=size)
    ranges.zero_or_more(start=start)

    def init(key, seen):
        views.require(seen, pairs=pairs, examples=2)
        (b, _, d), w = seen.student.shape, seen.teacher.shape[1]
        first, second = jax.random.split(key)
        dtype = wide(seen.student.dtype)
        return _prototypes(first, seen, prototypes), queue.init(second, size, (w, d), write=b, dtype=dtype)

    def loss(params, state, seen):
        scores = _scores(params, contrastive.unit(seen.student))
        past = jax.lax.stop_gradient(_scores(params, state.rows))

        def alone(x, _):
            return clustering.sinkhorn(x, epsilon=epsilon, iterations=iterations)

        def together(x, past):
            return clustering.sinkhorn(x, past, epsilon=epsilon, iterations=iterations)

        ready = queue.full(state) & (seen.step >= start)
        codes = jax.lax.cond(ready, together, alone, _globals(scores, seen), past)
        return _predict(codes, scores, temperature, views.of(seen, pairs))

    def update(state, seen):
        return queue.write(state, contrastive.unit(seen.student[:, : seen.teacher.shape[1]]))

    return Criterion(init, loss, update)


def _prototypes(key: Key, seen: Seen, count: int) -> dict[str, Array]:
    d = seen.student.shape[-1]
    return {"prototypes": contrastive.unit(jax.random.normal(key, (count, d))).T}


def _scores(params: dict[str, Array], features: Array) -> Array:
    return matmul(features, params["prototypes"].astype(features.dtype))


def _globals(scores: Array, seen: Seen) -> Array:
    return jax.lax.stop_gradient(scores[:, : seen.teacher.shape[1]])


def _predict(codes: Array, scores: Array, temperature: float, compared: list) -> tuple[Array, Metrics]:
    value = clustering.swapped_codes(codes, scores, temperature, pairs=compared)
    metrics = {"codes/entropy": monitors.entropy(codes), "codes/evenness": monitors.evenness(codes)}
    return value, {**metrics, "prototypes/used": monitors.used(codes)}
