"""What networks in bfloat16 keep for their backward pass: of cheap work its input, of layers their products."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.nets import activations, norm, transformer, vit


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


def pulled():
    """What a small vision transformer of 3 layers makes of 2 images of 17 tokens, and its pullback."""
    net = vit.vit(variant=(32, 3, 4, 4), dtype="bfloat16")
    params, stats = net.init(jax.random.key(1), jnp.zeros((2, 16, 16, 3)))
    x = jax.random.normal(jax.random.key(0), (2, 16, 16, 3))
    return jax.vjp(lambda params: net.apply(params, stats, x, train=True)[0]["tokens"].astype(jnp.float32), params)


def test_layers_in_bfloat16_keep_their_input_and_their_products():
    _, pull = pulled()
    rows = [a for a in jax.tree.leaves(pull) if a.shape[:2] in ((3, 2), (3, 2 * 17))]
    assert {str(a.dtype) for a in rows} == {"bfloat16"}
    kept = sorted(a.size // (3 * 2 * 17) for a in rows)
    assert kept == sorted([32, 3 * 32, 4 * 17, 32, 32, 4 * 32]), "x, qkv, logits of 4 heads, their values, proj, fc1"


def test_what_is_made_again_is_what_was_kept(monkeypatch):
    values, pull = pulled()
    monkeypatch.setattr(transformer.Blocks, "_kept", lambda self: transformer.Block)
    others, other_pull = pulled()
    dy = jax.random.normal(jax.random.key(2), values.shape)
    for a, b in zip(*map(jax.tree.leaves, ((values, pull(dy)), (others, other_pull(dy)))), strict=True):
        assert jnp.linalg.norm((a - b).ravel()) < 0.05 * jnp.linalg.norm(b.ravel()), "a compiler rounds elsewhere"
