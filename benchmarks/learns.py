"""Does every method learn: its small CIFAR-10 recipe, all with the same compute, beside random weights and raw pixels.

    python -m benchmarks.learns --dir=DIR [--methods=simclr,byol] [--seeds=3] [--teraflops=12] [--work=learns]

Each run takes as many steps as its matrix products and convolutions, counted in the step's program, fit into
`--teraflops` on any processor: 12 are the 625 steps of SimCLR's recipe, some 2 minutes on 2 cores. A row holds kNN and
the linear probe on the test split over the seeds, and is written as soon as its last seed is there; runs that are
finished in `--work` are not run again, so that the whole, which takes hours, can be stopped and go on. Methods without
a recipe for CIFAR-10 are named and left out. Knowledge distillation has SimCLR's run of the same seed as its teacher.
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
SIZES = (10000, 10, 3)
"""Examples, classes and channels of the recipes' part of CIFAR-10."""
SCORES, SIDES = ("knn", "linear"), {"": "pretrained", "_random_init": "random_init", "_raw_pixels": "raw_pixels"}
TEACHER = "simclr"


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
    rows = {row["method"]: row for row in (json.loads(options.out.read_text()) if options.out.exists() else [])}
    for name in chosen(options.methods):
        try:
            rows[name] = measured(name, options)
        except subprocess.CalledProcessError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        options.out.write_text(json.dumps([rows[name] for name in sorted(rows)], indent=1) + "\n")
    Console().print(table([rows[name] for name in sorted(rows)]))


def chosen(methods: str | None) -> Iterator[str]:
    """The methods that have a recipe, the teacher before all others."""
    known = {row["name"]: f"{row['name']}_cifar10" in row["recipes"] for row in catalog.methods()}
    wanted = methods.split(",") if methods else sorted(known, key=lambda name: name != TEACHER)
    for name in wanted:
        if known.get(name):
            yield name
        else:
            print(f"{name}: there is no recipe {name}_cifar10", file=sys.stderr)


def measured(name: str, options: argparse.Namespace) -> dict:
    """A method's row."""
    recipe = f"{name}_cifar10"
    config = schema.resolve(recipes.load(recipe))
    steps = steps_of(config, options.teraflops)
    found = [run(recipe, steps, seed, options) for seed in range(options.seeds)]
    row = {
        "method": name,
        "network": {key: value for key, value in config["nets"]["encoder"].items() if value is not None},
        "steps": steps,
        "batch": config["batch"],
        "seconds": round(statistics.mean(each["goodput"]["step"] for each in found), 1),
        "config_hash": found[0]["config_hash"],
        "seeds": options.seeds,
        "commit": commit(),
    }
    for score in SCORES:
        row |= {score + end: spread([each[score][side] for each in found]) for end, side in SIDES.items()}
    return row


def steps_of(config: dict, teraflops: float) -> int:
    """As many steps of a resolved recipe as fit into so much arithmetic."""
    step = operations.flops(planning.traced(planning.program_of(config, SIZES, jax.devices()[:1])).jaxpr.jaxpr)
    return round(teraflops * 1e12 / step)


def spread(values: list[float]) -> dict:
    """Mean and standard deviation; of one value there is none."""
    return {"mean": statistics.mean(values), "std": statistics.stdev(values) if values[1:] else None}


def commit() -> str:
    """Of the checkout."""
    return subprocess.check_output(["git", "describe", "--always", "--dirty"], text=True).strip()


def run(recipe: str, steps: int, seed: int, options: argparse.Namespace) -> dict:
    """What result.json of a run says, which is trained unless it is there."""
    digest = hashlib.sha256(f"{recipes.digest(schema.resolve(recipes.load(recipe)))} {steps}".encode()).hexdigest()[:8]
    place = f"{options.work}/{{}}-{{}}-{seed}".format
    work, flags = Path(place(recipe, digest)), [f"--config.duration={steps} steps", f"--config.seed={seed}"]
    if "start" in (config := recipes.load(recipe)) and config["start"]:
        teachers = sorted(Path(options.work).glob(f"{TEACHER}_cifar10-*-{seed}/result.json"))
        if not teachers:
            raise ValueError(f"{recipe} wants the run of {TEACHER} with seed {seed} in {options.work}: run that first")
        flags.append(f"--config.start.teacher={teachers[-1].parent}")
    if not (work / "result.json").exists():
        print(f"{recipe}, seed {seed}: {steps} steps", file=sys.stderr)
        flags += ["--config.evaluation.every=never", f"--config.data.dir={options.dir}", f"--workdir={work}"]
        command = [sys.executable, "-m", "ssl_jax", "train", f"--config={recipe}", *flags]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "JAX_PLATFORMS": "cpu"})
    return json.loads((work / "result.json").read_text())


def table(rows: list[dict]) -> Table:
    """In percent, with the spread over the seeds; a method that is not beyond its random weights by more has a "!"."""
    out = Table("method", "steps", "seconds", box=box.SIMPLE)
    for score in SCORES:
        for column in (score, "random", "pixels"):
            out.add_column(column, justify="right")
    for row in rows:
        cells = []
        for score in SCORES:
            ours, random, pixels = (row[score + end] for end in SIDES)
            beyond = ours["mean"] - random["mean"] > (ours["std"] or 0) + (random["std"] or 0)
            cells += [shown(ours) + "!" * (not beyond), shown(random), shown(pixels)]
        out.add_row(row["method"], str(row["steps"]), str(row["seconds"]), *cells)
    return out


def shown(value: dict) -> str:
    """A mean and its spread."""
    return f"{100 * value['mean']:.1f}" + (f" ± {100 * value['std']:.1f}" if value["std"] is not None else "")


if __name__ == "__main__":
    main()
