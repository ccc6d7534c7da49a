"""The features of a whole dataset in one file, made in parts, so that an interruption loses little."""

import functools
import hashlib
import json
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from etils import epath

from ssl_jax.config import recipes
from ssl_jax.data.sources import Source
from ssl_jax.features import encoder
from ssl_jax.features.encoder import Encoder, Rows
from ssl_jax.storage import checksums, files, tables

PART = 8192
"""Examples whose features are written at a time: what an interruption can lose."""
FORMAT = 2
"""The version of the files. Another one is not gone on with."""
DAMAGED = (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile)
"""What numpy raises for a file that is cut off or changed."""
STAMP = "the files' times and sizes"
"""The one part of a request that may differ between hosts which have copies of one dataset."""


class Kind(NamedTuple):
    """How a file is written, (open file, about=, **Rows) -> None, and read: (open file) -> {"about": text, **Rows}."""

    save: Callable
    load: Callable


def to_file(
    net: Encoder,
    source: Source,
    out: str,
    *,
    batch: int,
    say: Callable[[int, int], None],
    process: tuple[int, int] = (0, 1),
    meet: Callable[[], Any] = lambda: None,
) -> Rows | None:
    """Writes `out`, a row an example, and returns what is in it; None on all processes but the first.

    out: .npz with the arrays of `Rows` and "about", the request as JSON; or .parquet with the columns index, path,
    label, valid and features, and the request in its metadata (the extra [parquet]). Parts lie in `out`.parts until all
    are there, so that the same call after an interruption goes on; one that is damaged is made again. Where `out` is
    there already and holds just this, nothing is done. say: is told how many examples are done, and of how many.
    process: which of several this is and how many there are; each makes some parts, and the first writes `out`. meet:
    returns when all have called it. Raises ValueError for another ending; where `out` or the parts are of another
    request, which stay as they are; and where no image can be read.
    """
    path, wanted = epath.Path(out), request(net, source)
    kind, parts = _kind(path), path.parent / f"{path.name}.parts"
    if path.exists():
        return _finished(path, kind, parts, wanted, process[0])
    if process[0] == 0:
        _claim(parts, wanted)
    meet()
    _compare(parts, {**wanted, STAMP: _noted(parts)[STAMP]})
    starts = range(0, source.size, PART)
    for start in starts[process[0] :: process[1]]:
        part, stop = parts / f"{start:010d}.npz", min(start + PART, source.size)
        if _part(part, stop - start) is None:
            found = encoder.rows(net, source, (start, stop), batch=batch)._asdict()
            files.save(part, functools.partial(np.savez, **found))
        say(stop, source.size)
    meet()
    if process[0] > 0:
        return None
    rows = _joined(parts, starts, source.size)
    if not rows.valid.any():
        parts.rmtree()
    encoder.checked(rows, net, source)
    files.save(path, functools.partial(kind.save, **rows._asdict(), about=json.dumps(wanted)))
    parts.rmtree()
    return rows


def request(net: Encoder, source: Source) -> dict[str, Any]:
    """All that decides the rows, by the names that a person is told, as JSON gives it back; not the batch.

    Raises ValueError where examples have not what the encoder takes.
    """
    encoder.check(net, source)
    sums = checksums.checksums({"params": net.params, "stats": net.stats})
    recipe = {"clean": net.config["clean"], "nets": {net.role: net.spec}}
    recipe |= {"photometric": net.config["photometric"]}
    found = {
        "the format": FORMAT,
        "the weights": hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()[:16],
        "the step": net.step,
        "the encoder": net.which,
        "the recipe": net.digest,
        **{f"config.{key}": value for key, value in recipes.flat(recipe).items()},
        "the dataset": source.name,
        "its examples": source.size,
        "its channels": encoder.channels_of(source, net.part),
        **({"its bits": source.image.bits} if net.part == "image" else {}),
        "its listing": source.digest,
        STAMP: source.stamp,
        "rows in a part": PART,
    }
    return json.loads(json.dumps(found))


def _finished(path: epath.Path, kind: Kind, parts: epath.Path, wanted: dict, process: int) -> Rows | None:
    """What is in a file that is there already. Raises ValueError unless it is what is wanted."""
    try:
        with path.open("rb") as file:
            found = kind.load(file)
        about = json.loads(str(found.pop("about")))
    except DAMAGED as error:
        raise ValueError(
            f"--out={path} is there already, and holds no features that ssl-jax wrote: name another"
        ) from error
    if process > 0:
        return None
    _same(about, wanted, f"--out={path} is there already, with the features of another request", f"remove {path}")
    if (parts / "request.json").exists():  # the writer was stopped before it could tidy up
        parts.rmtree()
    return Rows(**found)


def _claim(parts: epath.Path, wanted: dict) -> None:
    """Says in the folder what its parts are of. Raises ValueError where they are of something else."""
    parts.mkdir(parents=True, exist_ok=True)
    if (parts / "request.json").exists():
        _compare(parts, wanted)
    elif any(parts.iterdir()):
        raise ValueError(
            f"{parts} holds files that do not say what they are of: remove the folder, or name another --out"
        )
    else:
        files.write(parts / "request.json", json.dumps(wanted, indent=1))


def _noted(parts: epath.Path) -> dict:
    return json.loads((parts / "request.json").read_text())


def _compare(parts: epath.Path, wanted: dict) -> None:
    _same(_noted(parts), wanted, f"{parts} holds features of another request", f"remove the folder {parts}")


def _same(there: dict, wanted: dict, what: str, way: str) -> None:
    """Raises ValueError that says what differs, unless nothing does."""
    differing = [name for name in {**wanted, **there} if there.get(name) != wanted.get(name)]
    if differing:
        told = [f"{name} {there.get(name)!r} there and {wanted.get(name)!r} here" for name in differing[:3]]
        raise ValueError(f"{what}: {'; '.join(told)}{'; …' * bool(differing[3:])}; {way}, or name another --out")


def _part(path: epath.Path, size: int) -> Rows | None:
    """What a part holds; None where it is not there or not whole."""
    try:
        with path.open("rb") as file:
            found = Rows(**_arrays(file))
    except (*DAMAGED, TypeError):
        return None
    return found if {len(column) for column in found} == {size} else None


def _joined(parts: epath.Path, starts: range, size: int) -> Rows:
    """All parts in order. Raises ValueError for one that is not there."""
    found = []
    for start in starts:
        part = parts / f"{start:010d}.npz"
        found.append(_part(part, min(PART, size - start)))
        if found[-1] is None:
            raise ValueError(
                f"{part} is not there or not whole: let all processes write to one folder, and start the same again"
            )
    return Rows(*map(np.concatenate, zip(*found, strict=True)))


def _arrays(file: BinaryIO) -> dict[str, np.ndarray]:
    with np.load(file) as found:
        return {name: found[name] for name in found.files}


def _kind(path: epath.Path) -> Kind:
    """By the path's ending. Raises ValueError where there is none such, or no library."""
    if path.suffix == ".npz":
        return Kind(np.savez, _arrays)
    if path.suffix == ".parquet":
        module = tables.parquet(path)
        return Kind(module.save, module.load)
    raise ValueError(f"--out={path}: features are written as .npz or .parquet; name a file such as features.npz")
