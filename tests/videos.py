"""Videos that tests write with PyAV, and what they read of them frame after frame."""

from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av")

CODECS = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".avi": "mpeg4", ".webm": "libvpx"}


def picture(t, h=48, w=64):
    """Frame number t: a slope that moves, and its number in the brightness."""
    y, x = np.mgrid[:h, :w]
    return np.stack([(4 * x + 3 * t) % 256, (5 * y + t) % 256, np.full((h, w), 2 * t % 256)], -1).astype(np.uint8)


def write(path, count=40, *, rate=25, gop=10, times=None, h=48, w=64, container=None):
    """A video of `count` frames, key frames each `gop`. times: of the frames, in units of 1/1000 s."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix in (".mp4", ".mov") else {}) as file:
        stream = file.add_stream(CODECS[path.suffix], rate=rate)
        stream.width, stream.height, stream.pix_fmt = w, h, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.time_base = Fraction(1, 1000) if times else Fraction(1, rate)
        for t in range(count):
            frame = av.VideoFrame.from_ndarray(picture(t, h, w), format="rgb24")
            frame.pts, frame.time_base = (times[t] if times else t), stream.codec_context.time_base
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def all_frames(path):
    """[(time in seconds, uint8 [h, w, 3])] of the whole video in order."""
    with av.open(str(path)) as file:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in file.decode(video=0)]
