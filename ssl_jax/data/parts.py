"""What an example consists of: parts by name, each of a kind. The names are those of the kinds."""

from typing import NamedTuple

import tensorflow as tf

from ssl_jax.views.formats import Reading


class Image(NamedTuple):
    """A picture: a string scalar that holds it encoded, or itself, uint8 or uint16 [h, w, c].

    channels, bits: what every image is decoded to. shape: height and width of all encoded images where they are known,
    which saves work in the views. plain: all encoded images are known to be plain (`views/decoding.py`), so that none
    is looked at. reading: how files are read that TensorFlow does not decode; None where there are none of these.
    """

    channels: int
    bits: int = 8
    shape: tuple[int | None, int | None] = (None, None)
    plain: bool = False
    reading: Reading | None = None


class Clip(NamedTuple):
    """A video: a string scalar with its path, of which views decode the frames that they need, or, where it is not
    encoded, uint8 [t, h, w, c]."""

    channels: int = 3
    encoded: bool = True


class Text(NamedTuple):
    """A string scalar, UTF-8."""


class Points(NamedTuple):
    """A cloud of any number of points: float32 [n, width], the first three of which are the position.

    surface: it comes as the triangles of a mesh, float32 [m, 3, 3], of which views draw points.
    """

    width: int = 3
    surface: bool = False


class Series(NamedTuple):
    """Readings of sensors at equal distances in time: float32 [t, channels]. rate: of them a second, 0 if unknown."""

    channels: int = 1
    rate: float = 0.0


Part = Image | Clip | Text | Points | Series
KINDS: dict[str, type] = {"image": Image, "clip": Clip, "text": Text, "points": Points, "series": Series}


def spec(part: Part) -> tf.TensorSpec:
    """How the host's function meets a part: images decoded, all others as they are read."""
    match part:
        case Image():
            return tf.TensorSpec([*part.shape, part.channels], tf.uint16 if part.bits == 16 else tf.uint8)
        case Clip(encoded=False):
            return tf.TensorSpec([None, None, None, part.channels], tf.uint8)
        case Points(surface=True):
            return tf.TensorSpec([None, 3, 3], tf.float32)
        case Points():
            return tf.TensorSpec([None, part.width], tf.float32)
        case Series():
            return tf.TensorSpec([None, part.channels], tf.float32)
        case _:
            return tf.TensorSpec([], tf.string)


def assumed(kinds: set[str], channels: int) -> dict[str, Part]:
    """Parts of these kinds where there is no dataset to ask: images and clips of 8 bits, series, of so many channels.

    Encoded clips have three channels, those of other counts are arrays.
    """
    known = {"image": Image(channels), "clip": Clip(channels, encoded=channels == 3), "series": Series(channels)}
    return {name: known[name] if name in known else kind() for name, kind in KINDS.items() if name in kinds}
