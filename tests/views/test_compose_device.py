"""Colors of a batch: each image its own draws, whatever the batch, the devices and the way of looping."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.views import compose, compose_device

JITTER = dict(name="color_jitter", p=0.8, args=dict(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1))
GRAY = dict(name="grayscale", p=0.2)
BLUR = dict(name="gaussian_blur", p=0.5, args=dict(kernel_size=3))
NORMAL = dict(name="normalize", args=dict(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)))
KEY = jax.random.key(5)


def views(*data):
    return compose.views([dict(dict(group="global", count=2, size=8), **one) for one in data])


def images(b=4, v=2, size=8, c=3, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (b, v, size, size, c)).astype(dtype)


def run(records, batch, key=KEY, **how):
    return jax.jit(compose_device.device(records, **how))(key, batch)


def test_without_colors_integers_become_floats_from_0_to_1():
    for dtype, peak in ((np.uint8, 255), (np.uint16, 65535)):
        x = images(dtype=dtype)
        out = run(views(dict(ops=())), {"global": x})["global"]
        assert out.dtype == jnp.float32
        np.testing.assert_allclose(out, x / peak, rtol=1e-6)


def test_other_entries_pass_untouched():
    batch = {"global": images(), "index": np.arange(4, dtype=np.int32), "label": np.full(4, -1, np.int32)}
    out = run(views(dict(ops=(NORMAL,))), batch)
    assert set(out) == set(batch)
    for name in ("index", "label"):
        np.testing.assert_array_equal(out[name], batch[name])
        assert out[name].dtype == np.int32


def test_the_first_images_of_a_batch_do_not_depend_on_its_size():
    records = views(dict(ops=(JITTER, GRAY, BLUR, NORMAL)))
    x = images(8)
    eight, three = run(records, {"global": x})["global"], run(records, {"global": x[:3]})["global"]
    np.testing.assert_allclose(eight[:3], three, atol=1e-6)


def test_a_view_does_not_depend_on_the_views_after_it():
    one, x = dict(ops=(JITTER, GRAY)), images(4, 3)
    alone = run(views(one), {"global": x[:, :2]})["global"]
    more = run(views(one, dict(count=1, ops=(BLUR,)), dict(one, group="local")), {"global": x, "local": x[:, :2]})
    np.testing.assert_allclose(alone, more["global"][:, :2], atol=1e-6)
    assert not np.allclose(more["local"], more["global"][:, :2])


def test_the_same_key_gives_the_same_views_and_views_differ():
    records, x = views(dict(ops=(JITTER,))), images(16, 1).repeat(2, 1)
    first, again, other = (run(records, {"global": x}, key)["global"] for key in (KEY, KEY, jax.random.key(6)))
    np.testing.assert_array_equal(first, again)
    different = [not np.allclose(a, b) for a, b in zip(first[:, 0], first[:, 1], strict=True)]
    assert np.mean(different) > 0.8 and not np.allclose(first, other)


def test_each_image_has_its_own_chance():
    x = images(200, 2, 4)
    out = run(views(dict(size=4, ops=(dict(name="solarize", p=0.3),))), {"global": x})["global"]
    changed = (np.abs(out - x / 255) > 1e-3).any((2, 3, 4))
    assert 0.22 < changed.mean() < 0.38
    assert 0 < (changed[:, 0] != changed[:, 1]).mean() < 1


def test_views_of_one_run_have_their_own_chances():
    never, always = (dict(count=1, size=4, ops=(dict(name="solarize", p=p),)) for p in (0.0, 1.0))
    x = images(10, 2, 4)
    out = run(views(never, always), {"global": x})["global"]
    np.testing.assert_allclose(out[:, 0], x[:, 0] / 255, rtol=1e-6)
    np.testing.assert_allclose(out[:, 1], np.where(x[:, 1] >= 128, 1 - x[:, 1] / 255, x[:, 1] / 255), atol=1e-6)


def test_looping_over_images_and_all_at_once_are_the_same():
    (plan,) = compose.runs(views(dict(ops=(JITTER, GRAY, BLUR, NORMAL))))
    keys, x = jax.random.split(KEY, 12), images(12, 1)[:, 0]
    chances = jnp.broadcast_to(jnp.array(plan.p[0]), (12, 4))

    def one(each):
        return compose_device._image(*each, plan)

    at_once = jax.jit(jax.vmap(one))((keys, chances, x))
    looped = jax.jit(lambda each: jax.lax.map(one, each))((keys, chances, x))
    np.testing.assert_allclose(at_once, looped, atol=5e-6)


def test_colors_done_on_the_host_are_not_done_again():
    x = images()
    out = run(views(dict(ops=(JITTER, GRAY, NORMAL))), {"global": x}, photometric="host")["global"]
    np.testing.assert_allclose(out, (x / 255 - np.array([0.4, 0.5, 0.6])) / np.array([0.2, 0.3, 0.4]), atol=1e-5)


def test_results_do_not_depend_on_the_devices():
    records, x = views(dict(ops=(JITTER, NORMAL))), images(8)
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    spread = run(records, {"global": jax.device_put(x, sharding)})["global"]
    np.testing.assert_allclose(spread, run(records, {"global": x})["global"], atol=1e-6)


@pytest.mark.parametrize("c", [1, 6])
def test_other_numbers_of_channels(c):
    ops = (dict(name="color_jitter", args=dict(brightness=0.4, contrast=0.4)), BLUR, dict(name="solarize", p=0.5))
    assert run(views(dict(ops=ops)), {"global": images(c=c)})["global"].shape == (4, 2, 8, 8, c)


def test_a_batch_that_is_not_the_recipes_is_refused():
    with pytest.raises(ValueError, match="group 'global' has 3 views, and the recipe says 2"):
        run(views(dict(ops=())), {"global": images(v=3)})
    with pytest.raises(ValueError, match="the host's views are float32"):
        run(views(dict(ops=())), {"global": images().astype(np.float32)})
