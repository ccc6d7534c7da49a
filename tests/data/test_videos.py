"""Folders of videos, and Moving Fashion-MNIST: what examples are, and batches of clips of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data import embedded_source, moving, sources, stream
from ssl_jax.data.parts import Clip
from ssl_jax.views import compose, compose_host
from tests import videos

SHARED = Path(__file__).parents[3] / "shared" / "data" / "video"
VIEW = dict(
    group="global",
    count=2,
    of="clip",
    size=(4, 16),
    ops=(dict(name="clip", args=dict(stride=2)), dict(name="random_resized_crop"), dict(name="flip", p=0.5)),
)


def host(**changes):
    return compose_host.host(compose.views([{**VIEW, **changes}]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two classes of videos of several containers, and one that lies beside them."""
    root = tmp_path_factory.mktemp("videos")
    for name in ("cat/a.mp4", "cat/b.webm", "dog/c.avi", "dog/d.mkv", "e.mov"):
        (root / name).parent.mkdir(exist_ok=True)
        videos.write(root / name, 30)
    return root


def test_a_folder_of_videos_is_a_source_of_paths_with_classes(whole):
    source = sources.open(f"folder:{whole}")
    assert source.parts == {"clip": Clip()} and source.size == 5
    assert source.classes == ("cat", "dog") and source.labels.tolist() == [0, 0, 1, 1, -1]
    raw, label = source.read(tf.constant(2, tf.int64))
    assert raw.numpy() == str(whole / "dog" / "c.avi").encode() and int(label) == 1
    assert source.describe(4) == str(whole / "e.mov")
    with pytest.raises(ValueError, match="has no images; an example of it has clip"):
        _ = source.image


def test_its_digest_is_of_the_contents(whole, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(whole, copy)
    assert sources.open(f"folder:{copy}").digest == sources.open(f"folder:{whole}").digest
    with (copy / "e.mov").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    assert sources.open(f"folder:{copy}").digest != sources.open(f"folder:{whole}").digest


def test_what_no_folder_of_videos_is(whole, tmp_path):
    with pytest.raises(ValueError, match="videos, which are read as 3 channels, not 1"):
        sources.open(f"folder:{whole}", channels=1)
    (tmp_path / "x").mkdir()
    with pytest.raises(ValueError, match=r"no images there; .*\.png.* videos in .*\.mp4"):
        sources.open(f"folder:{tmp_path / 'x'}")
    for split in ("train", "test"):
        shutil.copytree(whole / "cat", tmp_path / "splits" / split)
    with pytest.raises(ValueError, match="holds the splits test, train"):
        sources.open(f"folder:{tmp_path / 'splits'}")


def test_batches_of_clips_are_a_function_of_the_seed_and_the_step(whole):
    source = sources.open(f"folder:{whole}")
    first = stream.batches(source, host(), batch=4, seed=1)
    one, two = next(first), next(first)
    again = next(stream.batches(source, host(), batch=4, seed=1, start=1))
    assert one["global"].shape == (4, 2, 4, 16, 16, 3) and one["global"].dtype == np.uint8
    np.testing.assert_array_equal(two["global"], again["global"])
    assert (one["replaced"] == -1).all()
    assert not np.array_equal(one["global"][:, 0], one["global"][:, 1])


def damaged(whole, root):
    """The videos, and three of which no clip can be made: broken half-way, too short, and no video."""
    shutil.copytree(whole, root)
    data = videos.write(root / "long.mp4", 80).read_bytes()
    (root / "long.mp4").unlink()
    (root / "dog" / "broken.mp4").write_bytes(data[: len(data) // 3])
    videos.write(root / "dog" / "short.mp4", 5)
    (root / "dog" / "text.mp4").write_bytes(b"no video" * 1000)
    return sources.open(f"folder:{root}")


def test_videos_without_the_clip_are_replaced_and_named(whole, tmp_path):
    source = damaged(whole, tmp_path / "all")
    bad = {k for k in range(source.size) if Path(source.describe(k)).name in ("short.mp4", "text.mp4")}
    broken = next(k for k in range(source.size) if source.describe(k).endswith("broken.mp4"))
    batches, replaced = stream.batches(source, host(), batch=8, seed=0), []
    for _ in range(6):
        batch = next(batches)
        replaced += batch["replaced"][batch["replaced"] >= 0].tolist()
        assert not set(batch["index"]) & bad
    assert bad <= set(replaced) <= bad | {broken}  # of the broken one the beginning can be shown
    rows = next(stream.sequential(source, host(count=1), batch=8))
    assert not rows["valid"][sorted(bad)].any() and rows["valid"].sum() >= 5


def test_a_set_of_none_but_bad_videos_is_one_sentence(tmp_path):
    videos.write(tmp_path / "short.mp4", 5)
    with pytest.raises(ValueError, match=r"short\.mp4: .*a clip spans 7 frames, and the video has 5; take fewer"):
        next(stream.batches(sources.open(f"folder:{tmp_path}"), host(), batch=2, seed=0))


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real clips here")
def test_real_clips():
    source = sources.open(f"folder:{SHARED}")
    batch = next(stream.batches(source, host(size=(8, 32)), batch=3, seed=0))
    assert batch["global"].shape == (3, 2, 8, 32, 32, 3) and (batch["replaced"] == -1).all()
    assert sorted(batch["index"]) == [0, 1, 2] and batch["global"].std() > 20


def clip(source, index):
    raw, label = source.read(tf.constant(index, tf.int64))
    return raw.numpy(), int(label)


def test_moving_fashion_mnist_moves_each_image_over_its_canvas():
    source = sources.open("embedded:moving_fashion_mnist/test?label=motion")
    still = embedded_source.pixels("fashion_mnist", "test")
    for index in (0, 17, 4999):
        frames, label = clip(source, index)
        assert frames.shape == (16, 48, 48, 1)
        dy, dx = list(moving.DIRECTIONS.values())[label]
        speed = next(
            v for v in moving.SPEEDS if np.array_equal(np.roll(frames[0], (v * dy, v * dx), (0, 1)), frames[1])
        )
        for t in range(15):
            np.testing.assert_array_equal(np.roll(frames[t], (speed * dy, speed * dx), (0, 1)), frames[t + 1])
        assert np.sort(frames[0].ravel())[-784:].tolist() == np.sort(still[index].ravel()).tolist()


def test_its_two_kinds_of_labels_are_of_the_same_clips_and_balanced():
    looks, moves = (sources.open(f"embedded:moving_fashion_mnist/train{q}") for q in ("", "?label=motion"))
    assert looks.size == moves.size == 10_000 and len(looks.classes) == 10 and len(moves.classes) == 8
    np.testing.assert_array_equal(clip(looks, 77)[0], clip(moves, 77)[0])
    pairs = np.bincount(10 * moves.labels + looks.labels, minlength=80)
    assert pairs.min() == pairs.max() == 125
    assert [clip(moves, k)[1] for k in (0, 12, 79)] == moves.labels[[0, 12, 79]].tolist() == [0, 1, 7]
    assert looks.digest != moves.digest


def test_no_frame_tells_of_the_motion():
    """Where an image is, in any frame, does not depend on its direction: mean places by direction agree."""
    source = sources.open("embedded:moving_fashion_mnist/train?label=motion")
    rows = next(stream.sequential(source, host(count=1, size=(1, 48), ops=ONE), batch=2000))
    mass = rows["global"][:, 0, 0, :, :, 0].astype(float)
    turns = np.exp(2j * np.pi * np.arange(48) / 48)
    angle = (mass.sum(2) @ turns) / np.abs(mass.sum(2) @ turns)
    means = [np.abs(angle[rows["label"] == k].mean()) for k in range(8)]
    assert max(means) < 0.2  # 250 uniform places: 1 / sqrt(250) is 0.06


ONE = (dict(name="clip", args=dict(stride=1, place="center")), dict(name="resize_exact"))


@pytest.mark.parametrize("text", ["train?label=speed", "train?labels=motion", "val"])
def test_names_that_do_not_exist(text):
    with pytest.raises(ValueError, match="appearance|train"):
        sources.open(f"embedded:moving_fashion_mnist/{text}")
