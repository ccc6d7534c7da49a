"""What `ssl-jax neighbors` has found, as one HTML page: neighbors, pairs, outliers and clusters, with pictures."""

import os
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from rich.console import Console

from ssl_jax.data.source import Source
from ssl_jax.reporting import page, thumbnails
from ssl_jax.reporting.page import tag
from ssl_jax.run import label_free

QUERIES, NEAREST = 24, 9
"""Examples whose neighbors are shown, at even distances, and neighbors of each, at most."""
PAIRS, OUTLIERS = 48, 60
"""Pairs and outliers that are shown, at most."""
CLUSTERS, MEMBERS, SAMPLE = 12, 10, 20_000
"""Clusters, members of each, and examples at even distances that are clustered."""


class Found(NamedTuple):
    """What there is to show of the n examples that have features.

    index: int64 [n], which examples of the source. labels: int32 [n]. x: float32 [n, d]. cosines, rows: [n, k] of
    `alike.nearest`. pairs, alike: [p, 2] rows and [p] of `alike.pairs`. distance: [n] of `alike.distance`. least: the
    cosine of a pair.
    """

    index: np.ndarray
    labels: np.ndarray
    x: np.ndarray
    cosines: np.ndarray
    rows: np.ndarray
    pairs: np.ndarray
    alike: np.ndarray
    distance: np.ndarray
    least: float


def write(
    path: str | os.PathLike, source: Source, found: Found, *, head: list[str], console: Console | None = None
) -> None:
    """Writes the page. head: sentences for its top. Of other examples than images there are names alone."""
    n = len(found.index)
    queries = np.unique(np.linspace(0, n - 1, min(QUERIES, n)).astype(int))
    shown = found.rows[queries, :NEAREST]
    far = np.argsort(-found.distance, kind="stable")[:OUTLIERS]
    few = np.unique(np.linspace(0, n - 1, min(SAMPLE, n)).astype(int))
    members = label_free.clusters(label_free.Seen(source, found.x[few], few), most=CLUSTERS, shown=MEMBERS)
    wanted = np.concatenate([queries, shown.ravel(), found.pairs[:PAIRS].ravel(), far, *members])
    drawn = thumbnails.of(source, found.index[wanted], console=console) if "image" in source.parts else {}
    shelf = _Shelf(source, found, drawn)
    sections = {
        "Neighbors": _neighbors(shelf, queries, shown),
        "Most alike": _pairs(shelf),
        "Outliers": _outliers(shelf, far),
        "Clusters": _clusters(shelf, members, len(few)),
    }
    page.write(path, f"What is alike in {source.name}", [tag("p", text, class_="soft") for text in head], sections)


class _Shelf:
    """Pictures by row, with what is said below them."""

    def __init__(self, source: Source, found: Found, drawn: dict[int, str]):
        self.found, self._source, self._drawn = found, source, drawn

    def label(self, row: int) -> str:
        return page.label(self._source.classes, int(self.found.labels[row]))

    def picture(self, row: int, *said: str) -> Element:
        index = int(self.found.index[row])
        return page.example(self._drawn, index, self._source.describe(index), self.label(row), *said)


def _neighbors(shelf: _Shelf, queries: np.ndarray, shown: np.ndarray) -> list[Element]:
    text = (
        f"{len(queries)} examples at even distances, each with what is most like it and the cosine of their features."
    )
    groups = []
    for row, others in zip(queries.tolist(), shown.tolist(), strict=True):
        near = (
            shelf.picture(other, f"{value:.3f}") for other, value in zip(others, shelf.found.cosines[row], strict=False)
        )
        groups.append(tag("div", tag("div", shelf.picture(row), class_="query"), *near, class_="row group"))
    return [tag("p", text), *groups]


def _pairs(shelf: _Shelf) -> list[Element]:
    found = shelf.found
    text = f"{len(found.pairs):,} pairs have a cosine of {found.least:g} or more, of those that are nearest."
    if not len(found.pairs):
        return [tag("p", f"{text} The highest cosine is {found.cosines.max():.3f}; a lower --threshold shows more.")]
    groups = []
    for (one, other), value in zip(found.pairs[:PAIRS].tolist(), found.alike, strict=False):
        labels = shelf.label(one), shelf.label(other)
        said = [tag("span", f"{value:.4f}", class_="soft")]
        said += [" ", tag("span", "labels differ", class_="warn")] if labels[0] != labels[1] else []
        both = tag("div", shelf.picture(one), shelf.picture(other), class_="row")
        groups.append(tag("div", tag("p", *said), both, class_="group"))
    more = f" Shown are the {PAIRS} most alike." if len(found.pairs) > PAIRS else ""
    return [tag("p", text + more), tag("div", *groups, class_="groups narrow")]


def _outliers(shelf: _Shelf, far: np.ndarray) -> list[Element]:
    text = (
        f"The highest mean distance, 1 - cosine, to the {shelf.found.rows.shape[1]} nearest: they are like no other, "
        "as what does not belong there is, or is rare."
    )
    pictures = (shelf.picture(row, f"{shelf.found.distance[row]:.3f}") for row in far.tolist())
    return [
        page.histogram("Mean distance", shelf.found.distance, digits=3),
        tag("p", text),
        tag("div", *pictures, class_="sheet"),
    ]


def _clusters(shelf: _Shelf, members: list[np.ndarray], count: int) -> list[Element]:
    text = f"Spherical k-means of {count:,} of the features: one a row, the largest first, its center to the left."
    rows = (tag("div", *(shelf.picture(row) for row in group.tolist()), class_="row group") for group in members)
    return [tag("p", text), *rows]
