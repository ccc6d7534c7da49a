"""Every form in which a person may have pictures gives the same examples, under the same laws."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data import check, convert, sources, stream
from ssl_jax.data.source import described, read_rows
from tests import buckets
from tests.data import forms
from tests.data.test_stream import as_it_is, joined, same, take

FILES = forms.pictures()
every = pytest.mark.parametrize("form", forms.FORMS, ids=lambda form: form.__name__)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """form -> its source, made once."""
    known = {}

    def of(form):
        if form not in known:
            known[form] = sources.open(form(tmp_path_factory.mktemp(form.__name__), FILES))
        return known[form]

    return of


@every
def test_the_pictures_are_those_of_the_files(form, opened):
    source = opened(form)
    assert (source.size, source.classes, source.notices) == (len(FILES), ("ant", "bee", "cat"), ())
    assert source.labels.tolist() == forms.labels(FILES)[1] and source.labels.dtype == np.int32
    assert (source.image.channels, source.image.bits) == (3, 8)
    found = sources.images(source, np.arange(source.size))
    for image, data, name, path in zip(found, FILES.values(), described(source, 0, source.size), FILES, strict=True):
        np.testing.assert_array_equal(image, tf.io.decode_png(data))
        assert path.split("/")[1] in name  # `datasets` keeps no folders
    assert source.describe(5) == described(source, 5, 6)[0]
    raw, label = source.read(tf.constant(4, tf.int64))
    assert raw.numpy() == list(FILES.values())[4] and int(label) == source.labels[4]
    assert sources.open(source.name, channels=1).image.channels == 1


@every
def test_a_restart_equals_the_straight_run(form, opened):
    straight = take(12, opened(form), batch=8, seed=3)
    for k, batch in enumerate(take(5, opened(form), batch=8, seed=3, start=7)):
        assert same(batch, straight[7 + k])
    assert not same(take(1, opened(form), batch=8, seed=4)[0], straight[0])


@every
def test_processes_together_read_what_one_reads(form, opened):
    one = take(6, opened(form), batch=12, seed=3, start=5)
    shares = [take(6, opened(form), batch=12, seed=3, start=5, process=(k, 2)) for k in range(2)]
    for whole, left, right in zip(one, *shares, strict=True):
        assert same(whole, {key: np.concatenate([left[key], right[key]]) for key in whole})


@every
def test_epochs_are_permutations_and_rows_the_examples_they_name(form, opened):
    batches = take(2 * 23, opened(form), as_it_is, batch=1, seed=0)
    order = np.concatenate([batch["index"] for batch in batches]).reshape(2, 23)
    assert (np.sort(order, 1) == np.arange(23)).all() and (order[0] != order[1]).any()
    pixels = np.stack([tf.io.decode_png(data) for data in FILES.values()])
    for batch in batches:
        np.testing.assert_array_equal(batch["all"][0, 0], pixels[batch["index"][0]])
        assert batch["label"][0] == opened(form).labels[batch["index"][0]]


@every
def test_the_digest_tells_pixels_apart_and_not_places(form, tmp_path):
    """Another picture in the place of one, and copies elsewhere."""
    changed = {path: data if k != 11 else forms.png(99) for k, (path, data) in enumerate(FILES.items())}
    found = []
    for name, files in (("one", FILES), ("two", changed)):
        (tmp_path / name).mkdir()
        found.append(sources.open(form(tmp_path / name, files)))
    assert found[0].digest != found[1].digest and found[0].stamp != found[1].stamp
    shutil.copytree(tmp_path / "one", tmp_path / "three")
    copy = sources.open(found[0].name.replace(f"{tmp_path}/one", f"{tmp_path}/three"))
    assert (copy.digest, copy.stamp) == (found[0].digest, found[0].stamp)
    shutil.copytree(tmp_path / "one", tmp_path / "four", copy_function=shutil.copyfile)
    later = sources.open(found[0].name.replace(f"{tmp_path}/one", f"{tmp_path}/four"))
    assert later.digest == copy.digest and later.stamp != copy.stamp


@every
def test_a_picture_that_cannot_be_read_is_replaced_and_named(form, tmp_path):
    files = {path: data if k != 3 else data[:50] for k, (path, data) in enumerate(FILES.items())}
    source = sources.open(form(tmp_path, files), channels=3, bits=8)
    batch = take(1, source, as_it_is, batch=23, seed=1)[0]
    assert np.sort(batch["replaced"])[-2:].tolist() == [-1, 3] and 3 not in batch["index"]
    rows = joined(list(stream.sequential(source, as_it_is, batch=7)))
    assert np.flatnonzero(~rows["valid"]).tolist() == [3] and rows["label"].tolist() == source.labels.tolist()
    [corrupt] = check.check(source)["corrupt"]
    assert corrupt["index"] == 3 and list(files)[3].split("/")[1] in corrupt["name"]


@every
def test_a_conversion_has_the_same_pictures(form, opened, tmp_path):
    pytest.importorskip("array_record")
    manifest = convert.convert(opened(form), str(tmp_path / "out"))
    made = sources.open(f"arrayrecord:{tmp_path}/out")
    assert (manifest["labels"], made.classes) == (opened(form).labels.tolist(), opened(form).classes)
    rows, _ = read_rows(made, tf.range(23, dtype=tf.int64))
    assert rows.numpy().tolist() == list(FILES.values())


@every
def test_a_bucket_has_the_same_pictures(form, opened, tmp_path, monkeypatch):
    text = form(tmp_path, FILES)
    source = sources.open(text.replace(str(tmp_path), buckets.bucket(monkeypatch, tmp_path, form.__name__)))
    assert (source.size, source.classes) == (23, ("ant", "bee", "cat"))
    assert source.labels.tolist() == opened(form).labels.tolist()
    assert same(take(1, source, batch=8, seed=3)[0], take(1, opened(form), batch=8, seed=3)[0])
    assert "ram://" in source.describe(4)
