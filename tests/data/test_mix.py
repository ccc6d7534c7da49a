"""Mixes: how they are written, what training draws of each source, and that the laws of the stream hold."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data import check, classes, convert, mix, sources, stream
from ssl_jax.data.source import described, labeled
from tests.data import forms
from tests.data.test_stream import as_it_is, joined, same, take

KINDS = sources.KINDS


@pytest.mark.parametrize(
    "text, parts",
    [
        ("0.7*folder:/a+0.3*tfds:cifar10/train", [(0.7, "folder:/a"), (0.3, "tfds:cifar10/train")]),
        ("2*tfds:x/train+test+1*zip:/a+b*c.zip", [(2, "tfds:x/train+test"), (1, "zip:/a+b*c.zip")]),
        ("1*wds:/d/{0..3}*.tar#k+.5*parquet:/a+2*b/*.parquet?label=x",
         [(1, "wds:/d/{0..3}*.tar#k"), (0.5, "parquet:/a+2*b/*.parquet?label=x")]),
        ("1*my.module:load+1e-2*folder:c:d+3", [(1, "my.module:load"), (0.01, "folder:c:d+3")]),
        ("5*folder:/a", [(5, "folder:/a")]),
    ],
)  # fmt: skip
def test_parts_are_told_from_what_paths_have(text, parts):
    assert mix.parted(text, KINDS, "mix") == parts


@pytest.mark.parametrize(
    "text, said",
    [
        ("folder:/a+folder:/b", "each part of a mix is WEIGHT*SOURCE with + between them"),
        ("1*foldr:/a", "each part of a mix is WEIGHT*SOURCE"),
        ("*folder:/a+1*folder:/b", "the weight of folder:/a is '', which is no number"),
        ("1*folder:/a+-0.5*folder:/b", "the weight of folder:/b is -0.5; it must be a number above 0"),
        ("0*folder:/a+1*folder:/b", "the weight of folder:/a is 0; it must be a number above 0"),
        ("1e999*folder:/a", "the weight of folder:/a is 1e999; it must be a number above 0"),
        ("1.2.3*folder:/a", "the weight of folder:/a is '1.2.3', which is no number"),
        ("1*mix:1*folder:/a", "a mix has no mix among its parts"),
        ("1*folder:/no/such/place", "folder:/no/such/place: there is no such folder"),
    ],
)
def test_what_is_no_mix_is_one_sentence(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open(f"mix:{text}")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """(text of a mix of two sets of 17 and 29 pictures, three quarters of the smaller one; their files)."""
    root = tmp_path_factory.mktemp("pair")
    files = (
        forms.pictures(17),
        {f"{c}/{k}.png": forms.png(100 + k) for k in range(29) for c in ["dog", "bee"][k % 2 :][:1]},
    )
    for name, each in zip("ab", files, strict=True):
        (root / name).mkdir()
        forms.folder(root / name, each)
    files = files[0], dict(sorted(files[1].items()))
    zipped = forms.zipped(root, files[1])
    return f"mix:3*folder:{root}/a/set+1*{zipped}", files


def test_each_example_is_there_once(pair):
    text, files = pair
    source = sources.open(text)
    assert (source.size, source.classes, source.notices) == (46, ("ant", "bee", "cat", "dog"), ())
    every = [*files[0].items(), *files[1].items()]
    assert [source.classes[k] for k in source.labels] == [path.split("/")[0] for path, _ in every]
    for image, (_, data) in zip(sources.images(source, np.arange(46)), every, strict=True):
        np.testing.assert_array_equal(image, tf.io.decode_png(data))
    assert all(path in name for name, (path, _) in zip(described(source, 0, 46), every, strict=True))
    rows = joined(list(stream.sequential(source, as_it_is, batch=8)))
    assert rows["index"].tolist() == [*range(46)] and rows["label"].tolist() == source.labels.tolist()
    assert check.check(source)["labels"] == {"ant": 6, "bee": 20, "cat": 5, "dog": 15}
    assert sources.subset(source, [40, 2]).order is None
    swapped = sources.open(text.replace("mix:3*", "mix:2*"))
    assert swapped.digest != source.digest and swapped.stamp != source.stamp


def test_an_epoch_has_the_shares_and_each_source_goes_round(pair):
    source = sources.open(pair[0])
    order = np.concatenate([b["index"] for b in take(8 * 46 // 4, source, as_it_is, batch=4, seed=1)])
    small, counts = np.zeros(17, int), np.zeros(29, int)
    for epoch in order.reshape(8, 46):
        first = epoch[epoch < 17]
        assert len(first) == 35  # 34.5 is the share of three quarters, 11.5 that of the other
        small += np.bincount(first, minlength=17)
        counts += np.bincount(epoch[epoch >= 17] - 17, minlength=29)
        assert small.max() - small.min() <= 1 and counts.max() - counts.min() <= 1
    assert len({tuple(epoch) for epoch in order.reshape(8, 46)}) == 8


def test_the_order_is_that_of_a_second_implementation(pair):
    """By loops over whole epochs, with permutations of their own as lists."""
    sizes, quotas, seed = [17, 29], [35, 11], 5
    assert mix.shares([3, 1], 46).tolist() == quotas
    permutation = lambda n, epoch, salt: stream.shuffled(  # noqa: E731
        tf.range(epoch * n, (epoch + 1) * n, dtype=tf.int64), n, seed, salt=salt
    ).numpy().tolist()  # fmt: skip
    expected = []
    for epoch in range(4):
        for slot in permutation(46, epoch, 0):
            which = int(slot >= quotas[0])
            turn = epoch * quotas[which] + slot - which * quotas[0]
            again, place = divmod(turn, sizes[which])
            expected.append(which * sizes[0] + permutation(sizes[which], again, 1 + which)[place])
    found = mix.drawn(tf.range(4 * 46, dtype=tf.int64), seed, np.array(sizes), np.array(quotas)).numpy()
    assert found.tolist() == expected


def test_the_laws_of_the_stream(pair):
    source = sources.open(pair[0])
    straight = take(20, source, batch=12, seed=3)
    for k, batch in enumerate(take(5, source, batch=12, seed=3, start=11)):
        assert same(batch, straight[11 + k])
    for count in (2, 3):
        shares = [take(6, source, batch=12, seed=3, start=5, process=(k, count)) for k in range(count)]
        for whole, *parts in zip(straight[5:11], *shares, strict=True):
            assert same(whole, {key: np.concatenate([part[key] for part in parts]) for key in whole})
    assert not same(take(1, source, batch=12, seed=4)[0], straight[0])


def test_weights_that_are_the_sizes_draw_each_example_once(pair):
    text = pair[0].replace("mix:3*", "mix:17*").replace("+1*", "+29*")
    order = np.concatenate([b["index"] for b in take(46, sources.open(text), as_it_is, batch=1, seed=1)])
    assert np.sort(order).tolist() == [*range(46)]


def test_decoded_and_encoded_images_mix(tmp_path):
    """A set in memory beside files, of other sizes, with the same pixels as alone."""
    gray = {f"{k}.png": forms.png(k, channels=1, size=(9, 12)) for k in range(5)}
    text = forms.folder(tmp_path, gray)
    alone = sources.open("embedded:fashion_mnist/test")
    source = sources.open(f"mix:1*embedded:fashion_mnist/test+1*{text}")
    assert source.size == 5005 and source.image.channels == 1 and source.image.shape == (None, None)
    found = sources.images(source, [0, 4999, 5000, 5004])
    for image, other in zip(found[:2], sources.images(alone, [0, 4999]), strict=True):
        np.testing.assert_array_equal(image, other)
    np.testing.assert_array_equal(found[3], tf.io.decode_png(gray["4.png"]))
    assert source.classes == alone.classes and source.labels[-5:].tolist() == [-1] * 5 and labeled(source)


def test_sets_in_memory_of_other_sizes_mix():
    one, two = (np.random.default_rng(k).integers(0, 256, (4, 6 + k, 5, 3), np.uint8) for k in range(2))
    made = mix.mix("mix", [sources.arrays(one, [0, 1, 1, 0]), sources.arrays(two, [1, 0, 0, 0])], [1, 1])
    assert made.labels.tolist() == [0, 1, 1, 0, 1, 0, 0, 0] and made.classes == ()
    for image, other in zip(sources.images(made, range(8)), [*one, *two], strict=True):
        np.testing.assert_array_equal(image, other)


def test_targets_and_labels_that_only_some_have():
    pixels = np.zeros((3, 4, 4, 3), np.uint8)
    one = sources.arrays(pixels)._replace(targets=np.arange(3, dtype=np.float32)[:, None])
    made = mix.mix("mix", [one, sources.arrays(pixels, [0, 1, 2], classes=("a", "b", "c"))], [1, 1])
    np.testing.assert_array_equal(made.targets[:, 0], [0, 1, 2, np.nan, np.nan, np.nan])
    assert made.labels.tolist() == [-1] * 3 + [0, 1, 2] and made.classes == ("a", "b", "c")
    unknown = sources.arrays(pixels, [0, 0, 2])._replace(labels=None)
    assert mix.mix("mix", [unknown, one], [1, 1]).labels is None


def test_what_does_not_go_together_is_one_sentence():
    pixels = np.zeros((3, 4, 4, 3), np.uint8)
    arrays = lambda *labels, **more: sources.arrays(pixels, labels or None, **more)  # noqa: E731
    wrong = [
        ([arrays(), sources.arrays(pixels[..., :1], name="gray")], "gray has 1 channels of 8 bits and arrays has 3"),
        ([arrays(), arrays(name="long")._replace(parts={"text": 0})], "an example of long has text, and one of arrays"),
        ([arrays(0, 1, 2), arrays(0, 1, 1, name="two")], "arrays has 3 classes and two 2, and not both have names"),
        ([arrays(0, 1, 1), arrays(name="records")._replace(labels=None)], "records may have labels in its records"),
        ([arrays(0, 1, 1, classes=("a", "a")), arrays(0, 1, 1, classes=("b", "c"))], "has two classes called a"),
        ([arrays(), arrays()._replace(targets=np.zeros((3, 2)))][::-1] + [arrays()._replace(targets=np.zeros((3, 1)))],
         "its sources have 1 and 2 numbers to be predicted"),
        ([arrays(), arrays(name="scan")._replace(read=None)], "scan can only be read in order"),
    ]  # fmt: skip
    for made, said in wrong:
        with pytest.raises(ValueError, match=said):
            mix.mix("mix", made, [1] * len(made))
    with pytest.raises(ValueError, match="the weight 1e-09 of small is no draw among 6, an epoch"):
        mix.mix("mix", [arrays(), arrays(name="small")], [1, 1e-9])


def test_classes_are_put_together_by_name():
    pixels = np.zeros((3, 4, 4, 3), np.uint8)
    made = [
        sources.arrays(pixels, [0, 1, -1], classes=("b", "a")),
        sources.arrays(pixels, [2, 1, 0], classes=("c", "a", "z")),
        sources.arrays(pixels),
    ]
    joined_, notes = classes.joined(made)
    assert [source.classes for source in joined_] == [("b", "a", "c", "z")] * 3 and notes == ()
    assert [source.labels.tolist() for source in joined_] == [[0, 1, -1], [3, 1, 2], [-1, -1, -1]]
    named, bare = made[0], sources.arrays(pixels, [0, 1, 1], name="bare")
    joined_, notes = classes.joined([bare, named])
    assert joined_[0].classes == ("b", "a") and "bare has no names of classes" in notes[0]


def test_a_mix_is_converted(pair, tmp_path):
    pytest.importorskip("array_record")
    manifest = convert.convert(sources.open(pair[0]), str(tmp_path / "out"))
    assert len(manifest["labels"]) == 46 and manifest["classes"] == ["ant", "bee", "cat", "dog"]
