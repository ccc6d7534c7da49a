"""Clips: which frames, one draw for all of them, and the geometry of images frame by frame."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.views import clips, geometric, video
from tests import videos

SEED = tf.constant([5, 7], tf.int64)
FAILURES = (tf.errors.OpError, ValueError)
"""In a graph, and outside of one."""
ARGUMENTS = {
    "random_resized_crop": dict(size=16),
    "pad_crop": dict(size=16, padding=2),
    "flip": dict(p=0.5),
    "resize": dict(size=16),
    "resize_exact": dict(size=16),
    "center_crop": dict(size=16),
}


def moving(t=12, h=20, w=24, c=1):
    return np.random.default_rng(0).integers(0, 256, (t, h, w, c), np.uint8)


def numbered(count):
    """A video whose frame k is k everywhere."""
    return tf.constant(np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 2, 1)))


def drawn(draws, count=40, **options):
    found = clips.clip(SEED, [numbered(count)] * draws, **options)
    return [[int(k) for k in item[:, 0, 0, 0]] for item in found]


def test_clips_begin_anywhere_and_keep_their_stride():
    found = drawn(400, 20, frames=4, stride=3)
    assert all(np.diff(each).tolist() == [3, 3, 3] for each in found)
    counts = np.bincount([each[0] for each in found])
    assert len(counts) == 11 and counts.min() > 15  # 20 - 9 places, alike
    assert drawn(1, 20, frames=4, stride=3) == found[:1]  # a draw does not depend on those after it


def test_the_center_and_draws_that_begin_together():
    assert drawn(2, 20, frames=4, stride=3, place="center") == [[5, 8, 11, 14]] * 2
    found = drawn(6, 40, frames=4, together=True)
    assert len({each[0] for each in found}) == 1
    assert len({each[0] for each in drawn(6, 40, frames=4)}) > 2
    assert drawn(1, 4, frames=4) == [[0, 1, 2, 3]]


def test_an_array_that_is_too_short_is_a_sentence():
    with pytest.raises(tf.errors.InvalidArgumentError, match="a clip spans 10 frames, more than the video has"):
        drawn(1, 9, frames=4, stride=3)
    with pytest.raises(ValueError, match="no clock"):
        drawn(1, frames=4, seconds=1.0)
    with pytest.raises(ValueError, match="place 'end' is neither random nor center"):
        drawn(1, frames=4, place="end")


@pytest.fixture
def path(tmp_path):
    return videos.write(tmp_path / "a.mp4", 60, gop=10)


def test_videos_give_the_frames_that_arrays_of_all_their_frames_give(path):
    frames = tf.constant(np.stack([pixels for _, pixels in videos.all_frames(path)]))
    for options in (dict(frames=4, stride=3), dict(frames=8), dict(frames=3, stride=5, place="center")):
        one, other = (clips.clip(SEED, [item] * 3, **options) for item in (tf.constant(str(path)), frames))
        for a, b in zip(one, other, strict=True):
            assert a.shape.as_list() == [options["frames"], None, None, 3] or a.shape == b.shape
            np.testing.assert_array_equal(a, b)
        for a, b in zip(one, clips.clip(SEED, [tf.constant(path.read_bytes())] * 3, **options), strict=True):
            np.testing.assert_array_equal(a, b)


def test_seconds_are_kept_whatever_the_rate(tmp_path):
    """One second in five frames of 25 a second is every fifth, of 50 a second every tenth."""
    for rate, apart in ((25, 5), (50, 10)):
        path = videos.write(tmp_path / f"{rate}.mp4", 60, rate=rate)
        frames = [pixels for _, pixels in videos.all_frames(path)]
        (found,) = clips.clip(SEED, [tf.constant(str(path))], frames=5, seconds=1.0, place="center")
        first = next(k for k in range(60) if np.array_equal(frames[k], found[0]))
        np.testing.assert_array_equal(found, [frames[first + apart * k] for k in range(5)])


def test_all_draws_of_a_video_are_decoded_in_one_pass(path, monkeypatch):
    """A counter: two draws open the file once, and decode each frame once at most."""
    opened, counts, frames = [], [], video.Video.frames

    def counting(self, numbers, **options):
        opened.append(numbers)
        found = frames(self, numbers, **options)
        counts.append(found.count)
        return found

    monkeypatch.setattr(video.Video, "frames", counting)
    clips.clip(SEED, [tf.constant(str(path))] * 4, frames=4, stride=2)
    with video.Video(str(path)) as there:
        keys = [round(key * 25) for key in there.keys]
    (numbers,) = opened
    needed = {k for n in numbers for k in range(max(key for key in keys if key <= n), n + 1)}
    assert counts == [len(needed)] and len(numbers) == 16


def test_a_video_that_is_too_short_or_broken_is_a_sentence(path, tmp_path):
    with pytest.raises(FAILURES, match="a clip spans 70 frames, and the video has 60; take fewer frames"):
        clips.clip(SEED, [tf.constant(str(path))], frames=70)
    with pytest.raises(FAILURES, match="no video that can be opened"):
        clips.clip(SEED, [tf.constant(str(tmp_path / "none.mp4"))], frames=2)
    short = tmp_path / "short.mp4"
    short.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(FAILURES, match="breaks off|damaged"):
        clips.clip(SEED, [tf.constant(str(short))], frames=60)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_geometry_does_the_same_to_all_frames_as_to_one_image(name, known):
    """Frame t of the result is what the operation with this seed makes of frame t as an image."""
    array, operation = moving(), getattr(clips, name)
    spec = tf.TensorSpec(array.shape if known else [12, None, None, 1], tf.uint8)
    image = tf.TensorSpec(array.shape[1:] if known else [None, None, 1], tf.uint8)

    @tf.function(input_signature=[spec], autograph=False)
    def on_clips(clip):
        return tf.stack(operation(SEED, [clip] * 3, **ARGUMENTS[name]))

    @tf.function(input_signature=[image], autograph=False)
    def on_images(frame):
        return tf.stack(getattr(geometric, name)(SEED, [frame] * 3, **ARGUMENTS[name]))

    found = on_clips(array)
    for t in (0, 5, 11):
        np.testing.assert_array_equal(found[:, t], on_images(array[t]))


def test_every_geometric_operation_that_images_have_is_there_for_clips():
    named = [n for n, f in vars(geometric).items() if inspect.isfunction(f) and not n.startswith("_")]
    named = [n for n in named if list(inspect.signature(getattr(geometric, n)).parameters)[:2] == ["seed", "images"]]
    assert set(named) == set(ARGUMENTS)
    for name in named:
        ours, theirs = (list(inspect.signature(getattr(m, name)).parameters) for m in (clips, geometric))
        assert ours == ["seed", "items", *theirs[2:]]


def test_geometry_before_the_clip_is_refused():
    with pytest.raises(ValueError, match="flip works on clips; let the operation clip"):
        clips.flip(SEED, [tf.constant("a.mp4")], p=0.5)
