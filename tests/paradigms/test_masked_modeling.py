"""Hidden pixels reach no prediction, seen ones no loss; SimMIM's loss on images; pictures."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.losses import reconstruction
from ssl_jax.methods import mae, maskfeat, simmim
from ssl_jax.nets import decoders, heads, swin, vit
from ssl_jax.tasks import hog, targets
from tests.laws import real
from tests.laws.test_learns import MARGIN, accuracy

KEY = jax.random.key(5)


def small(mask_token):
    return vit.vit(variant=(16, 1, 2, 4), pool="mean", mask_token=mask_token, mask_std=0.02)


def decoder():
    return decoders.mae_decoder(patch=4, width=8, layers=1, heads=2)


def in_windows():
    return swin.swin(variant=(8, (2, 2), (1, 2)), patch=2, window=4, mask_token=True)


METHODS = {
    "mae": lambda: mae.mae(small(False), decoder(), patch=4),
    "mae with mask tokens": lambda: mae.mae(small(True), decoder(), patch=4, mask_token=True),
    "simmim": lambda: simmim.simmim(in_windows(), heads.linear(out=48), patch=2, mask_unit=2),
    "maskfeat": lambda: maskfeat.maskfeat(small(True), heads.linear(out=27), patch=4, cell=4),
}


def batch():
    x = np.random.default_rng(0).normal(size=(3, 1, 16, 16, 3)).astype(np.float32)
    return {"global": x, "index": np.arange(3, dtype=np.int32), "label": np.zeros(3, np.int32)}


@functools.cache
def made(name):
    """(method, parameters, state); the decoder's weights are random, as zeros would hide everything."""
    method = METHODS[name]()
    return method, *jax.jit(method.init)(jax.random.key(0), batch())


@pytest.mark.parametrize("name", METHODS)
def test_hidden_pixels_reach_no_prediction_and_seen_ones_do(name):
    method, params, state = made(name)

    def value(x):
        loss, aux = method.loss(params, state, batch() | {"global": x}, KEY, jnp.int32(0))
        # whatever is not a target comes in by the features of the encoder
        return loss, (aux.features, aux.carry["seen"].batch.get("hidden"))

    x = jnp.asarray(batch()["global"])
    slope, (_, hidden) = jax.jit(jax.grad(value, has_aux=True))(x)
    reached = np.abs(slope).max(-1)[:, 0] > 0
    if hidden is None:
        assert_array_equal(reached.reshape(3, 4, 4, 4, 4).any((2, 4)).sum((1, 2)), 4)  # a quarter of 16 patches
        return
    hidden = np.asarray(hidden)
    if hidden.ndim == 3:  # of each pixel of the squares that tokens stand for
        grid = hidden.reshape(3, 4, 4, 4, 4).swapaxes(2, 3).reshape(3, 16, 16)
    else:
        grid = hidden.reshape(3, 4, 4).repeat(4, 1).repeat(4, 2)
    assert grid.any() and not grid.all()
    assert not reached[grid].any() and reached[~grid].mean() > 0.9


def by_pixel_shuffle(prediction, image, hidden, stride, patch):
    """SimMIM's loss in loops over the pixels of images, of predictions [b, l, c s s] and hidden patches [b, n]."""
    (b, h, w, channels), total, count = image.shape, 0.0, 0
    for i, row, column in np.ndindex(b, h, w):
        if not hidden[i, row // patch * (w // patch) + column // patch]:
            continue
        token, place = row // stride * (w // stride) + column // stride, row % stride * stride + column % stride
        count += 1
        for c in range(channels):
            apart = prediction[i, token, c * stride**2 + place] - image[i, row, column, c]
            total = total + (apart if apart.real > 0 else -apart)
    return total / (count + 1e-5) / channels


@pytest.mark.parametrize("patch", [2, 8])
def test_simmims_loss_is_that_of_shuffled_images(strict, gradient, patch):
    """Hidden patches that are smaller than what a token stands for, and larger ones."""
    g, target = np.random.default_rng(1), targets.shuffled()
    image, prediction = g.normal(size=(2, 8, 16, 2)), g.normal(size=(2, 8, 32))
    hidden = g.random((2, 128 // patch**2)) < 0.5

    def loss(prediction):
        rows = target.of(image, {"tokens": prediction}, ())
        return reconstruction.hidden_absolute(prediction, rows, target.hidden(jnp.asarray(hidden), image, rows))

    value, slope = jax.jit(jax.value_and_grad(loss))(prediction)
    expected = functools.partial(by_pixel_shuffle, image=image, hidden=hidden, stride=4, patch=patch)
    assert_allclose(value, expected(prediction), rtol=1e-10)
    assert_allclose(slope, gradient(expected, prediction), atol=1e-10)
    painted = target.painted(jnp.asarray(prediction), image, ())
    assert painted[1, 5, 9, 1] == prediction[1, 1 * 4 + 2, 16 + 1 * 4 + 1]
    nothing = reconstruction.hidden_absolute(prediction, prediction + 1, jnp.zeros((2, 8, 16), bool))
    assert nothing == 0


@pytest.mark.parametrize("name", ["mae", "simmim"])
def test_pictures_show_what_was_seen_and_what_is_predicted(name):
    method, params, state = made(name)
    rows = jax.jit(method.draw)(params, state, batch(), KEY)["reconstruction"]
    image, masked, predicted, pasted = (
        np.asarray(rows[title]) for title in ("image", "masked", "prediction", "both together")
    )
    assert_array_equal(image, batch()["global"][:, 0])
    hidden = np.isnan(masked)
    assert_allclose(hidden.mean((1, 2, 3)), {"mae": 0.75, "simmim": 39 / 64}[name])
    assert_array_equal(masked[~hidden], image[~hidden])
    assert_array_equal(pasted, np.where(hidden, predicted, image))
    assert np.isfinite(predicted).all() and np.abs(predicted - image).max() > 0.1


def test_a_decoder_of_another_size_is_refused():
    wrong = simmim.simmim(in_windows(), heads.linear(out=12), patch=2, mask_unit=4)
    with pytest.raises(ValueError, match="predicts 12 values a patch and the target has 48: give nets.decoder out=48"):
        jax.eval_shape(wrong.init, jax.random.key(0), batch())
    wrong = mae.mae(small(False), decoder(), patch=4, target="codes", codes=7)
    with pytest.raises(ValueError, match="predicts 48 values a patch and the target has 7: give nets.decoder out=7"):
        jax.eval_shape(wrong.init, jax.random.key(0), batch())


@pytest.mark.slow
def test_a_short_training_of_simmim_beats_the_median_of_each_pixel():
    """Of real images; the loss is an absolute error, of which medians are the best constants."""
    encoder = vit.vit(variant=(48, 2, 4, 7), pool="mean", mask_token=True, mask_std=0.02)
    made = simmim.simmim(encoder, heads.linear(out=49), patch=7, mask_unit=7)
    rows = real.images("train", 2048)
    crops = lambda key: real.crops(key, rows, count=2)  # noqa: E731
    _, metrics = real.train(made, optax.adam(3e-3), crops, batch=128, epochs=10)
    views = np.asarray(crops(jax.random.key(99)))
    assert metrics["loss"][-16:].mean() < 0.8 * np.abs(views - np.median(views, (0, 1))).mean()


@pytest.mark.slow
def test_a_short_training_of_maskfeat_beats_the_mean_of_each_place_and_the_untrained_network():
    """Of real images: the best constants of a squared error, and frozen features by kNN; 512 steps."""
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean", mask_token=True, mask_std=0.02)
    made = maskfeat.maskfeat(encoder, heads.linear(out=9), patch=4, cell=4)
    rows = real.images("train", 2048)
    crops = lambda key: real.crops(key, rows, count=1, area=0.5)  # noqa: E731
    states, metrics = real.train(made, optax.adam(1e-3), crops, batch=64, epochs=16)
    values = np.asarray(hog.by_patch(crops(jax.random.key(99))[:, 0], 4, cell=4))
    assert metrics["loss"][-32:].mean() < 0.93 * ((values - values.mean(0)) ** 2).mean()
    assert accuracy(made, states[-1]) > accuracy(made, states[0]) + MARGIN
