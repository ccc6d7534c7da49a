"""Frames of encoded videos by their times, with PyAV (the extra [video]); no frame is decoded that nobody asks for, but
for those between a wanted one and the key frame before it, which no decoder can do without."""

import bisect
import importlib
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

SLACK = 1.0
"""Seconds by which the end of a video may come early where its file tells only how long all its streams are."""


class Length(NamedTuple):
    """frames: at the nominal rate, in frames a second. first: the time of the first in seconds. exact: whether the
    file tells the length of its pictures, and not of pictures and sound together."""

    frames: int
    rate: float
    first: float
    exact: bool


class Decoded(NamedTuple):
    """frames: uint8 [k, h, w, 3], upright. count: frames that were decoded for them."""

    frames: np.ndarray
    count: int


class Video:
    """An open video: a path, or the bytes of the file; a context manager. Raises ValueError for what is none.

    Frames are numbered on the clock of the nominal rate: frame k is what is shown k frames after the first, half a
    frame in. Where the rate varies, a frame may so come twice, or never.
    """

    def __init__(self, data: bytes | str):
        self.av = _av()
        try:
            self.container = self.av.open(io.BytesIO(data) if isinstance(data, bytes) else data)
        except (self.av.FFmpegError, OSError, ValueError) as error:
            raise ValueError(f"this is no video that can be opened: {_said(error)}") from error
        try:
            self._set_up()
        except ValueError:
            self.container.close()
            raise

    def _set_up(self) -> None:
        stream = self.container.streams.best("video")
        if stream is None:
            raise ValueError("the file has no video stream")
        stream.thread_count = 1  # many videos at a time keep the cores busy, and threads decode frames ahead in vain
        self.stream = stream
        self.length = self._length()
        if self.length.frames < 1:
            raise ValueError("the video has no frames")
        self.keys = self._keys()

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    def frames(self, numbers: list[int], *, short_side: int = 0) -> Decoded:
        """The frames of these numbers, in their order, repeats allowed.

        short_side: frames whose short side is longer are shrunk to it, each pixel a mean of those that it covers.
        ValueError where the file ends, or is damaged, before one of them.
        """
        found, count = {}, 0
        try:
            for number, picture, decoded in self._walk(sorted(set(numbers))):
                count += decoded
                found[number] = self._pixels(picture, short_side)
        except self.av.FFmpegError as error:
            raise ValueError(f"the video is damaged: {_said(error)}") from error
        return Decoded(np.stack([found[number] for number in numbers]), count)

    def _walk(self, numbers: list[int]) -> Iterator[tuple[int, Any, int]]:
        """(number, picture, frames decoded since the last) of rising numbers."""
        pictures, shown, coming, count = None, None, None, 0
        for number in numbers:
            time = self.length.first + (number + 0.5) / self.length.rate
            if pictures is None or self._ahead(shown if coming is None else coming, time):
                pictures, shown, coming = self._seek(time), None, None
            while not self._covers(shown, coming, time):
                following = coming if coming is not None else next(pictures, None)
                count += following is not None and coming is None
                if following is None:
                    self._reached(shown, time)
                    break
                if following.time <= time or shown is None:
                    shown, coming = following, None
                else:
                    coming = following
            yield number, shown, count
            count = 0

    def _covers(self, shown: Any, coming: Any, time: float) -> bool:
        """Whether the frame `shown` is the one of this time: it lasts until then, or the next one comes after it."""
        if shown is None:
            return False
        if coming is not None and coming.time > time:
            return True
        lasts = float(shown.duration * shown.time_base) if shown.duration else 1 / self.length.rate
        return shown.time + lasts > time

    def _reached(self, shown: Any, time: float) -> None:
        """Raises ValueError where the last frame that there is ends long before the time."""
        slack = 1 / self.length.rate if self.length.exact else SLACK
        if shown is None or shown.time + 1 / self.length.rate + slack < time:
            end = 0.0 if shown is None else shown.time - self.length.first
            whole = self.length.frames / self.length.rate
            raise ValueError(f"the video breaks off after {end:.2f} s of the {whole:.2f} s that its header tells of")

    def _ahead(self, shown: Any, time: float) -> bool:
        """Whether a key frame lies between what was decoded last and the time, so that to seek saves frames."""
        place = bisect.bisect_right(self.keys, time) - 1
        return place >= 0 and shown is not None and self.keys[place] > shown.time + 1.5 / self.length.rate

    def _seek(self, time: float) -> Iterator:
        """The frames from the key frame before the time on."""
        place, begun = bisect.bisect_right(self.keys, time) - 1, True
        while True:
            if place > 0 or not begun or not self.keys:  # a file that is open already stands at its beginning
                target = self.keys[max(place, 0)] if self.keys else time
                self.container.seek(round(target / self.stream.time_base), stream=self.stream, backward=True)
            pictures = self._decoded()
            first = next(pictures, None)
            if first is None or place <= 0 or first.time <= time:
                return _and(first, pictures)
            place, begun = place - 1, False

    def _decoded(self) -> Iterator:
        for picture in self.container.decode(self.stream):
            if picture.is_corrupt:
                raise ValueError(f"the video is damaged at {picture.time:.2f} s")
            if picture.time is None:
                raise ValueError("the video does not say when its frames are shown")
            yield picture

    def _length(self) -> Length:
        stream = self.stream
        rate = float(stream.average_rate or stream.guessed_rate or stream.base_rate or 0)
        if rate <= 0:
            raise ValueError("the video does not say how many frames a second it has")
        first = float((stream.start_time or 0) * stream.time_base)
        if stream.duration:
            return Length(round(float(stream.duration * stream.time_base) * rate), rate, first, exact=True)
        if stream.frames:
            return Length(stream.frames, rate, first, exact=True)
        whole = (self.container.duration or 0) / self.av.time_base
        return Length(int(whole * rate), rate, first, exact=False)

    def _keys(self) -> list[float]:
        """When key frames are shown, by the file's index; empty where it has none."""
        entries = [(entry.timestamp, entry.is_keyframe) for entry in self.stream.index_entries]
        if not entries or self.stream.start_time is None:
            return []
        # An index has the times of decoding, which lie before those of showing by what the first frame's does.
        shift = self.stream.start_time - entries[0][0]
        return sorted(float((time + shift) * self.stream.time_base) for time, key in entries if key)

    def _pixels(self, picture: Any, short_side: int) -> np.ndarray:
        size = {}
        shorter = min(picture.width, picture.height)
        if 0 < short_side < shorter:
            size = {side: max(1, getattr(picture, side) * short_side // shorter) for side in ("width", "height")}
        pixels = picture.reformat(format="rgb24", interpolation="AREA" if size else None, **size).to_ndarray()
        return np.rot90(pixels, picture.rotation // 90) if picture.rotation else pixels


def _and(first: Any, rest: Iterator) -> Iterator:
    if first is not None:
        yield first
        yield from rest


def _av() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise ValueError("videos are read by PyAV, which is not installed: pip install 'ssl_jax[video]'") from error


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
