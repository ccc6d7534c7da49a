"""Products against XLA's convolutions, in float64, values and both gradients; TPUs and exports never see them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import affine, conv
from ssl_jax.shard import mesh, operations

SHAPES = [  # height, width, channels, features, size, stride
    pytest.param(8, 8, 5, 6, 1, 1, id="pointwise"),
    pytest.param(7, 8, 5, 6, 1, 2, id="pointwise, stride 2"),
    pytest.param(9, 8, 3, 4, 1, 3, id="pointwise, stride 3"),
    pytest.param(8, 8, 3, 8, 3, 1, id="few channels"),
    pytest.param(9, 7, 16, 24, 3, 1, id="crossed shifts"),
    pytest.param(8, 8, 128, 130, 3, 1, id="winograd"),
    pytest.param(7, 5, 130, 128, 3, 1, id="winograd, odd sides"),
    pytest.param(8, 8, 5, 6, 3, 2, id="halving"),
    pytest.param(9, 7, 5, 6, 3, 2, id="halving, odd sides"),
    pytest.param(9, 8, 3, 4, 7, 2, id="stem"),
    pytest.param(9, 8, 3, 4, 5, 1, id="five"),
]


def drawn(h, w, c, o, size):
    draw = np.random.default_rng(0)
    return jnp.asarray(draw.normal(size=(6, h, w, c))), jnp.asarray(draw.normal(size=(size, size, c, o)))


@pytest.mark.parametrize("small", (0, conv.SMALL), ids=("large images", "small images"))
@pytest.mark.parametrize(("h", "w", "c", "o", "size", "stride"), SHAPES)
def test_values_and_gradients_are_those_of_the_plain_form(strict, monkeypatch, small, h, w, c, o, size, stride):
    monkeypatch.setattr(conv, "SMALL", small)
    x, kernel = drawn(h, w, c, o, size)
    y, backward = jax.vjp(lambda *at: conv.convolve(*at, stride), x, kernel)
    expected, plain = jax.vjp(lambda *at: conv.plain(*at, stride), x, kernel)
    assert_allclose(y, expected, atol=1e-11)
    dy = jnp.cos(expected)
    for found, right in zip(backward(dy), plain(dy), strict=True):
        assert_allclose(found, right, atol=1e-10)


def test_groups_of_images_are_summed(strict, monkeypatch):
    monkeypatch.setattr(conv.products, "GROUP", 1)
    monkeypatch.setattr(conv.products, "IMAGES", 1)  # a group for every image
    x, kernel = drawn(8, 8, 16, 16, 3)
    dy = jnp.cos(conv.plain(x, kernel, 1))
    program = jax.make_jaxpr(lambda x, dy: conv.products.by_kernel(x, dy, 3, 1))(x, dy)
    assert [e.params["length"] for e in program.eqns if e.primitive.name == "scan"] == [len(x)]
    assert_allclose(
        conv.products.by_kernel(x, dy, 3, 1), conv.plain_gradients(x, kernel, dy, 1)[1], rtol=1e-12, atol=1e-10
    )


@pytest.mark.parametrize(("side", "c", "stride"), [(2, 128, 1), (2, 16, 1), (2, 16, 2), (4, 32, 2), (8, 16, 1)])
def test_no_convolution_in_a_loop_has_another_order_or_a_turned_window(side, c, stride):
    """Those XLA's CPU compiler leaves to plain loops there, a hundred times slower."""
    x, kernel = jnp.ones((3, 4, side, side, c)), jnp.ones((3, 3, c, c))

    def loss(kernel, x):
        return jax.lax.scan(lambda t, x: (t + jnp.sin(conv.convolve(jnp.sin(x), kernel, stride)).sum(), 0), 0.0, x)[0]

    text = jax.jit(jax.grad(loss, (0, 1))).lower(kernel, x).compile().as_text()
    left = [line for line in text.splitlines() if " convolution(" in line]
    assert all("b01f_01io->b01f" in line and "reversal" not in line for line in left), left
    assert len(left) == (2 if (side, stride) == (8, 1) else 1 if side > 2 else 0)


@pytest.mark.parametrize("platform", ["cpu", "tpu", "cuda"])
def test_products_are_for_the_cpu_alone(platform):
    def loss(x, kernel):
        return jnp.sum(jnp.square(conv.convolve(x, kernel, 1)))

    shapes = jax.ShapeDtypeStruct((64, 8, 8, 128), jnp.float32), jax.ShapeDtypeStruct((3, 3, 128, 128), jnp.float32)
    text = jax.jit(jax.grad(loss, (0, 1))).trace(*shapes).lower(lowering_platforms=(platform,)).as_text()
    assert text.count("stablehlo.convolution") == (0 if platform == "cpu" else 3)
    assert ("dot_general" in text) == (platform == "cpu")


def test_inference_has_the_plain_form_everywhere():
    shapes = jax.ShapeDtypeStruct((64, 8, 8, 128), jnp.float32), jax.ShapeDtypeStruct((1, 1, 128, 128), jnp.float32)
    text = jax.jit(lambda x, kernel: conv.convolve(x, kernel, 1)).lower(*shapes).as_text()
    assert text.count("stablehlo.convolution") == 1


def test_bfloat16_is_left_to_the_compiler(monkeypatch):
    monkeypatch.setattr(conv, "SMALL", 0)
    x, kernel = (v.astype(jnp.bfloat16) for v in drawn(8, 8, 3, 4, 1))
    text = jax.jit(jax.grad(lambda k: conv.convolve(x, k, 1).sum())).lower(kernel).as_text()
    assert "dot_general" not in text


def test_scale_and_shift_have_the_gradients_of_plain_sums(strict):
    draw = np.random.default_rng(1)
    x, scale, bias = (jnp.asarray(draw.normal(size=shape)) for shape in ((50, 7), (7,), (7,)))
    found = jax.grad(lambda *at: jnp.sin(affine.shifted(affine.scaled(*at[:2]), at[2])).sum(), (0, 1, 2))
    right = jax.grad(lambda x, scale, bias: jnp.sin(x * scale[None] + bias[None]).sum(), (0, 1, 2))
    for one, other in zip(found(x, scale, bias), right(x, scale, bias), strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("c", "stride", "small"),
    [(16, 1, 0), (16, 2, 0), (128, 1, 0), (16, 2, conv.SMALL)],
    ids=["crossed", "halving", "winograd", "small"],
)
def test_a_batch_over_eight_devices_has_the_values_of_one(monkeypatch, c, stride, small):
    monkeypatch.setattr(conv, "SMALL", small)
    monkeypatch.setattr(conv.products, "GROUP", 2**14)
    draw = np.random.default_rng(0)
    x, kernel = (jnp.asarray(draw.normal(size=s), jnp.float32) for s in ((32, 8, 8, c), (3, 3, c, c)))

    def gradients(x, kernel):
        return jax.grad(lambda *at: jnp.sin(conv.convolve(*at, stride)).sum(), (0, 1))(x, kernel)

    place = mesh.make(8, 1, devices=jax.devices()[:8])
    shared = jax.jit(gradients, in_shardings=(mesh.by_example(place), mesh.replicated(place)))
    for one, other in zip(shared(x, kernel), jax.jit(gradients)(x, kernel), strict=True):
        assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    text = shared.lower(x, kernel).compile().as_text()
    assert set(operations.collectives(text)) <= {"all-reduce"}, "images stay on their devices"
