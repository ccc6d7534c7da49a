"""The network that sees light alone and the decoder of colors."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.features.encoder import Encoder
from ssl_jax.nets.color_decoder import color_decoder
from ssl_jax.nets.lightness_resnet import lightness, lightness_resnet
from ssl_jax.nets.resnet import resnet
from tests.nets.drawn import drawn

SMALL = dict(depth=(1,), base=4, stem="cifar", zero_init=False)
X = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (2, 6, 6, 3)), jnp.float32)


def test_the_network_sees_light_alone():
    net, plain = lightness_resnet(**SMALL), resnet(**SMALL)
    params, stats = drawn(net, X)
    assert params["stem"]["conv"]["kernel"].shape[2] == 1
    found = jax.jit(lambda x: net.apply(params, stats, x, train=True))(X)
    other = jax.jit(lambda x: plain.apply(params, stats, x, train=True))(lightness(X))
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, other)


def test_an_encoder_of_light_takes_images_in_color():
    """Though its first kernel has one channel: what the clean view normalizes has three."""
    net, ops = lightness_resnet(**SMALL), [dict(name="normalize", args=dict(mean=(0.5,) * 3, std=(0.5,) * 3))]
    params, stats = jax.eval_shape(net.init, jax.random.key(0), X)
    config = {"nets": {"encoder": {"name": "lightness_resnet"}}, "clean": ({"group": "clean", "ops": ops},)}
    assert Encoder(config, 0, "", "encoder", "encoder", params, stats, net, None, None).channels == 3


def test_each_width_doubles_the_sides():
    net, x = color_decoder(out=5, widths=(3, 4)), X[:, :2, :3]
    params, stats = drawn(net, x)
    assert {name: p["kernel"].shape for name, p in params.items() if "kernel" in p} == {
        "conv1": (3, 3, 3, 3),
        "conv2": (3, 3, 3, 4),
        "out": (4, 5),
    }
    y, _ = jax.jit(lambda x: net.apply(params, stats, x, train=True))(x)
    assert y.shape == (2, 8, 12, 5)


def test_without_a_width_it_is_linear_at_each_place():
    net = color_decoder(out=5, widths=())
    params, stats = net.init(jax.random.key(0), X)
    y, _ = net.apply(params, stats, X, train=False)
    assert_allclose(y[1, 2, 3], X[1, 2, 3] @ params["out"]["kernel"] + params["out"]["bias"], rtol=1e-4)


def test_what_a_doubling_does():
    """Each place four times, a convolution with zeros around, batch norm, ReLU; of one channel, with kernels of 1."""
    net, x = color_decoder(out=1, widths=(1,)), X[:, :2, :2, :1]
    params, stats = net.init(jax.random.key(0), x)
    params = jax.tree.map(jnp.ones_like, params)
    params["norm1"]["bias"], params["out"]["bias"] = jnp.zeros(1), jnp.zeros(1)
    fine = np.pad(np.asarray(x)[..., 0].repeat(2, 1).repeat(2, 2), ((0, 0), (1, 1), (1, 1)))
    sums = sum(fine[:, i : i + 4, j : j + 4] for i in range(3) for j in range(3))
    expected = np.maximum((sums - sums.mean()) / np.sqrt(sums.var() + 1e-5), 0)
    assert_allclose(net.apply(params, stats, x, train=True)[0][..., 0], expected, atol=1e-4)
