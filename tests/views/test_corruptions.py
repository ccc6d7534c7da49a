"""Corruptions beside scipy, Pillow, colorsys and loops."""

import colorsys
import io
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from PIL import Image

from ssl_jax.views import compose, compose_device, compose_host, corruptions, jpeg

KEY = jax.random.key(5)
IMAGE = np.random.default_rng(0).random((3, 12, 16))


def run(kind, severity=3, image=IMAGE):
    with jax.enable_x64(True):
        return np.asarray(corruptions.corrupt(KEY, jnp.asarray(image), kind=kind, severity=severity))


@pytest.mark.parametrize("severity", [1, 5])
def test_blur_is_scipys(severity):
    sigma = corruptions.SEVERITIES["blur"][severity - 1]
    wanted = scipy.ndimage.gaussian_filter(IMAGE, (0, sigma, sigma), mode="nearest", truncate=4)
    np.testing.assert_allclose(run("blur", severity), wanted, atol=1e-12)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_pixelate_is_pillows(severity):
    share = corruptions.SEVERITIES["pixelate"][severity - 1]
    small = int(16 * share), int(12 * share)
    planes = [Image.fromarray(p.astype(np.float32)).resize(small, Image.BOX).resize((16, 12), Image.BOX) for p in IMAGE]
    np.testing.assert_allclose(run("pixelate", severity), np.stack(planes), atol=1e-6)


@pytest.mark.parametrize("severity", range(1, 6))
def test_colors_are_those_of_hsv(severity):
    image = np.concatenate([IMAGE, np.full((3, 1, 16), 0.5), np.zeros((3, 1, 16))], 1)
    more, (factor, plus) = (corruptions.SEVERITIES[kind][severity - 1] for kind in ("brightness", "saturate"))
    bright, full = np.empty_like(image), np.empty_like(image)
    for y, x in np.ndindex(image.shape[1:]):
        h, s, v = colorsys.rgb_to_hsv(*image[:, y, x])
        bright[:, y, x] = colorsys.hsv_to_rgb(h, s, min(v + more, 1))
        full[:, y, x] = colorsys.hsv_to_rgb(h, min(s * factor + plus, 1), v)
    np.testing.assert_allclose(run("brightness", severity, image), bright, atol=1e-12)
    np.testing.assert_allclose(run("saturate", severity, image), full, atol=1e-12)


def test_motion_blur_is_imagemagicks():
    """Its loop over pixels and taps, at the angle that the key draws."""
    (radius, sigma), (_, height, width) = corruptions.SEVERITIES["motion_blur"][3], IMAGE.shape
    with jax.enable_x64(True):
        angle = np.deg2rad(float(jax.random.uniform(KEY, (), np.float64, -45, 45)))
    kernel = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    wanted = np.zeros_like(IMAGE)
    for y, x, i in np.ndindex(height, width, len(kernel)):
        row, column = y + int(np.ceil(i * np.sin(angle) - 0.5)), x + int(np.ceil(i * np.cos(angle) - 0.5))
        pixel = IMAGE[:, min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
        wanted[:, y, x] += kernel[i] / kernel.sum() * pixel
    np.testing.assert_allclose(run("motion_blur", 4), wanted, atol=1e-12)


@pytest.mark.parametrize("mode, size, quality", [("RGB", (32, 32), 80), ("RGB", (50, 37), 40), ("L", (32, 32), 58)])
def test_jpeg_is_pillows_but_for_a_few_roundings(mode, size, quality):
    """The same levels in 95 of 100 values, within one in 97, and 0.15 levels apart on average."""
    photos = sorted(pathlib.Path("../shared/data/imagenet_sample").resolve().glob("*/*"))[:60:10]
    if not photos:
        pytest.skip("there are no photos here")
    images, files = [Image.open(path).convert(mode).resize(size, Image.BICUBIC) for path in photos], []
    for image in images:
        files.append(io.BytesIO())
        image.save(files[-1], "JPEG", quality=quality)
    wanted, given = (np.stack([np.atleast_3d(image) for image in each]) for each in (map(Image.open, files), images))
    found = jax.jit(jax.vmap(lambda planes: jpeg.coded(planes, quality)))(given.transpose(0, 3, 1, 2) / np.float32(255))
    apart = np.abs(np.rint(255 * np.asarray(found).transpose(0, 2, 3, 1)) - wanted)
    assert np.mean(apart == 0) > 0.95 and np.mean(apart <= 1) > 0.97 and apart.mean() < 0.15
    assert np.abs(given.astype(int) - wanted).mean() > 1, "and that is no wonder"
    with pytest.raises(ValueError, match="JPEG wants 1 or 3 channels, and the image has 4"):
        jpeg.coded(np.zeros((4, 8, 8), np.float32), quality)


def test_contrast_is_about_the_mean_and_defocus_a_disk():
    mean = IMAGE.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(run("contrast", 5), np.clip((IMAGE - mean) * 0.15 + mean, 0, 1), atol=1e-12)
    disk = corruptions._disk(1.5, 0.1)
    assert abs(disk.sum() - 1) < 1e-12 and np.count_nonzero(disk > 1e-6) == 9
    wanted = np.stack([scipy.ndimage.correlate(plane, disk, mode="mirror") for plane in IMAGE])
    np.testing.assert_allclose(run("defocus", 5), wanted, atol=1e-12)


@pytest.mark.parametrize(
    "kind, sd",
    [("gaussian_noise", 0.1), ("speckle_noise", 0.2 * 0.5), ("shot_noise", (0.5 / 50) ** 0.5)],
)
def test_noise_has_the_spread_that_it_says(kind, sd):
    made = run(kind, 5, np.full((3, 64, 64), 0.5))
    assert abs(made.std() / sd - 1) < 0.05 and abs(made.mean() - 0.5) < 0.01
    np.testing.assert_array_equal(made, run(kind, 5, np.full((3, 64, 64), 0.5)))


def test_impulses_are_black_or_white_as_often_as_said():
    made = run("impulse_noise", 5, np.full((3, 64, 64), 0.5))
    assert abs(np.mean(made != 0.5) - 0.07) < 0.01 and set(np.unique(made)) == {0, 0.5, 1}
    assert abs(np.mean(made[made != 0.5]) - 0.5) < 0.06


def test_gamma_of_one_is_nothing_and_mid_gray_becomes_what_it_should():
    np.testing.assert_array_equal(
        corruptions.gamma(KEY, jnp.asarray(IMAGE, jnp.float32), exponent=1.0), IMAGE.astype(np.float32)
    )
    gray = jnp.full((1, 1, 1), 128 / 255)
    found = [round(float(corruptions.gamma(KEY, gray, exponent=e)[0, 0, 0]) * 255) for e in (0.2, 0.5, 2.0, 5.0)]
    assert found == [222, 181, 64, 8]


def test_shuffled_patches_are_the_same_patches():
    made = np.asarray(corruptions.shuffle_patches(KEY, jnp.asarray(IMAGE), grid=4))
    tiles = lambda a: {a[:, y : y + 3, x : x + 4].tobytes() for y in range(0, 12, 3) for x in range(0, 16, 4)}  # noqa: E731
    assert tiles(made) == tiles(np.asarray(jnp.asarray(IMAGE))) and not np.array_equal(made, IMAGE)
    with pytest.raises(ValueError, match="5 x 5 tiles do not fit an image of 12 x 16"):
        corruptions.shuffle_patches(KEY, jnp.asarray(IMAGE), grid=5)


def test_severities_grow_and_what_does_not_exist_is_a_sentence():
    for kind in corruptions.SEVERITIES:
        if kind != "saturate":  # it takes colors away at first, and adds them later
            apart = [np.abs(run(kind, s) - IMAGE).mean() for s in range(1, 6)]
            assert apart == sorted(apart), kind
    for wrong in ({"kind": "frost", "severity": 1}, {"kind": "blur", "severity": 6}):
        with pytest.raises(ValueError, match="there are gaussian_noise, .*, from 1 to 5"):
            corruptions.corrupt(KEY, jnp.asarray(IMAGE), **wrong)


def test_they_are_operations_of_views():
    ops = (
        {"name": "corrupt", "args": {"kind": "contrast", "severity": 2}},
        {"name": "gamma", "args": {"exponent": 2.0}},
    )
    views = compose.views(({"group": "clean", "count": 1, "size": 8, "ops": ops},))
    pixels = np.random.default_rng(1).integers(0, 256, (2, 1, 8, 8, 3), np.uint8)
    made = compose_device.device(views)(KEY, {"clean": jnp.asarray(pixels)})["clean"]
    x = pixels / 255.0
    mean = x.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(made, np.clip((x - mean) * 0.5 + mean, 0, 1) ** 2, atol=1e-5)
    with pytest.raises(ValueError, match="corrupt is work of the device"):
        compose_host.host(views, photometric="host")(
            {"image": tf.constant(pixels[0, 0])}, tf.constant([1, 2], tf.int64)
        )
