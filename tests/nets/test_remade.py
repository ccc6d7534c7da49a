"""What cheap work in bfloat16 keeps for its backward pass: its input, and nothing as large besides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.nets import activations, norm


def layer_norm(x):
    return norm.LayerNorm(x.dtype).apply({"params": {"scale": jnp.ones(8), "bias": jnp.zeros(8)}}, x)


@pytest.mark.parametrize("function", [activations.gelu, activations.quick_gelu, layer_norm])
def test_bfloat16_keeps_its_input_and_nothing_as_large_besides(function):
    x, dy = (jax.random.normal(jax.random.key(i), (32, 8)) for i in range(2))
    values, pull = jax.vjp(function, x)
    other, other_pull = jax.vjp(function, x.astype(jnp.bfloat16))
    assert other.dtype == jnp.bfloat16
    np.testing.assert_allclose(values, other.astype(jnp.float32), atol=0.03)
    np.testing.assert_allclose(pull(dy)[0], other_pull(dy.astype(jnp.bfloat16))[0].astype(jnp.float32), atol=0.05)
    assert [a.dtype for a in jax.tree.leaves(other_pull) if a.size == x.size] == [jnp.bfloat16]
