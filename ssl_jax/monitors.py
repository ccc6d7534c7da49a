"""Signs of collapse and of health in embeddings and predictions; jittable, on global arrays, in at least float32.

They are metrics; no loss is made of them. z: [b, d] embeddings of any norm. Every function says its anchors: the values
at collapse and for ideal embeddings.
"""

import math

import jax
import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import matmul, widen
from ssl_jax.types import Array, Metrics


def spread(z: Array) -> Array:
    """mean_j std_i(z_ij / ||z_i||) * sqrt(d): 0 at collapse, about 1 for isotropic embeddings (1 is the maximum).

    SimSiam's monitor (Chen and He 2021, arXiv:2011.10566, fig. 2), times sqrt(d) to make widths comparable.
    """
    return jnp.mean(jnp.std(unit(z), 0)) * z.shape[-1] ** 0.5


def effective_rank(z: Array) -> Array:
    """exp(entropy of the singular values' shares): 1 at collapse, at most min(b, d). Not centered, as published.

    RankMe (Garrido et al. 2023, arXiv:2210.02885, eq. 1-2). A common offset of all embeddings counts as one dominant
    direction: look at `effective_rank(centered(z))` beside it. b of at least 5 d is needed for d to be in reach.
    """
    singular = jnp.linalg.svd(widen(z), compute_uv=False)
    p = singular / jnp.maximum(jnp.sum(singular), 1e-30) + 1e-7
    return jnp.exp(-jnp.sum(p * jnp.log(p)))


def centered(z: Array) -> Array:
    """z minus its mean over the examples."""
    z = widen(z)
    return z - jnp.mean(z, 0, keepdims=True)


def spectral_decay(z: Array) -> Array:
    """alpha of the centered embeddings' variances, lambda_j ~ j^-alpha: about 1 where features serve best.

    Agrawal et al. 2022 (alpha-ReQ, NeurIPS), by the fit of Stringer et al. 2019 (Nature 571): a line through log j and
    log lambda_j with weights 1 / j, without the first ten of 30 or more variances that are above float32's noise.
    Infinite where fewer than three are, as at collapse.
    """
    variances = jnp.square(jnp.linalg.svd(centered(z), compute_uv=False))
    j = jnp.arange(1, len(variances) + 1, dtype=variances.dtype)
    real = variances > 1e-9 * variances[0]
    used = real & (j > jnp.where(jnp.sum(real) >= 30, 10, 0))
    x, y, weight = jnp.log(j), jnp.log(jnp.maximum(variances, 1e-30)), jnp.where(used, 1 / j, 0)
    weight = weight / jnp.maximum(jnp.sum(weight), 1e-12)
    dx = x - jnp.sum(weight * x)
    slope = jnp.sum(weight * dx * y) / jnp.maximum(jnp.sum(weight * dx**2), 1e-12)
    return jnp.where(jnp.sum(used) < 3, jnp.inf, -slope)


def lidar(z: Array, *, delta: float = 1e-4) -> Array:
    """exp(entropy of the shares of the discriminant's eigenvalues): 1 at collapse, at most min(n - 1, d).

    z: [n, q, d], embeddings of q views of each of n examples. The discriminant is that between examples against within
    them, with `delta` on the diagonal of the latter (Thilak et al. 2023, arXiv:2312.04000, section 4).
    """
    z = widen(z)
    n, q, d = z.shape
    means = jnp.mean(z, 1)
    between, within = centered(means), (z - means[:, None]).reshape(n * q, d)
    values, basis = jnp.linalg.eigh(matmul(within.T, within) / (n * (q - 1)) + delta * jnp.eye(d, dtype=z.dtype))
    whitened = matmul(between, basis) * jax.lax.rsqrt(values)[None]
    shares = jnp.square(jnp.linalg.svd(whitened, compute_uv=False))
    p = shares / jnp.maximum(jnp.sum(shares), 1e-30) + 1e-7
    return jnp.exp(-jnp.sum(p * jnp.log(p)))


def information_bound(loss: Array, candidates: int) -> Array:
    """log N - loss in nats: what a contrastive loss with N candidates, the positive among them, shows of the mutual
    information of two views, at most log N (arXiv:1807.03748, eq. 8)."""
    return jnp.log(float(candidates)) - widen(loss)


def dead(z: Array, *, threshold: float = 1e-3) -> Array:
    """The share of dimensions whose std over the examples is below `threshold`: 1 at collapse, 0 is ideal."""
    return jnp.mean((jnp.std(widen(z), 0) < threshold).astype(jnp.float32))


def alignment(a: Array, b: Array) -> Array:
    """E ||a - b||^2 of unit-length positive pairs, a, b: [b, d]: 0 where views agree, 2 where they are independent.

    Wang and Isola 2020 (arXiv:2005.10242, section 4.1) with alpha = 2.
    """
    return jnp.mean(jnp.sum(jnp.square(unit(a) - unit(b)), -1))


def uniformity(z: Array, *, t: float = 2.0) -> Array:
    """log E_{i<j} exp(-t ||z_i - z_j||^2) of unit-length embeddings: 0 at collapse, about -4 + 8/d on a full sphere.

    Wang and Isola 2020 (arXiv:2005.10242, section 4.1). Memory b^2.
    """
    z = unit(z)
    cosine, b = matmul(z, z.T), z.shape[0]
    apart = jnp.where(jnp.eye(b, dtype=bool), -jnp.inf, -2 * t * (1 - cosine))
    return jax.nn.logsumexp(apart) - jnp.log(jnp.asarray(b * (b - 1), apart.dtype))


def similarities(student: Array, teacher: Array, *, same: int | None = None) -> Metrics:
    """Mean cosine of different views of one example, and of views of different examples, in -1..1.

    student: [b, v, d]; teacher: [b, w, d], view t of which shows the same crop as the student's view t, for the first
    `same` of them (all, if None). Both are 1 at collapse; healthy embeddings have positives near 1 and negatives near
    0. Read off sums, without the matrix of all pairs. Where there is no such pair the number is 0.
    """
    student, teacher = unit(student), unit(teacher)
    (b, v, _), w = student.shape, teacher.shape[1]
    both = min(v, w) if same is None else same
    one, other = jnp.sum(student, 1), jnp.sum(teacher, 1)
    every, same_example = jnp.sum(jnp.sum(one, 0) * jnp.sum(other, 0)), jnp.sum(one * other)
    same_crop = jnp.sum(student[:, :both] * teacher[:, :both])
    return {
        "similarity/positive": (same_example - same_crop) / max(b * (v * w - both), 1),
        # A float, as of a batch of 32768 there are more pairs than int32 counts.
        "similarity/negative": (every - same_example) / float(max(b * (b - 1) * v * w, 1)),
    }


def matches(a: Array, b: Array) -> Metrics:
    """Mean cosine of what belongs together in two towers, and of what does not, in -1..1; the gap between the towers.

    a, b: [n, d]; row i of one belongs to row i of the other. The cosines are both 1 at collapse and 0 for unrelated
    noise. The gap is the distance of the mean unit vectors, 0..2 (arXiv:2203.02053, section 2.1, Delta_gap).
    """
    a, b = unit(a), unit(b)
    n, same, every = a.shape[0], jnp.sum(a * b), jnp.sum(jnp.sum(a, 0) * jnp.sum(b, 0))
    return {
        "similarity/positive": same / n,
        "similarity/negative": (every - same) / float(max(n * (n - 1), 1)),
        "similarity/gap": jnp.linalg.norm(jnp.mean(a, 0) - jnp.mean(b, 0)),
    }


def entropy(probabilities: Array) -> Array:
    """Mean entropy in nats over the rows of [..., k]; 0 for one-hot rows, log k for uniform ones."""
    return jnp.mean(jnp.sum(jax.scipy.special.entr(probabilities), -1))


def evenness(probabilities: Array) -> Array:
    """`entropy` over log k: 1 where all rows are uniform, which is a collapse; 0 for one-hot rows."""
    return entropy(probabilities) / math.log(max(probabilities.shape[-1], 2))


def used(scores: Array) -> Array:
    """How many of the k prototypes are the best of some row of [..., k], as a float: 1 at collapse."""
    best = jnp.argmax(scores, -1).reshape(-1)
    return jnp.sum(jnp.zeros(scores.shape[-1], jnp.float32).at[best].set(1.0))


def collapsed(z: Array) -> Array:
    """bool: `spread` is below 0.1 or the centered effective rank below max(2, 0.02 d). Warn at the third time."""
    rank = effective_rank(centered(z))
    return (spread(z) < 0.1) | (rank < max(2.0, 0.02 * z.shape[-1]))


REPORT = {
    "std": spread,
    "effective_rank": effective_rank,
    "effective_rank_centered": lambda z: effective_rank(centered(z)),
    "uniformity": uniformity,
    "dead": dead,
}
"""What an evaluation reports about a few thousand embeddings."""
