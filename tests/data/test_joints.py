"""Simulated joints: their target is what the picture shows, and the views of the recipe keep it."""

import numpy as np
import pytest
import tensorflow as tf

from configs import presets
from ssl_jax.data import joints, sources
from ssl_jax.views import compose, compose_host


@pytest.fixture(scope="module")
def shapes():
    draws = np.random.default_rng(0).uniform(size=(300, joints.VOIDS * 5 + joints.TURNS + 4)).astype(np.float32)
    return joints.masks(draws)


def test_the_same_at_every_call_and_targets_for_the_first(monkeypatch):
    monkeypatch.setattr(joints, "SPLITS", {"train": 300, "test": 200})
    joints.drawn.cache_clear()
    source, few = (sources.open(f"embedded:solder_joints/train{q}") for q in ("", "?labeled=100"))
    first = joints.drawn("train")
    joints.drawn.cache_clear()
    again = joints.drawn("train")
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert source.size == 300 and source.image.channels == 1 and source.digest != few.digest
    assert (
        np.isfinite(source.targets).all() and np.isfinite(few.targets[:100]).all() and np.isnan(few.targets[100:]).all()
    )
    some = sources.open("embedded:solder_joints/train?examples=7")
    assert some.size == 7 and np.array_equal(some.targets, source.targets[:7])
    assert not np.array_equal(joints.drawn("test")[0], first[0][:200])
    image, label = source.read(tf.constant(7, tf.int64))
    assert np.array_equal(image, first[0][7]) and label == -1
    assert 0.2 < source.targets.std() < 0.6 and 2 < source.targets.min() and source.targets.max() < 4.2
    joints.drawn.cache_clear()


def test_voids_and_cracks_lie_in_the_disc_and_cracks_have_their_length(shapes):
    voids, cracks, lengths = shapes
    y, x = (np.mgrid[:64, :64] + 0.5) / 2 - 16
    outside = x**2 + y**2 > 12.1**2
    assert not voids[:, outside].any() and not cracks[:, outside].any()
    assert 0 < voids.mean((1, 2)).max() * 4096 / (np.pi * 24**2) < 0.5
    assert np.corrcoef(cracks.sum((1, 2)), lengths)[0, 1] > 0.9


def area(views, mask, seed):
    """The area of a mask in pixels after the geometric half of views."""
    view = compose.views(views)[0]
    host = compose_host.host([view._replace(ops=compose.split(view)[0])])
    return host({"image": tf.constant(mask)}, tf.constant([0, seed], tf.int64))["global"].numpy().sum((1, 2, 3)) / 255


def test_the_preset_keeps_what_the_target_is_measured_on_and_a_zoom_does_not(shapes):
    masks = (shapes[0] | shapes[1])[:40, ::2, ::2, None].astype(np.uint8) * 255
    kept, zoomed = [], []
    for seed, mask in enumerate(masks):
        own = mask.sum() / 255
        kept += list(area(presets.measured(32), mask, seed) - own)
        zoomed += list(area(presets.simclr(32, stats=presets.SOLDER_JOINTS), mask, seed) - own) if own > 20 else []
    assert not np.any(kept)
    assert np.mean(np.abs(zoomed) > 10) > 0.7


def test_what_is_not_there_is_one_sentence():
    for text, said in (
        ("/val", "no 'val' in the splits of embedded:solder_joints"),
        ("/train?labeled=0", "write .labeled=N or .examples=N with N from 1 to 10000"),
        ("/train?few=3", "write .labeled=N"),
    ):
        with pytest.raises(ValueError, match=said):
            sources.open(f"embedded:solder_joints{text}")
