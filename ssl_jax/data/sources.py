"""Datasets by one string. The forms are listed in `FORMS`; see `open`."""

import importlib
import re

from ssl_jax import spelling
from ssl_jax.data.embedded_source import embedded
from ssl_jax.data.folder import folder
from ssl_jax.data.memory import arrays
from ssl_jax.data.records import arrayrecord
from ssl_jax.data.source import Source, images, labelled, subset
from ssl_jax.data.tfds_source import tfds_source

__all__ = ["Source", "arrays", "images", "labelled", "open", "subset"]

KINDS = ("embedded", "tfds", "folder", "arrayrecord")
FORMS = "embedded:NAME[/SPLIT], tfds:NAME[/SPLIT], folder:PATH, arrayrecord:PATTERN or package.module:function"


def open(text: str, *, data_dir: str | None = None, channels: int | None = None, scan: bool = False) -> Source:
    """The source that `text` names.

    embedded:NAME[/SPLIT] comes with the package; tfds:NAME[/SPLIT] was prepared by tensorflow_datasets in `data_dir`
    (by default TFDS_DATA_DIR); folder:PATH is a folder of images; arrayrecord:PATTERN was made by `ssl-jax data
    convert`; package.module:function is called without arguments and returns a Source. Paths may be gs:// where
    TensorFlow can read it.

    channels: what encoded images are decoded to (1 or 3; 4 for PNG); by default what they have. scan: the source is
    only read in order, as check and convert do, which lifts the size limit of TFRecord sets. ValueError, in one
    sentence, for everything that is not there.
    """
    kind, colon, rest = text.partition(":")
    if not colon or not rest:
        raise ValueError(f"a dataset is named by {FORMS}, not by {text!r}")
    if kind == "embedded":
        return _plain(embedded(rest), channels)
    if kind == "tfds":
        return tfds_source(rest, data_dir=data_dir, channels=channels, scan=scan)
    if kind == "folder":
        return folder(rest, channels=channels)
    if kind == "arrayrecord":
        return arrayrecord(rest, channels=channels)
    return _plain(_own(kind, rest, text), channels)


def _plain(source: Source, channels: int | None) -> Source:
    if channels not in (None, source.channels):
        raise ValueError(f"{source.name} has {source.channels} channels, which cannot be made {channels}")
    return source


def _own(module: str, function: str, text: str) -> Source:
    """The source that a function of somebody's own package returns."""
    nearest = spelling.unknown(module, KINDS, "the kinds of datasets")
    no_kind = f"{text!r} is no dataset; one is named by {FORMS}; {nearest}"
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", text):
        raise ValueError(no_kind)
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{no_kind} ({error})") from error
    made = make()
    if not isinstance(made, Source):
        raise ValueError(f"{text} returned a {type(made).__name__}, not an ssl_jax.data.source.Source")
    return made
