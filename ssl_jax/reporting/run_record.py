"""What a report shows of a run: what its work directory holds, and what its encoder makes of examples."""

import base64
import json
import re
from typing import NamedTuple

import numpy as np
from etils import epath

from ssl_jax.data.source import Source
from ssl_jax.reporting import drawing, log, report

OWN = ("curves.png", "projection.png", "views.png")
"""Pictures that a report has in its own way."""


class Record(NamedTuple):
    """A work directory.

    name: what the report calls the run. config: the resolved recipe; keys: the same by dotted keys. rows: of
    metrics.jsonl. result: result.json, {} where there is none. views: a data URL, "" where there is none. pictures: of
    the method and of the end, by their names, {step: data URL} each, step -1 where there is none in the name.
    remarks: sentences about what is not there.
    """

    name: str
    config: dict
    keys: dict
    rows: list[dict]
    result: dict
    views: str
    pictures: dict[str, dict[int, str]]
    remarks: tuple[str, ...]


class Probe(NamedTuple):
    """A linear probe. counts: int [k, k] of `evals.confusion`. classes: their k names. train, test: how many examples
    it was fitted on and tested with."""

    counts: np.ndarray
    classes: tuple[str, ...]
    train: int
    test: int

    @property
    def accuracy(self) -> float:
        """In 0..1."""
        return float(np.trace(self.counts) / max(self.counts.sum(), 1))


class Looked(NamedTuple):
    """What an encoder makes of n examples of a source, some of whose parts may be None.

    step: of the checkpoint. index: int [n], their numbers in the source. labels: int [n], negative for none. maps:
    {title: [n, 2]}. queries, near, cosines: rows int [q], and int and float [q, k] of those that are most like them.
    views: uint8 [m, h, w, c], a few examples as the network sees them. colors: [m, s, s, 3] in 0..1; colored: of what.
    attention: [m, heads, s, s]; looking: who looks. reasons: sentences about what is None.
    """

    step: int
    source: Source
    index: np.ndarray
    labels: np.ndarray
    maps: dict[str, np.ndarray]
    queries: np.ndarray
    near: np.ndarray
    cosines: np.ndarray
    probe: Probe | None = None
    views: np.ndarray | None = None
    colors: np.ndarray | None = None
    colored: str = ""
    attention: np.ndarray | None = None
    looking: str = ""
    reasons: tuple[str, ...] = ()


def read(workdir: str, name: str, config: dict, keys: dict) -> Record:
    """Reads what is there. Raises ValueError for a file that is damaged."""
    folder = epath.Path(workdir)
    rows, result = log.rows(workdir), _result(folder)
    views = folder / "views.png"
    remarks = []
    if not rows:
        remarks.append("There is no row of metrics yet, so there are no curves.")
    if not result:
        reached = f" at step {rows[-1]['step']:,}" if rows else ""
        remarks.append(
            f"The run has not ended: there is no result.json. Shown is what it has{reached}, of {config['duration']}; "
            "the command that started it goes on with it, and `ssl-jax evaluate` scores a checkpoint."
        )
    elif not report.scored(result):
        remarks.append("There are no accuracies in result.json: they want a test set, and labels, captions or targets.")
    shown = _url(views) if views.exists() else ""
    return Record(name, config, keys, rows, result, shown, _pictures(folder), tuple(remarks))


def _result(folder: epath.Path) -> dict:
    path = folder / "result.json"
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): `ssl-jax evaluate` writes it anew") from error


def _pictures(folder: epath.Path) -> dict[str, dict[int, str]]:
    """All but those in `OWN`: of the folder's own, and of what the method draws in the course of the run."""
    made = folder / drawing.FOLDER
    paths = [path for path in sorted(folder.glob("*.png")) if path.name not in OWN]
    paths += sorted(made.glob("*.png")) if made.exists() else []
    out = {}
    for path in paths:
        name, step = path.stem, -1
        if found := re.fullmatch(r"(.+)-(\d+)", path.stem):
            name, step = found[1], int(found[2])
        out.setdefault(name, {})[step] = path
    return {name: {step: _url(steps[step]) for step in _few(sorted(steps))} for name, steps in out.items()}


def _few(steps: list[int]) -> list[int]:
    """Up to four: the first, the last, and some in between."""
    return [steps[k] for k in np.unique(np.linspace(0, len(steps) - 1, min(4, len(steps))).round().astype(int))]


def _url(path: epath.Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
