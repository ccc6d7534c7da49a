"""How long a step takes, ours and lightly's: the runs of `learns_peer.py`, short, in turns on the same cores.

    python -m benchmarks.learns_peer_time --peer=PEER/bin/python --dir=DIR [--methods=simclr,byol] [--steps=100]

Both sides may take all cores, and count whole steps: views, forward and backward passes, the update, and ours the
online probe as well. A number is the median over the stretches of 10 steps after the first, in which programs are
compiled and readers start. The table says how many times as long as ours the peer's step takes; nothing else should run
meanwhile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import learns, learns_peer
from ssl_jax.config import recipes, schema
from ssl_jax.storage import files

OUT = Path(__file__).parent / "results" / "learns_peer_time.json"
STRETCH = 10


def main() -> None:
    """Runs the methods, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=100, help="of a run; warm-ups of an epoch are 79")
    parser.add_argument("--out", type=Path, default=OUT, help="the rows, which are kept and added to")
    options, names = learns_peer.asked(parser)
    if options.steps < 3 * STRETCH:
        parser.error(f"--steps={options.steps} leaves no two stretches of {STRETCH} steps after the first")
    rows = learns.rows_in(options.out)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            rows[name] = measured(name, Path(folder), options)
        files.write(options.out, json.dumps([rows[name] for name in sorted(rows)], indent=1) + "\n")
    Console(width=100).print(table([rows[name] for name in sorted(rows)]))


def measured(name: str, folder: Path, options: argparse.Namespace) -> dict:
    """A method's row; the peer's side before ours."""
    config = schema.resolve(recipes.load(f"{name}_cifar10"))
    config["data"]["dir"] = options.dir
    peer, versions = theirs(config, folder, options)
    own = ours(f"{name}_cifar10", folder, options)
    return {
        "method": name,
        "batch": config["batch"],
        "ours": own,
        "peer": peer,
        "ratio": peer / own,
        "cores": os.cpu_count(),
        "commit": learns.commit(),
        "versions": versions,
    }


def ours(recipe: str, folder: Path, options: argparse.Namespace) -> float:
    """Seconds a step of our run."""
    flags = [f"--config.duration={options.steps} steps", f"--config.log.every={STRETCH} steps"]
    flags += ["--config.evaluation.every=never", "--config.evaluation.final=none", f"--config.data.dir={options.dir}"]
    command = [sys.executable, "-m", "ssl_jax", "train", f"--config={recipe}", f"--workdir={folder}/ours", *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "JAX_PLATFORMS": "cpu"})
    lines = learns.logged(folder / "ours" / "metrics.jsonl")
    return a_step([line["time/seconds"] for line in lines if line["step"] % STRETCH == 0])


def theirs(config: dict, folder: Path, options: argparse.Namespace) -> tuple[float, dict]:
    """Seconds a step of the peer's run, and its versions."""
    files.write(folder / "spec.json", json.dumps(learns_peer.specification(config, options.steps, 0)))
    images, out = learns_peer.pictures(config, folder), folder / "features.npz"
    subprocess.run([options.peer, learns_peer.SCRIPT, folder / "spec.json", images, out], check=True)
    with np.load(out) as found:
        return a_step(found["moments"][STRETCH - 1 :: STRETCH].tolist()), json.loads(str(found["versions"]))


def a_step(ends: list[float]) -> float:
    """Seconds, of the moments at which stretches ended."""
    return statistics.median(b - a for a, b in pairwise(ends)) / STRETCH


def table(rows: list[dict]) -> Table:
    """Seconds a step."""
    out = Table("method", "batch", "ours", "peer", "peer / ours", box=box.SIMPLE)
    for row in rows:
        numbers = (f"{row['ours']:.3f}", f"{row['peer']:.3f}", f"{row['ratio']:.2f}")
        out.add_row(row["method"], str(row["batch"]), *numbers)
    return out


if __name__ == "__main__":
    main()
