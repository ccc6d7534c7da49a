"""Decoding, crops, flips and sizes against Pillow and against loops in numpy."""

import io
import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssl_jax.views import geometric

PILLOW = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def picture(h, w, c=3, dtype=np.uint8, seed=0):
    """Waves with a little noise, as smooth as a photograph."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w] / max(h, w)
    waves = [np.sin(2 * np.pi * (generator.uniform(1, 4) * x + generator.uniform(1, 4) * y)) for _ in range(c)]
    values = 0.5 + 0.4 * np.stack(waves, -1) + generator.normal(0, 0.02, (h, w, c))
    return (values.clip(0, 1) * np.iinfo(dtype).max).astype(dtype)


def encoded(image, kind):
    out = io.BytesIO()
    Image.fromarray(image.squeeze()).save(out, kind)
    return out.getvalue()


def seed(number):
    return tf.constant([number, 7], tf.int64)


@pytest.mark.parametrize("kind, c", [("png", 3), ("png", 1), ("png", 4), ("bmp", 3)])
def test_decode_reads_lossless_files_as_they_are(kind, c):
    image = picture(9, 7, c)
    read, ok = geometric.decode(encoded(image, kind), channels=c)
    assert bool(ok)
    np.testing.assert_array_equal(read, image)


def test_decode_keeps_the_channels_of_the_file_or_makes_those_asked_for():
    gray = encoded(picture(9, 7, 1), "png")
    assert geometric.decode(gray, channels=0)[0].shape == (9, 7, 1)
    assert geometric.decode(gray, channels=3)[0].shape == (9, 7, 3)


def test_decode_keeps_sixteen_bits():
    image = picture(9, 7, 1, np.uint16)
    read, ok = geometric.decode(encoded(image, "png"), channels=1, dtype=tf.uint16)
    assert bool(ok)
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize("channels", [0, 3])
def test_decode_says_that_damaged_bytes_are_damaged_and_does_not_raise(channels):
    jpeg, png = encoded(picture(64, 48), "jpeg"), encoded(picture(64, 48), "png")
    for data in (jpeg[: len(jpeg) // 2], png[: len(png) // 2], jpeg[:40], b"", b"no image", png[:-30] + bytes(30)):
        image, ok = geometric.decode(data, channels=channels)
        assert not bool(ok)
        assert image.shape == (1, 1, channels or 1) and not np.any(image)


def test_decode_works_in_a_pipeline():
    jpeg = encoded(picture(64, 48), "jpeg")
    data = tf.data.Dataset.from_tensor_slices([jpeg, jpeg[:100], jpeg]).map(geometric.decode)
    assert [(image.shape, bool(ok)) for image, ok in data] == [
        ((64, 48, 3), True),
        ((1, 1, 3), False),
        ((64, 48, 3), True),
    ]


def boxes_by_hand(draws, h, w, scale, ratio):
    """torchvision's loop over ten tries and its fallback, in float32."""
    f = np.float32
    for area, aspect, y, x in draws.T:
        side = np.sqrt(f(h * w) * (area * f(scale[1] - scale[0]) + f(scale[0])))
        half = np.exp(aspect * f((math.log(ratio[1]) - math.log(ratio[0])) / 2) + f(math.log(ratio[0]) / 2))
        height, width = round(float(side / half)), round(float(side * half))
        if 0 < height <= h and 0 < width <= w:
            return [int(y * (h - height + 1)), int(x * (w - width + 1)), height, width]
    if w / h < ratio[0]:
        height, width = round(w / ratio[0]), w
    elif w / h > ratio[1]:
        height, width = h, round(h * ratio[1])
    else:
        height, width = h, w
    return [(h - height) // 2, (w - width) // 2, height, width]


def unknown(function):
    """`function` of an image whose height and width the graph does not know."""
    return tf.function(function, input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])


@pytest.mark.parametrize("h, w", [(40, 50), (32, 32), (9, 200), (300, 20), (1, 1)])
def test_crop_boxes_are_torchvisions(h, w):
    scale, ratio = (0.3, 1.0), (3 / 4, 4 / 3)
    for number in range(6):
        draws = geometric.uniform(seed(number), [3, 4, geometric.TRIES]).numpy()
        got = unknown(lambda image, number=number: geometric.boxes(seed(number), [image] * 3, scale=scale, ratio=ratio))
        for one, (begin, size) in zip(draws, got(tf.zeros([h, w, 3], tf.uint8)), strict=True):
            box = [*begin.numpy()[:2], *size.numpy()[:2]]
            assert box == boxes_by_hand(one, h, w, scale, ratio)
            assert begin[2] == 0 and size[2] == -1


@pytest.mark.parametrize("h, w", [(32, 32), (20, 44)])
def test_boxes_of_a_known_size_have_the_law_of_torchvisions(h, w):
    scale, ratio, n = (0.08, 1.0), (3 / 4, 4 / 3), 20000
    known = geometric.boxes(seed(0), [tf.zeros([h, w, 3], tf.uint8)] * n, scale=scale, ratio=ratio)
    known = np.array([[*begin[:2], *size[:2]] for begin, size in zip(*np.array(known).swapaxes(0, 1), strict=True)])
    draws = np.random.default_rng(0).uniform(size=(n, 4, 10)).astype(np.float32)
    drawn = np.array([boxes_by_hand(one, h, w, scale, ratio) for one in draws])
    for i in range(4):
        assert np.all(known[:, i] >= 0) and np.all(known[:, i] + known[:, (i + 2) % 4] * (i < 2) <= max(h, w))
        levels = np.arange(max(h, w) + 1)
        ours, theirs = ((column[:, i, None] <= levels).mean(0) for column in (known, drawn))
        assert np.abs(ours - theirs).max() < 0.02, i  # Kolmogorov-Smirnov: 0.0195 has p = 0.001 for two times 20,000
    assert np.corrcoef(known[:, 2], known[:, 3])[0, 1] == pytest.approx(
        np.corrcoef(drawn[:, 2], drawn[:, 3])[0, 1], abs=0.02
    )


def test_an_image_too_long_for_any_box_gets_the_largest():
    boxes = geometric.boxes(seed(0), [tf.zeros([10, 400, 3], tf.uint8)] * 5, scale=(0.5, 1.0), ratio=(3 / 4, 4 / 3))
    assert all(list(size[:2]) == [10, 13] and 0 <= begin[1] <= 387 for begin, size in boxes)


def test_crop_boxes_of_different_images_are_each_within_their_own():
    images = [tf.zeros([20, 60, 1], tf.uint8), tf.zeros([60, 20, 1], tf.uint8)]
    for number in range(10):
        drawn = geometric.boxes(seed(number), images, scale=(0.2, 1), ratio=(0.5, 2))
        for image, (begin, size) in zip(images, drawn, strict=True):
            assert np.all(begin[:2] + size[:2] <= image.shape[:2])


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("h, w", [(20, 30), (64, 50), (200, 150), (32, 32)])
def test_resizing_is_pillows_within_a_level(method, h, w):
    image = picture(h, w)
    got = geometric.resize_exact(None, [tf.constant(image)], size=32, method=method)[0].numpy()
    want = np.asarray(Image.fromarray(image).resize((32, 32), PILLOW[method]))
    assert got.dtype == np.uint8 and got.shape == (32, 32, 3)
    assert np.abs(got.astype(int) - want).max() <= 1


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_interpolation_below_a_factor_of_two_stays_near_pillows_filter(method):
    image = picture(56, 60)
    got = geometric.resize_exact(None, [tf.constant(image)], size=32, method=method, antialias_above=2.0)[0].numpy()
    want = np.asarray(Image.fromarray(image).resize((32, 32), PILLOW[method]))
    assert np.abs(got.astype(int) - want).mean() < 4


@pytest.mark.parametrize("h, w", [(70, 96), (96, 96), (127, 50)])
def test_between_factors_of_two_and_four_halving_is_nearer_to_pillows_filter_than_no_filter(h, w):
    image = picture(h, w)
    want = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    away = []
    for above in (1.0, 2.0, 100.0):
        got = geometric.resize_exact(None, [tf.constant(image)], size=32, antialias_above=above)[0].numpy()
        away.append(np.abs(got.astype(int) - want).mean())
    assert away[0] < 1 and away[1] < 4 and away[1] < 0.7 * away[2]


def test_a_crop_that_shrinks_much_is_filtered():
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 1), np.uint8)
    got = geometric.random_resized_crop(seed(0), [tf.constant(noise)], size=16, scale=(1, 1), ratio=(1, 1))[0].numpy()
    want = np.asarray(Image.fromarray(noise[..., 0]).resize((16, 16), Image.Resampling.BILINEAR))
    assert np.abs(got[..., 0].astype(int) - want).max() <= 1


def test_the_whole_image_at_its_own_size_is_itself():
    for dtype, c in ((np.uint8, 3), (np.uint16, 6), (np.uint8, 1)):
        image = tf.constant(picture(24, 24, c, dtype))
        for method in ("bilinear", "bicubic"):
            crop = geometric.random_resized_crop(seed(3), [image], size=24, scale=(1, 1), ratio=(1, 1), method=method)
            np.testing.assert_array_equal(crop[0], image)


def test_bicubic_overshoot_is_clipped():
    step = np.zeros((8, 8, 1), np.uint8)
    step[:, 4:] = 255
    got = geometric.resize_exact(None, [tf.constant(step)], size=31, method="bicubic")[0].numpy()
    assert set(np.unique(got[:, :6])) == {0} and set(np.unique(got[:, -6:])) == {255}


def test_draws_differ_between_views_and_repeat_with_the_seed():
    images = [tf.constant(picture(40, 40))] * 3
    first, again = (geometric.random_resized_crop(seed(1), images, size=16) for _ in range(2))
    other = geometric.random_resized_crop(seed(2), images, size=16)
    fewer = geometric.random_resized_crop(seed(1), images[:2], size=16)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first, fewer, strict=False):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], first[1]) and not np.array_equal(first[0], other[0])


def test_flip_is_numpys_and_each_image_has_its_own_coin():
    image = picture(6, 5, 2)
    np.testing.assert_array_equal(geometric.flip(seed(0), [tf.constant(image)], p=1.0)[0], image[:, ::-1])
    np.testing.assert_array_equal(geometric.flip(seed(0), [tf.constant(image)], p=0.0)[0], image)
    flipped = [np.array_equal(f, image[:, ::-1]) for f in geometric.flip(seed(0), [tf.constant(image)] * 400, p=0.25)]
    assert 0.15 < np.mean(flipped) < 0.35


def test_a_shared_flip_has_one_coin_for_all_views():
    image, coins = picture(9, 7), []
    for number in range(40):
        views = geometric.flip(seed(number), [tf.constant(image)] * 3, p=0.5, shared=True)
        turned = [np.array_equal(view, image[:, ::-1]) for view in views]
        assert len(set(turned)) == 1
        coins.append(turned[0])
    assert 0.2 < np.mean(coins) < 0.8


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_pad_crop_takes_a_window_of_the_padded_image(mode):
    image = picture(8, 10, 1, np.uint16)
    padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), mode)
    windows = [padded[y : y + 8, x : x + 8] for y in range(7) for x in range(9)]
    seen = set()
    for crop in geometric.pad_crop(seed(5), [tf.constant(image)] * 200, size=8, padding=3, mode=mode):
        matches = [i for i, window in enumerate(windows) if np.array_equal(window, crop)]
        assert matches
        seen.add(matches[0])
    assert len(seen) > 50


@pytest.mark.parametrize("h, w", [(10, 13), (9, 8), (8, 11)])
def test_center_crop_is_torchvisions(h, w):
    image = picture(h, w)
    top, left = round((h - 8) / 2.0), round((w - 8) / 2.0)
    crop = geometric.center_crop(None, [tf.constant(image)], size=8)[0]
    np.testing.assert_array_equal(crop, image[top : top + 8, left : left + 8])


def test_resize_makes_the_short_side():
    sides = [
        geometric.resize(None, [tf.constant(picture(h, w))], size=16)[0].shape for h, w in ((20, 31), (50, 20), (8, 8))
    ]
    assert sides == [(16, 24, 3), (40, 16, 3), (16, 16, 3)]


def test_images_of_unknown_size_work_in_a_pipeline():
    images = [picture(30, 40), picture(70, 33)]
    data = tf.data.Dataset.from_generator(lambda: images, output_signature=tf.TensorSpec([None, None, 3], tf.uint8))

    def views(image):
        crop = geometric.random_resized_crop(seed(0), [image] * 2, size=16)
        small = geometric.center_crop(None, geometric.resize(None, [image], size=20), size=16)
        return tf.stack([*geometric.flip(seed(1), crop, p=0.5), *small, *geometric.pad_crop(seed(2), [image], size=16)])

    for out in data.map(views):
        assert out.shape == (4, 16, 16, 3) and out.dtype == tf.uint8


def test_a_crop_larger_than_the_image_is_one_sentence():
    with pytest.raises(ValueError, match="center_crop of 32 pixels is larger than the image.*20 x 40"):
        geometric.center_crop(None, [tf.zeros([20, 40, 3], tf.uint8)], size=32)
    with pytest.raises(ValueError, match="pad_crop of 32 pixels is larger"):
        geometric.pad_crop(seed(0), [tf.zeros([20, 40, 3], tf.uint8)], size=32)
    later = tf.function(
        lambda image: geometric.center_crop(None, [image], size=32)[0],
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="center_crop of 32 pixels is larger than the image"):
        later(tf.zeros([20, 40, 3], tf.uint8))


def test_impossible_arguments_are_refused():
    image = [tf.zeros([20, 40, 3], tf.uint8)]
    with pytest.raises(ValueError, match="no 'lanczos' in the methods of resizing"):
        geometric.resize(None, image, size=8, method="lanczos")
    with pytest.raises(ValueError, match="rising"):
        geometric.random_resized_crop(seed(0), image, size=8, scale=(1.0, 0.2))
    with pytest.raises(ValueError, match="mode 'edge'"):
        geometric.pad_crop(seed(0), image, size=8, mode="edge")
