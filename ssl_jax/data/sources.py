"""Datasets by one string. The forms are listed in `FORMS`; see `open`."""

import functools
import importlib
import re
from collections.abc import Callable

from ssl_jax.checks import spelling
from ssl_jax.data import held_out, long_tail
from ssl_jax.data.archives import tar_source, zip_source
from ssl_jax.data.embedded_source import embedded
from ssl_jax.data.folder import folder
from ssl_jax.data.joints import NAME as JOINTS
from ssl_jax.data.joints import solder_joints
from ssl_jax.data.memory import arrays
from ssl_jax.data.mix import mix, parted
from ssl_jax.data.moving import NAME as MOVING
from ssl_jax.data.moving import moving_fashion_mnist
from ssl_jax.data.records import arrayrecord
from ssl_jax.data.series import series
from ssl_jax.data.shards import wds
from ssl_jax.data.source import Source, images, labeled, subset
from ssl_jax.data.table import table
from ssl_jax.data.tfds_source import tfds_source

__all__ = ["Source", "arrays", "images", "labeled", "open", "open_like", "subset"]

OPENERS = {
    "tfds": tfds_source,
    "folder": folder,
    "arrayrecord": arrayrecord,
    "wds": wds,
    "table": table,
    "csv": functools.partial(table, kind="csv"),
    "zip": zip_source,
    "tar": tar_source,
}
ARROW = {"hf": "hugging_face", "parquet": "parquet_source"}
"""The kinds that pyarrow reads: the module here that has the function of its name."""
ENCODED = (*OPENERS, *ARROW)
"""The kinds whose images are encoded, so that they can be decoded to other channels and bits."""
COLORS = ("tfds",)
"""Those of them that have 1, 3 or 4 channels; others may have any number, as TIFF has them and NumPy's arrays."""
KINDS = ("embedded", "series", "mix", *held_out.KINDS, *long_tail.KINDS, *ENCODED)
COMPUTED = {MOVING: moving_fashion_mnist, JOINTS: solder_joints}
"""Embedded datasets that are computed."""
FORMS = (
    "embedded:NAME[/SPLIT], tfds:NAME[/SPLIT], folder:PATH, zip:PATTERN, tar:PATTERN, csv:FILE or table:FILE, "
    "hf:FOLDER, parquet:PATTERN, wds:PATTERN[#FIELD], arrayrecord:PATTERN, series:PATH[?OPTIONS], "
    "mix:WEIGHT*SOURCE+WEIGHT*SOURCE, held:SHARE*SOURCE, rest:SHARE*SOURCE, long_tail:RATIO*SOURCE, "
    "balanced:RATIO*SOURCE or package.module:function"
)


def open(
    text: str,
    *,
    data_dir: str | None = None,
    channels: int | None = None,
    bits: int | None = None,
    scan: bool = False,
) -> Source:
    """The source that `text` names.

    embedded:NAME[/SPLIT] comes with the package; tfds:NAME[/SPLIT] was prepared by tensorflow_datasets in `data_dir`
    (by default TFDS_DATA_DIR); folder:PATH is a folder of images, videos or meshes, folder:PATH?split=NAME what
    lies in NAME of each class there, and folder:PATH?list=FILE what a list names (`folder.py`, `lists.py`); zip:PATTERN
    and tar:PATTERN are archives of images, read in place (`archives.py`); csv:FILE and table:FILE, which are the same,
    list images with their classes or with numbers to predict (`table.py`); hf:FOLDER is what Hugging Face's `datasets`
    saved or the hub has (`hugging_face.py`), parquet:PATTERN any Parquet files with a column of images
    (`parquet_source.py`); wds:PATTERN are WebDataset shards of images and captions; arrayrecord:PATTERN was made by
    `ssl-jax data convert`; series:PATH are series of sensors (`series.py`); mix:0.7*SOURCE+0.3*SOURCE are several of
    these, drawn by weights (`mix.py`); held:0.1*SOURCE is a tenth of one, rest:0.1*SOURCE all others (`held_out.py`);
    long_tail:100*SOURCE has its classes in unequal shares, balanced:100*SOURCE as many examples in equal ones
    (`long_tail.py`); package.module:function is called without arguments and returns a Source. Paths may be gs:// where
    TensorFlow can read it, but those of ArrayRecord files.

    channels: what encoded images are decoded to, 1, 3 or 4; bits: 8 or 16; None or 0 for what they have. scan: the
    source is only read in order, as check and convert do, which lifts the size limit of TFRecord sets. ValueError, in
    one sentence, for everything that is not there.
    """
    wanted = dict(channels=channels or None, bits=bits or None)
    kind, colon, rest = text.partition(":")
    if not colon or not rest:
        raise ValueError(f"a dataset is named by {FORMS}, not by {text!r}")
    if kind == "mix":
        parts = parted(rest, KINDS, text)
        opened = [open(part, data_dir=data_dir, **wanted) for _, part in parts]
        return mix(text, opened, [weight for weight, _ in parts])
    if kind in held_out.KINDS:
        share, inner = held_out.parted(rest, text)
        return held_out.part(text, open(inner, data_dir=data_dir, **wanted), share)
    if kind in long_tail.KINDS:
        ratio, seed, inner = long_tail.parted(rest, text)
        return long_tail.part(text, open(inner, data_dir=data_dir, **wanted), ratio, seed)
    if kind == "embedded":
        name, _, split = rest.partition("/")
        return _plain(COMPUTED[name](split) if name in COMPUTED else embedded(rest), **wanted)
    if kind == "series":
        return _plain(series(rest), **wanted)
    if kind not in KINDS:
        return _plain(_own(kind, rest, text), **wanted)
    if (channels or 0) not in (0, 1, 3, 4) and (kind in COLORS or channels < 0):
        raise ValueError(
            f"{text}: {channels} channels cannot be read; data.channels is 1, 3, 4, or 0 for those of the files"
        )
    if (bits or 0) not in (0, 8, 16):
        raise ValueError(f"{text}: {bits} bits cannot be read; data.bits is 8, 16, or 0 for those of the files")
    options = {"data_dir": data_dir, "scan": scan} if kind == "tfds" else {}
    return _opener(kind, text)(rest, **wanted, **options)


def open_like(like: Source, text: str, *, data_dir: str | None = None) -> Source:
    """Another source, its images with the channels and bits of those of `like`. Raises ValueError as `open`."""
    alike = dict(channels=like.image.channels, bits=like.image.bits) if "image" in like.parts else {}
    return open(text, data_dir=data_dir, **alike)


def _opener(kind: str, text: str) -> Callable:
    """The function that opens sources of a kind. ValueError where it needs a package that is not installed."""
    if kind in OPENERS:
        return OPENERS[kind]
    try:
        return getattr(importlib.import_module(f"ssl_jax.data.{ARROW[kind]}"), ARROW[kind])
    except ModuleNotFoundError as error:
        raise ValueError(f"{text} is read with {error.name}: pip install 'ssl_jax[parquet]'") from error


def _plain(source: Source, channels: int | None, bits: int | None) -> Source:
    if channels is None and bits is None:
        return source
    for what, given, there in (("channels", channels, source.image.channels), ("bits", bits, source.image.bits)):
        if given not in (None, there):
            raise ValueError(f"{source.name} has {there} {what}, which cannot be made {given}")
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
