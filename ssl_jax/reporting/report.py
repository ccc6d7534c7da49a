"""What a run leaves for people: the table, result.json and the pictures."""

import contextlib
import json
from collections.abc import Callable, Iterator

import jax
import numpy as np
from etils import epath
from rich.table import Table

from ssl_jax.data import sources, stream
from ssl_jax.data.sources import Source
from ssl_jax.evals import usable
from ssl_jax.process import environment, goodput
from ssl_jax.process.goodput import Goodput
from ssl_jax.reporting import drawing, neighbors, pictures, terminal, titles
from ssl_jax.reporting.display import complain
from ssl_jax.reporting.log import rows
from ssl_jax.run import classifying, evaluation, history, label_free, matching, protocols, regressing
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.step import purposes
from ssl_jax.storage import files
from ssl_jax.types import Key, TrainState
from ssl_jax.views.compose import PIXELS

LEFT_OUT = {
    "unreadable": "that cannot be read",
    "unlabeled": "without a label",
    "other_class": "in classes without training images",
    "without_target": "without a target",
}
COLUMNS = (evaluation.CHANCE, regressing.MEAN, *evaluation.BASELINES)
"""Of a table, as far as they are there."""
Measured = tuple[dict, label_free.Seen | None]
"""What there is to say of a state, and the features for neighbors.png."""
SHOWN = 8
"""Images on the contact sheet."""
POINTS = 1500
"""Test images in the projection."""


def first(job: Job) -> dict[str, np.ndarray]:
    """The first batch of the run. Raises ValueError, in words, where the data cannot make the views."""
    return next(stream.batches(job.train, job.training.host, batch=job.clock.batch, seed=job.seed))


def views(job: Job, first: dict[str, np.ndarray], workdir: str, key: Key) -> None:
    """views.png: the first images of the run, as stored, with the very views that the network is about to see.

    Clips are shown frame beside frame, without what is stored; of parts that are neither there is no picture.
    first: the run's first batch. key: that of the run's steps.
    """
    groups = {view.group for view in job.training.views if view.of in PIXELS}
    if not groups:
        return
    few = {name: first[name][:SHOWN] for name in sorted(groups)}
    seen = jax.device_get(jax.jit(job.training.device)(purposes(key, np.int32(0))[0], few))
    originals = sources.images(job.train, first["index"][:SHOWN]) if "image" in job.train.parts else ()
    seen = {name: pictures.storyboard(seen[name]) if seen[name].ndim == 6 else seen[name] for name in groups}
    path = epath.Path(workdir) / "views.png"
    pictures.contact_sheet(seen, path, originals=originals, **drawing.normalization(job.training.views))


def _protocols(result: dict) -> tuple[list[str], list[str]]:
    """What result.json has accuracies of, and what errors, in the order of the table."""
    accuracies = [name for name in result if name in (*matching.NAMES, classifying.NAME) or protocols.scored(name)]
    return accuracies, [name for name in regressing.NAMES if name in result]


def scored(result: dict) -> bool:
    """Whether there is a score by labels, captions or targets."""
    return any(_protocols(result))


def tables(result: dict) -> list[Table]:
    """What there is to show of result.json."""
    own = [label_free_table(result)] if "label_free" in result else []
    parts = {"robustness": robustness_table, "dense": dense_table, "reconstruction": reconstruction_table}
    others = (show(result[name]) for name, show in parts.items() if name in result)
    return [*([table(result)] if scored(result) else []), *own, *others]


def dense_table(found: dict[str, dict[str, float]]) -> Table:
    """Overlaps of a linear probe of single places with the foreground: one row a measure, one column an encoder."""
    out = Table("places, %", *map(titles.of, found), title="Foreground and background")
    for measure in next(iter(found.values())):
        out.add_row(titles.of(measure), *(f"{100 * scores[measure]:.1f}" for scores in found.values()))
    return out


def reconstruction_table(found: dict[str, dict[str, float]]) -> Table:
    """Errors of reconstructed test images, and what they explain of the mean image's: one column an encoder."""
    out = Table("of test images", *map(titles.of, found), title="What can be reconstructed")
    for measure, scale, form in (("squared_error", 1, ".4g"), ("explained", 100, ".1f")):
        out.add_row(titles.of(measure), *(f"{scale * scores[measure]:{form}}" for scores in found.values()))
    return out


def robustness_table(found: dict[str, dict]) -> Table:
    """Accuracies of a linear probe on distorted test data: one row a distortion, behind it what it changes.

    Of corruptions there is the mean over the severities.
    """
    out = Table("linear probe, %", *map(titles.of, found), title="What it withstands")
    rows = {}
    for title in next(iter(found.values())):
        kind, _, severity = title.rpartition(" ")
        rows.setdefault(f"{kind}, mean of 5" if severity.isdigit() else title, []).append(title)
    for shown, members in rows.items():
        cells = []
        for scores in found.values():
            value, drop, share = (
                100 * sum(scores[m][key] for m in members) / len(members) for key in ("accuracy", "drop", "relative")
            )
            cells.append(f"{value:.1f}" + (f" ({-drop:+.1f}, {-share:+.0f} %)" if shown != "clean" else ""))
        out.add_row(shown, *cells)
    return out


def table(result: dict) -> Table:
    """The accuracies of result.json, in percent: one row a protocol, one column an encoder; of pairs, chance first.

    Of a source with targets there are the scores of a regression as well, or alone, errors in units of the target.
    """
    groups = _protocols(result)
    columns = [name for name in COLUMNS if any(name in result[p] for group in groups for p in group)]
    title = ("test accuracy, %" if groups[0] else "") + (" and " if all(groups) else "")
    out = Table(f"{title}{'test error' if groups[1] else ''}", *map(titles.of, columns), title="What was learned")
    for group, scale, form in zip(groups, (100, 1), (".1f", ".3g"), strict=True):
        for protocol in group:
            spreads = (result.get("details", {}).get(name, {}).get(protocol, {}).get("std") for name in columns)
            values = (result[protocol].get(name) for name in columns)
            cells = (_cell(value, spread, scale, form) for value, spread in zip(values, spreads, strict=True))
            out.add_row(titles.of(protocol), *cells)
    return out


def _cell(value: float | None, spread: float | None, scale: int, form: str) -> str:
    """A score, with its spread over several draws where there is one."""
    if value is None:
        return "-"
    return f"{scale * value:{form}}" + (f" \u00b1 {scale * spread:{form}}" if spread is not None else "")


def label_free_table(result: dict) -> Table:
    """What there is without labels: one row a measure, one column an encoder; why there is no number, in a word."""
    found = result["label_free"]
    columns, reasons = list(next(iter(found.values()))), result["not_measured"]
    lost = {name: "diverged" if reasons.get(name, "").endswith(usable.DIVERGED) else "-" for name in columns}
    out = Table("without labels", *map(titles.of, columns), title="What was learned")
    for name, values in found.items():
        scale, form = (100, ".1f") if name == label_free.CONSISTENCY else (1, ".3g")
        out.add_row(titles.of(name), *(lost[c] if v is None else f"{scale * v:{form}}" for c, v in values.items()))
    return out


def compared(found: history.Compared, workdir: str) -> history.Compared:
    """Writes steps.json, prints the checkpoints side by side and what measures without labels choose; gives it back."""
    if jax.process_index() > 0:
        return found
    files.write(epath.Path(workdir) / "steps.json", json.dumps(found._asdict(), indent=2) + "\n")
    names = [name for name in found.steps[0] if name != "step"]
    out = Table("step", *map(titles.of, names), title="Checkpoints")
    for row in found.steps:
        cells = (_cell(row[name], None, *((1, ".3g") if name in history.CHOOSERS else (100, ".1f"))) for name in names)
        out.add_row(f"{row['step']:,}", *cells)
    console = terminal.output()
    console.print(out)
    for name, step in found.chosen.items():
        known = ((titles.of(other), value) for other, value in found.correlation[name].items() if value is not None)
        listed = ", ".join(f"{value:+.2f} with {other}" for other, value in known)
        console.print(f"{titles.of(name)} chooses step {step:,}" + (f"; rank correlation {listed}" if listed else ""))
    return found


def remarks(result: dict) -> list[str]:
    """Sentences below the table: what is not in it and why, and how many examples took no part."""
    out = [f"{titles.of(name)} is not measured: {reason}" for name, reason in result.get("not_measured", {}).items()]
    for role, counts in result.get("left_out", {}).items():
        listed = ", ".join(f"{count:,} {LEFT_OUT[reason]}" for reason, count in counts.items())
        out += [f"left out of the {role} set: {listed}"] if listed else []
    known = [titles.of(name.removesuffix("_label_free")) for name in result.get("from_cache", ())]
    return [*out, *([f"{' and '.join(known)}: as measured before, with the same data and recipe"] if known else [])]


def unscored(job: Job, workdir: str) -> str:
    """Why there is no table."""
    if evaluation.possible(job):
        return f"No accuracies, by config.evaluation.final; `ssl-jax evaluate --workdir={workdir}` has them."
    return "No accuracies: they want a test set (config.data.test), and labels, captions or targets."


def conclude(
    job: Job, program: Program, state: TrainState, workdir: str, spent: Goodput, measure: Callable[[], Measured]
) -> dict:
    """Evaluates, writes result.json, draws, prints the table and where everything is; returns the result.

    All processes evaluate together; process 0 writes, draws and prints. measure: gives what `evaluation.final` or
    `label_free.measured` does, {} where nothing is wanted, and the features for neighbors.png. A picture that cannot be
    drawn is a sentence.
    """
    folder, console = epath.Path(workdir), terminal.output()
    result, around = measure()
    drawn = _projected(job, program, state) if "linear" in result else None
    seconds = spent.seconds()
    result |= {"data": {role: card(getattr(job, role)) for role in ("train", "test", "validation")}}
    result |= {"config_hash": job.digest, "step": int(state.step), **_timed(seconds, folder)}
    result["environment"] = environment.of_process()
    if jax.process_index() > 0:
        return result
    files.write(folder / "result.json", json.dumps(result, indent=2) + "\n")
    pictured = [*_pictured(job, folder, drawn, around), *_made(folder, int(state.step))]
    for shown in tables(result):
        console.print(shown)
    lines = (
        *([] if scored(result) else [unscored(job, workdir)]),
        *remarks(result),
        f"checkpoint  {folder}/checkpoints/{int(state.step)}",
        f"metrics     {folder}/metrics.jsonl{_scored_on(job)}, result.json; TensorBoard: --logdir {folder}",
        f"time        {goodput.line(seconds)}",
        f"pictures    {folder}/{', '.join(pictured)}" if pictured else "pictures    none",
    )
    console.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)
    return result


def _timed(seconds: dict[str, float], folder: epath.Path) -> dict:
    """The run's "seconds" and "goodput"; those of a process that has not trained are "evaluated", beside the run's."""
    spent = {"seconds": round(sum(seconds.values()), 1), "goodput": {k: round(v, 3) for k, v in seconds.items()}}
    if seconds["compile"] or seconds["passes"]:
        return spent
    with contextlib.suppress(OSError, ValueError, AttributeError):  # none, or a damaged one, which this replaces
        known = json.loads((folder / "result.json").read_text())
        return {**{key: known[key] for key in spent if key in known}, "evaluated": spent}
    return {"evaluated": spent}


def _scored_on(job: Job) -> str:
    """What the scores in the log are of, where there can be some."""
    on = job.validation or job.test
    return f" (eval/: on {on.name})" if on and job.every.evaluate != "never" else ""


def _pictured(job: Job, folder: epath.Path, drawn: evaluation.Rows | None, around: label_free.Seen | None) -> list[str]:
    """Draws what there is to draw; the names of all pictures that are there."""
    pictured = ["views.png"] if (folder / "views.png").exists() else []
    if drawn is not None:
        shown = drawn.valid & (drawn.y >= 0)
        with saying("projection.png"):
            pictures.projection(drawn.x[shown], drawn.y[shown], job.train.classes, folder / "projection.png")
            pictured.append("projection.png")
    if around is not None and neighbors.drawable(job):
        with saying("neighbors.png"):
            pictured += neighbors.draw(job, around, folder)
    if drawable := rows(str(folder)):  # a run without a step has none
        with saying("curves.png"):
            pictures.curves(drawable, folder / "curves.png")
            pictured.append("curves.png")
    return pictured


def _made(folder: epath.Path, step: int) -> list[str]:
    """The pictures of what the method makes, of the last step."""
    made = folder / drawing.FOLDER
    paths = made.glob(drawing.file("*", step)) if made.exists() else ()
    return sorted(f"{drawing.FOLDER}/{path.name}" for path in paths)


def _projected(job: Job, program: Program, state: TrainState) -> evaluation.Rows | None:
    """Features for projection.png; all processes make them together."""
    with saying("projection.png"):
        return evaluation.embedded(job, program, evaluation.some(job.test, POINTS), state)


@contextlib.contextmanager
def saying(picture: str) -> Iterator[None]:
    """A picture that cannot be drawn is a sentence, since all that counts is there without it."""
    try:
        yield
    except Exception as error:  # matplotlib and scipy raise of every kind
        complain(f"{picture} could not be drawn: {error}")


def card(source: Source | None) -> dict | None:
    """What a result says of its data."""
    return source and {"source": source.name, "digest": source.digest, "examples": source.size}
