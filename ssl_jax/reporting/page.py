"""One HTML page that opens from a file: no server and no network; light and dark as the reader's system is.

Without scripts, but for those that a page brings along.
"""

import os
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from etils import epath

from ssl_jax.storage import files

BINS = 24
"""Columns of a histogram, at most."""
WIDE = 20
"""A histogram has logarithmic columns where the largest value is more than so many times the least."""
STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1a; --soft: #5c5b57; --paper: #fcfcfa; --card: #f1f0ec; --line: #d9d7d0;
  --bar: #2f6db3; --warn: #9a4a00; --warn-paper: #fff1df; }
@media (prefers-color-scheme: dark) { :root { --ink: #ecebe6; --soft: #a8a69f; --paper: #171716; --card: #232321;
  --line: #3b3a37; --bar: #6aa5e3; --warn: #ffb86b; --warn-paper: #352615; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(0.75rem, 3vw, 2rem) 4rem; max-width: 72rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 0.25rem; } p { margin: 0.25rem 0 0.75rem; max-width: 46rem; }
.soft, figcaption, th, .ends { color: var(--soft); } a { color: var(--bar); }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 0.75rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 0.5rem; margin: 1rem 0; }
.tile, .group { background: var(--card); border-radius: 6px; padding: 0.6rem 0.75rem; }
.tile b { display: block; font-size: 1.3rem; line-height: 1.3; font-weight: 600; }
.scroll { overflow-x: auto; margin: 0.5rem 0 1rem; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: normal; }
th { font-weight: 500; } td.n, th.n { text-align: right; }
td.long { min-width: min(14rem, 40vw); overflow-wrap: anywhere; }
td.bar { width: 100%; min-width: 6rem; } td.bar div { background: var(--bar); height: 0.9rem; min-width: 1px;
  border-radius: 0 3px 3px 0; margin-top: 0.25rem; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: 0.75rem 0.5rem; }
.query { border-right: 2px solid var(--bar); padding-right: 0.5rem; } div.row.group { margin-bottom: 0.5rem; }
.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 0.75rem; }
.groups.narrow { grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem; } .row figure { width: 96px; }
figure { margin: 0; } figure img, .none { width: 96px; height: 96px; object-fit: contain; display: block;
  background: var(--line); border-radius: 3px; } img.small { image-rendering: pixelated; }
.none { font-size: 0.7rem; padding: 0.5rem; } figcaption { font-size: 0.72rem; line-height: 1.3; margin-top: 0.2rem; }
.warn { color: var(--warn); background: var(--warn-paper); border-radius: 4px; padding: 0.1rem 0.4rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 1.5rem; }
.plot { display: flex; align-items: flex-end; gap: 2px; height: 7rem; border-bottom: 1px solid var(--soft); }
.plot div { flex: 1; background: var(--bar); min-height: 0; border-radius: 2px 2px 0 0; }
.ends { display: flex; justify-content: space-between; font-size: 0.8rem; }
pre { background: var(--card); padding: 0.75rem; border-radius: 6px; overflow-x: auto; font-size: 0.85rem; }
"""


def tag(kind: str, /, *children: str | Element, **attributes: object) -> Element:
    """An element; what it holds and says is escaped where it is written. class_ is the attribute class."""
    made = Element(kind, {key.rstrip("_").replace("_", "-"): str(value) for key, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + child
        else:
            made.text = (made.text or "") + child
    return made


def write(
    path: str | os.PathLike,
    title: str,
    head: Sequence[Element],
    sections: dict[str, Sequence[Element]],
    *,
    style: str = "",
    scripts: Sequence[str] = (),
) -> None:
    """Writes a page: what stands at its top, links to the sections, and the sections by their titles.

    style: rules beside those of all pages. scripts: run in order once all else is there.
    """
    links = [tag("a", name, href=f"#{_anchor(name)}") for name in sections]
    body = [tag("h1", title), *head, tag("nav", *links)]
    body += [tag("section", tag("h2", name), *parts, id=_anchor(name)) for name, parts in sections.items()]
    body += [tag("script", script) for script in scripts]
    viewport = tag("meta", name="viewport", content="width=device-width, initial-scale=1")
    top = tag("head", tag("meta", charset="utf-8"), viewport, tag("title", title), tag("style", STYLE + style))
    page = ElementTree.tostring(tag("html", top, tag("body", *body), lang="en"), encoding="unicode", method="html")
    text = f"<!DOCTYPE html>\n{page}\n".encode("utf-8", "backslashreplace").decode()
    files.write(epath.Path(path), text)


def tiles(values: dict[str, str]) -> Element:
    """Numbers with what they are, to be seen first."""
    return tag(
        "div", *(tag("div", tag("b", value), name, class_="tile") for name, value in values.items()), class_="tiles"
    )


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = (), long: int = -1
) -> Element:
    """A table of texts. numbers: columns that stand to the right. long: the column that may break anywhere."""
    kind = lambda k: {"class_": "n"} if k in numbers else {"class_": "long"} if k == long else {}  # noqa: E731
    line = lambda cell, row: tag("tr", *(tag(cell, text, **kind(k)) for k, text in enumerate(row)))  # noqa: E731
    return tag("div", tag("table", line("th", head), *(line("td", row) for row in rows)), class_="scroll")


def bars(counts: dict[str, int]) -> Element:
    """Names with their counts and a bar each."""
    most = max(counts.values(), default=1) or 1
    rows = [
        tag(
            "tr",
            tag("td", name, class_="long"),
            tag("td", f"{n:,}", class_="n"),
            tag("td", _bar(n / most), class_="bar"),
        )
        for name, n in counts.items()
    ]
    return tag("div", tag("table", *rows), class_="scroll")


def _bar(share: float) -> Element:
    return tag("div", "", style=f"width: {100 * share:.1f}%")


def histogram(title: str, values: np.ndarray, *, unit: str = "", digits: int = 0) -> Element:
    """Columns of counts of numbers [n > 0], told with so many digits after the point; a sentence where all are one."""
    low, middle, high = values.min(), np.median(values), values.max()
    say = lambda value: f"{value:,.{digits}f} {unit}".rstrip()  # noqa: E731
    if low == high:
        return tag("div", tag("h3", title), tag("p", f"all {say(low)}"))
    count = int(min(BINS, (high - low) * 10**digits + 1))
    wide = high > WIDE * low > 0
    edges = np.geomspace(low, high, count + 1) if wide else np.linspace(low, high, count + 1)
    found, edges = np.histogram(values, edges)
    columns = [
        tag("div", "", style=f"height: {100 * n / found.max():.1f}%", title=f"{say(a)} to {say(b)}: {n:,}")
        for n, a, b in zip(found, edges[:-1], edges[1:], strict=True)
    ]
    ends = [tag("span", say(low)), tag("span", f"median {say(middle)}"), tag("span", say(high))]
    note = f"the highest column is {found.max():,}" + ("; the scale is logarithmic" if wide else "")
    described = f"{title}: {say(low)} to {say(high)}, median {say(middle)}"
    return tag(
        "div",
        tag("h3", title),
        tag("div", *columns, class_="plot", role="img", aria_label=described),
        tag("div", *ends, class_="ends"),
        tag("div", note, class_="ends"),
    )


def picture(url: str | None, caption: str, name: str) -> Element:
    """A picture with its caption. url: None for one that cannot be drawn. name: what the reader is told who points."""
    if url is None:
        shown = tag("div", "cannot be drawn", class_="none")
    else:
        shown = tag(
            "img", src=url, alt=name, loading="lazy", class_="small" if url.startswith("data:image/png") else ""
        )
    return tag("figure", shown, tag("figcaption", caption), title=name)


def example(drawn: dict[int, str], index: int, name: str, label: str, *said: str) -> Element:
    """The picture of an example with its file's name, or its number, with its label and what else is said of it."""
    short = str(index) if name.endswith(f"example {index}") else os.path.basename(name)
    return picture(drawn.get(index), " · ".join(filter(None, (*said, short, label))), f"{index}: {name}")


def label(classes: Sequence[str], number: int) -> str:
    """The name of a label, or its number where labels have no names; "" for none."""
    return "" if number < 0 else str((classes or range(number + 1))[number])


def _anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())
