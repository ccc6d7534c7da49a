"""Losses that tell a positive from negatives.

Similarities of a large batch are never there all at once: `blocks.by_rows` reduces a block of rows at a time.
"""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses import blocks
from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def unit(x: Array) -> Array:
    """x / ||x|| over the last axis, in at least float32; the gradient is finite at zero.

    x: [..., d]. The floor of 1e-12 under x.x is that of SimCLR's code (tf.math.l2_normalize, arXiv:2002.05709).
    """
    x = widen(x)
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(x * x, -1, keepdims=True), 1e-12))


def nt_xent(views: Array, temperature: float | Array, *, negatives: Array | None = None) -> Array:
    """SimCLR's loss (arXiv:2002.05709, eq. 1), a mean over all ordered pairs of views of one example.

    views: [b, v, d] with v >= 2, any norm. The pair (i, j) is told from the v (b - 1) views of the other examples.
    For v = 2 this is eq. 1; for v > 2 the other positives of i are in no denominator (as in `optax.losses.ntxent`),
    so that perfect views can still reach zero. Equal embeddings give log(1 + v (b - 1)). The authors' code reports
    the sum of both halves, twice this. negatives: [n, d], any norm, more that every pair is told from: the memory of
    SimCLR v2 (arXiv:2006.10029, section 2); equal embeddings then give log(1 + v (b - 1) + n).
    """
    gaps = _gaps(views, temperature, negatives)
    return sum(jnp.mean(jnp.logaddexp(positive, others) - positive) for positive, others in gaps) / len(gaps)


def decoupled(views: Array, temperature: float | Array, *, sigma: float | None = None) -> Array:
    """DCL (arXiv:2110.06848, eq. 5): NT-Xent without the positive in the denominator; a mean over all ordered pairs.

    views: [b, v, d] with b, v >= 2, any norm; the negatives of a pair are those of `nt_xent`, which is the softplus of
    each pair's loss. Equal embeddings give log(v (b - 1)); it has no lower bound but that of its negatives less
    1 / temperature. sigma: None, or DCLW (eq. 6): each positive counts 2 - exp(s / sigma) / mean(exp(s / sigma)), s its
    cosine and the mean over the batch, so that the hard ones count more. No gradient passes through these weights,
    as in lightly's code; in the first public code it does.
    """
    total = 0
    for positive, others in _gaps(views, temperature):
        weight = jnp.ones_like(positive)
        if sigma is not None:
            cosine = jax.lax.stop_gradient(positive) * jnp.asarray(temperature, positive.dtype)
            weight = 2 - len(cosine) * jax.nn.softmax(cosine / sigma)
        total += jnp.mean(others - weight * positive)
    return total / (views.shape[1] * (views.shape[1] - 1))


def _gaps(views: Array, temperature: float | Array, negatives: Array | None = None) -> list[tuple[Array, Array]]:
    """For each ordered pair of views the positive's logit, and the logsumexp of those of other examples, [b] each."""
    chex.assert_rank(views, 3)
    z = unit(views)
    b, v, _ = z.shape
    scale = 1 / jnp.asarray(temperature, z.dtype)
    rows, example = _rows(z)
    others = _log_sum(rows, rows, scale, example)
    if negatives is not None:
        others = jnp.logaddexp(others, _log_sum(rows, unit(negatives), scale))
    others = others.reshape(b, v)
    pairs = [(i, j) for i in range(v) for j in range(v) if j != i]
    return [(jnp.sum(z[:, i] * z[:, j], -1) * scale, others[:, i]) for i, j in pairs]


def _rows(z: Array) -> tuple[Array, Array]:
    """[b, v, d] -> [b v, d], and the example of each row. Views stay beside each other, which is free on a mesh."""
    b, v, d = z.shape
    return z.reshape(b * v, d), jnp.arange(b * v) // v


def _log_sum(rows: Array, candidates: Array, scale: Array, example: Array | None = None) -> Array:
    """The logsumexp of each row's logits with all candidates, [n, d] and [m, d] -> [n], a block of rows at a time.

    example: [n], of rows that are the candidates as well; none counts those of its own example.
    """

    def block(x: Array, *own: Array) -> Array:
        logits = matmul(x, candidates.T) * scale
        if own:
            logits = jnp.where(own[0][:, None] == example[None], -jnp.inf, logits)
        return jax.nn.logsumexp(logits, 1)

    whole = (rows,) if example is None else (rows, example)
    return blocks.by_rows(block, *whole, columns=len(candidates), at_once=blocks.AT_ONCE)


def supcon(views: Array, labels: Array, temperature: float | Array) -> Array:
    """SupCon (arXiv:2004.11362, eq. 2): each view finds all views of its class; the mean over these outside the log.

    views: [b, v, d], any norm; labels: int [b], -1 for none: such an example is a class of its own. A mean over the
    views that have another one of their class, 0 where none has. With v = 2 and no label twice it is `nt_xent`; equal
    embeddings give log(v b - 1). Both official codes multiply it by a multiple of the temperature.
    """
    chex.assert_rank([views, labels], [3, 1])
    z = unit(views)
    rows, example = _rows(z)
    scale = 1 / jnp.asarray(temperature, z.dtype)
    number, classes = jnp.arange(len(rows)), jnp.repeat(labels, views.shape[1])

    def block(x: Array, own: Array, mine: Array, named: Array) -> tuple[Array, Array, Array]:
        logits, same = matmul(x, rows.T) * scale, own[:, None] == number[None]
        alike = (mine[:, None] == example[None]) | ((named[:, None] == classes[None]) & (named >= 0)[:, None])
        positive = alike & ~same
        found = jnp.sum(jnp.where(positive, logits, 0), 1)
        return jax.nn.logsumexp(jnp.where(same, -jnp.inf, logits), 1), found, jnp.sum(positive, 1).astype(z.dtype)

    whole = (rows, number, example, classes)
    all_, found, count = blocks.by_rows(block, *whole, columns=len(rows), at_once=blocks.AT_ONCE)
    terms = jnp.where(count > 0, all_ - found / jnp.maximum(count, 1), 0)
    return jnp.sum(terms) / jnp.maximum(jnp.sum(count > 0), 1).astype(z.dtype)


def in_batch(query: Array, key: Array, temperature: float | Array) -> Array:
    """Each query [b, d] finds its key among the keys [b, d] of the batch; any norm; a mean over b.

    NNCLR's loss (arXiv:2104.14548, eq. 2) of neighbors and predictions, and MoCo v3's (arXiv:2104.02057, eq. 1) of
    predictions and keys. Equal embeddings give log b.
    """
    chex.assert_rank([query, key], 2)
    chex.assert_equal_shape([query, key])
    query, key = unit(query), unit(key)
    scale = 1 / jnp.asarray(temperature, query.dtype)
    return jnp.mean(_log_sum(query, key, scale) - jnp.sum(query * key, -1) * scale)


def info_nce(query: Array, key: Array, negatives: Array, temperature: float | Array) -> Array:
    """MoCo's loss (arXiv:1911.05722, eq. 1): find the key of each query among shared negatives; a mean over b.

    query, key: [b, d]; negatives: [n, d]; any norm. Equal embeddings give log(n + 1).
    """
    chex.assert_rank([query, key, negatives], 2)
    chex.assert_equal_shape([query, key])
    query, key, negatives = unit(query), unit(key), unit(negatives)
    scale = 1 / jnp.asarray(temperature, query.dtype)
    positive = jnp.sum(query * key, -1) * scale
    return jnp.mean(jnp.logaddexp(positive, _log_sum(query, negatives, scale)) - positive)


def noise_contrastive(logits: Array, log_z: Array, examples: int) -> Array:
    """InstDisc's noise-contrastive estimation (arXiv:1805.01978, eq. 7): is a row the query's own, or drawn as noise?

    logits: [b, n], scores over the temperature, the query's own first, the others of k = n - 1 rows that were drawn
    evenly from `examples`; log_z: the logarithm of the constant that stands for the sum of exp(logits) over all of
    these. A sum over n, a mean over b. Where each exp(logit) is z / examples it is log(k + 1) + k log(1 + 1 / k). The
    codes add 1e-7 to denominators.
    """
    chex.assert_rank(logits, 2)
    log_p = widen(logits) - log_z
    log_noise = jnp.log(jnp.asarray((logits.shape[1] - 1) / examples, log_p.dtype))
    log_sum = jnp.logaddexp(log_p, log_noise)
    return jnp.mean(log_sum[:, 0] - log_p[:, 0] + jnp.sum(log_sum[:, 1:] - log_noise, 1))


def paired(a: Array, b: Array, scale: float | Array) -> Array:
    """CLIP's loss (arXiv:2103.00020, figure 3): each a finds its b among all b, and each b its a; the mean of both.

    a, b: [n, d], any norm; row i of one belongs to row i of the other. scale: what cosines are multiplied by, the
    inverse of a temperature. The same for a and b exchanged, and for a common order of both; log n where all rows are
    equal; about log n + scale^2 / (2 d) for isotropic noise.
    """
    chex.assert_rank([a, b], 2)
    chex.assert_equal_shape([a, b])
    a, b = unit(a), unit(b)
    scale = jnp.asarray(scale, a.dtype)
    positive = jnp.sum(a * b, -1) * scale
    there, back = _log_sum(a, b, scale) - positive, _log_sum(b, a, scale) - positive
    return (jnp.mean(there) + jnp.mean(back)) / 2
