"""Host and device make the same image of the same draws: 1e-5 in 0..1, a level of 255 where values are made levels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.views import photometric, photometric_host

PLAIN = {
    "grayscale": {},
    "lab": {},
    "solarize": dict(threshold=0.4),
    "posterize": dict(bits=3),
    "equalize": {},
    "autocontrast": {},
}


def image(c=3, seed=0):
    """Eighths of levels, none of which lies on a border of rounding."""
    return (np.random.default_rng(seed).integers(0, 255 * 8, (14, 11, c)) / (255 * 8) + 1e-4).astype(np.float32)


def planes(x):
    return jnp.moveaxis(jnp.asarray(x), -1, 0)


def same(host, device, atol=1e-5):
    np.testing.assert_allclose(np.moveaxis(host.numpy(), -1, 0), device, atol=atol)


@pytest.mark.parametrize("c", [1, 3, 6])
def test_jitter_agrees(c):
    amounts = dict(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
    apply = jax.jit(photometric.jitter)
    for number in range(16):
        drawn = photometric.draw_jitter(jax.random.key(number), **amounts)
        same_draws = photometric_host.Jitter(*(tf.constant(np.asarray(value)) for value in drawn))
        host = photometric_host.jitter(tf.constant(image(c)), same_draws)
        same(host, apply(planes(image(c)), drawn))


@pytest.mark.parametrize("sigma", [0.1, 0.9, 2.0])
def test_blur_agrees(sigma):
    for c in (1, 3):
        host = photometric_host.blur(tf.constant(image(c)), tf.constant(sigma), kernel_size=9)
        same(host, photometric.blur(planes(image(c)), jnp.float32(sigma), kernel_size=9))


@pytest.mark.parametrize("name", PLAIN)
def test_operations_without_draws_agree(name):
    host = getattr(photometric_host, name)(None, tf.constant(image()), **PLAIN[name])
    same(host, getattr(photometric, name)(None, planes(image()), **PLAIN[name]))


def test_the_colors_of_rand_augment_agree():
    assert photometric_host.OPERATIONS == len(photometric.RAND_AUGMENT)
    apply = jax.jit(lambda number, sign: photometric.randomly(planes(image()), number, sign, magnitude=13))
    for number, name in enumerate(photometric.RAND_AUGMENT):
        for sign in (-1.0, 1.0):
            host = photometric_host.randomly(tf.constant(image()), tf.constant(number), tf.constant(sign), magnitude=13)
            np.testing.assert_allclose(np.moveaxis(host.numpy(), -1, 0), apply(number, sign), atol=1e-5, err_msg=name)


def test_draws_have_the_ranges_of_the_device():
    amounts = dict(brightness=0.4, contrast=1.5, saturation=0.2, hue=0.1)
    seeds = tf.stack([tf.range(1000, dtype=tf.int64), tf.ones(1000, tf.int64)], 1)
    types = (tf.float32,) * 5 + (tf.int32,)
    draw = lambda seed: tuple(photometric_host.draw_jitter(seed, **amounts))  # noqa: E731
    drawn = tf.function(lambda seeds: tf.map_fn(draw, seeds, fn_output_signature=types))(seeds)
    low, high = (0.6, 0, 0, 0.8, -0.1), (1.4, 0, 2.5, 1.2, 0.1)
    for values, least, most in zip(drawn[:5], low, high, strict=True):
        assert least - 1e-6 <= np.min(values) <= least + 0.02 and most - 0.02 <= np.max(values) <= most + 1e-6
    assert len(np.unique(drawn[5], axis=0)) == 24
    additive = photometric_host.draw_jitter(seeds[0], **amounts, additive=True)
    assert additive.brightness == 1 and 0 < abs(additive.shift) <= 0.4
    sigma = [photometric_host.draw_sigma(seed, sigma=(0.1, 2.0)) for seed in seeds[:50]]
    assert 0.1 <= min(sigma) < 0.3 and 1.8 < max(sigma) <= 2


def test_bad_images_are_refused_in_words():
    with pytest.raises(ValueError, match="grayscale needs 3 channels, and the image has 1"):
        photometric_host.grayscale(None, tf.zeros([4, 4, 1]))
    with pytest.raises(ValueError, match="a blur of 9 taps on 4 pixels"):
        photometric_host.blur(tf.zeros([4, 6, 1]), tf.constant(1.0), kernel_size=9)
