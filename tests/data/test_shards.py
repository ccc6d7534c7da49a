"""WebDataset shards: layout, order, labels, digests, and what is wrong with single examples."""

import gzip
import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data import sources
from ssl_jax.data.places import expanded
from ssl_jax.data.shards import wds
from ssl_jax.data.source import labeled, read_image, read_rows, subset
from tests.buckets import bucket

EMOJI = Path(__file__).parents[3] / "shared" / "data" / "emoji"


def png(k, channels=3):
    return tf.io.encode_png(np.random.default_rng(k).integers(0, 255, (6, 5, channels)).astype(np.uint8)).numpy()


def pair(k, **more):
    return {
        "png": png(k),
        "txt": f"caption {k}".encode(),
        "json": json.dumps({"kind": "ab"[k % 2], "k": k}).encode(),
        **more,
    }


def shard(path, examples):
    """A tar of [(key, {suffix: bytes})], None for no such member."""
    with tarfile.open(path, "w") as tar:
        for key, members in examples:
            for suffix, data in members.items():
                if data is not None:
                    info = tarfile.TarInfo(f"{key}.{suffix}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return str(path)


@pytest.fixture
def pairs(tmp_path):
    for s in range(3):
        shard(tmp_path / f"train-{s:02d}.tar", [(f"{s}{k:02d}", pair(10 * s + k)) for k in range(4)])
    return str(tmp_path / "train-{00..02}.tar")


def texts(source):
    raw, _ = source.gather(tf.range(source.size, dtype=tf.int64))
    return [text.decode() for text in raw["text"].numpy()]


def test_examples_come_in_the_order_of_the_shards(pairs, tmp_path):
    source = wds(pairs)
    assert (source.size, list(source.parts), source.notices) == (12, ["image", "text"], ())
    assert (source.image.channels, source.image.bits) == (3, 8)
    assert texts(source) == [f"caption {10 * s + k}" for s in range(3) for k in range(4)]
    assert source.describe(5) == f"101 of {tmp_path}/train-01.tar"
    expected = tf.io.decode_png(png(21)).numpy()
    assert np.array_equal(read_image(source, tf.constant(9, tf.int64))[0], expected)
    assert not labeled(source) and source.labels.tolist() == [-1] * 12
    assert texts(subset(source, [7, 2])) == ["caption 13", "caption 2"]
    assert sources.open(f"wds:{pairs}").digest == source.digest


def test_one_call_for_many_and_one_for_one_agree(pairs):
    source = wds(f"{pairs}#kind")
    many, labels = read_rows(source, tf.constant([4, 1], tf.int64))
    for at, number in enumerate((4, 1)):
        one, label = source.read(tf.constant(number, tf.int64))
        assert one["image"].numpy() == many["image"][at].numpy() == png([10, 1][at])
        assert one["text"].numpy() == many["text"][at].numpy()
        assert int(label) == int(labels[at]) == source.labels[number]


def test_labels_are_numbers_of_their_own_or_a_field(pairs, tmp_path):
    source = wds(f"{pairs}#kind")
    assert source.classes == ("a", "b") and source.labels.tolist() == [0, 1] * 6
    assert wds(f"{pairs}#k").classes == tuple(sorted(map(str, (*range(4), *range(10, 14), *range(20, 24)))))
    with pytest.raises(ValueError, match="no KEY.json has it: .*'kinds'.*kind"):
        wds(f"{pairs}#kinds")
    numbered = shard(tmp_path / "cls.tar", [(f"{k}", pair(k, cls=c)) for k, c in enumerate((b"3", b"x", None, b"0\n"))])
    source = wds(numbered)
    assert source.labels.tolist() == [3, -1, -1, 0] and source.classes == ()
    assert "1 of KEY.cls are no whole numbers" in source.notices[0]
    partly = shard(tmp_path / "part.tar", [("a", pair(0)), ("b", pair(1, json=None)), ("c", pair(2, json=b"{"))])
    source = wds(f"{partly}#kind")
    assert source.labels.tolist() == [0, -1, -1] and "2 of 3 examples have no kind" in source.notices[0]


def test_braces_and_stars():
    assert expanded("a{0..2}{x,y}") == ["a0x", "a0y", "a1x", "a1y", "a2x", "a2y"]
    assert expanded("{008..010}.tar") == ["008.tar", "009.tar", "010.tar"]
    assert expanded("plain-*.tar") == ["plain-*.tar"]


def test_the_digest_follows_the_contents_and_not_the_place(pairs, tmp_path):
    source = wds(pairs)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in sorted(tmp_path.glob("*.tar")):
        shutil.copy2(path, copy)
    other = wds(str(copy / "train-*.tar"))
    assert (other.digest, other.stamp) == (source.digest, source.stamp)
    assert wds(f"{pairs}#kind").digest != source.digest
    shard(copy / "train-01.tar", [(f"1{k:02d}", pair(10 + k, txt=b"caption 99")) for k in range(4)])
    assert wds(str(copy / "train-*.tar")).digest != source.digest
    os.utime(tmp_path / "train-00.tar", (1, 1))
    again = wds(pairs)
    assert again.digest == source.digest and again.stamp != source.stamp


def test_missing_parts_are_counted_and_named(tmp_path):
    path = shard(
        tmp_path / "a.tar",
        [
            ("x", pair(0)),
            ("y", pair(1, txt=None)),
            ("z", pair(2, txt=b"")),
            ("bare", pair(3, png=None)),
            ("w", pair(4)),
        ],
    )
    source = wds(path)
    assert source.size == 4 and texts(source) == ["caption 0", "", "", "caption 4"]
    assert any(f"1 keys without an image are left out: bare of {path}" in note for note in source.notices)
    assert any("2 examples have no caption and are replaced" in n and f"y of {path}" in n for n in source.notices)
    alone = shard(tmp_path / "b.tar", [("y", pair(1, txt=None))])
    with pytest.raises(ValueError, match="none of the 1 examples has a caption"):
        wds(alone)


def test_keys_that_come_twice_are_counted_and_named(tmp_path):
    path = shard(tmp_path / "a.tar", [("x", pair(0)), ("x", pair(1)), ("y", pair(2)), ("x", pair(3))])
    source = wds(path)
    assert texts(source) == ["caption 0", "caption 1", "caption 2", "caption 3"]
    assert source.notices == (f"wds:{path}: 2 keys come again and are examples of their own: x of {path}, x of {path}",)


@pytest.mark.parametrize("left", [100, 5120 + 10, 5120 + 300, 5120 + 512 * 3 + 7])
def test_a_shard_that_ends_early_keeps_what_is_whole(tmp_path, left):
    path = Path(shard(tmp_path / "a.tar", [(f"{k}", pair(k)) for k in range(8)]))
    whole = texts(wds(str(path)))
    path.write_bytes(path.read_bytes()[: -left - 512 * 14])
    source = wds(str(path))
    assert "ends early or is damaged" in source.notices[0]
    got = [text for text in texts(source) if text]
    assert 4 < len(got) < 9 and got == whole[: len(got)]


def test_damage_between_headers_is_told(tmp_path):
    path = Path(shard(tmp_path / "a.tar", [(f"{k}", pair(k)) for k in range(8)]))
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        at = tar.getmember("4.png").offset
    data[at : at + 512] = b"\xff" * 512
    path.write_bytes(data)
    source = wds(str(path))
    assert source.size == 4 and "ends early or is damaged" in source.notices[0]


def test_what_cannot_be_opened_is_refused(pairs, tmp_path):
    with pytest.raises(ValueError, match="no file matches .*train-03.tar"):
        wds(pairs.replace("02}", "03}"))
    with pytest.raises(ValueError, match="no file matches"):
        wds(str(tmp_path / "none-*.tar"))
    (tmp_path / "text.tar").write_text("no tar " * 200)
    with pytest.raises(ValueError, match="text.tar is no tar file"):
        wds(str(tmp_path / "text.tar"))
    (tmp_path / "empty.tar").write_bytes(b"")
    with pytest.raises(ValueError, match="empty.tar is no tar file"):
        wds(str(tmp_path / "empty.tar"))
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress((tmp_path / "train-00.tar").read_bytes()))
    with pytest.raises(ValueError, match="compressed.*unpack it"):
        wds(str(tmp_path / "a.tar.gz"))
    with pytest.raises(ValueError, match="no images in the 1 shards"):
        wds(shard(tmp_path / "t.tar", [("x", {"txt": b"a"})]))


def test_shards_in_a_bucket(pairs, tmp_path, monkeypatch):
    source = wds(f"{pairs}#kind")
    other = wds(f"{pairs}#kind".replace(str(tmp_path), bucket(monkeypatch, tmp_path, "shards")))
    assert texts(other) == texts(source) and other.labels.tolist() == source.labels.tolist()
    assert other.describe(5) == "101 of ram://shards/train-01.tar"


@pytest.mark.skipif(not EMOJI.is_dir(), reason="the emoji are not there: ../shared/data/emoji")
def test_the_emoji():
    patterns = str(EMOJI / "train-*.tar#category"), str(EMOJI / "test-{00000..00000}.tar#category")
    assert "headers of 256 of 3,050 images tell of" in wds(patterns[0]).notices[0]
    train, test = (wds(pattern, channels=4, bits=8) for pattern in patterns)
    assert (train.size, test.size, train.image.channels) == (3050, 762, 4)
    assert train.classes == test.classes and len(train.classes) == 9 and (train.labels >= 0).all()
    assert train.notices == test.notices == ()
    assert read_image(test, tf.constant(0, tf.int64))[0].shape == (64, 64, 4)
    assert all(texts(test))
