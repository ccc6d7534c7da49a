"""Losses that make the features of an embedding say different things."""

from collections.abc import Sequence

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def barlow(a: Array, b: Array, *, off_diagonal: float = 0.0051) -> tuple[Array, dict[str, Array]]:
    """Barlow Twins (arXiv:2103.03230, eq. 1): the cross-correlation of two views becomes the identity.

    a, b: [b, d] with b >= 2. Returns the loss and its terms `on_diagonal`, and `off_diagonal` before its weight.
    Features are standardized over the batch with the biased variance + 1e-5, as the authors' batch norm does.
    """
    chex.assert_rank([a, b], 2)
    chex.assert_equal_shape([a, b])
    c = matmul(_standardize(a).T, _standardize(b)) / a.shape[0]
    diagonal = jnp.eye(c.shape[0], dtype=bool)
    on = jnp.sum(jnp.where(diagonal, (1 - c) ** 2, 0))
    off = jnp.sum(jnp.where(diagonal, 0, c**2))
    return on + off_diagonal * off, {"on_diagonal": on, "off_diagonal": off}


def _standardize(x: Array) -> Array:
    x = widen(x)
    x = x - jnp.mean(x, 0, keepdims=True)
    return x * jax.lax.rsqrt(jnp.mean(x * x, 0, keepdims=True) + 1e-5)


def vicreg(
    a: Array, b: Array, *, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
) -> tuple[Array, dict[str, Array]]:
    """VICReg (arXiv:2105.04906, eq. 6): near views, spread features, no covariance between features.

    a, b: [b, d] with b >= 2, not normalized. Returns the loss and its terms before their weights: `invariance` (mean
    over b and d), `variance` (mean of the two views) and `covariance` (sum of the two views), as in the authors' code.
    """
    chex.assert_equal_shape([a, b])
    a, b = widen(a), widen(b)
    terms = {
        "invariance": jnp.mean((a - b) ** 2),
        "variance": (spread(a) + spread(b)) / 2,
        "covariance": shared(a) + shared(b),
    }
    weights = {"invariance": invariance, "variance": variance, "covariance": covariance}
    return sum(weights[name] * term for name, term in terms.items()), terms


def vicreg_of_places(a: Array, b: Array, **weights: float) -> tuple[Array, dict[str, Array]]:
    """`vicreg` of each place over the batch, a mean over places (VICRegL, arXiv:2210.01571, section 3.2).

    a, b: [b, l, d] with b >= 2; a's place i belongs to b's place i. weights: those of `vicreg`.
    """
    return jax.tree.map(jnp.mean, jax.vmap(lambda a, b: vicreg(a, b, **weights), 1)(a, b))


def spread(x: Array) -> Array:
    """VICReg's hinge (arXiv:2105.04906, eq. 1 and 2): how far each feature's deviation stays below 1; 0..1.

    x: [b, d], b >= 2. The variance is unbiased and gets 1e-4 before the root; a collapsed x gives 0.99.
    """
    chex.assert_rank(x, 2)
    x = widen(x)
    return jnp.mean(jax.nn.relu(1 - jnp.sqrt(jnp.var(x, 0, ddof=1) + 1e-4)))


def shared(x: Array) -> Array:
    """VICReg's covariance term (arXiv:2105.04906, eq. 3 and 4): squares off the diagonal, summed, over d.

    x: [b, d], b >= 2.
    """
    chex.assert_rank(x, 2)
    x = widen(x)
    x = x - jnp.mean(x, 0, keepdims=True)
    c = matmul(x.T, x) / (x.shape[0] - 1)
    return jnp.sum(jnp.where(jnp.eye(c.shape[0], dtype=bool), 0, c**2)) / c.shape[0]


def vibcreg(
    a: Array, b: Array, *, invariance: float = 25.0, variance: float = 25.0, covariance: float = 200.0
) -> tuple[Array, dict[str, Array]]:
    """VIbCReg (arXiv:2109.00783, section 3; code): VICReg with correlations in place of covariances.

    a, b: [b, d] with b >= 2, not normalized. Returns the loss and its terms before their weights: `invariance` (mean
    over b and d), `variance` and `covariance`, sums of the two views. VICReg's variance is the mean of the two.
    """
    chex.assert_equal_shape([a, b])
    a, b = widen(a), widen(b)
    terms = {
        "invariance": jnp.mean((a - b) ** 2),
        "variance": spread(a) + spread(b),
        "covariance": correlated(a) + correlated(b),
    }
    weights = {"invariance": invariance, "variance": variance, "covariance": covariance}
    return sum(weights[name] * term for name, term in terms.items()), terms


def correlated(x: Array) -> Array:
    """Squared correlations of different features, summed, over d^2 (arXiv:2109.00783, code): 0..(d - 1) / d.

    x: [b, d], b >= 2. Blind to the scale and the mean of each feature; 1 / (b - 1) and less for independent ones. A
    feature that is constant over the batch counts as correlated with none.
    """
    chex.assert_rank(x, 2)
    x = widen(x)
    z = unit((x - jnp.mean(x, 0, keepdims=True)).T)
    r = matmul(z, z.T)
    return jnp.mean(jnp.where(jnp.eye(len(r), dtype=bool), 0, r**2))


def feature_contrast(a: Array, b: Array, *, pairs: Sequence[tuple[int, int]]) -> tuple[Array, dict[str, Array]]:
    """All4One's feature contrast (arXiv:2303.09417, section 3; code): each feature is its twin in the other view, and
    no other.

    a: [b, w, d]; b: [b, v, d], d >= 2; pairs: (view of a, view of b). C_ij is the cosine of two features over the
    batch, not centered. Returns the mean of the terms, 0..1.5: `on_diagonal`, the root of the mean of (1 - C_ii)^2 over
    features and pairs, and `off_diagonal`, that of C_ij^2 for i != j. Equal rows give 1 / 2, C being 1 everywhere. The
    gradient is finite at 0, where it is 0.
    """
    chex.assert_rank([a, b], 3)
    chex.assert_equal(a.shape[::2], b.shape[::2])
    on, off = [], []
    for i, j in pairs:
        c = matmul(unit(a[:, i].T), unit(b[:, j].T).T)
        diagonal, d = jnp.eye(len(c), dtype=bool), len(c)
        on.append(jnp.sum(jnp.where(diagonal, (1 - c) ** 2, 0)) / d)
        off.append(jnp.sum(jnp.where(diagonal, 0, c**2)) / (d * (d - 1)))
    terms = {"on_diagonal": _root(sum(on) / len(on)), "off_diagonal": _root(sum(off) / len(off))}
    return (terms["on_diagonal"] + terms["off_diagonal"]) / 2, terms


def _root(x: Array) -> Array:
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), 0)


def second_moment(x: Array) -> Array:
    """mean_i u_i u_i^T of unit rows u = x / ||x|| (TiCo, arXiv:2206.10698, algorithm 1): [d, d], of trace 1, not
    centered.

    x: [n, d], any norm.
    """
    chex.assert_rank(x, 2)
    u = unit(x)
    return matmul(u.T, u) / len(u)


def along(x: Array, moment: Array) -> Array:
    """mean_i u_i^T C u_i of unit rows u = x / ||x|| (TiCo's contrast, arXiv:2206.10698, algorithm 1): 0..1.

    x: [n, d], any norm; moment: C [d, d]. With C = `second_moment(x)` it is 1 where all rows are one direction, and
    1 / d where they point everywhere alike.
    """
    chex.assert_rank([x, moment], 2)
    u = unit(x)
    return jnp.mean(jnp.sum(matmul(u, moment) * u, -1))
