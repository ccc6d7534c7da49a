import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import resnet, series_resnet


def made(net, *shape):
    x = np.random.default_rng(0).normal(size=shape)
    params, stats = jax.jit(net.init)(jax.random.key(0), x)
    return params, stats, x


def test_it_is_the_resnet_of_images_of_one_row(strict):
    """Kernels [k, c, d] are the middle rows of [k, k, c, d]; a row has no neighbors above and below."""
    options = dict(depth=(1, 2), base=4, zero_init=False, dtype="float64")
    one, two = series_resnet.series_resnet(kernel=3, stride=1, **options), resnet.resnet(stem="cifar", **options)
    params, stats, x = made(one, 3, 17, 2)

    def widened(leaf):
        if leaf.ndim != 3:
            return leaf
        rows = leaf.shape[0]
        return jnp.zeros((rows, *leaf.shape), leaf.dtype).at[rows // 2].set(leaf)

    own = {name: value for name, value in params.items() if name.startswith("stage")}
    own |= {"stem": {"conv": params["stem_conv"], "norm": params["stem_norm"]}}
    kept = {name: value for name, value in stats.items() if name.startswith("stage")}
    kept |= {"stem": {"norm": stats["stem_norm"]}}
    for train in (False, True):
        y, _ = one.apply(params, stats, x, train=train)
        z, _ = two.apply(jax.tree.map(widened, own), kept, x[:, None], train=train)
        assert_allclose(y["pool"], z["pool"], rtol=1e-9, atol=1e-12)
        assert_allclose(y["tokens"], z["maps"]["stage2"][:, 0], rtol=1e-9, atol=1e-12)


def test_any_length_and_channels():
    net = series_resnet.series_resnet(depth=(1, 1, 1), base=4, stride=4)
    params, stats, x = made(net, 2, 50, 3)
    y = net.apply(params, stats, x.astype(np.float32), train=False)[0]
    assert y["pool"].shape == (2, 16) and y["tokens"].shape == (2, 4, 16) and y["pool"].dtype == jnp.float32


def test_remat_and_bfloat16():
    options = dict(depth=(1, 1), base=4)
    net, again = series_resnet.series_resnet(**options), series_resnet.series_resnet(**options, remat=True)
    params, stats, x = made(net, 4, 32, 1)
    slope = lambda n: jax.jit(jax.grad(lambda p: n.apply(p, stats, x, train=True)[0]["pool"].sum()))(params)  # noqa: E731
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-4, atol=1e-5), slope(net), slope(again))
    half = series_resnet.series_resnet(**options, dtype="bfloat16")
    assert half.apply(params, stats, x, train=False)[0]["pool"].dtype == jnp.float32


def test_what_cannot_be_is_one_sentence():
    with pytest.raises(ValueError, match="kernel is 4; it must be an odd number"):
        series_resnet.series_resnet(kernel=4)
    with pytest.raises(ValueError, match="the depths of ResNets"):
        series_resnet.series_resnet(depth=50)
    with pytest.raises(ValueError, match=r"takes \[b, t, c\], not \[2, 8, 8, 3\]"):
        made(series_resnet.series_resnet(depth=(1,)), 2, 8, 8, 3)
