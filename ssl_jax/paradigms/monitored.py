"""Method -> Method: the same method, with a monitor of collapse among its metrics."""

import jax

from ssl_jax import monitors
from ssl_jax.types import Method

NAME = "monitor/std"


def with_monitors(method: Method) -> Method:
    """Adds metrics["monitor/std"] of aux.features [b, d]; nothing else changes.

    It is `monitors.spread`: 1 for an isotropic embedding of any width, 0 at collapse. No gradient flows into the
    features.
    """

    def loss(params, state, batch, key, step):
        value, aux = method.loss(params, state, batch, key, step)
        return value, aux._replace(metrics={**aux.metrics, NAME: monitors.spread(jax.lax.stop_gradient(aux.features))})

    return method._replace(loss=loss)
