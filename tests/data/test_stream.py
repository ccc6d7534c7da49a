"""The stream is a pure function of (seed, step, process), whatever happens to the images."""

import itertools
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data import convert, parts, sources, stream
from ssl_jax.data.folder import folder
from ssl_jax.data.source import described
from ssl_jax.views import compose, compose_host


def host(example, seed):
    """Two random 4x4 corners; enough to see the image and the seed in the result."""
    image = example["image"]
    at = tf.random.stateless_uniform([2], seed, 0, 4, tf.int32)
    views = tf.stack([image[at[k] : at[k] + 4, :4] for k in range(2)])
    return {"all": tf.ensure_shape(views, [2, 4, 4, image.shape[-1]])}


def take(count, source, views=host, **options):
    return list(itertools.islice(stream.batches(source, views, **options), count))


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def small():
    pixels = np.random.default_rng(0).integers(0, 256, (37, 8, 8, 3), np.uint8)
    return sources.arrays(pixels, np.arange(37) % 5)


def test_the_real_views_are_a_function_of_the_position():
    ops = (dict(name="random_resized_crop"), dict(name="flip", p=0.5))
    views = compose_host.host(compose.views([dict(group="global", count=2, size=12, ops=ops)]))
    source = sources.open("embedded:fashion_mnist/test")
    straight = take(3, source, views, batch=40, seed=3)
    assert straight[0]["global"].shape == (40, 2, 12, 12, 1) and straight[0]["global"].dtype == np.uint8
    assert same(take(1, source, views, batch=40, seed=3, start=2)[0], straight[2])


def test_restart_equals_the_straight_run(small):
    straight = take(12, small, batch=8, seed=3)
    for k, batch in enumerate(take(5, small, batch=8, seed=3, start=7)):
        assert same(batch, straight[7 + k])
    assert same(take(1, small, batch=8, seed=3, start=10**7)[0], take(1, small, batch=8, seed=3, start=10**7)[0])
    assert not same(take(1, small, batch=8, seed=4)[0], straight[0])


def test_processes_together_read_what_one_reads(small):
    one = take(6, small, batch=12, seed=3, start=5)
    shares = [take(6, small, batch=12, seed=3, start=5, process=(k, 2)) for k in range(2)]
    for whole, left, right in zip(one, *shares, strict=True):
        assert same(whole, {key: np.concatenate([left[key], right[key]]) for key in whole})


def test_epochs_are_exact_and_different_permutations(small):
    order = np.concatenate([batch["index"] for batch in take(3 * 37, small, batch=4, seed=0)])
    epochs = order[: 37 * 12].reshape(12, 37)
    assert (np.sort(epochs, 1) == np.arange(37)).all()
    assert len({tuple(epoch) for epoch in epochs}) == 12


@pytest.mark.parametrize("n", [1, 2, 3, 60_000])
def test_orders_are_permutations_that_do_not_resemble_each_other(n):
    epochs = [stream.shuffled(tf.range(e * n, (e + 1) * n, dtype=tf.int64), n, 7).numpy() for e in range(4)]
    for epoch in epochs:
        assert np.array_equal(np.sort(epoch), np.arange(n))
    if n > 3:
        pairs = [*zip(epochs, epochs[1:], strict=False), *((epoch[1:], epoch[:-1]) for epoch in epochs)]
        for a, b in pairs:  # The deviation of a correlation of independent orders is 1 / sqrt(n).
            assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(n)


def test_batches_hold_the_examples_they_name(small):
    batch = take(1, small, lambda example, seed: {"all": example["image"][None]}, batch=16, seed=1)[0]
    for row, index, label in zip(batch["all"], batch["index"], batch["label"], strict=True):
        image, target = small.read(tf.constant(int(index), tf.int64))
        assert np.array_equal(row[0], image) and label == target
    assert batch["all"].dtype == np.uint8 and {batch[k].dtype for k in ("index", "label", "replaced")} == {
        np.dtype("i4")
    }


def test_views_differ_from_epoch_to_epoch_and_example_to_example():
    same_image = sources.arrays(np.random.default_rng(0).integers(0, 256, (1, 8, 8, 1), np.uint8))
    rows = np.concatenate([batch["all"] for batch in take(4, same_image, batch=4, seed=0)]).reshape(16, -1)
    assert len({row.tobytes() for row in rows}) > 6  # 16 draws of 16 possible ones


def test_sixteen_bits_and_many_channels_pass_through():
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 8, 8, 7)).astype(np.uint16)
    batch = take(1, sources.arrays(pixels), lambda example, seed: {"all": example["image"][None]}, batch=5, seed=0)[0]
    assert batch["all"].dtype == np.uint16 and (batch["label"] == -1).all()
    assert np.array_equal(batch["all"][:, 0], pixels[batch["index"]])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Ten images in files, the fourth damaged, with a caption and two numbers each."""
    root = tmp_path_factory.mktemp("pairs")
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), np.uint8)
    for k, image in enumerate(pixels):
        data = tf.io.encode_png(image).numpy()
        (root / f"{k}.png").write_bytes(data[:40] if k == 3 else data)
    images, captions = folder(str(root)), tf.constant([f"number {k}" for k in range(10)])

    def read(index):
        raw, label = images.read(index)
        return {"image": raw, "text": captions[index]}, label

    numbers = np.stack([np.arange(10), np.arange(10) / 7], 1).astype(np.float32)
    return pixels, images._replace(read=read, parts={**images.parts, "text": parts.Text()}, targets=numbers)


def both(example, seed):
    """The picture, and the letters of the caption as numbers."""
    letters = tf.cast(tf.io.decode_raw(example["text"], tf.uint8), tf.int32)
    return {
        "seen": tf.ensure_shape(example["image"][None], [1, 8, 8, 3]),
        "read": tf.ensure_shape(letters[None], [1, 8]),
    }


def test_parts_of_an_example_stay_together_with_their_targets(pairs):
    pixels, source = pairs
    batch = take(1, source, both, batch=10, seed=0)[0]
    assert sorted(batch["replaced"])[-1] == 3 and 3 not in batch["index"]
    for k, index in enumerate(batch["index"]):
        np.testing.assert_array_equal(batch["seen"][k, 0], pixels[index])
        assert bytes(batch["read"][k, 0].astype(np.uint8)).decode() == f"number {index}"
        np.testing.assert_array_equal(batch["target"][k], source.targets[index])
    rows = joined(list(stream.sequential(sources.subset(source, [3, 5]), both, batch=2)))
    assert rows["valid"].tolist() == [False, True] and not rows["read"][0].any()
    np.testing.assert_array_equal(rows["target"], source.targets[[3, 5]])


def test_the_numbers_of_examples_processes_and_start_are_checked(small):
    with pytest.raises(ValueError, match="a batch of 10 cannot be shared by 4 processes: take a multiple, such as 8"):
        stream.batches(small, host, batch=10, seed=0, process=(0, 4))
    with pytest.raises(ValueError, match="has no examples"):
        stream.sequential(sources.subset(small, []), host, batch=8)
    with pytest.raises(ValueError, match="process 4 is not one of 4"):
        stream.batches(small, host, batch=8, seed=0, process=(4, 4))


def test_views_that_cannot_be_made_say_why(small):
    def too_large(example, seed):
        side = tf.shape(example["image"])[0]
        fits = tf.debugging.assert_greater_equal(side, 9, message="a crop of 9 pixels is larger")
        with tf.control_dependencies([fits]):
            return host(example, seed)

    with pytest.raises(ValueError, match="(?s)views cannot be made of arrays, example .*a crop of 9 pixels is larger"):
        take(1, small, too_large, batch=4, seed=0)


def test_sequential_gives_each_example_once(small):
    batches = [list(stream.sequential(small, host, batch=16, process=(k, 2))) for k in range(2)]
    assert [len(part) for part in batches] == [3, 3]
    whole = [{key: np.concatenate([a[key], b[key]]) for key in a} for a, b in zip(*batches, strict=True)]
    index, mask = (np.concatenate([batch[key] for batch in whole]) for key in ("index", "mask"))
    assert np.array_equal(index[mask], np.arange(37)) and mask.sum() == 37 and (index[~mask] == 36).all()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """60 PNGs in 3 classes, of which 4 are garbage, truncated, empty, and a header alone; two are neighbors."""
    root = tmp_path_factory.mktemp("damaged")
    rng = np.random.default_rng(0)
    for k in range(60):
        path = root / f"class{k // 20}" / f"{k:02d}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_png(rng.integers(0, 256, (8, 8, 3), np.uint8)).numpy())
    bad = {7: rng.bytes(200), 19: b"", 20: None, 59: b"\x89PNG\r\n\x1a\n"}
    for k, data in bad.items():
        path = root / f"class{k // 20}" / f"{k:02d}.png"
        path.write_bytes(path.read_bytes()[:90] if data is None else data)
    return str(root)


def test_corrupt_images_are_replaced_alike_on_any_number_of_processes(damaged):
    source = folder(damaged)
    one = take(8, source, host, batch=60, seed=5)
    halves = [take(8, source, host, batch=60, seed=5, process=(k, 2)) for k in range(2)]
    for whole, left, right in zip(one, *halves, strict=True):
        assert same(whole, {key: np.concatenate([left[key], right[key]]) for key in whole})
        met = {int(r): int(i) for r, i in zip(whole["replaced"], whole["index"], strict=True) if r >= 0}
        assert met == {7: 8, 19: 21, 20: 21, 59: 0}  # the next one that can be read, around the end
        planned = np.where(whole["replaced"] >= 0, whole["replaced"], whole["index"])
        assert np.array_equal(np.sort(planned), np.arange(60))
        assert np.array_equal(whole["label"], whole["index"] // 20)
    assert source.describe(19).endswith("class0/19.png")
    assert same(take(1, source, host, batch=60, seed=5, start=6)[0], one[6])


def as_it_is(example, seed):
    return {"all": tf.ensure_shape(example["image"][None], [1, 8, 8, example["image"].shape[-1]])}


def joined(batches):
    """The real rows of all batches, one after the other."""
    whole = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    return {key: value[whole["mask"]] for key, value in whole.items()}


@pytest.mark.parametrize("batch", [7, 32, 60])
def test_corrupt_images_keep_their_rows_and_labels_in_order(damaged, batch):
    rows = joined(list(stream.sequential(folder(damaged), as_it_is, batch=batch)))
    np.testing.assert_array_equal(rows["index"], np.arange(60))
    np.testing.assert_array_equal(rows["label"], np.arange(60) // 20)
    np.testing.assert_array_equal(np.flatnonzero(~rows["valid"]), [7, 19, 20, 59])
    for k in np.flatnonzero(rows["valid"]):
        image = tf.io.decode_png(tf.io.read_file(f"{damaged}/class{k // 20}/{k:02d}.png"))
        np.testing.assert_array_equal(rows["all"][k, 0], image)
    assert not rows["all"][~rows["valid"]].any()


def test_labels_inside_of_records_outlive_their_images():
    """Where labels are known only by reading, as in ArrayRecord sets without a manifest."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    data = tf.constant([tf.io.encode_png(image).numpy() if k != 3 else b"" for k, image in enumerate(noise)])
    gather = lambda index: (tf.gather(data, index), tf.cast(index, tf.int32) + 10)  # noqa: E731
    source = sources.arrays(noise)._replace(labels=None, gather=gather)
    rows = joined(list(stream.sequential(source, as_it_is, batch=2)))
    assert rows["label"].tolist() == [10, 11, 12, 13, 14] and rows["valid"].tolist() == [True] * 3 + [False, True]


def test_a_damaged_record_is_one_row_and_keeps_its_listed_label(tmp_path):
    """The reader of ArrayRecord files gives all of one call or none."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), np.uint8)
    convert.convert(sources.arrays(noise, np.arange(40) % 7), str(tmp_path))
    (file,) = tmp_path.glob("*.arrayrecord")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(data)
    source = sources.open(f"arrayrecord:{tmp_path}")
    view = lambda example, seed: {"all": tf.ensure_shape(example["image"][None], [1, 64, 64, 3])}  # noqa: E731
    rows = joined(list(stream.sequential(source, view, batch=16)))
    (bad,) = np.flatnonzero(~rows["valid"])
    np.testing.assert_array_equal(np.delete(rows["all"][:, 0], bad, 0), np.delete(noise, bad, 0))
    np.testing.assert_array_equal(rows["label"], np.arange(40) % 7)
    names = described(source, 0, 40)
    assert names[bad] == f"arrayrecord:{tmp_path}, example {bad}"
    assert [name for k, name in enumerate(names) if k != bad] == [source.describe(k) for k in range(40) if k != bad]
    assert names[3].endswith(", example 3 (arrays, example 3)")
    assert described(sources.subset(source, [5, 3]), 0, 2) == [names[5], names[3]]


def test_sixteen_bits_beside_what_cannot_be_read(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65536, (2, 8, 8, 1)).astype(np.uint16)
    for k in range(3):
        (tmp_path / f"{k}.png").write_bytes(b"" if k == 1 else tf.io.encode_png(pixels[k // 2]).numpy())
    rows = joined(list(stream.sequential(folder(str(tmp_path)), as_it_is, batch=3)))
    assert rows["all"].dtype == np.uint16 and rows["valid"].tolist() == [True, False, True]
    np.testing.assert_array_equal(rows["all"][[0, 2], 0], pixels)


def test_more_than_a_hundred_unreadable_ones_in_a_row_end_nothing(tmp_path):
    """Training gives up there, since it would search for ever; what is read in order searches for nothing."""
    image = tf.io.encode_png(np.full((8, 8, 3), 9, np.uint8)).numpy()
    for k in range(130):
        (tmp_path / f"{k:03d}.png").write_bytes(image if k > 120 else b"")
    source = folder(str(tmp_path), channels=3)
    rows = joined(list(stream.sequential(source, host, batch=64)))
    np.testing.assert_array_equal(rows["valid"], np.arange(130) > 120)
    with pytest.raises(ValueError, match="100 images in a row cannot be read, as .*png"):
        take(4, source, host, batch=64, seed=0)


def test_a_file_that_goes_while_it_is_read_is_not_valid(damaged, tmp_path):
    copy = shutil.copytree(damaged, tmp_path / "copy")
    source = folder(str(copy))
    (copy / "class1" / "30.png").unlink()
    rows = joined(list(stream.sequential(source, host, batch=60)))
    assert np.flatnonzero(~rows["valid"]).tolist() == [7, 19, 20, 30, 59] and rows["label"][30] == 1


def test_nothing_but_corrupt_images_is_one_sentence(tmp_path):
    for k in range(3):
        (tmp_path / f"{k}.jpg").write_bytes(b"\xff\xd8\xff garbage")
    with pytest.raises(ValueError, match="images in a row cannot be read, as .*jpg"):
        take(1, folder(str(tmp_path)), host, batch=2, seed=0)
    rows = joined(list(stream.sequential(folder(str(tmp_path)), host, batch=2)))
    assert rows["valid"].tolist() == [False] * 3
    assert re.search("none of the 3 images can be read, as .*0.jpg", stream.nothing(folder(str(tmp_path)), host))
