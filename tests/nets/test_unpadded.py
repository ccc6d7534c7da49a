"""AMDIM's network: its size, what its places see, and its parts against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.nets import unpadded_conv, unpadded_resnet
from tests.nets.drawn import drawn

SMALL = dict(base=2, depth=2, out=16, dtype="float64")


def made(size=32, **options):
    net = unpadded_resnet.unpadded_resnet(size=size, **{**SMALL, **options})
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, size, size, 3)))
    return net, x


def test_the_papers_model_has_its_size():
    """626 million parameters (arXiv:1906.00910, section 4): those without the heads of the larger maps."""
    net = unpadded_resnet.unpadded_resnet(size=128, base=320, depth=10, out=2560)
    params, _ = jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct((1, 128, 128, 3), jnp.float32))
    assert len([name for name in params if name.startswith("head")]) == 2
    encoder = {name: part for name, part in params.items() if not name.startswith("head")}
    assert round(sum(leaf.size for leaf in jax.tree.leaves(encoder)) / 1e6) == 626


@pytest.mark.parametrize("size", [32, 64, 128])
def test_maps_have_1_5_and_7_places_a_side_and_one_width(size):
    net, x = made(size, dtype="float32")
    y, _ = jax.eval_shape(lambda key, x: net.apply(*net.init(key, x), x, train=True), jax.random.key(0), x)
    assert {name: m.shape for name, m in y["maps"].items()} == {f"{s}x{s}": (2, s, s, 16) for s in (1, 5, 7)}
    assert y["pool"].shape == (2, 16) and y["pool"].dtype == jnp.float32


def test_a_place_sees_its_own_square_alone(strict):
    """Stem 3, then 4 with stride 2 and 2 with stride 2: squares of 8 pixels, 4 from one to the next."""
    net, x = made(batch_norm=True, zero_init=False)
    params, stats = drawn(net, x)
    seven = jax.jit(lambda x: net.apply(params, stats, x, train=False)[0]["maps"]["7x7"].sum((0, 3)))
    slopes = jax.jit(jax.jacobian(lambda x: seven(x)[2, 5]))(x)
    rows, columns = np.nonzero(np.abs(np.asarray(slopes)).sum((0, 3)))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 15, 20, 27)


def layer_by_loops(params, x, kernel, stride, features):
    """One residual: squares of places -> features, ReLU, features; plus the mean of each square, padded with zeros."""
    k1, k2 = (np.asarray(params[name]["kernel"]) for name in ("conv1", "conv2"))
    side = (x.shape[1] - kernel) // stride + 1
    y = np.zeros((len(x), side, side, features))
    for i, j in np.ndindex(side, side):
        square = x[:, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        y[:, i, j] = np.maximum(np.tensordot(square, k1, 3), 0) @ k2[0, 0]
        y[:, i, j, : x.shape[-1]] += square.mean((1, 2))
    return y


def normed(params, x):
    scale, bias = (np.asarray(params[name]) for name in ("scale", "bias"))
    return (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5) * scale + bias


def valid(x, kernel):
    """A convolution without padding, place by place."""
    k = len(kernel)
    y = np.empty((len(x), x.shape[1] - k + 1, x.shape[2] - k + 1, kernel.shape[-1]))
    for i, j in np.ndindex(y.shape[1:3]):
        y[:, i, j] = np.tensordot(x[:, i : i + k, j : j + k], kernel, 3)
    return y


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (2, 2), (3, 1), (4, 2), (5, 2)])
def test_the_form_for_a_cpu_is_the_plain_one(strict, size, stride):
    g = np.random.default_rng(size)
    x, kernel = g.normal(size=(2, 9, 8, 3)), g.normal(size=(size, size, 3, 4))
    dy = g.normal(size=unpadded_conv.plain(x, kernel, stride).shape)

    def slopes(form):
        return jax.jit(lambda x, k: (form(x, k, stride), *jax.vjp(lambda x, k: form(x, k, stride), x, k)[1](dy)))

    for form in (unpadded_conv.product, unpadded_conv.convolve):
        found, expected = (slopes(each)(x, kernel) for each in (form, unpadded_conv.plain))
        for a, b in zip(found, expected, strict=True):
            assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    if stride == 1:
        assert_allclose(unpadded_conv.plain(x, kernel, 1), valid(x, kernel), rtol=1e-10)


def close(found, expected):
    assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def head_by_loops(params, x):
    at = lambda name: np.asarray(params[name]["kernel"])[0, 0]  # noqa: E731
    y = np.maximum(x @ at("conv1"), 0) @ at("conv2") + x @ at("shortcut") + np.asarray(params["shortcut"]["bias"])
    return normed(params["norm2"], y)


def test_the_whole_is_the_codes_layers(strict):
    net, x = made(zero_init=False)
    params, stats = drawn(net, x)
    found, _ = jax.jit(lambda x: net.apply(params, stats, x, train=True))(x)
    kernel, bias = (np.asarray(params["stem"]["conv"][name]) for name in ("kernel", "bias"))
    y, maps = np.maximum(valid(np.asarray(x), kernel) + bias, 0), {}
    shapes = [(1, 1, 1, 1), (4, 2, 2, 2), (2, 2, 4, 2), (3, 1, 4, 2), (3, 1, 4, 2)]
    for number, (kernel, stride, multiple, layers) in enumerate(shapes, 1):
        for i in range(layers):
            own = params[f"stage{number}_layer{i}"]
            y = layer_by_loops(own, y, *((kernel, stride) if i == 0 else (1, 1)), 2 * multiple)
        maps[y.shape[1]] = y
    last = normed(params["last_norm"], layer_by_loops(params["last"], y, 3, 1, 16))
    close(found["maps"]["1x1"], last)
    close(found["pool"], last[:, 0, 0])
    for side in (5, 7):
        close(found["maps"][f"{side}x{side}"], head_by_loops(params[f"head{side}"], maps[side]))


def test_a_fresh_head_hands_its_input_on(strict):
    weights = unpadded_resnet.identity_like(jax.random.key(0), (1, 1, 4, 6), jnp.dtype("float64"))[0, 0]
    assert_array_equal(np.diag(weights), np.ones(4))
    assert np.abs(weights - np.eye(4, 6)).max() <= 0.01
    net, x = made()
    params, _ = jax.jit(net.init)(jax.random.key(0), x)
    assert not np.any(params["head5"]["conv2"]["kernel"]) and not np.any(params["last"]["conv2"]["kernel"])


def test_what_cannot_be_is_one_sentence():
    net, _ = made(dtype="float32")
    with pytest.raises(ValueError, match="of size 32 takes images of 32 x 32 pixels, not 28 x 28; give views"):
        net.init(jax.random.key(0), jnp.zeros((1, 28, 28, 3)))
    with pytest.raises(ValueError, match="no '96' in the choices of size"):
        unpadded_resnet.unpadded_resnet(size=96)
    with pytest.raises(ValueError, match="out is 8, and the last stage has 16 channels"):
        unpadded_resnet.unpadded_resnet(size=32, base=4, out=8)
