"""What the folders of files mean, on a disk or in an archive: classes, or splits."""

import numpy as np

from ssl_jax.checks import spelling
from ssl_jax.data import labels
from ssl_jax.data.contents import printable
from ssl_jax.data.listing import Listing

SPLITS = {
    *("train", "training", "val", "valid", "validation", "dev", "test", "testing", "extra"),
    *("unlabeled", "unlabelled"),
}
"""Names of splits, in any case. Each of them can be a class as well: a train is one of COCO's 80."""
SPLIT = "?split="
"""What stands between a folder of classes and the split that is taken of each of them."""


def of_split(found: Listing, split: str, name: str, inside: str) -> Listing:
    """The files in the folder `split` of each class; all of them where it is "", if their folders are no splits.

    inside: what is to be written to name a folder of these, up to its name. Raises ValueError for a split that is not
    there, and where one has to be named: by the rules of `folder.folder`.
    """
    if not found.names:
        return found
    if not split:
        _no_splits(found.names, found.folders, name, inside)
        return found
    inner = [file.split("/")[1] if file.count("/") > 1 else "" for file in found.names]
    if split not in inner:
        raise ValueError(spelling.unknown(split, sorted({*inner} - {""}), f"the splits of {name}"))
    rows = np.flatnonzero(np.array(inner) == split)
    return found._replace(names=[found.names[k] for k in rows], sizes=found.sizes[rows], times=found.times[rows])


def classes(found: Listing, what: str, name: str) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """(labels int32 [n], names of classes, sentences): each file is of the class of the folder that it lies in.

    -1 for those that lie in none; no classes where all do. Where a list says the classes it is what it says. what:
    files are called in a sentence about empty classes.
    """
    if found.said is not None:
        return *labels.numbered(found.said, f"{name}: the list of labels"), []
    number = {folder: k for k, folder in enumerate(found.folders)}
    own = np.array([number[file.split("/", 1)[0]] if "/" in file else -1 for file in found.names], np.int32)
    names = tuple(map(printable, found.folders)) if own.max(initial=-1) >= 0 else ()
    return own, names, _empty(own, names, what, name)


def _no_splits(files: list[str], folders: list[str], name: str, inside: str) -> None:
    """ValueError where folders below the root are splits, or those in its classes, by the rules of `folder.folder`."""
    own = sorted({file.split("/")[1] for file in files if file.count("/") > 1})
    if len(own) > 1 and all(file.count("/") > 1 for file in files) and all(part.lower() in SPLITS for part in own):
        option = SPLIT if "?" not in name else SPLIT.replace("?", "&")
        raise ValueError(
            f"{name}: its classes hold the splits {', '.join(own)}: name one, as in {name}{option}{own[-1]}"
        )
    splits = [part for part in folders if part.lower() in SPLITS]
    if not splits:
        return
    used = {file.split("/", 1)[0] for file in files if "/" in file}
    inner = {tuple(file.split("/", 2)[:-1]) for file in files if file.startswith(f"{splits[0]}/")}
    nested = len(inner) > 1 and all(len(parts) == 2 for parts in inner)
    if len(splits) > 1 or nested or (used and used <= set(splits)):
        raise ValueError(
            f"{name} holds the splits {', '.join(splits)}: name one, as in {inside}{splits[0]} (a class of such a name "
            "must be called otherwise)"
        )


def _empty(labels: np.ndarray, classes: tuple[str, ...], what: str, name: str) -> list[str]:
    """A sentence about classes without files, which may be a mistake."""
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    empty = [part for part, count in zip(classes, counts, strict=True) if not count] if classes else []
    shown = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
    return [f"{name}: {len(empty)} of the {len(classes)} classes have no {what}: {shown}"] if empty else []
