"""One image -> integer views: repeatable, independent, of the dtype and the channels of the image."""

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.views import compose, compose_host

CROP = dict(name="random_resized_crop")
FLIP = dict(name="flip", p=0.5)
JITTER = dict(name="color_jitter", p=0.8, args=dict(brightness=0.4, contrast=0.4))
BLUR = dict(name="gaussian_blur", p=0.5, args=dict(kernel_size=3))
NORMAL = dict(name="normalize", args=dict(mean=(0.5,) * 3, std=(0.2,) * 3))
SEED = tf.constant([3, 11], tf.int64)


def image(h=20, w=30, c=3, dtype=np.uint8):
    return tf.constant(np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (h, w, c)).astype(dtype))


def views(*data):
    return compose.views([dict(dict(group="global", count=2, size=8), **one) for one in data])


def run(records, image, seed=SEED, photometric="device"):
    made = tf.function(compose_host.host(records, photometric=photometric))({"image": image}, seed)
    return {group: value.numpy() for group, value in made.items()}


@pytest.mark.parametrize("c, dtype", [(1, np.uint8), (3, np.uint8), (6, np.uint16)])
@pytest.mark.parametrize("photometric", ["device", "host"])
def test_groups_have_their_shapes_and_the_dtype_of_the_image(c, dtype, photometric):
    records = views(dict(ops=(CROP, FLIP, JITTER, BLUR)), dict(group="local", count=3, size=5, ops=(CROP, BLUR)))
    out = run(records, image(c=c, dtype=dtype), photometric=photometric)
    assert {group: value.shape for group, value in out.items()} == {"global": (2, 8, 8, c), "local": (3, 5, 5, c)}
    assert all(value.dtype == dtype for value in out.values())


@pytest.mark.parametrize("photometric", ["device", "host"])
def test_the_same_seed_gives_the_same_views_and_views_differ(photometric):
    records = views(dict(ops=(CROP, FLIP, JITTER)), dict(count=1, ops=(CROP, FLIP, JITTER, BLUR)))
    first, again = (run(records, image(), photometric=photometric)["global"] for _ in range(2))
    other = run(records, image(), tf.constant([3, 12], tf.int64), photometric)["global"]
    np.testing.assert_array_equal(first, again)
    assert all(not np.array_equal(first[i], first[j]) for i in range(3) for j in range(i))
    assert all(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("photometric", ["device", "host"])
def test_a_view_does_not_depend_on_the_views_after_it(photometric):
    one = dict(ops=(CROP, FLIP, JITTER))
    alone = run(views(one), image(), photometric=photometric)["global"]
    more = run(views(dict(one, count=4), dict(one, group="local", size=4)), image(), photometric=photometric)["global"]
    np.testing.assert_array_equal(alone, more[:2])


def test_operations_draw_from_their_own_streams():
    seeds = [compose_host.stream(SEED, view, place).numpy() for view in range(20) for place in range(12)]
    assert len({tuple(seed) for seed in seeds}) == len(seeds)
    assert tuple(SEED.numpy()) not in {tuple(seed) for seed in seeds}


def test_int32_seeds_do():
    records = views(dict(ops=(CROP,)))
    both = [run(records, image(), tf.cast(SEED, dtype))["global"] for dtype in (tf.int32, tf.int64)]
    np.testing.assert_array_equal(*both)


def test_views_without_draws_are_the_same_for_every_seed():
    clean = dict(
        group="clean", count=1, ops=(dict(name="resize", args=dict(size=10)), dict(name="center_crop"), NORMAL)
    )
    out = [run(views(clean), image(), tf.constant([n, n]), how)["clean"] for n in (0, 5) for how in ("device", "host")]
    assert all(np.array_equal(out[0], other) for other in out)


def test_colors_on_the_host_leave_normalize_to_the_device_and_round():
    halve = dict(name="color_jitter", args=dict(brightness=0.0))
    sure = views(dict(count=1, size=20, ops=(dict(name="center_crop"), halve, dict(name="solarize"), NORMAL)))
    x = image().numpy()[:, 5:25].astype(float)
    out = run(sure, image(), photometric="host")["global"][0]
    np.testing.assert_array_equal(out, np.where(x / 255 >= 0.5, 255 - x, x))


def test_each_image_has_its_own_chance_on_the_host():
    records = views(dict(count=200, size=4, ops=(dict(name="resize_exact"), dict(name="solarize", p=0.3))))
    out = run(records, image(), photometric="host")["global"]
    changed = (out != run(records, image())["global"]).any((1, 2, 3))
    assert 0.2 < changed.mean() < 0.4


def test_views_of_another_size_than_they_say_are_refused():
    with pytest.raises(
        ValueError, match="group 'global' have 8 pixels, and resize makes .*; end with random_resized_crop"
    ):
        run(views(dict(ops=(dict(name="resize"),))), image())
    with pytest.raises(ValueError, match="no geometric operation makes 20 x 30"):
        run(views(dict(ops=(JITTER,))), image())


def test_the_views_work_in_a_pipeline_of_encoded_images():
    make = compose_host.host(views(dict(ops=(CROP, FLIP, JITTER))), photometric="host")
    png = tf.io.encode_png(image())
    data = tf.data.Dataset.range(3).map(
        lambda i: make({"image": tf.io.decode_image(png, 3, expand_animations=False)}, tf.stack([i, i]))
    )
    assert [out["global"].shape for out in data] == [(2, 8, 8, 3)] * 3


def test_views_with_shared_draws_show_the_same_box_at_their_own_sizes():
    shared = dict(ops=(CROP, FLIP), draws="box")
    records = views(dict(shared), dict(ops=(CROP, FLIP)), dict(shared, group="small", size=4, count=1))
    same = run(views(dict(shared), dict(shared, group="again")), image())
    np.testing.assert_array_equal(same["global"], same["again"])
    made, smooth = run(records, image()), np.linspace(0, 255, 20 * 30).reshape(20, 30, 1).astype(np.uint8)
    assert made["global"].shape[0] == 4
    made = run(records, tf.constant(smooth))
    means = made["global"].astype(float).mean((1, 2, 3))
    assert abs(made["small"].astype(float).mean() - means[0]) < 4 < abs(means[0] - means[1])


def test_a_part_that_the_data_lacks_is_named():
    records = compose.views([dict(group="words", size=4, ops=(), of="text")])
    with pytest.raises(ValueError, match="views of group 'words' show the part 'text', and the data has image"):
        run(records, image())
    with pytest.raises(ValueError, match="views of group 'words' have the size 4, and no geometric operation makes"):
        tf.function(compose_host.host(records))({"text": tf.constant("a")}, SEED)
