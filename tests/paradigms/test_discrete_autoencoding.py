"""A discrete VAE's loss against loops, its pictures, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose

from ssl_jax.methods.dvae import dvae
from ssl_jax.nets import resnet
from ssl_jax.nets.dvae import dvae_decoder, dvae_encoder
from tests.laws import real

B, SIDE, K = 2, 8, 5
IMAGES = np.random.default_rng(0).normal(size=(B, 1, SIDE, SIDE, 1))
BATCH = {"global": jnp.asarray(IMAGES), "index": jnp.arange(B)}
KEY, STEP = jax.random.key(0), jnp.zeros((), jnp.int32)
SIZES = dict(width=4, groups=2, blocks=1)


def nets(dtype="float32"):
    sizes = dict(dtype=dtype, **SIZES)
    return dvae_encoder(codes=K, **sizes), dvae_decoder(channels=1, start=4, **sizes)


def made(dtype="float32", weight=0.7):
    return dvae(
        *nets(dtype), temperature=lambda step: jnp.float32(0.5), kl_weight=lambda step: jnp.asarray(weight, jnp.float32)
    )


def test_the_loss_is_the_squared_error_and_the_cost_of_the_codes():
    with jax.enable_x64(True):
        method, (encoder, decoder) = made("float64", weight=0.5), nets("float64")
        params, state = jax.jit(method.init)(KEY, {**BATCH, "global": jnp.asarray(IMAGES)})
        batch = {**BATCH, "global": jnp.asarray(IMAGES)}
        (value, aux), grads = jax.jit(jax.value_and_grad(method.loss, has_aux=True))(params, state, batch, KEY, STEP)
        logits = np.asarray(encoder.apply(params["encoder"], {}, batch["global"][:, 0], train=False)[0]["logits"])
        noise = np.asarray(jax.random.gumbel(jax.random.split(KEY, 3)[0], logits.shape, jnp.float64))
        shares, cost = np.zeros_like(logits), 0.0
        for place in np.ndindex(logits.shape[:3]):
            e = np.exp((logits[place] + noise[place]) / 0.5)
            shares[place] = e / e.sum()
            p = np.exp(logits[place]) / np.exp(logits[place]).sum()
            cost += sum(q * np.log(q * K) for q in p)
        image = np.asarray(decoder.apply(params["decoder"], {}, jnp.asarray(shares), train=False)[0])
        error = np.mean((image - IMAGES[:, 0]) ** 2)
        assert_allclose(value, error + 0.5 * cost / IMAGES.size, rtol=1e-10)
        assert_allclose(aux.metrics["error"], error, rtol=1e-10)
        assert_allclose(aux.metrics["divergence"], cost / (B * 16), rtol=1e-9)
        # a step along the gradient changes the loss by its square: every part of the parameters is reached
        length = 1e-6
        moved = jax.tree.map(lambda p, g: p - length * g, params, grads)
        square = sum(float(jnp.sum(g**2)) for g in jax.tree.leaves(grads))
        fallen = value - method.loss(moved, state, batch, KEY, STEP)[0]
        assert_allclose(fallen, length * square, rtol=1e-3)


def test_pictures_are_of_the_most_probable_codes():
    method, (encoder, decoder) = made(), nets()
    params, state = jax.jit(method.init)(KEY, BATCH)
    rows = jax.jit(method.draw)(params, state, BATCH, KEY)["reconstruction"]
    images = jnp.asarray(IMAGES[:, 0], jnp.float32)
    best = np.asarray(encoder.apply(params["encoder"], {}, images, train=False)[0]["logits"]).argmax(-1)
    image = decoder.apply(params["decoder"], {}, jnp.asarray(np.eye(K, dtype=np.float32)[best]), train=False)[0]
    assert_allclose(rows["reconstruction"], image, rtol=1e-5, atol=1e-6)


def test_what_cannot_be_is_a_sentence():
    schedules = dict(temperature=lambda step: 1.0, kl_weight=lambda step: 0.0)
    with pytest.raises(ValueError, match="nets.encoder gives maps, pool: no logits"):
        jax.eval_shape(dvae(resnet.resnet(depth=(1, 1), base=4), nets()[1], **schedules).init, KEY, BATCH)
    with pytest.raises(ValueError, match=r"makes images of \[16, 16, 1\] and is compared with \[8, 8, 1\]"):
        decoder = dvae_decoder(channels=1, start=4, **{**SIZES, "groups": 3})
        jax.eval_shape(dvae(nets()[0], decoder, **schedules).init, KEY, BATCH)


@pytest.mark.slow
def test_codes_of_real_images_say_more_than_their_mean():
    """Of the most probable codes, on images that were not trained on; and more than a few codes are in use."""
    sizes = dict(width=8, groups=3, blocks=1)
    nets = dvae_encoder(codes=32, **sizes), dvae_decoder(channels=1, start=16, **sizes)
    method = dvae(*nets, temperature=lambda step: jnp.float32(0.7), kl_weight=lambda step: jnp.float32(0.0))
    rows = real.images("train", 512)
    views = lambda key: real.whole(rows)[:, None]  # noqa: E731
    states, metrics = real.train(method, optax.adam(3e-3), views, batch=64, epochs=12)
    test = real.whole(real.images("test", 256))
    made = method.draw(states[-1].params, states[-1].method_state, {"global": test[:, None]}, KEY)["reconstruction"]
    error = float(jnp.mean((made["reconstruction"] - test) ** 2))
    mean = float(jnp.mean((test - real.whole(rows).mean(0)) ** 2))
    assert error < 0.7 * mean, f"the squared error is {error:.3f}, that of the mean image {mean:.3f}"
    assert np.exp(metrics["codes/entropy"][-1]) > 4
