"""Losses that tell a positive from negatives."""

import chex
import jax
import jax.numpy as jnp

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
    temperature = jnp.asarray(temperature, z.dtype)
    same, gaps = jnp.eye(b, dtype=bool), []
    for i in range(v):
        # One [b, b] block per pair of views: joining the views along axis 0 would cost all-to-alls on a mesh.
        blocks = [jnp.where(same, -jnp.inf, matmul(z[:, i], z[:, j].T) / temperature) for j in range(v)]
        blocks += [] if negatives is None else [matmul(z[:, i], unit(negatives).T) / temperature]
        others = jax.nn.logsumexp(jnp.stack([jax.nn.logsumexp(x, 1) for x in blocks], 1), 1)
        gaps += [(jnp.sum(z[:, i] * z[:, j], -1) / temperature, others) for j in range(v) if j != i]
    return gaps


def supcon(views: Array, labels: Array, temperature: float | Array) -> Array:
    """SupCon (arXiv:2004.11362, eq. 2): each view finds all views of its class; the mean over these outside the log.

    views: [b, v, d], any norm; labels: int [b], -1 for none: such an example is a class of its own. A mean over the
    views that have another one of their class, 0 where none has. With v = 2 and no label twice it is `nt_xent`; equal
    embeddings give log(v b - 1). Both official codes multiply it by a multiple of the temperature.
    """
    chex.assert_rank([views, labels], [3, 1])
    z = unit(views)
    b, v, _ = z.shape
    temperature, own = jnp.asarray(temperature, z.dtype), jnp.eye(b, dtype=bool)
    alike = own | ((labels[:, None] == labels[None]) & (labels >= 0)[None])
    total, anchors = jnp.zeros((), z.dtype), jnp.zeros((), z.dtype)
    for i in range(v):
        all_, found, count = [], jnp.zeros(b, z.dtype), jnp.zeros(b, z.dtype)
        for j in range(v):
            logits, positive = matmul(z[:, i], z[:, j].T) / temperature, alike & ~own if i == j else alike
            all_.append(jax.nn.logsumexp(jnp.where(own, -jnp.inf, logits) if i == j else logits, 1))
            found += jnp.sum(jnp.where(positive, logits, 0), 1)
            count += jnp.sum(positive, 1).astype(z.dtype)
        terms = jax.nn.logsumexp(jnp.stack(all_, 1), 1) - found / jnp.maximum(count, 1)
        total += jnp.sum(jnp.where(count > 0, terms, 0))
        anchors += jnp.sum(count > 0).astype(z.dtype)
    return total / jnp.maximum(anchors, 1)


def in_batch(query: Array, key: Array, temperature: float | Array) -> Array:
    """Each query [b, d] finds its key among the keys [b, d] of the batch; any norm; a mean over b.

    NNCLR's loss (arXiv:2104.14548, eq. 2) of neighbors and predictions, and MoCo v3's (arXiv:2104.02057, eq. 1) of
    predictions and keys. Equal embeddings give log b.
    """
    chex.assert_rank([query, key], 2)
    chex.assert_equal_shape([query, key])
    query, key = unit(query), unit(key)
    temperature = jnp.asarray(temperature, query.dtype)
    positive = jnp.sum(query * key, -1) / temperature
    return jnp.mean(jax.nn.logsumexp(matmul(query, key.T) / temperature, 1) - positive)


def info_nce(query: Array, key: Array, negatives: Array, temperature: float | Array) -> Array:
    """MoCo's loss (arXiv:1911.05722, eq. 1): find the key of each query among shared negatives; a mean over b.

    query, key: [b, d]; negatives: [n, d]; any norm. Equal embeddings give log(n + 1).
    """
    chex.assert_rank([query, key, negatives], 2)
    chex.assert_equal_shape([query, key])
    query, key, negatives = unit(query), unit(key), unit(negatives)
    temperature = jnp.asarray(temperature, query.dtype)
    positive = jnp.sum(query * key, -1) / temperature
    others = jax.nn.logsumexp(matmul(query, negatives.T) / temperature, 1)
    return jnp.mean(jnp.logaddexp(positive, others) - positive)


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
    logits = matmul(a, b.T) * scale
    positive = jnp.sum(a * b, -1) * scale
    there, back = (jax.nn.logsumexp(logits, axis) - positive for axis in (1, 0))
    return (jnp.mean(there) + jnp.mean(back)) / 2
