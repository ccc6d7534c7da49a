"""Layer-wise decay of the rate."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax.optim import layer_decay

PARAMS = {
    "encoder": {
        "patch_embed": {"kernel": jnp.ones((4, 4, 3, 8))},
        "cls_token": jnp.ones((1, 8)),
        "layers": {"mlp": {"kernel": jnp.ones((3, 8, 8)), "bias": jnp.ones((3, 8))}},
        "norm": {"scale": jnp.ones(8)},
    },
    "head": {"kernel": jnp.ones((8, 2))},
}


def test_layers_decay_towards_the_input():
    optimizer = optax.chain(optax.sgd(1.0), layer_decay.layer_decay(0.5))
    updates, _ = jax.jit(optimizer.update)(PARAMS, optimizer.init(PARAMS), PARAMS)
    encoder = updates["encoder"]
    np.testing.assert_allclose(encoder["patch_embed"]["kernel"], -(0.5**4))
    np.testing.assert_allclose(encoder["cls_token"], -(0.5**4))
    np.testing.assert_allclose(encoder["layers"]["mlp"]["kernel"][:, 0, 0], [-(0.5**3), -(0.5**2), -0.5])
    np.testing.assert_allclose(encoder["layers"]["mlp"]["bias"][:, 0], [-(0.5**3), -(0.5**2), -0.5])
    np.testing.assert_allclose(encoder["norm"]["scale"], -1)
    np.testing.assert_allclose(updates["head"]["kernel"], -1)


def test_no_stack_is_an_error_in_words():
    with pytest.raises(ValueError, match="wants one stack of scanned layers"):
        layer_decay.multiples({"head": PARAMS["head"]}, 0.75)
