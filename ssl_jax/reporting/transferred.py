"""What a transfer leaves for people: transfer.json and its table."""

import json
from collections.abc import Iterable

from etils import epath
from rich.table import Table

from ssl_jax.reporting import terminal, titles
from ssl_jax.reporting.report import COLUMNS
from ssl_jax.run import fine_tuning, multilabel, transfer
from ssl_jax.storage import files

FILE = "transfer.json"


def written(found: dict, workdir: str) -> None:
    """Writes transfer.json."""
    files.write(epath.Path(workdir) / FILE, json.dumps(found, indent=2) + "\n")


def read(workdir: str) -> dict:
    """The transfer.json of another run. Raises ValueError where there is none, or none that can be read."""
    path = epath.Path(workdir) / FILE
    if not path.exists():
        way_out = f"run `ssl-jax transfer --workdir={workdir}` on the same data before"
        raise ValueError(f"{workdir} has no {FILE} to compare with: {way_out}")
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error


def shown(found: dict, workdir: str, other: dict | None = None, name: str = "") -> None:
    """Prints the table, what is not in it and why, and where it is. other: the transfer.json of the run `name`."""
    console = terminal.output()
    console.print(table(found["datasets"], (other or {}).get("datasets"), name))
    for title, row in found["datasets"].items():
        for line in remarks(row):
            console.print(f"{title}: {line}", soft_wrap=True, highlight=False)
    console.print(f"scores      {epath.Path(workdir) / FILE}", soft_wrap=True, highlight=False)


def remarks(row: dict) -> Iterable[str]:
    """Why there is no number, or not every one."""
    if "absent" in row:
        return [f"absent: {row['absent']}"]
    named = ((titles.of(name), why) for name, why in row.get("not_measured", {}).items())
    return [f"{what} is not measured: {why}" for what, why in named]


def table(rows: dict[str, dict], others: dict[str, dict] | None, name: str) -> Table:
    """One row a dataset and protocol, and one a group of classes; in percent. others: rows of the run `name`."""
    there = {column for row in rows.values() for scores in row.get("scores", {}).values() for column in scores}
    columns = [column for column in COLUMNS if column in there]
    more = [name, "relative gap, %"] if others is not None else []
    out = Table("dataset", "metric", *map(titles.of, columns), *more, title="What transfers, %")
    for title, row in rows.items():
        if "absent" in row:
            out.add_row(title, "absent", *["-"] * (len(columns) + len(more)))
        beside = (others or {}).get(title, {})
        for key in ("scores", "groups"):
            for what, scores in row.get(key, {}).items():
                said = what if key == "groups" else _metric(what, row["metric"])
                value = beside.get(key, {}).get(what, {}).get("pretrained")
                compared = [value, transfer.gap(scores.get("pretrained"), value)] if more else []
                cells = [*(scores.get(column) for column in columns), *compared]
                out.add_row(title, said, *("-" if cell is None else f"{100 * cell:.1f}" for cell in cells))
    return out


def _metric(protocol: str, metric: str) -> str:
    if protocol in ("linear", multilabel.LINEAR):
        return metric
    return titles.of(protocol) + (f", {metric}" if fine_tuning.known(protocol) and metric != transfer.TOP_1 else "")
