"""Does every method learn: its small recipe, all with the same compute, beside random weights and raw pixels.

    python -m benchmarks.learns --dir=DIR [--methods=simclr,byol] [--seeds=3] [--teraflops=12] [--work=learns]

Each run takes as many steps as its matrix products and convolutions, counted in the step's program, fit into
`--teraflops` on any processor: 12 are the 625 steps of SimCLR's recipe, some 2 minutes on 2 cores. Recipes are those of
CIFAR-10, else of Fashion-MNIST; methods without either are named and left out. A row holds kNN and the linear probe on
the test split over the seeds, and of a method with a task of its own what the end of the training (its last tenth) says
of that task, beside what a guess without an image would have; of one that logs no such number what it leaves of test
images, beside their mean. Recipes without a step take some, which change nothing, for that log. Every run is written as
soon as it is there, and those in the file, or finished in `--work`, are not made again, so that the whole, which takes
hours, can be stopped and go on, also on another machine. Knowledge distillation has SimCLR's run of the same seed in
`--work` as its teacher.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
from rich import box
from rich.console import Console
from rich.table import Table

from ssl_jax import planning
from ssl_jax.config import catalog, recipes, schema
from ssl_jax.shard import operations

OUT = Path(__file__).parent / "results" / "learns.json"
DOCS, FROM, UNTIL = OUT.parents[2] / "docs" / "measured.md", "<!-- learns -->", "<!-- end of learns -->"
SIZES = {"cifar10": (10000, 10, 3), "fashion_mnist": (10000, 10, 1)}
"""Examples, classes and channels of the data of recipes whose names end so; the first that there is is taken."""
SCORES, SIDES = ("knn", "linear"), {"": "pretrained", "_random_init": "random_init", "_raw_pixels": "raw_pixels"}
KEYS = [score + end for score in SCORES for end in SIDES]
TEACHER = "simclr"
STILL = 25
"""Steps of a method that learns nothing in them: enough batches for the mean of what it says of its task."""
AROUND = ("seed", "duration", "log", "checkpoint", "health", "evaluation", "processes", "mesh", "chunks")
"""Parts of a configuration that do not change what is learned, or that a run here has of its own."""
PRETEXT = (
    ("pretext/top1", "pretext/chance"),
    ("loss", "mean_target"),
    ("bits", "bits/unigram"),
    ("error", "mean_image"),
    ("loss", "codes/entropy"),
)
"""A task's own number among the metrics, and what a guess would have, in the order in which they are looked for."""


def main() -> None:
    """Runs what is missing, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dir", required=True, help="where tfds datasets lie")
    parser.add_argument("--methods", help="some, with commas between them; all if left out")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--teraflops", type=float, default=12.0, help="of a run")
    parser.add_argument("--work", default="learns", help="a folder for the runs")
    parser.add_argument("--out", type=Path, default=OUT, help="the rows, which are kept and added to")
    options = parser.parse_args()
    rows = rows_in(options.out)
    for name, recipe in chosen(options.methods):
        try:
            for row in measured(name, recipe, rows.get(name), options):
                rows[name] = row
                written(rows, options.out)
        except (subprocess.CalledProcessError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
    Console(width=140).print(table([rows[name] for name in sorted(rows)]))


def rows_in(out: Path) -> dict[str, dict]:
    """The rows of a file by method; none where it is not there yet."""
    return {row["method"]: row for row in (json.loads(out.read_text()) if out.exists() else [])}


def written(rows: dict[str, dict], out: Path) -> None:
    """The rows as JSON, and those of `OUT` as the table of docs/measured.md as well."""
    ordered = [rows[name] for name in sorted(rows)]
    out.write_text(json.dumps(ordered, indent=1) + "\n")
    if out == OUT:
        before, _, rest = DOCS.read_text().partition(FROM)
        DOCS.write_text(before + FROM + "\n" + markdown(ordered) + UNTIL + rest.partition(UNTIL)[2])


def chosen(methods: str | None) -> Iterator[tuple[str, str]]:
    """The methods that have a recipe, and that, the teacher before all others."""
    known = {
        row["name"]: [f"{row['name']}_{end}" for end in SIZES if f"{row['name']}_{end}" in row["recipes"]]
        for row in catalog.methods()
    }
    wanted = methods.split(",") if methods else sorted(known, key=lambda name: name != TEACHER)
    for name in wanted:
        if known.get(name):
            yield name, known[name][0]
        else:
            print(f"{name}: there is no recipe {' or '.join(f'{name}_{end}' for end in SIZES)}", file=sys.stderr)


def measured(name: str, recipe: str, row: dict | None, options: argparse.Namespace) -> Iterator[dict]:
    """A method's row after each of its seeds, from one that was there before."""
    config = schema.resolve(recipes.load(recipe))
    (size,) = (size for end, size in SIZES.items() if recipe.endswith(end))
    steps = STILL if config["duration"] == "0 steps" else steps_of(config, size, options.teraflops)
    digest = digest_of(recipe, steps)
    runs = dict(row["runs"]) if row and row["config_hash"] == digest else {}
    for seed in map(str, range(options.seeds)):
        if seed not in runs:
            runs[seed] = scores_of(trained(recipe, steps, int(seed), options))
        yield {
            "method": name,
            "recipe": recipe,
            "network": {key: value for key, value in config["nets"]["encoder"].items() if value is not None},
            "steps": steps,
            "batch": config["batch"],
            "config_hash": digest,
            "seconds": round(statistics.mean(each["seconds"] for each in runs.values()), 1),
            **{key: spread([each[key] for each in runs.values()]) for key in KEYS},
            "pretext": of_task(list(runs.values())),
            "runs": runs,
        }


def of_task(runs: list[dict]) -> dict | None:
    """What the runs say of the method's own task; None where it has none."""
    if any(each["pretext"] is None for each in runs):
        return None
    name, _, _ = runs[0]["pretext"]
    value, guess = (spread([each["pretext"][i] for each in runs]) for i in (1, 2))
    return {"metric": name, "value": value, "guess": guess}


def steps_of(config: dict, size: tuple[int, int, int], teraflops: float) -> int:
    """As many steps of a resolved recipe as fit into so much arithmetic."""
    step = operations.flops(planning.traced(planning.program_of(config, size, jax.devices()[:1])).jaxpr.jaxpr)
    return round(teraflops * 1e12 / step)


def spread(values: list[float]) -> dict:
    """Mean and standard deviation; of one value there is none."""
    return {"mean": statistics.mean(values), "std": statistics.stdev(values) if values[1:] else None}


def commit() -> str:
    """Of the checkout."""
    return subprocess.check_output(["git", "describe", "--always", "--dirty"], text=True).strip()


def digest_of(recipe: str, steps: int) -> str:
    """Of what is trained, whatever the seed; options that are off do not count, so that new ones change nothing."""
    config = schema.resolve(recipes.load(recipe))
    trained = {part: value for part, value in config.items() if part not in AROUND}
    return hashlib.sha256(f"{json.dumps(without_off(trained), sort_keys=True)} {steps}".encode()).hexdigest()[:8]


def without_off(value):
    """A configuration without its options that are None, False, 0 or empty."""
    if isinstance(value, dict):
        return {key: inner for key, old in value.items() if (inner := without_off(old))}
    return [without_off(inner) for inner in value] if isinstance(value, list | tuple) else value


def trained(recipe: str, steps: int, seed: int, options: argparse.Namespace) -> Path:
    """The work directory of a finished run, which is trained unless it is there."""
    work = Path(options.work) / f"{recipe}-{digest_of(recipe, steps)}-{seed}"
    flags = [f"--config.duration={steps} steps", f"--config.seed={seed}"]
    if "start" in (config := recipes.load(recipe)) and config["start"]:
        teachers = sorted(Path(options.work).glob(f"{TEACHER}_cifar10-*-{seed}/result.json"))
        if not teachers:
            raise ValueError(f"{recipe} wants the run of {TEACHER} with seed {seed} in {options.work}: run that first")
        flags.append(f"--config.start.teacher={teachers[-1].parent}")
    if not (work / "result.json").exists():
        print(f"{recipe}, seed {seed}: {steps} steps", file=sys.stderr)
        flags += ["--config.evaluation.every=never", f"--workdir={work}"]
        flags += [f"--config.data.dir={options.dir}"] * recipe.endswith("cifar10")
        flags += ["--config.log.every=1 step"] * (steps == STILL)
        command = [sys.executable, "-m", "ssl_jax", "train", f"--config={recipe}", *flags]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "JAX_PLATFORMS": "cpu"})
    return work


def scores_of(work: Path) -> dict:
    """What a finished run measured."""
    result = json.loads((work / "result.json").read_text())
    lines = logged(work / "metrics.jsonl")
    if "goodput" in result:
        seconds = result["goodput"]["step"]
    else:  # trained to its end, and evaluated by another process
        seconds = next(line["time/seconds"] for line in reversed(lines) if "time/seconds" in line)
    return {
        **{score + end: result[score][side] for score in SCORES for end, side in SIDES.items()},
        "pretext": task(lines) or made(result),
        "seconds": seconds,
        "commit": commit(),
    }


def logged(metrics: Path) -> list[dict]:
    """The lines of a log; none where nothing was trained by steps."""
    return [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else []


def task(lines: list[dict]) -> tuple[str, float, float] | None:
    """The name of a task's number, its mean over the last tenth of the training, and that of a guess."""
    lines = [line for line in lines if "loss" in line]
    last = [line for line in lines if line["step"] > 0.9 * lines[-1]["step"]]
    for own, guess in PRETEXT:
        if last and guess in last[0]:
            return own, *(statistics.mean(line[key] for line in last) for key in (own, guess))
    return None


def made(result: dict) -> tuple[str, float, float] | None:
    """The same of reconstructed test images, where they were measured."""
    found = result.get("reconstruction")
    return found and ("test error", found["pretrained"]["squared_error"], found["mean_image"]["squared_error"])


def table(rows: list[dict]) -> Table:
    """In percent, with the spread over the seeds; a method that is not beyond its random weights by more has a "!"."""
    out = Table("method", "steps", "seconds", "seeds", box=box.SIMPLE)
    for score in SCORES:
        for column in (score, "random", "pixels"):
            out.add_column(column, justify="right")
    out.add_column("its own task (a guess)")
    for row in rows:
        cells = []
        for score in SCORES:
            _, random, pixels = (row[score + end] for end in SIDES)
            cells += [marked(row, score), shown(random), shown(pixels)]
        out.add_row(row["method"], str(row["steps"]), str(row["seconds"]), str(len(row["runs"])), *cells, of_own(row))
    return out


def markdown(rows: list[dict]) -> str:
    """The same for docs, the best linear probe first."""
    lines = ["| method | steps | seeds | kNN | random | linear | random | its own task (a guess) |", "|---" * 8 + "|"]
    for row in sorted(rows, key=lambda row: (row["recipe"].removeprefix(row["method"]), -row["linear"]["mean"])):
        scores = [said for score in SCORES for said in (marked(row, score), shown(row[f"{score}_random_init"]))]
        cells = [f"[{row['method']}](methods/{row['method']}.md)", row["steps"], len(row["runs"]), *scores, of_own(row)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def of_own(row: dict) -> str:
    """A method's own task and a guess; "" where it has none."""
    own = row["pretext"]
    return f"{own['metric']} {own['value']['mean']:.3g} ({own['guess']['mean']:.3g})" if own else ""


def marked(row: dict, score: str) -> str:
    """A score, with a "!" where it is not beyond that of random weights by more than the spread of both."""
    ours, random = row[score], row[f"{score}_random_init"]
    beyond = ours["mean"] - random["mean"] > (ours["std"] or 0) + (random["std"] or 0)
    return shown(ours) + "!" * (not beyond)


def shown(value: dict) -> str:
    """A mean and its spread."""
    return f"{100 * value['mean']:.1f}" + (f" ± {100 * value['std']:.1f}" if value["std"] is not None else "")


if __name__ == "__main__":
    main()
