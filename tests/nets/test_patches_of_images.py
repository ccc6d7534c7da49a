"""CPC's networks: patches are cut and encoded alone, a context sees no row that comes later."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.nets import patch_resnet
from ssl_jax.nets.map_norm import MapNorm
from ssl_jax.nets.masked_context import masked_context
from tests.nets.drawn import drawn

SMALL = dict(patch=6, stride=3, depth=(1, 1), base=4, stem="cifar", zero_init=False, dtype="float64")


def images(b=2, side=12, c=3):
    return jnp.asarray(np.random.default_rng(0).normal(size=(b, side, side, c)))


def test_patches_lie_in_rows_and_overlap(strict):
    x = np.arange(2 * 260 * 260 * 3.0).reshape(2, 260, 260, 3)
    patches = patch_resnet.cut(jnp.asarray(x), patch=80, stride=36)
    assert patches.shape == (2, 6, 6, 80, 80, 3)
    assert_array_equal(patches[1, 2, 5], x[1, 72:152, 180:260])


def test_a_patch_is_encoded_without_its_neighbors(strict):
    net, x = patch_resnet.patch_resnet(**SMALL), images()
    params, stats = drawn(net, x)
    assert stats == {}
    apply = jax.jit(lambda x: net.apply(params, stats, x, train=True)[0])
    y = apply(x)
    grid = y["maps"]["grid"]
    assert grid.shape == (2, 3, 3, 8)
    assert_allclose(y["pool"], np.asarray(grid).mean((1, 2)), rtol=1e-12)
    alone = jax.jit(lambda x: net.apply(params, stats, x, train=True)[0])(x[1:, 3:9, 6:12])
    assert_allclose(alone["maps"]["grid"][0, 0, 0], grid[1, 1, 2], rtol=1e-9)
    changed = apply(x.at[1, 0, 0].add(1.0))["maps"]["grid"] != grid
    assert changed[1, 0, 0].any() and changed.sum() == changed[1, 0, 0].sum()


def test_layer_norm_is_of_each_example_alone(strict):
    x = np.random.default_rng(1).normal(size=(3, 2, 4, 5))
    norm = MapNorm(jnp.dtype("float64"))
    scale, bias = np.arange(1.0, 6), np.arange(5.0)
    y = norm.apply({"params": {"scale": jnp.asarray(scale), "bias": jnp.asarray(bias)}}, jnp.asarray(x))
    for one, found in zip(x, y, strict=True):
        assert_allclose(found, (one - one.mean()) / np.sqrt(one.var() + 1e-5) * scale + bias, rtol=1e-10)


def test_colors_are_dropped_from_a_share_of_the_patches():
    patches = jnp.ones((20, 5, 5, 2, 2, 3))
    for share in (0.0, 0.4, 1.0):
        y = np.asarray(patch_resnet.without_colors(jax.random.key(0), patches, share=share))
        kept = y[:, :, :, 0, 0].sum(-1)
        assert set(np.unique(kept)) <= {1.0, 3.0} and abs((kept == 1).mean() - share) < 0.06
        assert_array_equal(y, np.broadcast_to(y[:, :, :, :1, :1], y.shape))
    assert np.all(np.abs(y.mean((0, 1, 2, 3, 4)) - 1 / 3) < 0.06)


def test_colors_are_dropped_in_training_alone(strict):
    net, x = patch_resnet.patch_resnet(**SMALL, drop_colors=1.0), images()
    params, stats = drawn(net, x)
    pool = lambda **options: net.apply(params, stats, x, **options)[0]["pool"]  # noqa: E731
    plain = pool(train=False)
    assert_array_equal(pool(train=True), plain)  # without a key
    assert_array_equal(pool(train=False, key=jax.random.key(0)), plain)
    assert np.abs(pool(train=True, key=jax.random.key(0)) - plain).max() > 1e-3


def test_a_context_sees_its_row_and_those_before(strict):
    """d p(r) / d z(r') is 0 for r' > r, and nothing else is: four layers look four rows up."""
    net = masked_context(layers=4, hidden=4, dtype="float64")
    x = jnp.asarray(np.random.default_rng(2).normal(size=(1, 5, 4, 3)))
    params, stats = drawn(net, x)
    seen = jax.jit(jax.jacobian(lambda x: net.apply(params, stats, x, train=True)[0][0].sum((1, 2))))(x)[:, 0]
    reached = np.abs(np.asarray(seen)).sum((2, 3)) > 0  # [row of the output, row of the input]
    assert_array_equal(reached, np.tri(5, dtype=bool))


def context_by_loops(params, x, layers):
    relu = lambda a: np.maximum(a, 0)  # noqa: E731
    taps = lambda name, n: np.split(np.asarray(params[name]["kernel"]), n)  # noqa: E731
    bias = lambda name: np.asarray(params[name]["bias"])  # noqa: E731
    for i in range(1, layers + 1):
        one, two, three, four = (f"conv{i}_{n}" for n in (1, 2, 3, 4))
        y = relu(x @ taps(one, 1)[0] + bias(one))
        wide = np.pad(y, ((0, 0), (0, 0), (1, 1), (0, 0)))
        y = sum(wide[:, :, j : j + x.shape[2]] @ tap for j, tap in enumerate(taps(two, 3))) + bias(two)
        tall = np.pad(y, ((0, 0), (1, 0), (0, 0), (0, 0)))
        y = relu(sum(tall[:, j : j + x.shape[1]] @ tap for j, tap in enumerate(taps(three, 2))) + bias(three))
        x = x + y @ taps(four, 1)[0] + bias(four)
    return relu(x)


def test_a_context_is_the_papers_blocks(strict):
    net = masked_context(layers=2, hidden=4, dtype="float64")
    x = np.random.default_rng(3).normal(size=(2, 3, 4, 5))
    params, stats = drawn(net, jnp.asarray(x))
    found, _ = net.apply(params, stats, jnp.asarray(x), train=False)
    assert_allclose(found, context_by_loops(params, x, 2), rtol=1e-10)


def test_bfloat16_gives_float32():
    net = patch_resnet.patch_resnet(**{**SMALL, "dtype": "bfloat16"})
    y, _ = jax.eval_shape(lambda key, x: net.apply(*net.init(key, x), x, train=True), jax.random.key(0), images(1))
    assert y["pool"].dtype == y["maps"]["grid"].dtype == jnp.float32


def test_what_cannot_be_is_one_sentence():
    with pytest.raises(ValueError, match="patches of 80 pixels, 36 from one to the next, do not fill images of 256"):
        patch_resnet.cut(jnp.zeros((1, 256, 256, 3)), patch=80, stride=36)
    with pytest.raises(ValueError, match="give views of 224 or 260 pixels"):
        patch_resnet.cut(jnp.zeros((1, 256, 256, 3)), patch=80, stride=36)
    with pytest.raises(ValueError, match="do not fill images of 32 x 32; give views of 80"):
        patch_resnet.cut(jnp.zeros((1, 32, 32, 3)), patch=80, stride=36)
    with pytest.raises(ValueError, match="drop_colors is 2"):
        patch_resnet.patch_resnet(drop_colors=2.0)
    with pytest.raises(ValueError, match="layers is 0"):
        masked_context(layers=0)
