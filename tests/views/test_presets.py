"""Every preset is a recipe that composes and runs; the numbers of the papers are in them."""

import inspect

import jax
import numpy as np
import pytest
import tensorflow as tf

from configs import presets
from ssl_jax.views import compose, compose_device, compose_host

COMPILED = ("simclr", "byol", "infomin", "evaluate")
"""The presets whose colors also run, which takes a compilation each."""
OTHERS = ("clip", "clip_clean", "evaluate_clips", "evaluate_points", "points", "rho", "series", "evaluate_series")
"""Presets of other parts than images, which their recipes trace."""
NAMES = [n for n, f in inspect.getmembers(presets, inspect.isfunction) if not n.startswith("_") and n not in OTHERS]


def ops(view):
    return {op["name"]: (op.get("p", 1.0), op.get("args", {})) for op in view["ops"]}


@pytest.mark.parametrize("stats", [presets.CIFAR10, presets.FASHION_MNIST], ids=["color", "gray"])
@pytest.mark.parametrize("name", NAMES)
def test_presets_run(name, stats):
    c = len(stats["mean"])
    make = getattr(presets, name)
    if name.startswith("cmc") and c == 1:
        pytest.skip("Lab needs colors")
    sizes = dict(
        stats=stats, local=3, local_size=8, focal=3, focal_size=8, patch=8, picture=30, patch_jitter=4, resize=20
    )
    small = {k: v for k, v in sizes.items() if k in inspect.signature(make).parameters}
    data = make(size=16, **small)
    if (name, c) == ("infomin", 1):
        pytest.skip("RandAugment needs colors")
    records = compose.views(data)
    image = tf.constant(np.random.default_rng(0).integers(0, 256, (20, 24, c), np.uint8))
    host = tf.function(compose_host.host(records))({"image": image}, tf.constant([0, 1], tf.int64))
    batch, device = {k: v.numpy()[None] for k, v in host.items()}, compose_device.device(records)
    out = jax.eval_shape(device, jax.random.key(0), batch)
    sizes = {"global": 16, "local": 8, "patches": 8, "clean": 16}
    for group, value in out.items():
        count = sum(view.count for view in records if view.group == group)
        assert value.shape == (1, count, sizes[group], sizes[group], c)
    if name in COMPILED:
        values = jax.jit(device)(jax.random.key(0), batch)
        assert all(np.all(np.isfinite(value)) and np.std(value) > 0.1 for value in values.values())


@pytest.mark.parametrize("name", ["byol", "cifar_symmetric"])
def test_presets_run_with_colors_on_the_host(name):
    records = compose.views(getattr(presets, name)(size=12))
    image = tf.constant(np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8))
    out = tf.function(compose_host.host(records, photometric="host"))({"image": image}, tf.constant([0, 1], tf.int64))
    assert out["global"].shape == (2, 12, 12, 3)


def test_simclr_has_the_numbers_of_the_paper():
    ((view,), (small,)) = presets.simclr(), presets.simclr(32, strength=0.5, blur=False, stats=presets.CIFAR10)
    assert (view["count"], view["size"]) == (2, 224)
    assert ops(view)["random_resized_crop"][1]["scale"] == (0.08, 1.0)
    amounts = dict(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, additive=False)
    assert ops(view)["color_jitter"] == (0.8, amounts)
    assert ops(view)["grayscale"][0] == 0.2 and ops(view)["flip"][0] == 0.5
    assert ops(view)["gaussian_blur"] == (0.5, dict(kernel_size=23, sigma=(0.1, 2.0)))
    assert ops(small)["color_jitter"][1]["hue"] == 0.1 and "gaussian_blur" not in ops(small)


@pytest.mark.parametrize("name", ["byol", "dino"])
def test_the_two_large_views_differ_in_blur_and_solarize_alone(name):
    first, second = (ops(view) for view in getattr(presets, name)()[:2])
    assert (first["gaussian_blur"][0], first["solarize"][0]) == (1.0, 0.0)
    assert (second["gaussian_blur"][0], second["solarize"][0]) == (0.1, 0.2)
    assert first["random_resized_crop"][1]["method"] == "bicubic"
    rest = {"gaussian_blur", "solarize"}
    assert {k: v for k, v in first.items() if k not in rest} == {k: v for k, v in second.items() if k not in rest}


def test_multi_crop_has_its_counts_sizes_and_scales():
    counts = {
        name: [(v["group"], v["count"], v["size"]) for v in getattr(presets, name)()] for name in ("swav", "dino")
    }
    assert counts["swav"] == [("global", 2, 224), ("local", 6, 96)]
    assert counts["dino"] == [("global", 1, 224), ("global", 1, 224), ("local", 8, 96)]
    scales = [ops(view)["random_resized_crop"][1]["scale"] for view in (*presets.swav(), *presets.dino())]
    assert scales == [(0.14, 1.0), (0.05, 0.14), (0.4, 1.0), (0.4, 1.0), (0.05, 0.4)]
    assert "solarize" not in ops(presets.dino()[2]) and ops(presets.dino()[2])["gaussian_blur"][0] == 0.5


def test_gray_images_keep_brightness_and_contrast():
    (view,) = presets.simclr(28, stats=presets.FASHION_MNIST)
    assert "grayscale" not in ops(view)
    jitter = ops(view)["color_jitter"][1]
    assert (jitter["brightness"], jitter["contrast"], jitter["saturation"], jitter["hue"]) == (0.8, 0.8, 0, 0)
