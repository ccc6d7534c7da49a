"""W-MSE's criterion: views agree after each was whitened."""

import itertools

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import distillation, whitening
from ssl_jax.types import Array, Criterion


def w_mse(*, size: int = 128, iterations: int = 1, eps: float = 0.0) -> Criterion:
    """W-MSE (arXiv:2007.06346, section 3; code): 2 - 2 cos of views that were whitened, each by its own statistics.

    student: [b, v, d], any norm. The batch is cut at random into slices of `size` examples, the same for all views;
    each slice of a view is whitened alone. A mean over all pairs of views and over `iterations` cuts; gradients reach
    both views of a pair. 0 for views that are triangular affine maps of each other, about 2 for independent ones; a
    collapse has no value. `init` raises ValueError for a batch that is no multiple of `size`, and for slices that are
    smaller than twice the dimensions (section 3.2), whose covariance is mostly noise.
    """
    ranges.above_zero(size=size, iterations=iterations)
    ranges.at_most(100, iterations=iterations)
    ranges.below_one(eps=eps)

    def init(key, seen):
        views.require(seen)
        (b, _, d) = seen.student.shape
        if b % size:
            raise ValueError(f"a batch of {b} examples cannot be cut into slices of {size}; take a divisor of {b}")
        if size < 2 * d:
            raise ValueError(
                f"slices of {size} examples are too small to whiten {d} dimensions; take at least {2 * d} examples, or "
                f"a projector of at most {size // 2} outputs"
            )
        return {}, {}

    def loss(params, state, seen):
        values = [_cut(jax.random.fold_in(seen.key, i), seen.student) for i in range(iterations)]
        return sum(values) / iterations, {}

    def _cut(key, z):
        b, v, d = z.shape
        slices = jnp.take(z, jax.random.permutation(key, b), 0).reshape(b // size, size, v, d)
        white = jax.vmap(jax.vmap(lambda x: whitening.whitened(x, eps=eps), 1, 1))(slices)
        return _mean_distance(white.reshape(b, v, d))

    return Criterion(init, loss, lambda state, seen: state)


def _mean_distance(z: Array) -> Array:
    """2 - 2 cos over all pairs of views of [b, v, d]."""
    each = [distillation.cosine(z[:, i], z[:, j]) for i, j in itertools.combinations(range(z.shape[1]), 2)]
    return jnp.mean(jnp.stack(each))
