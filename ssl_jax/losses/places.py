"""Places of two views of one image: which belong together. Matches carry no gradient; what is taken at them does."""

import jax
import jax.numpy as jnp

from ssl_jax.losses import contrastive
from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def most_similar(a: Array, b: Array) -> Array:
    """For each place of a the place of b with the largest cosine, the first of equals: [b, l, d], [b, m, d] -> [b, l].

    DenseCL's correspondence (arXiv:2011.09157, eq. 3), where a and b are features of the encoder.
    """
    a, b = jax.lax.stop_gradient((contrastive.unit(a), contrastive.unit(b)))
    return jnp.argmax(matmul(a, jnp.swapaxes(b, 1, 2)), -1)


def nearest(a: Array, b: Array, count: int) -> tuple[Array, Array]:
    """The `count` places of a that have the nearest neighbors in b, and these: (of a, of b), int [b, count].

    a: [b, l, d], b: [b, m, d]; 1 <= count <= l. VICRegL's matches (arXiv:2210.01571, section 3.2), of features or, with
    d = 2, of positions: a nearest neighbor for every place of a, of which the pairs with the smallest distances are
    kept, in the order of a's places as in the authors' code. Of equals the first counts.
    """
    a, b = jax.lax.stop_gradient((widen(a), widen(b)))
    squares = [jnp.sum(x * x, -1) for x in (a, b)]
    apart = squares[0][:, :, None] + squares[1][:, None] - 2 * matmul(a, jnp.swapaxes(b, 1, 2))
    kept = jnp.sort(jnp.argsort(jnp.min(apart, -1), -1)[:, :count], -1)
    return kept, jnp.take_along_axis(jnp.argmin(apart, -1), kept, 1)


def positions(maps: Array, side: int) -> Array:
    """Where in the source image the middles of a view's side x side places lie: [b, side^2, 2], row by row.

    maps: [b, 2, 3], affine, the view's place in its image: (x, y, 1) in 0..1 of the view's sides -> (x, y) in 0..1 of
    the image's. VICRegL's grid of locations (arXiv:2210.01571, section 3.2); of a mirrored view it is mirrored.
    """
    maps = widen(maps)
    middles = (jnp.arange(side, dtype=maps.dtype) + 0.5) / side
    y, x = (grid.reshape(-1) for grid in jnp.meshgrid(middles, middles, indexing="ij"))
    points = jnp.stack([x, y, jnp.ones_like(x)])
    return jnp.swapaxes(matmul(maps, points[None]), 1, 2)


def taken(x: Array, at: Array) -> Array:
    """Each example's x [b, l, d] at the places `at`, int [b, m] in 0..l-1: [b, m, d], such as DenseCL's keys
    (arXiv:2011.09157, section 3.3).
    """
    return jnp.take_along_axis(x, at[:, :, None], 1)
