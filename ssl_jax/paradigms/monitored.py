"""Method -> Method: the same method, with a monitor of collapse among its metrics."""

import jax
import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.types import Array, Method

NAME = "monitor/std"


def with_monitors(method: Method) -> Method:
    """Adds metrics["monitor/std"] of aux.features [b, d]; nothing else changes.

    It is mean_j std_i(z_ij / ||z_i||) * sqrt(d), SimSiam's monitor (arXiv:2011.10566, fig. 2) in units in which 1 is an
    isotropic embedding of any width, the maximum, and 0 is collapse. No gradient flows into the features.
    """

    def loss(params, state, batch, key, step):
        value, aux = method.loss(params, state, batch, key, step)
        return value, aux._replace(metrics={**aux.metrics, NAME: _spread(jax.lax.stop_gradient(aux.features))})

    return method._replace(loss=loss)


def _spread(z: Array) -> Array:
    return jnp.mean(jnp.std(unit(z), 0)) * z.shape[-1] ** 0.5
