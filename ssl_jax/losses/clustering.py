"""Assignments of embeddings to prototypes, and the losses that predict them."""

from collections.abc import Sequence

import chex
import jax
import jax.numpy as jnp
import optax

from ssl_jax.losses import blocks
from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.distillation import across_views
from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def sinkhorn(
    scores: Array, *others: Array, epsilon: float | Array = 0.05, iterations: int = 3, where: Array | None = None
) -> Array:
    """Codes that spread the samples evenly over the prototypes (arXiv:2006.09882, eq. 3 to 5).

    scores: [n, ..., k], cosines; axes between the first and the last are balanced apart (SwAV: one crop each).
    others: more samples [m, ..., k] (a queue) that take part in the balance and get no code; they are not joined to
    `scores`, which may lie on a mesh. where: bool [n, ...], the rows of `scores` that take part in the balance; the
    others get codes that nobody was balanced with. Returns [n, ..., k], of which rows sum to 1 and columns to about n
    / k. Each iteration normalizes the prototypes, then the samples, in the log domain: exp(1 / 0.05) is no float16.
    """
    blocks = [widen(x) / jnp.asarray(epsilon, widen(x).dtype) for x in (scores, *others)]
    for _ in range(iterations):
        counted = blocks if where is None else [jnp.where(where[..., None], blocks[0], -jnp.inf), *blocks[1:]]
        columns = jnp.stack([jax.nn.logsumexp(x, 0) for x in counted])
        total = jnp.expand_dims(jax.nn.logsumexp(columns, 0), 0)
        total = total if where is None else jnp.where(jnp.isfinite(total), total, 0)
        blocks = [jax.nn.log_softmax(x - total, -1) for x in blocks]
    return jnp.exp(blocks[0])


def swapped_codes(
    codes: Array, scores: Array, temperature: float | Array, *, pairs: Sequence[tuple[int, int]] | None = None
) -> Array:
    """SwAV's loss (arXiv:2006.09882, eq. 2): predict the code of a view from every other view; a mean over pairs.

    codes: [b, w, k] of the first w views; scores: [b, v, k], cosines. Blind scores give log k.
    pairs: (t, s), in place of all with t != s.
    """
    scores = widen(scores)
    return across_views(codes, scores / jnp.asarray(temperature, scores.dtype), pairs=pairs)


def from_prior(probabilities: Array, *, exponent: float = 0.0, prior_first: bool = False) -> Array:
    """KL(p || q) of the mean p of all rows from the power law q_i ~ i^(-exponent), i = 1..k (PMSN, arXiv:2210.07277).

    probabilities: [..., k]. With exponent 0 it is log k - H(p), MSN's me-max (arXiv:2204.07141, eq. 2): 0 where the
    prototypes are equally taken, log k where all rows take one. prior_first: KL(q || p).
    """
    p = widen(probabilities)
    p = jnp.mean(p.reshape(-1, p.shape[-1]), 0)
    q = jnp.arange(1, len(p) + 1, dtype=p.dtype) ** -exponent
    q = q / jnp.sum(q)
    a, b = (q, p) if prior_first else (p, q)
    least = jnp.finfo(p.dtype).tiny  # p log p is 0 at 0, and its gradient finite
    return jnp.sum(a * (jnp.log(jnp.maximum(a, least)) - jnp.log(jnp.maximum(b, least))))


def labeled(logits: Array, labels: Array, *, weights: Array | None = None) -> Array:
    """Cross-entropy with hard labels, a mean over the rows that have one; -1 means none (arXiv:1807.05520, eq. 1).

    logits: [..., k]; labels: int [...]; weights: [k], what a row of each label counts, 1 if None. The mean is over the
    number of rows whatever they count. Without any label the loss is 0, not 0 / 0.
    """
    chex.assert_shape(labels, logits.shape[:-1])
    known = labels >= 0
    rows = optax.losses.softmax_cross_entropy_with_integer_labels(widen(logits), jnp.maximum(labels, 0))
    rows = rows if weights is None else rows * weights[jnp.maximum(labels, 0)]
    return jnp.sum(jnp.where(known, rows, 0)) / jnp.maximum(jnp.sum(known), 1).astype(rows.dtype)


def proto_nce(query: Array, labels: Array, centroids: Array, concentration: Array, others: Array, real: Array) -> Array:
    """PCL's loss (arXiv:2005.04966, eq. 11; code): each query finds its prototype among the batch's and others.

    query: [b, d], any norm; labels: int [b], -1 for none; centroids: [k, d], unit; concentration: [k], the temperature
    of each prototype's column; others: int [r], prototypes that are no query's; real: bool [r], whether they count.
    A mean over the labeled queries, of which each one's prototype is a candidate for every other, also where two have
    the same (as in the code); 0 where none is labeled.
    """
    chex.assert_rank([query, labels, centroids, concentration, others, real], [2, 1, 2, 1, 1, 1])
    known = labels >= 0
    chosen = jnp.concatenate([jnp.maximum(labels, 0), others])
    scores = matmul(unit(query), centroids[chosen].T) / concentration[chosen][None]
    logits = jnp.where(jnp.concatenate([known, real])[None], scores, -jnp.inf)
    return labeled(logits, jnp.where(known, jnp.arange(len(labels)), -1))


def concentrations(distances: Array, labels: Array, *, clusters: int, temperature: float) -> Array:
    """How widely the rows of each cluster lie (arXiv:2005.04966, eq. 12; code): [k], with `temperature` as their mean.

    distances: [n], from each row to its centroid; labels: int [n], -1 for none. Of a cluster of z rows it is their mean
    distance over log(z + 10); the greatest for clusters of one row or none; then cut off at the 10th and the 90th
    percentile.
    """
    chex.assert_rank(distances, 1)
    chex.assert_equal_shape([distances, labels])
    held = distances[:, None] * jnp.array([[1.0, 0.0]], distances.dtype) + jnp.array([[0.0, 1.0]], distances.dtype)
    total, size = totals(held, labels, clusters=clusters).T
    density = total / jnp.maximum(size, 1) / jnp.log(size + 10)
    density = jnp.where(size > 1, density, jnp.max(jnp.where(size > 1, density, 0)))
    density = jnp.clip(density, *jnp.percentile(density, jnp.array([10.0, 90.0], density.dtype)))
    mean = jnp.mean(density)
    return jnp.where(mean > 0, temperature * density / jnp.where(mean > 0, mean, 1), temperature)


def evenly(labels: Array, *, clusters: int) -> Array:
    """What a row of each cluster counts, [k], so that all clusters that have rows count alike; 0 for one without.

    labels: int [n], -1 for none. Of m labeled rows and c clusters with rows it is m / (c size): its mean over the
    labeled rows is 1, and the mean of a loss with these weights is the one over rows that are drawn evenly from the
    clusters (arXiv:1807.05520, section 3.3, draws them so).
    """
    chex.assert_rank(labels, 1)
    size = totals(jnp.ones((len(labels), 1)), labels, clusters=clusters)[:, 0]
    share = jnp.sum(size) / jnp.maximum(jnp.sum((size > 0).astype(size.dtype)), 1)
    return jnp.where(size > 0, share / jnp.maximum(size, 1), 0)


def local_aggregation(logits: Array, close: Array) -> Array:
    """LA's loss (arXiv:1903.12355, eq. 3 and 4; code): how much of the background is close; a mean over b.

    logits: [b, k], scores over the temperature of each row's background neighbors; close: bool [b, k], which of these
    are close ones too. -log(p + 1e-7) of the close ones' share p of the background's probability: 0 where all are
    close, 16.1 where none is.
    """
    chex.assert_rank(logits, 2)
    chex.assert_equal_shape([logits, close])
    share = jnp.sum(jnp.where(close, jax.nn.softmax(widen(logits), -1), 0), -1)
    return -jnp.mean(jnp.log(share + 1e-7))


def totals(values: Array, labels: Array, *, clusters: int, scores_at_once: int = blocks.AT_ONCE) -> Array:
    """Sums of the values [n, c] of each label int [n], without those of -1: [k, c] (as arXiv:2005.04966, eq. 12, sums).

    A product, not a scatter-add, and in pieces, as in `kmeans_step`.
    """
    pieces = blocks.pieces(values, columns=clusters, at_once=scores_at_once)
    named = blocks.pieces(labels[:, None] + 1, columns=clusters, at_once=scores_at_once)[..., 0] - 1

    def add(held, piece):
        x, label = piece
        return held + matmul(jax.nn.one_hot(label, clusters, dtype=x.dtype).T, x), None

    start = jnp.zeros((clusters, values.shape[1]), values.dtype)
    return jax.lax.scan(add, start, (jnp.moveaxis(pieces, 1, 0), named.T))[0]


def nearest(rows: Array, centroids: Array, *, scores_at_once: int = blocks.AT_ONCE) -> Array:
    """The centroid of greatest cosine for each row (arXiv:2006.09882, code): int32 [n]; ties go to the first.

    rows: [n, d]; centroids: [k, d], unit. At most `scores_at_once` scores exist at a time.
    """
    scores = dict(columns=centroids.shape[0], at_once=scores_at_once)
    return blocks.by_rows(lambda x: _closest(x, centroids), rows, **scores)


def several(rows: Array, centroids: Array, count: int, *, scores_at_once: int = blocks.AT_ONCE) -> Array:
    """The `count` centroids of greatest cosines for each row, the nearest first: int32 [n, count]; All4One's support
    set (arXiv:2303.09417, code).

    As `nearest`.
    """
    scores = dict(columns=centroids.shape[0], at_once=scores_at_once)
    return blocks.by_rows(lambda x: jax.lax.top_k(matmul(widen(x), centroids.T), count)[1], rows, **scores)


def kmeans_step(rows: Array, valid: Array, centroids: Array, *, scores_at_once: int = blocks.AT_ONCE) -> Array:
    """One step of spherical k-means: assign, then the unit mean of each cluster; an empty one keeps its centroid.

    rows: [n, d], unit; valid: bool [n], the rows that count; centroids: [k, d], unit. Returns [k, d].
    As in DeepCluster-v2 (arXiv:2006.09882, appendix; code).
    """
    chex.assert_shape([valid], rows.shape[:1])
    k = centroids.shape[0]
    pieces = blocks.pieces(jnp.where(valid[:, None], widen(rows), 0), columns=k, at_once=scores_at_once)
    counted = blocks.pieces(valid[:, None], columns=k, at_once=scores_at_once)[..., 0]

    def add(sums, piece):
        x, count = piece
        # A product, not a scatter-add: the order of a GPU's atomic sums differs from run to run.
        member = jnp.where(count[:, None], jax.nn.one_hot(_closest(x, centroids), k, dtype=x.dtype), 0)
        return (sums[0] + matmul(member.T, x), sums[1] + jnp.sum(member, 0)), None

    empty = jnp.zeros_like(centroids), jnp.zeros(k, centroids.dtype)
    (total, size), _ = jax.lax.scan(add, empty, (jnp.moveaxis(pieces, 1, 0), counted.T))
    return jnp.where(size[:, None] > 0, unit(total), centroids)


def drawn(key: Array, rows: Array, valid: Array, *, clusters: int) -> Array:
    """Random valid rows to start k-means from, [k, d], each once while there are as many (arXiv:2006.09882, code).

    rows: [n, d]; valid: bool [n]. With fewer valid rows than clusters they repeat.
    """
    noise = jax.random.uniform(key, valid.shape)
    order = jnp.argsort(jnp.where(valid, noise, jnp.inf))
    return rows[order[jnp.arange(clusters) % jnp.maximum(jnp.sum(valid), 1)]]


def kmeans(
    key: Array, rows: Array, valid: Array, *, clusters: int, iterations: int = 10, scores_at_once: int = blocks.AT_ONCE
) -> tuple[Array, Array]:
    """Spherical k-means from random rows: centroids [k, d], unit, and labels int32 [n], -1 where not valid.

    rows: [n, d], unit; valid: bool [n]. Ends with an assignment, so that each label is the nearest centroid. With
    fewer valid rows than clusters the rows repeat, and the repeated clusters stay empty. arXiv:2006.09882, code.
    """
    rows = widen(rows)
    centroids = unit(drawn(key, rows, valid, clusters=clusters))

    def step(_, centroids):
        return kmeans_step(rows, valid, centroids, scores_at_once=scores_at_once)

    centroids = jax.lax.fori_loop(0, iterations, step, centroids)
    return centroids, jnp.where(valid, nearest(rows, centroids, scores_at_once=scores_at_once), -1)


def _closest(rows: Array, centroids: Array) -> Array:
    return jnp.argmax(matmul(widen(rows), centroids.T), -1).astype(jnp.int32)
