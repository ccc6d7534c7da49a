"""Series out of files: what is read, what is cut, which targets there are, and a sentence for everything else."""

import itertools
import re

import numpy as np
import pytest
import tensorflow as tf

from configs import presets
from ssl_jax.data import pulse, series, sources, stream
from ssl_jax.data.source import subset
from ssl_jax.views import compose, compose_host
from tests.recordings import SERIES, beating, real, written

QUERY = "?rate=50&window=4&stride=1"


def examples(source):
    return [source.read(tf.constant(k, tf.int64))[0].numpy() for k in range(source.size)]


def batches(source, size, count, **options):
    host = compose_host.host(compose.views(presets.series(size)))
    return list(itertools.islice(stream.batches(source, host, **options), count))


@pytest.fixture
def heart(tmp_path):
    """Two recordings, of 62 and 130 seconds."""
    written(tmp_path / "heart" / "a.csv", beating(60, seconds=62, rate=50))
    written(tmp_path / "heart" / "b.csv", beating(100, seconds=130, rate=50))
    return tmp_path / "heart"


def test_windows_are_stretches_with_their_heart_rate(heart):
    source = sources.open(f"series:{heart}{QUERY}&target=heart_rate")
    assert source.size == 59 + 127 and source.parts["series"] == (1, 50.0)
    x = examples(source)
    assert all(w.shape == (200, 1) for w in x)
    np.testing.assert_allclose(x[1][:150], x[0][50:], atol=1e-3)
    np.testing.assert_allclose(source.targets[:59], 60, atol=2)
    np.testing.assert_allclose(source.targets[59:], 100, atol=3)
    assert source.describe(60) == "b.csv at 1 s"


def test_no_reading_is_in_both_splits(heart):
    """Every reading is its own number here; of each four half minutes the last is for testing."""
    written(heart / "a.csv", np.arange(62 * 50))
    written(heart / "b.csv", 10_000 + np.arange(130 * 50))
    train, test = ({float(v) for w in examples(sources.open(f"series:{heart}{QUERY}&split={s}")) for v in w.ravel()}
                   for s in ("train", "test"))  # fmt: skip
    assert not train & test
    assert min(test) >= 10_000 + 90 * 50 and max(test) < 10_000 + 120 * 50 and len(test) == 30 * 50
    assert len(train) == 62 * 50 + 100 * 50


def test_other_rates_are_brought_to_one(tmp_path):
    slow, fast = (beating(75, seconds=20, rate=rate) for rate in (40, 80))
    (tmp_path / "s.csv").write_text("time,v\n" + "".join(f"{i / 40},{x}\n" for i, x in enumerate(slow[:, 0])))
    (tmp_path / "f.csv").write_text("timer,v\n" + "".join(f"{i * 12.5},{x}\n" for i, x in enumerate(fast[:, 0])))
    day = np.datetime64("2020-01-01T00:00:00", "us")
    stamps = [str(day + np.timedelta64(i * 12500, "us")).replace("T", " ") for i in range(len(fast))]
    (tmp_path / "d.csv").write_text("date,v\n" + "".join(f"{s},{x}\n" for s, x in zip(stamps, fast[:, 0], strict=True)))
    found = {n: sources.open(f"series:{tmp_path}/{n}.csv?rate=80&window=8&target=heart_rate") for n in "sfd"}
    assert {n: source.size for n, source in found.items()} == dict.fromkeys("sfd", 2)
    for source in found.values():
        np.testing.assert_allclose(source.targets, 75, atol=1.5)
    np.testing.assert_allclose(examples(found["f"]), examples(found["d"]), rtol=1e-5)
    assert "counts seconds, 40 readings" in found["s"].notices[0]
    assert "counts milliseconds, 80 readings" in found["f"].notices[0]
    assert "tells 80 readings" in found["d"].notices[0]


def test_several_columns_missing_readings_and_words(tmp_path):
    rows = [f"{np.sin(i)},{'' if i == 30 else np.cos(i)},walk" for i in range(100)]
    (tmp_path / "m.csv").write_text("x,y,what\n" + "\n".join(rows) + "\n\n")
    source = sources.open(f"series:{tmp_path}/m.csv?rate=10&window=2")
    assert source.parts["series"].channels == 2 and source.size == 4
    told = " ".join(source.notices)
    assert "what left out, which has no numbers" in told
    assert "1 of 5 windows left out, flat or with missing readings" in told


@pytest.mark.parametrize(
    "bpm, change, why",
    [
        (70, lambda x: x * 0 + 3, "flat"),
        (70, lambda x: np.where(np.arange(len(x)) == 9, np.nan, x), "missing readings"),
        (20, lambda x: x, "fewer than 4 beats"),
        (70, lambda x: np.concatenate([x[:230], np.full(170, 500.0), x[400:]]), "irregular intervals"),
        (70, lambda x: np.random.default_rng(0).normal(size=len(x)), ""),
    ],
)
def test_a_window_that_does_not_tell_has_no_heart_rate(bpm, change, why):
    found, said = pulse.heart_rate(change(beating(bpm, seconds=6, rate=100)[:, 0].astype(float)), 100)
    assert np.isnan(found) and said and (said == why or not why)


@pytest.mark.parametrize("bpm", [45, 60, 97, 150])
def test_the_heart_rate_is_that_of_the_beats_and_not_of_the_waves_between(bpm):
    found, said = pulse.heart_rate(beating(bpm, seconds=8, rate=100)[:, 0].astype(float), 100)
    assert said == "" and abs(found - bpm) < 0.02 * bpm


TS = "@problemname Toy\n@timestamps false\n@univariate false\n{kind}\n@data\n{rows}\n"


def test_cases_of_a_ts_file(tmp_path):
    (tmp_path / "c.ts").write_text(TS.format(kind="@classlabel true up down", rows="1,2,3:4,5,6:up\n1,?:3,4:down"))
    source = sources.open(f"series:{tmp_path}/c.ts")
    assert source.classes == ("up", "down") and source.labels.tolist() == [0, 1] and source.targets is None
    first, second = examples(source)
    assert np.array_equal(first, [[1, 4], [2, 5], [3, 6]]) and np.isnan(second[1, 0]) and second.shape == (2, 2)
    (tmp_path / "r.ts").write_text(TS.format(kind="@targetlabel true", rows="1,2,3:0.5\n4,5,6:?\n"))
    source = sources.open(f"series:{tmp_path}/r.ts")
    assert source.targets[0, 0] == 0.5 and np.isnan(source.targets[1, 0]) and (source.labels == -1).all()


@real
def test_real_ts_files():
    motion, covid, coins = (
        sources.open(f"series:{SERIES}/{name}_TRAIN.ts") for name in ("BasicMotions", "Covid3Month", "CardanoSentiment")
    )
    assert motion.size == 40 and np.bincount(motion.labels).tolist() == [10] * 4
    assert examples(motion)[0].shape == (100, 6) and abs(examples(motion)[0][0, 0] - 0.079106) < 1e-6
    assert covid.targets.shape == (140, 1) and examples(covid)[0].shape == (84, 1)
    assert coins.parts["series"].channels == 2 and abs(coins.targets[0, 0] - 0.0589) < 1e-6


@real
def test_the_real_heart_has_the_rates_of_its_authors_analysis():
    """HeartPy finds 58 to 61 beats a minute in data.csv; of data2 the first half has no pulse."""
    one, two = (sources.open(f"series:{SERIES}/heart/{n}.csv?rate=100&window=8&stride=4&target=heart_rate")
                for n in ("data", "data2"))  # fmt: skip
    assert 57 < np.nanmean(one.targets) < 62 and np.isfinite(one.targets).mean() > 0.7
    assert np.isfinite(two.targets).mean() < 0.7 and np.isnan(two.targets[:7]).all()
    assert "have no heart_rate" in two.notices[-1]


@pytest.mark.parametrize(
    "text, said",
    [
        ("heart", "recordings need rate=; write, for example, ?rate=100&window=6"),
        ("heart?rate=100", "recordings need window="),
        ("heart?rate=fast&window=6", "rate is 'fast'; it must be a number above 0"),
        ("heart?rate=100&window=-1", "window is '-1'; it must be a number above 0"),
        ("heart?rat=100", "no 'rat' in the options of series; did you mean rate"),
        ("heart?rate", "rate has no value; write rate=..."),
        ("heart?rate=50&window=4&target=hart_rate", "no 'hart_rate' in the values of target; did you mean heart_rate"),
        ("heart?rate=50&window=4&split=val", "no 'val' in the values of split"),
        ("heart?rate=50&window=31&split=test", "a window of 31 seconds is longer than the 30"),
        ("heart?rate=50&window=200", "no recording has a window of 200 seconds"),
        ("heart?rate=50&window=0.01", "a window of 0.01 seconds has 0 readings"),
        ("nothing?rate=50&window=4", "there is no such .ts or .csv file, or folder of .csv files"),
        ("empty?rate=50&window=4", "there is no .csv file in it"),
        ("words.csv?rate=50&window=4", "no column of it has numbers, so there are no readings"),
        ("void.csv?rate=50&window=4", "the file is empty"),
        ("ragged.csv?rate=50&window=4", "line 2 has 1 cells, and the first has 2"),
        ("still.csv?rate=50&window=4", "the clock 'time' does not rise"),
        ("two?rate=2&window=1", "files of one source have the same number of columns, and these have a.csv 1, b.csv 2"),
        ("no.ts", "there is no such file"),
        ("c.ts?rate=5", "cases of a .ts file are whole, so it takes no rate"),
        ("c.ts", "line 6: the label 'left' is none of up, down"),
        ("v.ts", "there is no line @data, so it is no .ts file"),
        ("t.ts", "it has time stamps"),
        ("n.ts", "line 6: 'one' is no number"),
        ("l.ts", "line 7: 2 sensors of one length are wanted, and there are 2 and 1 readings"),
        ("e.ts", "there are no series behind @data"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(heart, monkeypatch, text, said):
    monkeypatch.chdir(heart.parent)
    (heart.parent / "empty").mkdir()
    kind = "@classlabel true up down"
    files = {
        "words.csv": "a,b\nx,y\n",
        "void.csv": "",
        "ragged.csv": "1,2\n3\n",
        "still.csv": "time,v\n1,2\n1,3\n1,4\n",
        "c.ts": TS.format(kind=kind, rows="1,2:3,4:left"),
        "v.ts": "1,2,3",
        "t.ts": "@timestamps true\n@data\n(0,1):1",
        "n.ts": TS.format(kind=kind, rows="1,one:2,3:up"),
        "l.ts": TS.format(kind=kind, rows="1,2:2,3:up\n1,2:3:up"),
        "e.ts": TS.format(kind=kind, rows=""),
    }
    for name, content in files.items():
        (heart.parent / name).write_text(content)
    written(heart.parent / "two" / "a.csv", np.arange(9.0))
    (heart.parent / "two" / "b.csv").write_text("".join(f"{i},{i}\n" for i in range(9)))
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        sources.open(f"series:{text}")
    assert "\n" not in str(caught.value)


def toy():
    """Series of other lengths; number 3 is constant, 5 has a hole, 7 is too short; targets are their numbers."""
    x = [np.random.default_rng(k).normal(size=(30 + k, 2)).astype(np.float32) for k in range(12)]
    x[3][:], x[5][4, 1], x[7] = 1.0, np.nan, x[7][:9]
    targets = np.arange(12.0)[:, None]
    targets[8] = np.nan
    return series.arrays(x, None, targets, name="toy")


def test_targets_go_with_their_examples_through_the_stream():
    """Also those that stand for what no window can be made of, and where the stream begins anew."""
    found = batches(toy(), 20, 6, batch=8, seed=0)
    for batch in found:
        assert batch["target"].shape == (8, 1) and batch["target"].dtype == np.float32
        expected = np.where(batch["index"] == 8, np.nan, batch["index"])
        np.testing.assert_array_equal(batch["target"][:, 0], expected.astype(np.float32))
        assert not set(batch["index"]) & {3, 5, 7}
    replaced = {int(k) for batch in found for k in batch["replaced"] if k >= 0}
    assert replaced == {3, 5, 7}
    again = batches(toy(), 20, 3, batch=8, seed=0, start=3)
    for one, other in zip(found[3:], again, strict=True):
        assert all(np.array_equal(one[k], other[k], equal_nan=True) for k in one)
    halves = [batches(toy(), 20, 3, batch=8, seed=0, process=(p, 2)) for p in range(2)]
    for whole, *parts in zip(found, *halves, strict=False):
        np.testing.assert_array_equal(whole["target"], np.concatenate([p["target"] for p in parts]))


def test_targets_in_order_and_of_a_subset():
    host = compose_host.host(compose.views(presets.evaluate_series(20)))
    rows = list(stream.sequential(toy(), host, batch=5))
    valid, target = (np.concatenate([r[k] for r in rows]) for k in ("valid", "target"))
    assert np.flatnonzero(~valid[:12]).tolist() == [3, 5, 7]
    np.testing.assert_array_equal(target[:12], toy().targets)
    part = subset(toy(), np.array([2, 8, 2]))
    np.testing.assert_array_equal(part.targets[:, 0], [2, np.nan, 2])


def test_where_nothing_can_be_read_the_first_reason_is_said():
    flat = series.arrays([np.ones((30, 1), np.float32)] * 4, name="flat")
    with pytest.raises(ValueError, match="the series is constant"):
        batches(flat, 20, 1, batch=4, seed=0)


def test_the_digest_tells_readings_and_targets_apart():
    x = [np.random.default_rng(0).normal(size=(9, 1)).astype(np.float32) for _ in range(3)]
    y = np.zeros((3, 1))
    plain, other = series.arrays(x, None, y), series.arrays(x, None, y + 1)
    assert len({plain.digest, other.digest, series.arrays(x).digest, series.arrays(x[:2]).digest}) == 4
    assert plain.digest == series.arrays(x, None, y).digest
    with pytest.raises(ValueError, match="with the same c"):
        series.arrays([np.ones((3, 1)), np.ones((3, 2))])
