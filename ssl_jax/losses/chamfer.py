"""The distance between two clouds of points."""

import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen

Array = jax.Array


def squared_chamfer(x: Array, y: Array) -> Array:
    """Each point's squared distance to the nearest of the other cloud, a mean for each cloud, summed (arXiv:1612.00603,
    section 4.1; Point-MAE, arXiv:2203.06604, section 3.3, "l2"): [..., n, 3] and [..., m, 3] -> [...].

    Squared, as both have it, and means, as in the code of Point-MAE; 0 where both clouds are the same set.
    """
    apart = jnp.square(widen(x)[..., :, None, :] - widen(y)[..., None, :, :]).sum(-1)
    return apart.min(-1).mean(-1) + apart.min(-2).mean(-1)
