"""Sizes against the published ones, maps, a whole small network against loops, dtypes.

Beside these, ResNet-18 and -50 were compared with torchvision once, in float64, with its weights: output, gradient
and running statistics agree to 1e-12.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets.resnet import STEMS, Stem, resnet
from tests.nets.drawn import drawn
from tests.nets.test_conv import loops


def count(net, shape):
    params, _ = jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct(shape, jnp.float32))
    return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize(
    ("depth", "published", "pooled"),  # torchvision's counts; their last layer has 1,000 x pooled + 1,000
    [(18, 11_689_512, 512), (34, 21_797_672, 512), (50, 25_557_032, 2048), (101, 44_549_160, 2048)],
)
def test_parameter_counts_are_the_published_ones(depth, published, pooled):
    assert count(resnet(depth=depth), (1, 224, 224, 3)) == published - 1000 * (pooled + 1)


def test_deep_wide_and_other_channels():
    assert count(resnet(depth=152), (1, 64, 64, 3)) == 60_192_808 - 1000 * 2049
    assert count(resnet(depth=18, stem="cifar"), (1, 32, 32, 3)) == 11_176_512 - 64 * 3 * (49 - 9)
    five, three = (count(resnet(depth=18), (1, 64, 64, c)) for c in (5, 3))
    assert five - three == 2 * 49 * 64
    # SimCLR's table B.1 gives 94M for ResNet-50 (2x), to its rounding
    assert round(count(resnet(width=2), (1, 224, 224, 3)) / 1e6) == 94


def test_maps_halve_and_pool_is_the_mean_of_the_last():
    net = resnet(depth=(1, 1, 1), base=8, stem="cifar")
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 28, 28, 1)), jnp.float32)
    params, stats = drawn(net, x)
    y, _ = jax.jit(lambda p, s, x: net.apply(p, s, x, train=False))(params, stats, x)
    assert [m.shape for m in y["maps"].values()] == [(2, 28, 28, 8), (2, 14, 14, 16), (2, 7, 7, 32)]
    assert_allclose(y["pool"], y["maps"]["stage3"].mean((1, 2)), rtol=1e-6)
    shapes = jax.eval_shape(resnet().init, jax.random.key(0), jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32))
    assert shapes[0]["stage4"]["block2"]["conv3"]["kernel"].shape == (1, 1, 512, 2048)


def by_hand(p, x, bottleneck):
    """One network of one block a stage with fresh running statistics, written out: stem, pool, blocks, mean."""
    norm = lambda x, p: x / np.sqrt(1 + 1e-5) * p["scale"] + p["bias"]  # noqa: E731
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    x = relu(norm(loops(x, p["stem"]["conv"]["kernel"], 2), p["stem"]["norm"]))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    h, w = ((s - 1) // 2 + 1 for s in x.shape[1:3])
    x = np.stack(
        [
            np.stack([padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2)) for j in range(w)], 1)
            for i in range(h)
        ],
        1,
    )
    for stage in range(1, len(p)):
        block, stride = p[f"stage{stage}"]["block0"], 1 if stage == 1 else 2
        strides = (1, stride, 1) if bottleneck else (stride, 1)
        y = x
        for i, s in enumerate(strides, 1):
            y = norm(loops(y, block[f"conv{i}"]["kernel"], s), block[f"norm{i}"])
            y = relu(y) if i < len(strides) else y
        if "shortcut_conv" in block:
            x = norm(loops(x, block["shortcut_conv"]["kernel"], stride), block["shortcut_norm"])
        x = relu(x + y)
    return x.mean((1, 2))


def test_a_small_network_is_the_one_written_out_in_loops(strict):
    net = resnet(depth=(1, 1), base=4, zero_init=False, dtype="float64")
    draw = np.random.default_rng(0)
    x = draw.normal(size=(2, 19, 18, 3))
    params, stats = drawn(net, jnp.asarray(x))
    y, _ = jax.jit(lambda p, s, x: net.apply(p, s, x, train=False))(params, stats, jnp.asarray(x))
    params = jax.tree.map(np.asarray, params)
    assert_allclose(y["pool"], by_hand(params, x, False), rtol=1e-11)


@pytest.mark.parametrize(("kernel_init", "variance"), [("kaiming", 2 / (9 * 64)), ("torch", 1 / (3 * 9 * 32))])
def test_convolutions_start_with_the_variance_that_is_asked_for(kernel_init, variance):
    net = resnet(depth=(1, 1), base=32, stem="half", kernel_init=kernel_init)
    params, _ = net.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    kernel = params["stage2"]["block0"]["conv1"]["kernel"]  # 32 channels become 64
    assert_allclose(np.var(kernel), variance, rtol=0.05)
    assert (np.abs(kernel).max() <= 1 / np.sqrt(9 * 32)) == (kernel_init == "torch")


@pytest.mark.parametrize("zero_init", [True, False])
def test_zero_init_starts_the_last_scale_of_each_block_at_zero(zero_init):
    net = resnet(depth=(1, 1), base=2, stem="cifar", zero_init=zero_init)
    params, _ = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, 4, 4, 1)))
    scales = {
        (s, n): float(params[s]["block0"][n]["scale"][0]) for s in ("stage1", "stage2") for n in ("norm1", "norm2")
    }
    assert scales == {(s, n): float(n == "norm1" or not zero_init) for s, n in scales}
    assert float(params["stage2"]["block0"]["shortcut_norm"]["scale"][0]) == 1


def test_remat_computes_again_and_changes_nothing(strict):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 16, 16, 3)))
    nets = [resnet(depth=(1, 2), base=4, stem="half", zero_init=False, dtype="float64", remat=r) for r in (False, True)]
    params, stats = drawn(nets[0], x)

    def loss(net):
        def value(params):
            y, new = net.apply(params, stats, x, train=True)
            return jnp.square(y["pool"]).sum(), new

        return jax.jit(jax.grad(value, has_aux=True)).lower(params).compile()

    plain, again = (loss(net) for net in nets)
    jax.tree.map(lambda a, b: assert_allclose(b, a, rtol=1e-10, atol=1e-12), plain(params), again(params))
    assert again.cost_analysis()["flops"] > 1.1 * plain.cost_analysis()["flops"]


def test_bfloat16_computes_near_float32_and_returns_float32():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 8, 8, 3)), jnp.float32)
    half, full = (resnet(depth=(1, 1), base=4, stem="cifar", zero_init=False, dtype=d) for d in ("bfloat16", "float32"))
    params, stats = drawn(half, x)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves((params, stats)))
    (a, sa), (b, _) = (jax.jit(lambda p, s, n=n: n.apply(p, s, x, train=True))(params, stats) for n in (half, full))
    assert a["pool"].dtype == a["maps"]["stage1"].dtype == jnp.float32
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(sa))
    difference = float(jnp.abs(a["pool"] - b["pool"]).max() / jnp.abs(b["pool"]).max())
    assert 1e-5 < difference < 0.05


def test_the_pool_before_the_relu_has_its_values_and_gradients():
    """Of small integers, so that windows have several maxima, and some none above zero."""
    x = jnp.asarray(np.random.default_rng(0).integers(-4, 3, (2, 12, 10, 4)), jnp.bfloat16)
    dy = jnp.asarray(np.random.default_rng(1).normal(size=(2, 3, 3, 4)), jnp.bfloat16)
    conv, norm = (lambda *_, name: lambda x: x[:, ::2, ::2]), (lambda name: lambda x: x)
    first, after = (Stem(4, STEMS["imagenet"], conv, norm, train) for train in (True, False))
    values, pulls = zip(*(jax.vjp(lambda x, s=s: s.apply({}, x), x) for s in (first, after)), strict=True)
    assert_allclose(*values)
    assert_allclose(*(pull(dy)[0] for pull in pulls))


def test_unknown_names_are_sentences():
    with pytest.raises(ValueError, match="no '51' in the depths of ResNets"):
        resnet(depth=51)
    with pytest.raises(ValueError, match="did you mean cifar"):
        resnet(stem="cifar10")


def test_statistics_that_survive_a_step():
    x, moved = jax.random.normal(jax.random.key(0), (4, 8, 8, 3)) + 2, []
    for options in ({}, dict(bn_momentum=0.75)):
        net = resnet(depth=(1,), base=4, stem="cifar", **options)
        params, stats = net.init(jax.random.key(1), x)
        moved.append(net.apply(params, stats, x, train=True)[1])
    steps = [jax.tree.map(jnp.subtract, after, stats) for after in moved]
    jax.tree.map(lambda a, b: assert_allclose(b, 2.5 * a, rtol=1e-5, atol=1e-5), *steps)
    assert all(jnp.abs(leaf).max() > 1e-3 for leaf in jax.tree.leaves(steps))
    with pytest.raises(ValueError, match="bn_momentum is 1.5; it must lie between 0 and 1"):
        resnet(bn_momentum=1.5)
