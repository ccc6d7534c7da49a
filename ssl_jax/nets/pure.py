"""A linen module as two pure functions: the only door between flax and the rest of the library.

Modules that pass here keep three promises, so that another library could replace flax: they return what they
computed (no `sow`), they draw random numbers under the name "dropout" only, and they know nothing of devices.
"""

from flax import linen as nn

from ssl_jax.types import Net


def pure(module: nn.Module) -> Net:
    """`module`, called as module(x, *, train, **options), as a Net.

    init: (key, x, **options) -> (params, stats), nested dicts; `options` only where the forward pass needs them,
    and stats = {} without batch norm. Run it under jit: an eager init computes the whole forward pass.
    apply: (params, stats, x, *, train, key=None, **options) -> (y, stats). The statistics are new only if `train`.
    """

    def init(key, x, **options):
        variables = module.init({"params": key}, x, train=False, **options)
        return variables.get("params", {}), variables.get("batch_stats", {})

    def apply(params, stats, x, *, train, key=None, **options):
        variables = {"params": params, "batch_stats": stats} if stats else {"params": params}
        draws = {} if key is None else {"dropout": key}
        if not (train and stats):
            return module.apply(variables, x, train=train, rngs=draws, **options), stats
        y, new = module.apply(variables, x, train=train, rngs=draws, mutable=["batch_stats"], **options)
        return y, new["batch_stats"]

    return Net(init, apply)
