"""What may be given to an encoder in Python, by the part that it takes: everything else is one sentence."""

import os
from typing import Any

import numpy as np
from etils import epath

from ssl_jax.data import encoded
from ssl_jax.views import decoding


def of_images(images: Any, channels: int) -> list[np.ndarray]:
    """Images as a list of arrays [h, w, c] of one type; a path is read. Raises ValueError for everything else."""
    wanted = f"give uint8 or uint16 arrays, [b, h, w, {channels}] or a list of [h, w, {channels}], or of paths"
    if hasattr(images, "dtype"):
        if np.ndim(images) != 4:
            raise ValueError(
                f"an array {list(np.shape(images))} is no batch of images: {wanted}; images[None] is a batch"
            )
    elif not isinstance(images, list | tuple):
        raise ValueError(f"a {type(images).__name__} is no batch of images: {wanted}")
    if len(images) == 0:
        raise ValueError(f"there are no images to embed: {wanted}")
    images = _read(images, channels)
    for image in images:
        if not hasattr(image, "dtype"):
            raise ValueError(
                f"a {type(image).__name__} is no image: {wanted}, as np.asarray makes them of an open file"
            )
    images = [np.asarray(image) for image in images]
    for image in images:
        if image.ndim != 3 or image.dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f"an image is uint8 or uint16 [h, w, c], and this one is {image.dtype} {list(image.shape)}"
            )
        if image.shape[2] != channels:
            raise ValueError(f"an image is {list(image.shape)}, and the encoder takes {channels} channels: {wanted}")
        if not image.size:
            raise ValueError(f"an image is {list(image.shape)}, which has no pixels")
    if len({image.dtype for image in images}) > 1:
        raise ValueError("some images are uint8 and some uint16, whose scales differ: embed them in two calls")
    return images


def _read(images: Any, channels: int) -> list:
    """With the files of paths as a folder of them is read: with the bits that all of them have, else 8."""
    paths = [os.fspath(each) for each in images if isinstance(each, str | os.PathLike)]
    try:
        files = {path: epath.Path(path).read_bytes() for path in paths}
    except OSError as error:
        raise ValueError(f"an image cannot be read: {error}") from error
    bits = encoded.common([encoded.header(data) for data in files.values()] or [(channels, 8)])[1]

    def opened(path: str) -> np.ndarray:
        try:
            return decoding.opened(files[path], channels=channels, bits=bits)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    return [opened(os.fspath(each)) if isinstance(each, str | os.PathLike) else each for each in images]


def of_clouds(clouds: Any, channels: int) -> list[np.ndarray]:
    """Clouds of points as a list of float32 [n, channels]. Raises ValueError for everything else."""
    wanted = f"give an array [b, n, {channels}] or a list of [n, {channels}]"
    if not hasattr(clouds, "dtype") and not isinstance(clouds, list | tuple):
        raise ValueError(f"a {type(clouds).__name__} is no batch of clouds of points: {wanted}")
    if len(clouds) == 0:
        raise ValueError(f"there are no clouds of points to embed: {wanted}")
    found = [np.asarray(cloud) for cloud in clouds]
    for cloud in found:
        if cloud.ndim != 2 or cloud.shape[1] != channels or not len(cloud) or cloud.dtype.kind not in "fiu":
            raise ValueError(
                f"a cloud of points is [n, {channels}], and this one is {cloud.dtype} {list(cloud.shape)}: {wanted}"
            )
        if not np.isfinite(cloud).all():
            raise ValueError("a cloud has points that are not finite")
    return [cloud.astype(np.float32) for cloud in found]


def of_series(series: Any, channels: int) -> list[np.ndarray]:
    """Series as a list of float32 [t, c] that can be embedded. Raises ValueError for everything else."""
    wanted = f"give floats [b, t, {channels}], or a list of [t, {channels}]"
    if hasattr(series, "dtype") and np.ndim(series) != 3:
        raise ValueError(f"an array {list(np.shape(series))} is no batch of series: {wanted}; series[None] is a batch")
    try:
        made = [np.asarray(each, np.float32) for each in series]
    except (TypeError, ValueError) as error:
        raise ValueError(f"a {type(series).__name__} is no batch of series of numbers: {wanted}") from error
    if not made:
        raise ValueError(f"there are no series to embed: {wanted}")
    for each in made:
        if each.ndim != 2 or each.shape[1] != channels:
            raise ValueError(f"a series is {list(each.shape)}, and the encoder takes {channels} sensors: {wanted}")
    return made


def of_clips(clips: Any, channels: int) -> list[np.ndarray | str]:
    """Clips as a list of uint8 [t, h, w, c] or of paths of videos. Raises ValueError for everything else."""
    wanted = f"give uint8 arrays, [b, t, h, w, {channels}] or a list of [t, h, w, {channels}], or of paths of videos"
    if hasattr(clips, "dtype") and np.ndim(clips) != 5:
        raise ValueError(f"an array {list(np.shape(clips))} is no batch of clips: {wanted}; clips[None] is a batch")
    if not hasattr(clips, "dtype") and not isinstance(clips, list | tuple):
        raise ValueError(f"a {type(clips).__name__} is no batch of clips: {wanted}")
    if len(clips) == 0:
        raise ValueError(f"there are no clips to embed: {wanted}")
    made = [os.fspath(each) if isinstance(each, str | os.PathLike) else np.asarray(each) for each in clips]
    for each in made:
        if isinstance(each, str):
            if channels != 3:
                raise ValueError(f"{each}: a video has 3 channels, and the encoder takes {channels}")
            if not os.path.isfile(each):
                raise ValueError(f"{each}: there is no such video")
        elif each.ndim != 4 or each.shape[3] != channels or each.dtype != np.uint8 or not each.size:
            raise ValueError(f"a clip is uint8 [t, h, w, {channels}], and this one is {each.dtype} {list(each.shape)}")
    return made


def of_texts(texts: Any, channels: int) -> list[str]:
    """Texts as a list. Raises ValueError for everything else; channels mean nothing."""
    if not isinstance(texts, list | tuple) or not texts or not all(isinstance(each, str) for each in texts):
        shown = "a string" if isinstance(texts, str) else f"a {type(texts).__name__} of other things or of nothing"
        raise ValueError(f"{shown} is no batch of texts: give a list of strings")
    return list(texts)


CHECKS = {"image": of_images, "clip": of_clips, "series": of_series, "points": of_clouds, "text": of_texts}
"""(what was given, channels) -> a list of what the host's function takes; raises ValueError."""
