"""Autoencoders whose answer is known: linear ones, the identity, and a normal model with its exact posterior."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax.methods.autoencoder import autoencoder
from ssl_jax.methods.denoising_autoencoder import denoising_autoencoder
from ssl_jax.methods.vae import vae
from ssl_jax.nets import conv_decoder, heads, strided_conv
from ssl_jax.types import Net
from tests.laws import real

SIDE = 3


def images(count=200, seed=0):
    """[n, 1, 3, 3, 1], normal, of variances that fall."""
    generator = np.random.default_rng(seed)
    turn = np.linalg.qr(generator.normal(size=(9, 9)))[0]
    return (generator.normal(size=(count, 9)) * 0.7 ** np.arange(9) @ turn + 0.5).reshape(count, 1, SIDE, SIDE, 1)


def batch(x):
    return {"global": jnp.asarray(x), "index": jnp.arange(len(x)), "label": jnp.zeros(len(x), jnp.int32)}


def pixels():
    """An encoder that hands on the pixels, as one place of a map."""

    def apply(params, stats, x, *, train, key=None):
        row = x.reshape(len(x), 1, 1, -1)
        return {"pool": row[:, 0, 0], "maps": {"stage1": row}}, stats

    return Net(lambda key, x: ({}, {}), apply)


def square(head):
    """A head whose output is an image."""

    def apply(params, stats, x, **options):
        y, stats = head.apply(params, stats, x, **options)
        return y.reshape(-1, SIDE, SIDE, 1), stats

    return Net(head.init, apply)


def fixed(matrix, bias):
    """A linear head that nothing learns."""
    return Net(lambda key, x: ({}, {}), lambda p, s, x, *, train, key=None: (x @ matrix + bias[None], s))


def linear(k):
    return pixels(), heads.linear(out=k, dtype="float64"), square(heads.linear(out=9, dtype="float64"))


def trained(method, x, steps):
    """The last parameters and losses, by Adam on the whole batch."""
    rows = batch(x)
    params, state = method.init(jax.random.key(0), rows)
    optimizer = optax.adam(optax.cosine_decay_schedule(0.03, steps))

    def step(held, key):
        params, opt_state = held
        (value, _), grads = jax.value_and_grad(method.loss, has_aux=True)(params, state, rows, key, 0)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    keys = jax.random.split(jax.random.key(1), steps)
    (params, _), values = jax.jit(lambda held: jax.lax.scan(step, held, keys))((params, optimizer.init(params)))
    return params, state, values


def left_by_pca(x, k):
    rows = x.reshape(len(x), -1)
    values = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
    return (values[k:] ** 2).sum() / rows.size


def test_a_linear_autoencoder_finds_the_plane_of_pca():
    with jax.enable_x64(True):
        x = images()
        method = autoencoder(*linear(3))
        params, state, values = trained(method, x, 2000)
        np.testing.assert_allclose(values[-1], left_by_pca(x, 3), rtol=1e-5)
        assert min(values) > left_by_pca(x, 3) * (1 - 1e-9) and values[0] > 2 * values[-1]
        metrics = method.loss(params, state, batch(x), jax.random.key(2), 0)[1].metrics
        np.testing.assert_allclose(metrics["error"], 9 * values[-1], rtol=1e-5)
        assert method.embed(params, state, {"image": x[:, 0]})["latent"].shape == (200, 3)


def test_the_identity_leaves_the_noise_and_a_trained_network_less():
    """The target is clean: where it were the corrupted image, the identity would leave nothing."""
    with jax.enable_x64(True):
        x = images(2000)
        nets = pixels(), heads.identity(), square(heads.identity())
        identity = denoising_autoencoder(*nets, amount=0.5)
        params, state = identity.init(jax.random.key(0), batch(x))
        loss = jax.jit(lambda key: identity.loss(params, state, batch(x), key, 0)[0])
        values = [float(loss(jax.random.key(i))) for i in range(2)]
        np.testing.assert_allclose(values, 0.25, rtol=0.04)
        assert values[0] != values[1], "the noise is drawn anew"
        assert trained(denoising_autoencoder(*linear(5), amount=0.5), x, 300)[2][-1] < 0.15


def test_masking_hides_this_share_of_pixels_in_all_channels():
    nets = pixels(), heads.identity(), square(heads.identity())
    x = np.ones((4000, 1, SIDE, SIDE, 1), np.float32)
    method = denoising_autoencoder(*nets, noise="masking", amount=0.3)
    params, state = method.init(jax.random.key(0), batch(x))
    assert abs(method.loss(params, state, batch(x), jax.random.key(1), 0)[0] - 0.3) < 0.02
    shown = method.draw(params, state, batch(x), jax.random.key(1))["reconstruction"]
    assert list(shown) == ["input", "corrupted", "reconstruction"]
    np.testing.assert_array_equal(shown["corrupted"], shown["reconstruction"])
    assert set(np.unique(shown["corrupted"])) == {0, 1}


def test_the_bound_is_the_evidence_where_the_posterior_is_exact():
    """x = W z + b + noise with orthogonal columns: the posterior is a diagonal normal, and p(x) is known."""
    with jax.enable_x64(True):
        generator, variance = np.random.default_rng(1), 0.3
        w = np.linalg.qr(generator.normal(size=(9, 2)))[0] * np.asarray([1.5, 0.6])
        bias, x = generator.normal(size=9), images(1)[0].reshape(9)
        spread = 1 / (1 + (w**2).sum(0) / variance)
        to_mean = w * (spread / variance)[None]
        head = np.concatenate([to_mean, np.zeros((9, 2))], 1), np.concatenate([-bias @ to_mean, np.log(spread)])
        method = vae(pixels(), fixed(*head), square(fixed(w.T, bias)), variance=variance)
        rows = batch(np.broadcast_to(x.reshape(1, 1, SIDE, SIDE, 1), (40_000, 1, SIDE, SIDE, 1)))
        params, state = method.init(jax.random.key(0), rows)
        covariance, off = w @ w.T + variance * np.eye(9), x - bias
        evidence = 0.5 * (off @ np.linalg.solve(covariance, off) + np.linalg.slogdet(2 * np.pi * covariance)[1])
        value = method.loss(params, state, rows, jax.random.key(2), 0)[0]
        np.testing.assert_allclose(value, evidence, atol=0.05)
        worse = vae(pixels(), fixed(head[0], head[1] + 0.5), square(fixed(w.T, bias)), variance=variance)
        assert worse.loss(params, state, rows, jax.random.key(2), 0)[0] > evidence + 0.1


def test_a_vae_embeds_the_mean_and_draws_around_it():
    with jax.enable_x64(True):
        x = images(8)
        method = vae(pixels(), heads.linear(out=4, dtype="float64"), linear(2)[2], beta=0.0)
        params, state = method.init(jax.random.key(0), batch(x))
        first, second = (method.embed(params, state, {"image": x[:, 0]})["latent"] for _ in range(2))
        np.testing.assert_array_equal(first, second)
        kernel = params["bottleneck"]["linear1"]["kernel"]
        np.testing.assert_allclose(first, x.reshape(8, 9) @ kernel[:, :2], atol=1e-12)
        values = [method.loss(params, state, batch(x), jax.random.key(i), 0)[0] for i in range(2)]
        assert values[0] != values[1]
        shown = method.draw(params, state, batch(x), jax.random.key(1))["reconstruction"]
        assert list(shown) == ["input", "reconstruction", "sample"]
        assert {a.shape for a in shown.values()} == {(8, SIDE, SIDE, 1)}


def test_bernoulli_pictures_are_probabilities():
    x = np.random.default_rng(0).random((4, 1, SIDE, SIDE, 1), np.float32)
    method = vae(pixels(), heads.linear(out=4), square(heads.linear(out=9)), likelihood="bernoulli")
    params, state = method.init(jax.random.key(0), batch(x))
    shown = method.draw(params, state, batch(x), jax.random.key(1))["reconstruction"]
    assert all(0 < a.min() and a.max() < 1 for a in shown.values())


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda *nets: vae(*nets, likelihood="gausian"), "no 'gausian' in the likelihoods.*gaussian"),
        (lambda *nets: denoising_autoencoder(*nets, noise="salt"), "no 'salt' in the kinds of noise"),
        (lambda *nets: denoising_autoencoder(*nets, noise="masking", amount=1.0), "amount is 1.0"),
        (lambda *nets: vae(*nets, variance=0.0), "variance is 0.0"),
        (lambda *nets: vae(*nets).init(jax.random.key(0), batch(images(2))), "3 outputs: double it"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(pixels(), heads.linear(out=3), square(heads.linear(out=9)))


def test_images_of_another_size_are_a_sentence():
    def made(side, widths):
        nets = (
            strided_conv.conv_encoder(widths=widths),
            heads.linear(out=2),
            conv_decoder.conv_decoder(size=8, widths=(4,)),
        )
        rows = {"global": jnp.zeros((2, 1, side, side, 1)), "index": jnp.arange(2)}
        jax.eval_shape(autoencoder(*nets).init, jax.random.key(0), rows)

    with pytest.raises(ValueError, match=r"images of \[8, 8, 3\] and is compared with \[6, 6, 1\]: give nets.decoder"):
        made(6, (4,))
    with pytest.raises(ValueError, match="2 layers that halve leave nothing of images of 2 x 2"):
        made(2, (4, 4))


@pytest.mark.slow
def test_it_beats_the_mean_image_on_images_that_it_has_not_seen():
    rows = real.images("train", 1024)
    decoder = conv_decoder.conv_decoder(size=28, channels=1, widths=(32, 16))
    made = autoencoder(strided_conv.conv_encoder(widths=(16, 32)), heads.linear(out=32), decoder)
    views = lambda key: real.whole(rows)[:, None]  # noqa: E731
    states, _ = real.train(made, optax.adam(2e-3), views, batch=64, epochs=12)
    test = real.whole(real.images("test", 500))
    shown = made.draw(states[-1].params, states[-1].method_state, batch(test[:, None]), jax.random.key(0))
    error = float(jnp.mean((shown["reconstruction"]["reconstruction"] - test) ** 2))
    assert error < 0.5 * float(jnp.mean((test - real.whole(rows).mean(0)) ** 2))
