"""Random parameters for a Net without compiling its initialization, which takes longer than the test itself."""

import jax
import jax.numpy as jnp
import numpy as np


def drawn(net, x, seed=0):
    """(params, stats) of `net` for `x`: normal draws of std 0.3, scales near 1, fresh running statistics."""
    draw = np.random.default_rng(seed)

    def leaf(path, s):
        near_one = path[-1].key in ("scale", "var")
        return jnp.asarray(near_one + 0.3 * draw.normal(size=s.shape), s.dtype)

    params, stats = jax.eval_shape(net.init, jax.random.key(0), x)
    fresh = jax.tree.map_with_path(lambda path, s: jnp.full(s.shape, float(path[-1].key == "var"), s.dtype), stats)
    return jax.tree.map_with_path(leaf, params), fresh
