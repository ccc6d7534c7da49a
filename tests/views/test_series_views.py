"""What views of series do to readings, and above all what they do not do to the label."""

import jax
import numpy as np
import pytest
import tensorflow as tf

from configs import presets
from ssl_jax.data import pulse, sources
from ssl_jax.data.source import read_example, read_rows, row_of
from ssl_jax.views import compose, compose_device, compose_host, series, series_device
from tests.recordings import beating, real

SEED = tf.constant([0, 1], tf.int64)


def shown(views, x, seed=(0, 1)):
    """What a method sees of one series: float32 [v, t, c]."""
    records = compose.views(views)
    host = compose_host.host(records)({"series": tf.constant(x)}, tf.constant(seed, tf.int64))
    batch = {k: v.numpy()[None] for k, v in host.items()}
    return np.asarray(compose_device.device(records)(jax.random.key(seed[1]), batch)["global"])[0]


def test_a_window_is_a_stretch_of_the_series():
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    made = [w.numpy() for w in series.window(SEED, [tf.constant(x)] * 50, size=8)]
    starts = {int(w[0, 0]) // 2 for w in made}
    assert all(np.array_equal(w, x[int(w[0, 0]) // 2 :][:8]) for w in made)
    assert min(starts) == 0 and max(starts) == 12
    (middle,) = series.window(SEED, [tf.constant(x)], size=8, place="center")
    assert np.array_equal(middle, x[6:14])
    (whole,) = series.window(SEED, [tf.constant(x)], size=20)
    assert np.array_equal(whole, x)


@pytest.mark.parametrize(
    "x, said",
    [
        (np.zeros((5, 1)), "the series has 5 readings, and a window has 8: take a smaller size"),
        (np.ones((20, 1)), "the series is constant"),
        (np.where(np.arange(20) == 3, np.nan, 1.0)[:, None], "the series has missing readings"),
    ],
)
def test_what_no_window_can_be_made_of_is_one_sentence(x, said):
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        series.window(SEED, [tf.constant(x, tf.float32)], size=8)


def test_standardize_leaves_a_dead_sensor_at_zero():
    x = np.random.default_rng(0).normal(3, 5, (50, 2)).astype(np.float32)
    x[:, 1] = 7
    y = np.asarray(series_device.standardize(jax.random.key(0), x))
    np.testing.assert_allclose([y[:, 0].mean(), y[:, 0].std()], [0, 1], atol=1e-5)
    assert not y[:, 1].any()
    z = np.asarray(series_device.affine(jax.random.key(0), x, mean=(3.0, 7.0), std=(5.0, 1.0)))
    np.testing.assert_allclose(z, (x - [3, 7]) / [5, 1], atol=1e-5)


def test_amounts_are_those_that_are_asked_for():
    keys, x = jax.random.split(jax.random.key(0), 400), np.ones((40, 2), np.float32)
    noise = jax.vmap(lambda k: series_device.add_noise(k, x, amount=0.2))(keys) - 1
    assert abs(float(noise.std()) - 0.2) < 0.01 and abs(float(noise.mean())) < 0.01
    factors = jax.vmap(lambda k: series_device.rescale(k, x, amount=0.3))(keys)
    assert np.all(np.ptp(np.asarray(factors), axis=1) < 1e-6) and factors.min() > 0
    assert abs(float(np.log(factors[:, 0]).std()) - 0.3) < 0.03
    cut = np.asarray(jax.vmap(lambda k: series_device.cutout(k, x, share=0.5))(keys)) == 0
    assert np.all(cut[..., 0] == cut[..., 1]) and 0.4 < cut.mean(1).max() <= 0.525
    assert np.all(np.abs(np.diff(cut[..., 0].astype(int), axis=1)).sum(1) <= 2)
    assert np.array_equal(series_device.flip_sign(keys[0], x), -x)


def rates(views, x, rate, count=30):
    return [pulse.heart_rate(w[:, 0].astype(float), rate)[0] for k in range(count) for w in shown(views, x, (0, k))]


def stretched(size, factor):
    (view,) = presets.series(size, hidden=0.0)
    return ({**view, "ops": (dict(name="stretch", args=dict(factor=factor)), *view["ops"])},)


@pytest.mark.parametrize("bpm", [55.0, 90.0])
def test_the_preset_keeps_the_heart_rate_and_playing_slower_changes_it(bpm):
    x = beating(bpm, seconds=12, rate=100)
    assert np.nanmax(np.abs(np.array(rates(presets.series(800, hidden=0.0), x, 100)) - bpm)) < 1.5
    slower = np.array(rates(stretched(800, (1.2, 1.4)), x, 100))
    assert np.nanmax(slower) < bpm / 1.15


@real
def test_the_preset_keeps_the_heart_rate_of_real_windows_and_playing_slower_changes_it():
    """To a beat and a half: a view has 5 of the 6 seconds, in which the heart does not keep time exactly."""
    source = sources.open("series:../shared/data/series/heart/data.csv?rate=100&window=12&target=heart_rate")
    row = row_of(read_rows(source, tf.constant([0], tf.int64)), 0)
    x, own = read_example(source, *row)[0]["series"].numpy(), float(source.targets[0, 0])
    kept = np.array(rates(presets.series(1000, hidden=0.0), x, 100))
    assert np.isfinite(kept).mean() > 0.7 and abs(np.nanmean(kept) - own) < 1.5
    slower = np.array(rates(stretched(1000, (1.25, 1.26)), x, 100))
    assert abs(np.nanmean(slower) - own / 1.255) < 2 and np.nanmean(slower) < own - 8


def test_views_of_series_are_checked():
    with pytest.raises(ValueError, match="no 'flip' in the operations of views of part 'series'"):
        compose.views([dict(group="global", size=8, of="series", ops=(dict(name="flip"),))])
    ops = (dict(name="add_noise"), dict(name="window"))
    with pytest.raises(ValueError, match="has add_noise before window"):
        compose.views([dict(group="global", size=8, of="series", ops=ops)])
    with pytest.raises(ValueError, match="share is 2.0; it must be a share"):
        compose.views([dict(group="global", size=8, of="series", ops=(dict(name="cutout", args=dict(share=2.0)),))])
    x = tf.constant(np.random.default_rng(0).normal(size=(20, 1)), tf.float32)
    records = compose.views([dict(group="global", size=8, of="series", ops=())])
    with pytest.raises(ValueError, match="views of group 'global' have the size 8"):
        compose_host.host(records)({"series": x}, SEED)


def test_random_views_are_known_to_be():
    (clean,), (view,) = (compose.views(p(64)) for p in (presets.evaluate_series, presets.series))
    assert compose.random(view) and not compose.random(clean)
