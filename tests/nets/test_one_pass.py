"""Batch norm that keeps little: in float64 the norm of centered values; in bfloat16 near it, far from 0 too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import conv, one_pass
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.resnet import resnet
from tests.nets.drawn import drawn

EPS = 1e-5


def centered(x, scale, bias, groups):
    """The definition, group by group: y, mean and variance [groups, d]."""
    parts = jnp.split(x, groups)
    axes = tuple(range(x.ndim - 1))
    row = (1,) * (x.ndim - 1) + (-1,)
    scale, bias = scale.reshape(row), bias.reshape(row)
    mean, var = (jnp.stack([f(part, axes) for part in parts]) for f in (jnp.mean, jnp.var))
    ys = [
        (part - m.reshape(row)) / jnp.sqrt(v.reshape(row) + EPS) * scale + bias
        for part, m, v in zip(parts, mean, var, strict=True)
    ]
    return jnp.concatenate(ys), mean, var


def numbers(*shapes, dtype=None):
    """Normal draws, in float64 where that is on."""
    draw = np.random.default_rng(0)
    return [jnp.asarray(draw.normal(size=shape), dtype) for shape in shapes]


def gradients(function, dy, *inputs):
    return jax.jit(jax.grad(lambda *a: (dy * function(*a)[0]).sum(), range(len(inputs))))(*inputs)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("near", [0.0, 4.0])
def test_one_pass_is_the_norm_of_centered_values(strict, groups, near):
    x, scale, bias, dy = numbers((6, 3, 2, 4), (4,), (4,), (6, 3, 2, 4))
    x = x * 2 + 5

    def once(x, scale, bias):
        return one_pass.normalized(x, scale, bias, jnp.full(4, near), groups, EPS)

    def twice(x, scale, bias):
        return centered(x, scale, bias, groups)

    for got, want in zip(once(x, scale, bias), twice(x, scale, bias), strict=True):
        assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    for got, want in zip(gradients(once, dy, x, scale, bias), gradients(twice, dy, x, scale, bias), strict=True):
        assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 3])
def test_a_product_is_normalized_as_if_it_were_written_down(strict, groups):
    x, kernel, scale, bias, dy = numbers((6, 3, 2, 4), (4, 9), (9,), (9,), (6, 3, 2, 9))
    x = jnp.abs(x)  # as after a ReLU: the means count

    def narrow(x, kernel, scale, bias):
        return one_pass.normalized_product(x, kernel, scale, bias, groups, EPS)

    def wide(x, kernel, scale, bias):
        return centered(x @ kernel, scale, bias, groups)

    inputs = x, kernel, scale, bias
    for got, want in zip(narrow(*inputs), wide(*inputs), strict=True):
        assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    for got, want in zip(gradients(narrow, dy, *inputs), gradients(wide, dy, *inputs), strict=True):
        assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ratio", [0, 1, 10, 100])
@pytest.mark.parametrize("known", [True, False])
def test_the_variance_of_bfloat16_far_from_zero(ratio, known):
    """A mean of `ratio` deviations that is not known, as at the first step, takes 2 log2(ratio) of 24 bits."""
    (x,) = numbers((64, 32, 32, 4))
    x = (x + ratio).astype(jnp.bfloat16)
    _, mean, var = one_pass.normalized(
        x, jnp.ones(4), jnp.zeros(4), jnp.full(4, ratio * 1.001 if known else 0.0, jnp.float32), 1, EPS
    )
    exact = np.asarray(x, np.float64).reshape(-1, 4)
    assert_allclose(mean[0], exact.mean(0), rtol=1e-6, atol=1e-6)
    assert_allclose(var[0], exact.var(0), rtol=1e-6 if known else 1e-6 * (1 + ratio**2))


def test_statistics_of_a_product_of_bfloat16():
    """The inputs after a ReLU, 256 of them, whose mean lies along the kernel: the worst that a bottleneck meets."""
    x, kernel = numbers((32, 8, 8, 256), (256, 64))
    x, kernel = jnp.maximum(x + 1, 0).astype(jnp.bfloat16), (kernel / 16 + 0.2).astype(jnp.bfloat16)
    _, mean, var = one_pass.normalized_product(x, kernel, jnp.ones(64), jnp.zeros(64), 1, EPS)
    exact = np.asarray(x, np.float64).reshape(-1, 256) @ np.asarray(kernel, np.float64)
    assert (exact.mean(0) ** 2 / exact.var(0)).min() > 100
    assert_allclose(mean[0], exact.mean(0), rtol=1e-5)
    assert_allclose(var[0], exact.var(0), rtol=1e-4)


def test_gradients_in_bfloat16_are_near_those_of_float64():
    x, kernel, scale, bias, dy = numbers((32, 8, 8, 16), (16, 64), (64,), (64,), (32, 8, 8, 64))
    half = [a.astype(jnp.bfloat16) for a in (jnp.maximum(x + 1, 0), kernel)]
    single = [a.astype(jnp.float32) for a in (scale, bias)]

    def narrow(x, kernel, scale, bias):
        return one_pass.normalized_product(x, kernel, scale, bias, 1, EPS)

    got = gradients(narrow, dy.astype(jnp.bfloat16), *half, *single)
    with jax.enable_x64(True):
        args = [jnp.asarray(np.asarray(a, np.float64)) for a in (*half, *single)]
        want = gradients(lambda x, k, s, b: centered(x @ k, s, b, 1), jnp.asarray(np.asarray(dy, np.float64)), *args)
    for a, b in zip(got, want, strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b)
        assert np.linalg.norm(a - b) < 0.005 * np.linalg.norm(b)


def test_running_statistics_of_bfloat16_are_unbiased():
    (x,) = numbers((4, 3, 5), dtype="bfloat16")
    module = BatchNorm(True, 2, dtype=jnp.dtype("bfloat16"))
    _, new = module.apply(module.init(jax.random.key(0), x), x, mutable=["batch_stats"])
    parts = np.split(np.asarray(x, np.float64), 2)
    want = np.mean([part.reshape(-1, 5).var(0, ddof=1) for part in parts], 0)
    first = 0.9 * (0.9 + 0.1 * want) + 0.1 * want  # init moves them, too
    assert_allclose(new["batch_stats"]["var"], first, rtol=1e-5)


def test_a_bottleneck_in_bfloat16_keeps_no_output_of_its_last_convolution(monkeypatch):
    x = jnp.ones((4, 8, 8, 3))
    net = resnet(depth=50, base=8, stem="cifar", dtype="bfloat16")
    params, stats = drawn(net, x)

    def kept():
        pull = jax.eval_shape(lambda p: jax.vjp(lambda p: net.apply(p, stats, x, train=True)[0]["pool"], p)[1], params)
        return sum(leaf.shape == (4, 8, 8, 32) for leaf in jax.tree.leaves(pull))

    few = kept()
    monkeypatch.setattr(conv, "WIDER", np.inf)
    assert kept() == few + 4, "three blocks of the first stage, and its shortcut"
