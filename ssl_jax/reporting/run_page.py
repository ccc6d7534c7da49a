"""`ssl-jax report`: one or several runs as one HTML page with plotly's figures, which needs no network."""

import base64
import itertools
import json
import os
import struct
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from rich.console import Console
from rich.table import Table

from ssl_jax.reporting import page, pictures, report, run_figures, run_looked, run_script, titles
from ssl_jax.reporting.page import tag
from ssl_jax.reporting.run_record import Looked, Record

TILES = ("linear", "knn", "few_shot_10")
"""Scores that are seen first."""
CLOCK = ("step", "skipped", "lr_peak", "time/seconds")
"""Keys of a row that have no curve."""


def write(
    path: str | os.PathLike, runs: Sequence[Record], looked: Sequence[Looked | str], *, console: Console | None = None
) -> None:
    """Writes the page. looked: for each run what its encoder makes of examples, or why there is nothing, a sentence."""
    shelves = [run_looked.Shelf(run.name, seen, console) for run, seen in zip(runs, looked, strict=True)]
    several = len(runs) > 1
    sections = {
        "Scores": _beside(runs, _scores),
        **({"Differences of the recipes": _differences(runs)} if several else {}),
        "Curves": _curves(runs),
        "Views": _beside(runs, _views),
        **({"Pictures of the run": _beside(runs, _pictures)} if any(run.pictures for run in runs) else {}),
    }
    for title, part in run_looked.SECTIONS.items():
        sections[title] = beside([shelf.name for shelf in shelves], [part(shelf) for shelf in shelves])
    sections |= {
        "Time": _time(runs),
        "Environment": _environment(runs),
        "Recipe": [_recipe(run) for run in runs],
    }
    title = f"{len(runs)} runs side by side" if several else f"The run {runs[0].name}"
    head = [_summary(runs)] if several else [_tiles(runs[0]), tag("p", f"on {runs[0].config['data']['train']}")]
    head += [tag("p", *_named(run, several), remark, class_="warn") for run in runs for remark in run.remarks]
    scripts = (run_figures.library(), run_script.SCRIPT)
    page.write(path, title, head, sections, style=run_script.STYLE, scripts=scripts)


def beside(names: Sequence[str], parts: Sequence[Sequence[Element]]) -> list[Element]:
    """What there is of each run, with its name where there are several."""
    if len(names) == 1:
        return list(parts[0])
    columns = [tag("div", tag("h3", name), *part) for name, part in zip(names, parts, strict=True)]
    return [tag("div", *columns, class_="sheets")]


def _beside(runs: Sequence[Record], part) -> list[Element]:
    return beside([run.name for run in runs], [part(run) for run in runs])


def _named(run: Record, several: bool) -> list[Element | str]:
    return [tag("b", run.name), ": "] if several else []


def _tiles(run: Record) -> Element:
    return page.tiles({name: value for name, value in _facts(run).items() if value})


def _summary(runs: Sequence[Record]) -> Element:
    facts = [{**_facts(run), "data": run.config["data"]["train"]} for run in runs]
    return page.table(("run", *facts[0]), [(run.name, *fact.values()) for run, fact in zip(runs, facts, strict=True)])


def _facts(run: Record) -> dict[str, str]:
    """What is seen first, by what it is; "" for what is not known."""
    result = run.result
    scores = {titles.of(name): (result.get(name) or {}).get("pretrained") for name in TILES}
    steps = result.get("step") or max((row["step"] for row in run.rows), default=0)
    return {
        "method": run.config["method"]["name"],
        **{title: "" if score is None else f"{100 * score:.1f} %" for title, score in scores.items()},
        "steps": f"{steps:,}",
        "batch": f"{run.config['batch']:,}",
        "minutes": f"{result['seconds'] / 60:,.1f}" if "seconds" in result else "",
    }


def _scores(run: Record) -> list[Element]:
    if not run.result:
        return [tag("p", "There are no scores yet.")]
    tables = [_of_rich(table) for table in report.tables(run.result)]
    said = [tag("p", sentence, class_="soft") for sentence in report.remarks(run.result)]
    return [*(tables or [tag("p", "There are no scores.")]), *said]


def _of_rich(table: Table) -> Element:
    """A table as the console has it."""
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    head = [str(column.header) for column in table.columns]
    return page.table(head, zip(*cells, strict=True), numbers=range(1, len(head)))


def _differences(runs: Sequence[Record]) -> list[Element]:
    keys = dict.fromkeys(key for run in runs for key in run.keys)
    rows = [(key, *(_value(run.keys.get(key, "-")) for run in runs)) for key in keys]
    rows = [row for row in rows if len(set(row[1:])) > 1]
    if not rows:
        return [tag("p", "The recipes are the same.")]
    return [page.table(("key", *(run.name for run in runs)), rows)]


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _curves(runs: Sequence[Record]) -> list[Element]:
    panels = {panel[0]: panel for run in runs for panel in pictures.panels(run.rows)}
    if not panels:
        return [tag("p", "There are no curves: no row of metrics has a loss, an accuracy or a monitor.")]
    known = {*panels, *CLOCK}
    others = dict.fromkeys(
        key for run in runs for row in run.rows for key in row if key not in known and not key.startswith("schedule/")
    )
    more = [(key, key, None) for key in others if any(row.get(key) is not None for run in runs for row in run.rows)]
    shown = [_legend(runs), tag("div", *(_curve(runs, *panel) for panel in panels.values()), class_="curves")]
    if more:
        shown += [
            tag("h3", "All other numbers"),
            tag("div", *(_curve(runs, *panel) for panel in more), class_="curves"),
        ]
    return shown


def _curve(runs: Sequence[Record], key: str, title: str, scale: float | None) -> Element:
    found = {run.name: pictures.series(run.rows, key, scale) for run in runs}
    described = f"{title}, over the step".replace("\n", " ")
    return tag("div", run_figures.element(run_figures.curve(title, found), described))


def _legend(runs: Sequence[Record]) -> Element:
    """Which run has which color in the curves."""
    on = dict.fromkeys(run.config["evaluation"].get("validation") or run.config["data"]["test"] for run in runs)
    said = f"Scores in training are of {' and '.join(filter(None, on))}." if any(on) else ""
    if len(runs) == 1:
        return tag("p", f"Over the step; point at a curve for its numbers. {said}")
    parts = [f"{said} "]
    for run, color in zip(runs, itertools.cycle(run_figures.COLORS)):
        parts += [tag("span", class_="chip", style=f"background: {color}"), run.name]
    return tag("p", *parts)


def _views(run: Record) -> list[Element]:
    if not run.views:
        return [tag("p", "There is no views.png: the run has not begun, or its examples are no pictures.")]
    return [_sheet(run.views, "the first images of the run as the network sees them")]


def _sheet(url: str, described: str) -> Element:
    """A picture of the work directory at three quarters of its pixels, which scrolls in itself on a narrow screen."""
    width = struct.unpack(">I", base64.b64decode(url.partition(",")[2][:64])[16:20])[0]  # of its first chunk
    image = tag("img", src=url, alt=described, class_="sheet-of", loading="lazy", style=f"width: {width * 3 // 4}px")
    return tag("div", image, class_="scroll")


def _pictures(run: Record) -> list[Element]:
    if not run.pictures:
        return [tag("p", "There are none.")]
    parts = []
    for name, steps in run.pictures.items():
        (last, url), title = list(steps.items())[-1], name.replace("_", " ").capitalize()
        parts += [tag("h3", title if last < 0 else f"{title}, step {last:,}"), _sheet(url, title)]
        if earlier := list(steps.items())[:-1]:
            shown = [part for step, url in earlier for part in (tag("p", f"step {step:,}"), _sheet(url, title))]
            parts.append(tag("details", tag("summary", "earlier"), *shown))
    return parts


def _time(runs: Sequence[Record]) -> list[Element]:
    found = {run.name: run.result["goodput"] for run in runs if "goodput" in run.result}
    if not found:
        return [tag("p", "Where the time of training went is known once a run has ended.")]
    buckets = [name for name in next(iter(found.values()))]
    rows = [
        (name, *(f"{seconds.get(bucket, 0):,.1f}" for bucket in buckets), f"{sum(seconds.values()):,.1f}")
        for name, seconds in found.items()
    ]
    table = page.table(("seconds", *buckets, "all"), rows, numbers=range(1, len(buckets) + 2))
    text = 'Seconds of the last process that trained, by what they went to; "step" and "compile" are training itself.'
    return [tag("p", text), run_figures.element(run_figures.goodput(found), "where the time went"), table]


def _environment(runs: Sequence[Record]) -> list[Element]:
    found = {run.name: run.result.get("environment") or {} for run in runs}
    names = dict.fromkeys(name for each in found.values() for name in each)
    if not names:
        return [tag("p", "Versions and devices are not in result.json: the run has not ended, or not lately.")]
    rows = [(name, *(each.get(name, "-") for each in found.values())) for name in names]
    text = "Of the process that wrote result.json, at the end of the run or of `ssl-jax evaluate`."
    return [tag("p", text), page.table(("", *found), rows)]


def _recipe(run: Record) -> Element:
    text = json.dumps(run.config, indent=1)
    said = f"{run.name}: config.json, digest {run.result['config_hash']}" if run.result else f"{run.name}: config.json"
    return tag("details", tag("summary", said), tag("pre", text))
