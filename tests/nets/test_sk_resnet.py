"""Sizes against the published ones, and a whole small network against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.features.encoder import FIRST
from ssl_jax.nets.sk_resnet import sk_resnet
from ssl_jax.storage import paths
from tests.nets.drawn import drawn
from tests.nets.test_conv import loops


@pytest.mark.parametrize(
    ("depth", "width", "millions"),  # table 1 of arXiv:2006.10029, which counts running statistics
    [(50, 1, 35), (50, 2, 140), (101, 1, 65), (101, 2, 257), (152, 1, 89), (152, 2, 354), (152, 3, 795)],
)
def test_sizes_are_the_published_ones(depth, width, millions):
    net, image = sk_resnet(depth=depth, width=width), jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    whole = jax.eval_shape(net.init, jax.random.key(0), image)
    assert round(sum(leaf.size for leaf in jax.tree.leaves(whole)) / 1e6) == millions


def norm(x, p):
    return x / np.sqrt(1 + 1e-5) * p["scale"] + p["bias"]


def relu(x):
    return np.maximum(x, 0)


def selected(p, x, stride):
    """Two maps of one convolution, of which each image takes a share of each channel."""
    y = relu(norm(loops(x, p["conv"]["kernel"], stride), p["norm"]))
    f = y.shape[-1] // 2
    seen = (y[..., :f] + y[..., f:]).mean((1, 2))
    seen = relu(norm(seen @ p["squeeze"]["kernel"][0, 0], p["squeeze_norm"])) @ p["mix"]["kernel"][0, 0]
    first = np.exp(seen[:, :f]) / (np.exp(seen[:, :f]) + np.exp(seen[:, f:]))
    return y[..., :f] * first[:, None, None] + y[..., f:] * (1 - first)[:, None, None]


def shortcut(x, stride):
    """The means of 2x2 pixels; beyond the image are zeros where it is halved, and nothing where it is not."""
    b, h, w, c = x.shape
    out = np.zeros((b, -(-h // stride), -(-w // stride), c))
    for i, j in np.ndindex(*out.shape[1:3]):
        window = x[:, i * stride : i * stride + 2, j * stride : j * stride + 2]
        count = 4 if stride == 2 else window.shape[1] * window.shape[2]
        out[:, i, j] = window.sum((1, 2)) / count
    return out


def by_hand(p, x):
    for i, stride in enumerate((2, 1, 1), 1):
        x = relu(norm(loops(x, p["stem"][f"conv{i}"]["kernel"], stride), p["stem"][f"norm{i}"]))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    h, w = ((s - 1) // 2 + 1 for s in x.shape[1:3])
    rows = [[padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2)) for j in range(w)] for i in range(h)]
    x = np.stack([np.stack(row, 1) for row in rows], 1)
    for stage, blocks in enumerate((1, 2), 1):
        for i in range(blocks):
            block, stride = p[f"stage{stage}"][f"block{i}"], 2 if stage > 1 and i == 0 else 1
            y = relu(norm(loops(x, block["conv1"]["kernel"], 1), block["norm1"]))
            y = norm(loops(selected(block["select"], y, stride), block["conv3"]["kernel"], 1), block["norm3"])
            if i == 0:
                x = norm(loops(shortcut(x, stride), block["shortcut_conv"]["kernel"], 1), block["shortcut_norm"])
            x = relu(x + y)
    return x.mean((1, 2))


def test_a_small_network_is_the_one_written_out_in_loops(strict):
    net = sk_resnet(depth=(1, 2), base=4, zero_init=False, dtype="float64")
    x = np.random.default_rng(0).normal(size=(2, 19, 22, 3))  # sides that halve to odd and to even ones
    params, stats = drawn(net, jnp.asarray(x))
    y, _ = jax.jit(lambda p, s, x: net.apply(p, s, x, train=False))(params, stats, jnp.asarray(x))
    assert_allclose(y["pool"], by_hand(jax.tree.map(np.asarray, params), x), rtol=1e-10)
    assert_allclose(y["pool"], y["maps"]["stage2"].mean((1, 2)), rtol=1e-12)
    assert params["stage1"]["block0"]["select"]["squeeze"]["kernel"].shape == (1, 1, 4, 32)


@pytest.mark.parametrize("stem", ["cifar", "half"])
def test_small_images_and_bfloat16_and_blocks_that_are_made_again(stem):
    nets = [sk_resnet(depth=(1, 1), base=4, stem=stem, dtype="bfloat16", remat=remat) for remat in (False, True)]
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 8, 8, 1)), jnp.float32)
    params, stats = drawn(nets[0], x)
    run = [jax.jit(lambda p, net=net: net.apply(p, stats, x, train=True)[0]) for net in nets]
    plain, again = (r(params) for r in run)
    assert plain["pool"].dtype == jnp.float32 and plain["pool"].shape == (4, 32)
    assert_allclose(plain["pool"], again["pool"], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"depth": 18}, "depths of ResNets"),
        ({"ratio": 0.0}, "ratio is 0.0; it must be above 0"),
        ({"ratio": 2.0}, "ratio is 2.0; it must be at most 1"),
        ({"stem": "large"}, "stem"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        sk_resnet(**options)


def test_a_trained_one_knows_the_channels_of_its_images():
    image = jax.ShapeDtypeStruct((1, 64, 64, 5), jnp.float32)
    params, _ = jax.eval_shape(sk_resnet(base=4).init, jax.random.key(0), image)
    first = next(place for place in FIRST if paths.has(params, place))
    assert paths.at(params, first).shape == (3, 3, 5, 2)
