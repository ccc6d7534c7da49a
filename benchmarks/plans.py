"""What a step of published recipes moves through the memory of a TPU, compiled without one. Needs libtpu; slow.

    python benchmarks/plans.py [RECIPE ...] [--topology=v5e:8x8] [--into=benchmarks/results/plans.json]

Of a chip and a step: gigabytes accessed as the compiler counts them, gigabytes that move to and from the large memory
(`operations.moved` says what the compiler counts besides), and the peak of memory in GiB; operations of all chips. A
row stands for a recipe, a topology and a commit, that of the code which Python finds: PYTHONPATH=CHECKOUT measures
another one. --into replaces the rows that it measures and keeps all others, so that commits lie beside each other.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import ssl_jax
from ssl_jax import planning
from ssl_jax.config import recipes, schema

RECIPES = ("simclr_imagenet_r50", "byol_imagenet_r50", "dino_imagenet_vits16", "mae_imagenet_vitb16")
IMAGENET = (1281167, 1000, 3)
KEY = ("recipe", "topology", "commit")


def main() -> None:
    """Compiles, prints a line for each recipe, and writes after each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    parser.add_argument("--topology", default="v5e:8x8")
    parser.add_argument("--into", metavar="FILE", type=Path)
    options = parser.parse_args()
    for name in options.recipes:
        row = measured(name, options.topology)
        print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        if options.into:
            merge(options.into, row)


def measured(name: str, topology: str) -> dict:
    """A row."""
    config = schema.resolve(recipes.load(name))
    (found,) = planning.plan(config, [topology], sizes=IMAGENET, search=False)
    if "peak" not in found:
        sys.exit(f"{name} does not fit {topology}: it needs {found['needed'] / 2**30:.1f} GiB a chip")
    return {
        **dict(zip(KEY, (name, topology, commit()), strict=True)),
        "gigabytes": round(found["bytes_accessed"] / 1e9, 2),
        "gigabytes_moved": round(found["bytes_moved"] / 1e9, 2),
        "teraflops": round(found["flops"] / 1e12, 1),
        "peak_gib": round(found["peak"] / 2**30, 2),
        "binds": found["binds"],
    }


def commit() -> str:
    """Of the checkout that the library lies in, with a + where files have changed since."""
    git = ("git", "-C", str(Path(ssl_jax.__file__).parent))
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], check=False).returncode
    return head.stdout.strip() + "+" * changed


def merge(path: Path, row: dict) -> None:
    """The row in place of one of the same recipe, topology and commit."""
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    kept = [other for other in rows if [other[k] for k in KEY] != [row[k] for k in KEY]]
    command = "python benchmarks/plans.py --into=benchmarks/results/plans.json"
    path.write_text(json.dumps({"command": command, "rows": [*kept, row]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
