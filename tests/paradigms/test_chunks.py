"""Chunks of a batch: the gradients of the whole, at the memory of a part."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.methods import mae, simclr
from ssl_jax.nets import decoders, heads, resnet, vit
from ssl_jax.paradigms.chunks import chunked
from ssl_jax.shard import mesh

B, SIDE = 16, 16


def encoder(name: str, groups: int = 1):
    if name == "vit":
        return vit.vit(variant=(32, 2, 2, 8))
    return resnet.resnet(depth=(1, 1), base=8, stem="half", groups=groups)


def batch(b: int) -> dict:
    images = jax.random.normal(jax.random.key(1), (b, 2, SIDE, SIDE, 3))
    return {"global": images, "index": jnp.arange(b), "label": jnp.zeros(b, jnp.int32)}


def method(encoder):
    return simclr.simclr(encoder, heads.mlp(widths=(32, 16), norm="none"), temperature=0.2)


def gradient(method):
    return jax.jit(jax.value_and_grad(method.loss, has_aux=True))


def compared(whole, parts, params, state, data, tolerance=1e-5):
    """Both give the same loss, statistics and gradients, and these are no zeros."""
    results = []
    for method in (whole, parts):
        (value, aux), gradients = gradient(method)(params, state, data, jax.random.key(2), jnp.int32(0))
        results.append((value, gradients, aux.carry["stats"], aux.features, aux.metrics))
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)  # noqa: E731
    jax.tree.map(close, *results)
    assert max(float(jnp.abs(g).max()) for g in jax.tree.leaves(results[0][1])) > 1e-2


@pytest.mark.parametrize(("name", "groups"), [("vit", 1), ("resnet", 4), ("resnet", 8)])
def test_value_gradient_and_statistics_are_those_of_the_whole_batch(name, groups):
    whole = method(encoder(name, groups))
    parts = method(chunked(encoder(name, max(groups // 4, 1)), 4, groups=groups))
    params, state = jax.jit(parts.init)(jax.random.key(0), batch(B))
    compared(whole, parts, params, state, batch(B))


def test_options_of_each_example_go_with_its_chunk():
    decoder = decoders.mae_decoder(width=8, layers=1, heads=2, patch=8)
    whole, parts = (mae.mae(net, decoder, patch=8) for net in (encoder("vit"), chunked(encoder("vit"), 4)))
    params, state = jax.jit(parts.init)(jax.random.key(0), batch(B))
    compared(whole, parts, params, state, batch(B))


def test_on_eight_devices_nothing_moves_between_them_but_sums():
    net = chunked(encoder("vit"), 4)
    params, stats = jax.jit(net.init)(jax.random.key(0), batch(1)["global"][:, 0])
    split, whole = mesh.by_example(mesh.make()), mesh.replicated(mesh.make())
    images = jax.random.normal(jax.random.key(1), (64, SIDE, SIDE, 3))

    def energy(params, images):
        return (net.apply(params, stats, images, train=True)[0]["pool"] ** 2).mean()

    program = jax.jit(jax.grad(energy), in_shardings=(whole, split), out_shardings=whole).lower(params, images)
    text = program.compile().as_text()
    assert "all-reduce" in text and not any(word in text for word in ("all-gather", "all-to-all", "collective-permute"))


def test_memory_is_that_of_a_chunk():
    def temporary(b, count):
        one = method(encoder("vit") if count == 1 else chunked(encoder("vit"), count))
        shapes = jax.eval_shape(lambda: batch(b))
        params, state = jax.eval_shape(one.init, jax.random.key(0), shapes)
        program = gradient(one).lower(params, state, shapes, jax.random.key(2), jnp.int32(0)).compile()
        return program.memory_analysis().temp_size_in_bytes

    alone, four, chunks = temporary(64, 1), temporary(256, 1), temporary(256, 4)
    assert four > 3.5 * alone
    # what is kept of the whole batch: its pixels, which are large beside this small network, twice
    assert chunks < alone + 2.5 * 256 * 2 * SIDE**2 * 3 * 4


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(ValueError, match="3 chunks would cut the statistics of batch norm over 4 groups"):
        chunked(encoder("resnet", 1), 3, groups=4).init(jax.random.key(0), batch(1)["global"][:, 0])
    net = chunked(encoder("vit"), 3)
    params, stats = net.init(jax.random.key(0), batch(1)["global"][:, 0])
    with pytest.raises(ValueError, match=r"16 rows \(examples x views\) cannot be cut into 3 chunks"):
        net.apply(params, stats, batch(B)["global"][:, 0], train=True)
