"""What `ssl-jax data check` has found, as one HTML page with pictures."""

import os
from collections import Counter
from xml.etree.ElementTree import Element

import numpy as np
from rich.console import Console

from ssl_jax.data import check, looks
from ssl_jax.data.check import Seen
from ssl_jax.data.source import Source
from ssl_jax.reporting import page, thumbnails
from ssl_jax.reporting.page import tag

SHEET = 60
"""Pictures of the contact sheet, at even distances."""
GROUPS, MEMBERS = 60, 8
"""Groups of duplicates that are shown, and pictures of each."""
SIDES = 10
"""Sizes that are listed."""
ROWS = 200
"""Lines of a long table."""
DEVIATE = {
    "exact": "Pixels are equal after decoding, whatever the files are.",
    "near": "Found by a perceptual hash (pHash) and a second look at colors: other sizes, other compression, slight "
    "crops, changes of light. Chains are one group, so that its ends may differ more.",
}


def write(path: str | os.PathLike, source: Source, report: dict, seen: Seen, *, console: Console | None = None) -> None:
    """Writes the page of what `check.examined` gave of a source."""
    found = report["duplicates"]
    sheet = seen.index[np.unique(np.linspace(0, len(seen.index) - 1, min(SHEET, len(seen.index))).astype(int))]
    groups = [group[:MEMBERS] for kind in found.values() for group in kind[:GROUPS]]
    drawn = thumbnails.of(source, [*sheet, *(i for group in groups for i in group)], console=console)
    shelf = _Shelf(source, drawn, dict(zip(seen.index.tolist(), seen.label.tolist(), strict=True)))
    sections = {
        "Pictures": [_way(report), tag("div", *(shelf.picture(int(i)) for i in sheet), class_="sheet")],
        "Sizes": _sizes(seen),
        "Exact copies": _duplicates(shelf, "exact", found["exact"]),
        "Nearly alike": _duplicates(shelf, "near", found["near"]),
        "Statistics": _statistics(report),
        "Labels": _labels(report),
        "Left out and changed": _left_out(report),
    }
    by = tag("p", "As ", tag("code", "ssl-jax data check"), f" has read it; digest {report['digest']}.", class_="soft")
    page.write(path, report["source"], [by, _tiles(report)], sections)


class _Shelf:
    """Pictures by example, with their names and labels."""

    def __init__(self, source: Source, drawn: dict[int, str], labels: dict[int, int]):
        self._source, self._drawn, self._labels = source, drawn, labels

    def label(self, index: int) -> str:
        return page.label(self._source.classes, self._labels[index])

    def picture(self, index: int) -> Element:
        return page.example(self._drawn, index, self._source.describe(index), self.label(index))


def _tiles(report: dict) -> Element:
    found, height, width = report["duplicates"], report["height"], report["width"]
    named = [name for name in report["labels"] if name]
    return page.tiles(
        {
            "images": f"{report['examples']:,}",
            "cannot be read": f"{len(report['corrupt']):,}",
            "width × height, median": f"{width[1]:,} × {height[1]:,}",
            "channels, bits": "{channels} × {bits}".format(**report["read_as"]),
            "labels that occur": f"{len(named):,}" if named else "none",
            "copies beyond the first": f"{sum(len(group) - 1 for group in found['exact']):,}",
            "nearly alike": f"{sum(map(len, found['near'])):,}",
            "megabytes": f"{report['bytes'] / 1e6:,.1f}",
        }
    )


def _way(report: dict) -> Element:
    channels, bits = report["read_as"]["channels"], report["read_as"]["bits"]
    text = f"{min(SHEET, report['readable'])} images at even distances; point at one for its whole name."
    if bits > 8 or channels not in (1, 3, 4):
        few = "the first channel" if channels < 3 else "the first three channels"
        text += f" Drawn are {few} of {channels}, each stretched between its 1st and 99th percentile."
    return tag("p", text)


def _sizes(seen: Seen) -> list[Element]:
    height, width, channels, size, _ = seen.size.T.astype(np.int64)
    n = len(height)
    if not n:
        return [tag("p", "No image can be read.")]
    share = lambda count: f"{100 * count / n:.1f} %"  # noqa: E731
    sides = Counter(zip(width.tolist(), height.tolist(), strict=True))
    kinds = Counter(
        (looks.FORMATS[kind], c, bits) for (kind, bits), c in zip(seen.kind.tolist(), channels.tolist(), strict=True)
    ).most_common()
    plots = [
        page.histogram("Width", width, unit="px"),
        page.histogram("Height", height, unit="px"),
        page.histogram("Bytes of an image", size, unit="B"),
    ]
    return [
        tag("div", *plots, class_="plots"),
        tag("h3", "Most common"),
        page.table(
            ("width × height", "images", "share"),
            ((f"{w:,} × {h:,}", f"{count:,}", share(count)) for (w, h), count in sides.most_common(SIDES)),
            numbers=(1, 2),
        ),
        *([tag("p", f"These are {SIDES} of {len(sides):,} sizes.")] if len(sides) > SIDES else []),
        tag("h3", "Stored as"),
        page.table(
            ("format", "channels", "bits", "images", "share"),
            ((name, str(c), str(b), f"{count:,}", share(count)) for (name, c, b), count in kinds),
            numbers=(1, 2, 3, 4),
        ),
    ]


def _duplicates(shelf: _Shelf, kind: str, groups: list[list[int]]) -> list[Element]:
    if not groups:
        return [tag("p", "None were found.")]
    mixed = [group for group in groups if len({shelf.label(i) for i in group}) > 1]
    text = f"{sum(map(len, groups)):,} images in {len(groups):,} groups. {DEVIATE[kind]}"
    if mixed:
        text += f" In {len(mixed):,} groups labels differ: one of them is wrong, or a class lies in another."
    shown = [tag("p", text)]
    if len(groups) > GROUPS:
        first = "largest" if kind == "exact" else "most alike"
        shown.append(tag("p", f"Shown are the {GROUPS} {first}; --json has all."))
    return [*shown, tag("div", *(_group(shelf, group) for group in groups[:GROUPS]), class_="groups")]


def _group(shelf: _Shelf, group: list[int]) -> Element:
    title = [tag("span", f"{len(group):,} images", class_="soft")]
    if len({shelf.label(i) for i in group}) > 1:
        title += [" ", tag("span", "labels differ", class_="warn")]
    more = [tag("p", f"and {len(group) - MEMBERS:,} more", class_="soft")] if len(group) > MEMBERS else []
    pictures = tag("div", *(shelf.picture(i) for i in group[:MEMBERS]), class_="row")
    return tag("div", tag("p", *title), pictures, *more, class_="group")


def _statistics(report: dict) -> list[Element]:
    values = zip(report["mean"], report["std"], strict=True)
    rows = ((str(k), f"{mean:.4f}", f"{std:.4f}") for k, (mean, std) in enumerate(values))
    recipe = (
        f"STATS = {check.stats(report)}\n"
        "c.views = presets.simclr(SIZE, stats=STATS)  # or any other preset\n"
        "c.clean = presets.evaluate(SIZE, stats=STATS)"
    )
    return [
        tag("p", "Over all pixels of all images, in units of 0..1: the whole range of the bits that are read."),
        page.table(("channel", "mean", "std"), rows, numbers=(1, 2)),
        tag("p", "A recipe takes them as stats; ", tag("code", "ssl-jax train --data=…"), " fills them in by itself:"),
        tag("pre", recipe),
    ]


def _labels(report: dict) -> list[Element]:
    counts = {name or "(no label)": n for name, n in sorted(report["labels"].items(), key=lambda item: -item[1])}
    if set(report["labels"]) <= {""}:
        return [tag("p", "There are none, and pre-training needs none. Folders in the folder would be classes.")]
    text = f"{len([name for name in report['labels'] if name]):,} labels occur"
    text += f" of {report['classes']:,} classes." if report["classes"] else "; the source has no names for them."
    few = dict(list(counts.items())[:ROWS])
    rest = [tag("p", f"and {len(counts) - ROWS:,} with fewer")] if len(counts) > ROWS else []
    return [tag("p", text), page.bars(few), *rest]


def _left_out(report: dict) -> list[Element]:
    corrupt, read = report["corrupt"], report["read_as"]
    parts = [tag("ul", *(tag("li", sentence) for sentence in report["notices"]))] if report["notices"] else []
    other = {c: n for c, n in report["channels"].items() if c != read["channels"]}
    parts += [tag("p", f"{n:,} images of {c} channels are read as {read['channels']}.") for c, n in other.items()]
    if report["turned"]:
        parts.append(tag("p", f"{report['turned']:,} images are turned upright, as their EXIF orientation says."))
    if not corrupt:
        return [*parts, tag("p", "Every image can be read.")]
    text = (
        f"{len(corrupt):,} cannot be read. Training takes the next image that can in the place of such a one; `embed` "
        "leaves a row without features, and evaluation leaves it out."
    )
    rows = [(str(entry["index"]), entry["name"], entry["reason"]) for entry in corrupt[:ROWS]]
    more = [tag("p", f"and {len(corrupt) - ROWS:,} more; --json has all")] if len(corrupt) > ROWS else []
    return [*parts, tag("p", text), page.table(("index", "image", "why"), rows, numbers=(0,), long=1), *more]
