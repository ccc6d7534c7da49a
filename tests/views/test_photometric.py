"""Each color operation against a formula in numpy, colorsys, scipy or Pillow."""

import colorsys
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage

from ssl_jax.views import compose, photometric
from ssl_jax.views.hue import turned as turned_planes

NAMES = ("brightness", "contrast", "saturation", "hue")


def image(c=3, h=12, w=10, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (c, h, w)).astype(np.float32)


def pillow(planes):
    return Image.fromarray((np.moveaxis(planes, 0, -1) * 255).astype(np.uint8).squeeze())


def levels(picture):
    """[c, h, w] in 0..255 from Pillow's image."""
    array = np.asarray(picture).astype(np.float64)
    return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)


def drawn(order=(0, 1, 2, 3), brightness=1.0, shift=0.0, contrast=1.0, saturation=1.0, hue=0.0):
    scalars = [jnp.float32(x) for x in (brightness, shift, contrast, saturation, hue)]
    return photometric.Jitter(*scalars, order=jnp.array(order, jnp.int32))


def gray(x):
    return np.tensordot(photometric.LUMA, x, 1) if len(x) == 3 else x.mean(0)


def turned(x, turns):
    out = np.empty_like(x)
    for y, z in np.ndindex(x.shape[1:]):
        h, s, v = colorsys.rgb_to_hsv(*x[:, y, z])
        out[:, y, z] = colorsys.hsv_to_rgb((h + turns) % 1, s, v)
    return out


def by_hand(x, d):
    """The four operations in the drawn order, in float64."""
    x = x.astype(np.float64)
    for which in np.asarray(d.order):
        if NAMES[which] == "brightness":
            x = x * float(d.brightness) + float(d.shift)
        elif NAMES[which] == "contrast":
            x = float(d.contrast) * x + (1 - float(d.contrast)) * gray(x).mean()
        elif NAMES[which] == "saturation":
            x = float(d.saturation) * x + (1 - float(d.saturation)) * gray(x)
        else:
            x = turned(x, float(d.hue))
        x = x.clip(0, 1)
    return x


jitter = jax.jit(photometric.jitter)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_jitter_is_the_four_formulas_in_the_drawn_order(order):
    d = drawn(order, brightness=1.3, shift=-0.1, contrast=1.6, saturation=1.5, hue=0.17)
    np.testing.assert_allclose(jitter(image(), d), by_hand(image(), d), atol=2e-6)


@pytest.mark.parametrize("hue", [-0.5, -0.2, -1e-3, 0.0, 1 / 6, 0.3, 0.5])
def test_hue_turns_as_colorsys_does(hue):
    x = image()
    x[:, 0, :] = 0.4  # grays have no hue
    x[:, 1, :] = np.eye(3)[np.arange(10) % 3].T
    x[0, 2, :] = x[1, 2, :]  # ties of the largest
    np.testing.assert_allclose(turned_planes(list(jnp.asarray(x)), hue), turned(x, hue), atol=2e-6)


def test_order_matters_in_the_test():
    d = dict(brightness=1.3, contrast=1.6, saturation=1.5, hue=0.17)
    first, last = (by_hand(image(), drawn(order, **d)) for order in ((0, 1, 2, 3), (3, 2, 1, 0)))
    assert np.abs(first - last).max() > 0.05


def test_single_operations_are_pillows_within_rounding():
    x, factor = image(h=30, w=30), 1.4
    pairs = (
        (drawn(brightness=factor), ImageEnhance.Brightness),
        (drawn(contrast=factor), ImageEnhance.Contrast),
        (drawn(saturation=factor), ImageEnhance.Color),
    )
    x = levels(pillow(x)).astype(np.float32) / 255
    for d, enhance in pairs:
        want = levels(enhance(pillow(x)).enhance(factor))
        np.testing.assert_allclose(jitter(x, d) * 255, want, atol=1.5)  # Pillow rounds the gray, then the result


def test_draws_fill_their_ranges_and_nothing_more():
    amounts = dict(brightness=0.4, contrast=1.5, saturation=0.2, hue=0.1)
    keys = jax.random.split(jax.random.key(0), 4000)
    d = jax.vmap(lambda key: photometric.draw_jitter(key, **amounts))(keys)
    for name, low, high in (
        ("brightness", 0.6, 1.4),
        ("contrast", 0, 2.5),
        ("saturation", 0.8, 1.2),
        ("hue", -0.1, 0.1),
        ("shift", 0, 0),
    ):
        values = np.asarray(getattr(d, name))
        assert low - 1e-6 <= values.min() <= low + 0.01 and high - 0.01 <= values.max() <= high + 1e-6, name
    orders, counts = np.unique(d.order, axis=0, return_counts=True)
    assert len(orders) == 24 and counts.min() > 100
    additive = photometric.draw_jitter(keys[0], **amounts, additive=True)
    assert additive.brightness == 1 and 0 < abs(additive.shift) <= 0.4


@pytest.mark.parametrize("c", [1, 6])
def test_other_numbers_of_channels_keep_brightness_contrast_blur_and_solarize(c):
    d = drawn((1, 3, 0, 2), brightness=1.3, contrast=0.5)
    x = image(c)
    half = 0.5 * x.astype(np.float64) + 0.5 * x.mean()
    np.testing.assert_allclose(jitter(x, d), (1.3 * half).clip(0, 1), atol=2e-6)
    key = jax.random.key(0)
    assert photometric.color_jitter(key, x, brightness=0.4, contrast=0.4).shape == x.shape
    assert photometric.gaussian_blur(key, x, kernel_size=5).shape == x.shape
    np.testing.assert_allclose(photometric.solarize(key, x), np.where(x >= 0.5, 1 - x, x))


def test_operations_on_colors_refuse_other_images_in_words():
    key, x = jax.random.key(0), jnp.zeros((1, 4, 4))
    with pytest.raises(ValueError, match="color_jitter with saturation or hue needs 3 channels, and the image has 1"):
        photometric.color_jitter(key, x, hue=0.1)
    with pytest.raises(ValueError, match="grayscale needs 3 channels"):
        photometric.grayscale(key, x)
    with pytest.raises(ValueError, match="normalize has 3 means and 3 stds for an image of 1"):
        photometric.normalize(key, x, mean=(0.5,) * 3, std=(0.2,) * 3)


def test_grayscale_is_pillows():
    x = levels(pillow(image())).astype(np.float32) / 255
    got = photometric.grayscale(jax.random.key(0), x)
    np.testing.assert_allclose(got[0] * 255, levels(pillow(x).convert("L"))[0], atol=0.51)
    np.testing.assert_array_equal(got[0], got[1])
    np.testing.assert_array_equal(got[0], got[2])


@pytest.mark.parametrize("sigma, taps, h, w", [(0.1, 3, 8, 8), (0.7, 5, 9, 6), (2.0, 23, 30, 16), (1.5, 9, 5, 5)])
def test_blur_is_a_correlation_with_reflected_borders(sigma, taps, h, w):
    x = image(2, h, w).astype(np.float64)
    offsets = np.arange(taps) - taps // 2
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    want = ndimage.correlate1d(ndimage.correlate1d(x, weights, 1, mode="mirror"), weights, 2, mode="mirror")
    got = photometric.blur(jnp.asarray(x, jnp.float32), jnp.float32(sigma), kernel_size=taps)
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_a_blur_that_cannot_be_is_refused():
    for taps in (4, 9):
        with pytest.raises(ValueError, match=f"a blur of {taps} taps on 4 pixels"):
            photometric.band(4, jnp.float32(1), kernel_size=taps)


def test_solarize_and_posterize_are_pillows():
    x = levels(pillow(image())).astype(np.float32) / 255
    got = photometric.solarize(None, x, threshold=128 / 255) * 255
    np.testing.assert_allclose(got, levels(ImageOps.solarize(pillow(x), 128)), atol=1e-3)
    for bits in (1, 4, 8):
        want = levels(ImageOps.posterize(pillow(x), bits))
        np.testing.assert_allclose(photometric.posterize(None, x, bits=bits) * 255, want, atol=1e-3)


def test_equalize_is_pillows_exactly():
    skewed = image(h=40, w=40) ** 3
    flat = np.full((3, 8, 8), 0.3, np.float32)
    two = np.where(image() < 0.5, 0.2, 0.9).astype(np.float32)
    for x in (skewed, flat, two):
        x = levels(pillow(x)).astype(np.float32) / 255
        got = jax.jit(photometric.equalize)(None, x) * 255
        np.testing.assert_allclose(got, levels(ImageOps.equalize(pillow(x))), atol=1e-3)


def test_autocontrast_is_pillows_within_rounding():
    x = levels(pillow(0.3 + 0.4 * image())).astype(np.float32) / 255
    x[2] = 0.5
    x = levels(pillow(x)).astype(np.float32) / 255
    np.testing.assert_allclose(
        photometric.autocontrast(None, x) * 255, levels(ImageOps.autocontrast(pillow(x))), atol=1.01
    )


def test_the_colors_of_rand_augment_are_pillows():
    x, magnitude = levels(pillow(image(h=20, w=20))).astype(np.float32) / 255, 12
    p, factor = pillow(x), 1 - 0.03 * magnitude
    want = {
        "identity": p,
        "autocontrast": ImageOps.autocontrast(p),
        "equalize": ImageOps.equalize(p),
        "posterize": ImageOps.posterize(p, 6),
        "solarize": ImageOps.solarize(p, 153),
        "saturation": ImageEnhance.Color(p).enhance(factor),
        "contrast": ImageEnhance.Contrast(p).enhance(factor),
        "brightness": ImageEnhance.Brightness(p).enhance(factor),
        "sharpness": ImageEnhance.Sharpness(p).enhance(factor),
    }
    apply = jax.jit(lambda number: photometric.randomly(x, number, jnp.float32(-1), magnitude=magnitude))
    for number, name in enumerate(photometric.RAND_AUGMENT):
        np.testing.assert_allclose(apply(number) * 255, levels(want[name]), atol=1.6, err_msg=name)


def test_normalize_is_per_channel():
    x, mean, std = image(), (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    got = photometric.normalize(None, x, mean=mean, std=std)
    for i in range(3):
        np.testing.assert_allclose(got[i], (x[i] - mean[i]) / std[i], rtol=1e-5, atol=1e-6)


def test_operations_draw_from_their_key():
    x = image()
    for op, args in (
        (photometric.color_jitter, dict(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)),
        (photometric.gaussian_blur, dict(kernel_size=5)),
        (photometric.rand_augment_color, dict(count=3)),
    ):
        run = jax.jit(lambda key, op=op, args=args: op(key, x, **args))
        outs = [run(jax.random.key(seed)) for seed in (0, 0, 1, 2)]
        np.testing.assert_array_equal(outs[0], outs[1])
        assert not np.array_equal(outs[0], outs[2]) or not np.array_equal(outs[0], outs[3])
        assert all(np.all((out >= 0) & (out <= 1)) for out in outs)


ARGUMENTS = {
    "color_jitter": dict(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
    "gaussian_blur": dict(kernel_size=5),
    "normalize": dict(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)),
    "rand_augment_color": dict(count=3, magnitude=15),
}


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("name", compose.PHOTOMETRIC)
def test_each_frame_of_a_clip_becomes_what_it_becomes_as_an_image(name, frames):
    """One draw a clip; frames that differ, so that nothing of one may pass to another. 3 channels and 3 frames, too."""
    operation = functools.partial(compose.PHOTOMETRIC[name], **ARGUMENTS.get(name, {}))
    clip = np.stack([image(seed=i) * (i + 1) / frames for i in range(frames)], 1)
    for seed in range(12 if name == "rand_augment_color" else 3):
        key = jax.random.key(seed)
        alone = [jax.jit(operation)(key, clip[:, i]) for i in range(frames)]
        np.testing.assert_allclose(jax.jit(operation)(key, clip), np.stack(alone, 1), atol=2e-6)
