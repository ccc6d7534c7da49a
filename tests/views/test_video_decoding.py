"""Frames by their numbers, against the whole video decoded in order; how many are decoded; damage."""

import struct
from pathlib import Path

import numpy as np
import pytest

from ssl_jax.views.video import Video
from tests import videos

SHARED = Path(__file__).parents[3] / "shared" / "data" / "video"
REAL = sorted(SHARED.glob("*.mp4"))


def read(path, numbers, **options):
    with Video(str(path)) as video:
        return video.frames(numbers, **options)


@pytest.mark.parametrize("kind", videos.CODECS)
def test_any_frame_of_any_container_is_the_one_that_decoding_in_order_finds(tmp_path, kind):
    path = videos.write(tmp_path / f"a{kind}")
    frames = [pixels for _, pixels in videos.all_frames(path)]
    with Video(str(path)) as video:
        assert video.length.frames == len(frames) == 40 and video.length.rate == pytest.approx(25)
    for numbers in [[0], [39], [17, 3, 3, 30], list(range(0, 40, 7)), [9, 10, 11]]:
        np.testing.assert_array_equal(read(path, numbers).frames, [frames[k] for k in numbers])


@pytest.mark.skipif(not REAL, reason="no real clips here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_clips_too(path):
    frames = [pixels for _, pixels in videos.all_frames(path)]
    with Video(str(path)) as video:
        keys = [round((key - video.length.first) * video.length.rate) for key in video.keys]
        assert video.length.frames == len(frames)
    for start in range(0, len(frames) - 8, 37):
        found = read(path, [start, start + 3, start + 6])
        np.testing.assert_array_equal(found.frames, [frames[start + k] for k in (0, 3, 6)])
        before = max(key for key in keys if key <= start)
        assert found.count <= start + 7 - before


def test_no_frame_is_decoded_but_from_the_key_frame_before_each_wanted_one(tmp_path):
    path = videos.write(tmp_path / "a.mp4", gop=10)
    with Video(str(path)) as video:
        keys = [round(key * 25) for key in video.keys]
    assert keys[0] == 0 and len(keys) >= 4

    def needed(numbers):
        frames = {k for number in numbers for k in range(max(key for key in keys if key <= number), number + 1)}
        return len(frames)

    for numbers in [[0], [9], [10], [25, 27, 29], [3, 35], [1, 12, 23, 38], [39], list(range(40))]:
        assert read(path, numbers).count == needed(numbers), numbers


def test_where_the_rate_varies_frames_are_those_shown_at_their_times(tmp_path):
    times = np.cumsum([20, *([20] * 15), *([60] * 15)]).tolist()
    path = videos.write(tmp_path / "a.mp4", 31, times=times)
    there = videos.all_frames(path)
    with Video(str(path)) as video:
        length = video.length
        numbers = list(range(length.frames - 1))
        found = video.frames(numbers).frames
    shown = [[p for time, p in there if time <= length.first + (k + 0.5) / length.rate][-1] for k in numbers]
    np.testing.assert_array_equal(found, shown)
    assert len({p.tobytes() for p in found}) < len(numbers)  # the slow half comes more than once


def test_frames_are_shrunk_by_areas_and_never_grown(tmp_path):
    path = videos.write(tmp_path / "a.mp4")
    assert read(path, [0, 5], short_side=24).frames.shape == (2, 24, 32, 3)
    assert read(path, [0], short_side=480).frames.shape == (1, 48, 64, 3)
    whole, small = (read(path, [5], short_side=side).frames[0].astype(float) for side in (0, 24))
    assert np.abs(whole.reshape(24, 2, 32, 2, 3).mean((1, 3))[..., 1] - small[..., 1]).mean() < 6


def test_the_bytes_of_a_file_do_as_well_as_its_path(tmp_path):
    path = videos.write(tmp_path / "a.mp4")
    with Video(path.read_bytes()) as video:
        np.testing.assert_array_equal(video.frames([7, 22]).frames, read(path, [7, 22]).frames)


def turned(path, tmp_path):
    """The same video with a matrix that turns it a quarter clockwise, as phones write it."""
    data = path.read_bytes()
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 2**30)
    quarter = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 48 * 65536, 0, 2**30)
    at = data.index(identity, data.index(b"tkhd"))
    out = tmp_path / "turned.mp4"
    out.write_bytes(data[:at] + quarter + data[at + 36 :])
    return out


def test_videos_that_lie_on_their_side_are_set_upright(tmp_path):
    path = videos.write(tmp_path / "a.mp4")
    found, flat = read(turned(path, tmp_path), [4]).frames[0], read(path, [4]).frames[0]
    np.testing.assert_array_equal(found, np.rot90(flat, -1))


def test_a_file_that_breaks_off_gives_its_beginning_and_a_sentence_for_the_rest(tmp_path):
    path = videos.write(tmp_path / "a.mp4", 80, gop=10)
    data, frames = path.read_bytes(), [pixels for _, pixels in videos.all_frames(path)]
    assert data.index(b"moov") < data.index(b"mdat")
    short = tmp_path / "short.mp4"
    short.write_bytes(data[: len(data) // 2])
    np.testing.assert_array_equal(read(short, [0, 5]).frames, [frames[0], frames[5]])
    with pytest.raises(ValueError, match=r"breaks off after [\d.]+ s of the 3\.20 s|is damaged"):
        read(short, [78])


def test_what_is_no_video_is_one_sentence(tmp_path):
    cases = {
        "text.mp4": (b"no video" * 100, "no video that can be opened"),
        "empty.mp4": (b"", "no video that can be opened"),
        "half.mp4": (None, "no video that can be opened|breaks off|damaged"),
    }
    late = videos.write(tmp_path / "late.mkv").read_bytes()
    for name, (data, sentence) in cases.items():
        (tmp_path / name).write_bytes(late[:300] if data is None else data)
        with pytest.raises(ValueError, match=sentence):
            read(tmp_path / name, [20])
    with pytest.raises(ValueError, match="no video that can be opened"):
        read(tmp_path / "missing.mp4", [0])


def test_a_file_of_sound_alone_has_no_video_stream(tmp_path):
    path = tmp_path / "sound.mp4"
    with videos.av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=16000)
        frame = videos.av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    with pytest.raises(ValueError, match="no video stream"):
        read(path, [0])


def test_frames_beyond_the_end_are_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="breaks off"):
        read(videos.write(tmp_path / "a.mp4"), [60])
