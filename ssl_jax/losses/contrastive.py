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


def nt_xent(views: Array, temperature: float | Array) -> Array:
    """SimCLR's loss (arXiv:2002.05709, eq. 1), a mean over all ordered pairs of views of one example.

    views: [b, v, d] with v >= 2, any norm. The pair (i, j) is told from the v (b - 1) views of the other examples.
    For v = 2 this is eq. 1; for v > 2 the other positives of i are in no denominator (as in `optax.losses.ntxent`),
    so that perfect views can still reach zero. Equal embeddings give log(1 + v (b - 1)). The authors' code reports
    the sum of both halves, twice this.
    """
    chex.assert_rank(views, 3)
    z = unit(views)
    b, v, _ = z.shape
    temperature = jnp.asarray(temperature, z.dtype)
    same = jnp.eye(b, dtype=bool)
    total = jnp.zeros((), z.dtype)
    for i in range(v):
        # One [b, b] block per pair of views: joining the views along axis 0 would cost all-to-alls on a mesh.
        blocks = [jnp.where(same, -jnp.inf, matmul(z[:, i], z[:, j].T) / temperature) for j in range(v)]
        others = jax.nn.logsumexp(jnp.stack([jax.nn.logsumexp(x, 1) for x in blocks], 1), 1)
        for j in (j for j in range(v) if j != i):
            positive = jnp.sum(z[:, i] * z[:, j], -1) / temperature
            total += jnp.mean(jnp.logaddexp(positive, others) - positive)
    return total / (v * (v - 1))


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
