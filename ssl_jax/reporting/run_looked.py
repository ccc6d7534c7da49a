"""The sections of a report that show what an encoder makes of examples."""

from xml.etree.ElementTree import Element

import numpy as np
from matplotlib import colormaps
from rich.console import Console

from ssl_jax.evals import confusion
from ssl_jax.reporting import page, run_figures, thumbnails
from ssl_jax.reporting.page import tag
from ssl_jax.reporting.run_record import Looked

HEADS = 6
"""Heads of an attention map that are shown, at most."""
MISTAKES = 8
"""The most common mistakes that are listed."""


class Shelf:
    """What a run's encoder has found, with thumbnails. looked: or a sentence, why there is nothing."""

    def __init__(self, name: str, looked: Looked | str, console: Console | None = None):
        self.name = name
        self.reason = looked if isinstance(looked, str) else ""
        self.looked = None if self.reason else looked
        self._drawn = {}
        if self.looked and "image" in self.looked.source.parts:
            self._drawn = thumbnails.of(looked.source, looked.index, console=console)

    def label(self, row: int) -> str:
        """The class of an example."""
        return page.label(self.looked.source.classes, int(self.looked.labels[row]))

    def picture(self, row: int, *said: str) -> Element:
        """An example with its label."""
        index = int(self.looked.index[row])
        return page.example(self._drawn, index, self.looked.source.describe(index), self.label(row), *said)

    def held(self, name: str) -> Element:
        """Thumbnails for the points of a map."""
        index = self.looked.index.tolist()
        names = map(self.looked.source.describe, index)
        texts = [" · ".join(filter(None, (self.label(row), name))) for row, name in enumerate(names)]
        return run_figures.shelf(name, [self._drawn.get(number, "") for number in index], texts)


def maps(shelf: Shelf) -> list[Element]:
    """Points of all examples, with thumbnails where one points."""
    if (found := shelf.looked) is None:
        return [tag("p", shelf.reason)]
    name, top = "shelf-" + "".join(c if c.isalnum() else "-" for c in shelf.name), int(found.labels.max(initial=0))
    names = list(found.source.classes) or [str(number) for number in range(top + 1)]
    text = f"{len(found.labels):,} examples of {found.source.name} by the encoder of step {found.step:,}; point at one."
    if not (found.labels >= 0).any():
        text += " There are no labels, so that all have one color."
    figures = [
        tag("div", run_figures.element(run_figures.scatter(title, places, found.labels, names), title, name))
        for title, places in found.maps.items()
    ]
    return [tag("p", text), tag("div", *figures, class_="sheets"), shelf.held(name)]


def neighbors(shelf: Shelf) -> list[Element]:
    """Examples with what is most like them."""
    if (found := shelf.looked) is None:
        return [tag("p", shelf.reason)]
    groups = []
    for row, near, cosines in zip(found.queries.tolist(), found.near.tolist(), found.cosines, strict=True):
        others = (shelf.picture(other, f"{value:.3f}") for other, value in zip(near, cosines, strict=True))
        groups.append(tag("div", tag("div", shelf.picture(row), class_="query"), *others, class_="row group"))
    text = f"{len(groups)} examples, each with those of the map that are most like it and the cosine of their features."
    return [tag("p", text), *groups]


def mistakes(shelf: Shelf) -> list[Element]:
    """The confusion matrix of the linear probe."""
    if (found := shelf.looked) is None:
        return [tag("p", shelf.reason)]
    if (probe := found.probe) is None:
        return _reasons(shelf, "confusion")
    text = (
        f"A linear probe on {probe.train:,} training examples is right in {100 * probe.accuracy:.1f} % of "
        f"{probe.test:,} test examples. The table of scores has more of both."
    )
    figure = run_figures.element(run_figures.confusion(probe.counts, probe.classes), "confusion matrix of the probe")
    rows = [
        (probe.classes[true], probe.classes[taken], f"{count:,}", f"{100 * count / probe.counts[true].sum():.0f} %")
        for true, taken, count in confusion.confused(probe.counts, MISTAKES)
    ]
    listed = [page.table(("true class", "taken for", "examples", "of the class"), rows, numbers=(2, 3))] if rows else []
    return [tag("p", text), figure, *listed]


def attention(shelf: Shelf) -> list[Element]:
    """Where the last block of a vision transformer looks."""
    if (found := shelf.looked) is None or found.attention is None:
        return [tag("p", shelf.reason)] if found is None else _reasons(shelf, "attention")
    heads = found.attention.shape[1]
    text = (
        f"Where {found.looking} of the last block looks: the image, the mean over {heads} heads, and "
        f"{'each head' if heads <= HEADS else f'the first {HEADS} heads'}; each map is bright where it is largest."
    )
    rows = []
    for view, maps in zip(found.views, found.attention, strict=True):
        shown = [("mean", maps.mean(0)), *((f"head {k + 1}", one) for k, one in enumerate(maps[:HEADS]))]
        small = [_small(view, "image"), *(_small(_heat(one), name) for name, one in shown)]
        rows.append(tag("div", *small, class_="maps group"))
    return [tag("p", text), tag("div", *rows, class_="groups")]


def colored(shelf: Shelf) -> list[Element]:
    """The components of tokens as colors."""
    if (found := shelf.looked) is None or found.colors is None:
        return [tag("p", shelf.reason)] if found is None else _reasons(shelf, "tokens")
    text = (
        f"The first three principal components of {found.colored} of all these images as red, green and blue: what is "
        "alike to the network has one color. Which color it is means nothing."
    )
    pairs = zip(found.views, found.colors, strict=True)
    both = [tag("div", _small(view, "image"), _small(_bytes(one), "tokens"), class_="maps") for view, one in pairs]
    return [tag("p", text), tag("div", *both, class_="groups narrow")]


SECTIONS = {
    "Map of the embedding": maps,
    "Nearest neighbors": neighbors,
    "Confusion of the probe": mistakes,
    "Attention": attention,
    "Tokens as colors": colored,
}
"""By title: a shelf -> elements."""


def _reasons(shelf: Shelf, word: str) -> list[Element]:
    found = [reason for reason in shelf.looked.reasons if word in reason]
    return [tag("p", reason) for reason in found or ["There is none: these examples are no images."]]


def _small(image: np.ndarray, name: str) -> Element:
    """An image [h, w, c] with its name."""
    return tag("figure", tag("img", src=thumbnails.url(thumbnails.shown(image)), alt=name), tag("figcaption", name))


def _heat(values: np.ndarray) -> np.ndarray:
    """[s, s] -> uint8 [s, s, 3], from 0 to the largest."""
    return _bytes(colormaps["magma"](values / max(values.max(), 1e-12))[..., :3])


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return (255 * pixels).round().astype(np.uint8)
