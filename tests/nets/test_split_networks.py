"""CMC's two networks side by side: which channels each sees, and where its parameters lie."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import resnet, split
from tests.nets.drawn import drawn

SMALL = dict(depth=(1, 1), base=4, stem="cifar", zero_init=False, dtype="float64")


def test_each_network_sees_its_own_channels(strict):
    net, x = split.split_resnet(**SMALL), jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 6, 3)))
    params, stats = drawn(net, x)
    y, new = jax.jit(lambda x: net.apply(params, stats, x, train=True))(x)
    one = resnet.resnet(**SMALL)
    for name, channels, half in (("light", x[..., :1], slice(8)), ("color", x[..., 1:], slice(8, None))):
        own, moved = jax.jit(lambda x, n=name: one.apply(params[n], stats[n], x, train=True))(channels)
        assert_allclose(y["pool"][:, half], own["pool"], rtol=1e-12)
        assert_allclose(y["maps"]["stage2"][..., half], own["maps"]["stage2"], rtol=1e-12)
        jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-12), new[name], moved)


def test_the_two_start_apart():
    x = jnp.zeros((1, 8, 8, 2))
    params, _ = jax.jit(split.split_resnet(**{**SMALL, "dtype": "float32"}).init)(jax.random.key(0), x)
    light, color = (params[name]["stem"]["conv"]["kernel"] for name in ("light", "color"))
    assert light.shape == color.shape and np.abs(light - color).max() > 0.01


def test_each_half_has_a_layer_of_its_own(strict):
    head = split.split_linear(out=2, dtype="float64")
    x = jnp.asarray(np.random.default_rng(1).normal(size=(3, 8)))
    params, stats = drawn(head, x)
    y, _ = head.apply(params, stats, x, train=True)
    for name, half, made in (("light", x[:, :4], y[:, :2]), ("color", x[:, 4:], y[:, 2:])):
        own = params[name]["linear1"]
        assert_allclose(made, half @ own["kernel"] + own["bias"][None], rtol=1e-12)


def test_what_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match="the images have one channel"):
        split.split_resnet(**{**SMALL, "dtype": "float32"}).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))
    with pytest.raises(ValueError, match="each half of the features, of which there are 5"):
        split.split_linear(out=2).init(jax.random.key(0), jnp.zeros((1, 5)))
