"""Find what a trained encoder holds to be alike in a dataset: neighbors, near duplicates, outliers, clusters.

  ssl-jax neighbors --workdir=runs/mine --data=folder:/data/photos --out=alike
  ssl-jax neighbors --workdir=r50.npz --data=zip:photos.zip --out=alike --k=20 --table=parquet
  ssl-jax neighbors --workdir=runs/mine --data='mix:1*folder:TRAIN+1*folder:TEST' --out=both --threshold=0.99

In the folder --out, once it is done:

  index.html      a page for a browser, which needs no network: neighbors of sample images, the most alike pairs,
                  outliers, clusters
  neighbors.csv   a row an example: index, path, label, valid, distance (mean of 1 - cosine to its k nearest: the
                  largest are outliers), its k nearest by their index, and their cosines; or .npz or .parquet (--table)
  pairs.csv       pairs whose cosine is at least --threshold, the most alike first, with both paths
  features.npz    what `ssl-jax embed` writes

A cosine is that of the features as they are; which value means "the same" differs from encoder to encoder, so look at
the pairs of the page first. Copies of one file are found without any encoder by `ssl-jax data check --html`. The same
command after an interruption goes on with the features that are there. Time grows with the square of the number of
examples; memory beside the features does not.
"""

import argparse
import os

import numpy as np
from etils import epath
from rich.console import Console

from ssl_jax import api
from ssl_jax.cli.verbs import embed
from ssl_jax.data import check
from ssl_jax.evals import alike
from ssl_jax.features import embedding, encoder
from ssl_jax.features.encoder import Rows
from ssl_jax.reporting import neighbors_page, terminal
from ssl_jax.reporting.neighbors_page import Found
from ssl_jax.storage import tables


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax neighbors`."""
    parser.add_argument(
        "--workdir", required=True, help="the work directory of a run, or an exported .npz, .safetensors"
    )
    parser.add_argument("--data", required=True, metavar="SOURCE", help="a dataset, see ssl-jax data --help")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where to write; it is made")
    parser.add_argument("--k", type=int, default=10, help="neighbors of each example (10)")
    parser.add_argument("--threshold", type=float, default=0.98, help="the least cosine of a pair in pairs.csv (0.98)")
    parser.add_argument("--table", choices=tables.KINDS, default="csv", help="how neighbors are written (csv)")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    parser.add_argument("--which", help="student or teacher; what the method itself evaluates if left out")
    parser.add_argument("--batch", type=int, default=256, help="images at a time (256)")
    parser.add_argument("--dir", help="where tfds datasets lie; TFDS_DATA_DIR if left out")


def run(args: argparse.Namespace) -> None:
    """Embeds, compares, writes and says where."""
    out = epath.Path(args.out)
    _check(args, out)
    api.keep_compiled()
    loaded = encoder.load(args.workdir, step=args.step, which=args.which)
    source = encoder.opened(loaded, args.data, data_dir=args.dir)
    if args.k >= source.size:
        raise ValueError(
            f"--k={args.k}: each of the {source.size} examples of {source.name} has {source.size - 1} others"
        )
    out.mkdir(parents=True, exist_ok=True)
    console = terminal.output()
    with check.bar(console) as bar:
        task = bar.add_task("embedding", total=source.size)
        say = lambda done, total: bar.update(task, completed=done)  # noqa: E731
        rows = embedding.to_file(loaded, source, os.fspath(out / "features.npz"), batch=args.batch, say=say)
    found = compared(rows, k=args.k, least=args.threshold, console=console)
    tables.write(out / f"neighbors.{args.table}", columns(rows, found))
    tables.write(out / "pairs.csv", pair_columns(rows, found))
    told = f"By the encoder of {args.workdir}, step {loaded.step}: cosines of {found.x.shape[1]} pooled features."
    neighbors_page.write(out / "index.html", source, found, head=[told], console=console)
    many = f"{len(found.pairs):,} pairs of {len(found.index):,} examples have a cosine of {args.threshold:g} or more"
    console.print(f"{many}{embed.exceptions(rows)}", soft_wrap=True)
    console.print(f"{out}/  index.html, neighbors.{args.table}, pairs.csv, features.npz", soft_wrap=True)


def _check(args: argparse.Namespace, out: epath.Path) -> None:
    """ValueError for flags that cannot be, before anything is read."""
    if args.k < 1:
        raise ValueError(f"--k={args.k}: take 1 or more neighbors")
    if args.batch < 1:
        raise ValueError(f"--batch={args.batch}: take 1 or more images at a time")
    if not -1 <= args.threshold <= 1:
        raise ValueError(f"--threshold={args.threshold} is no cosine, which is between -1 and 1")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out={out} is a file; name a folder, which may be new")
    tables.check(out / f"neighbors.{args.table}")


def compared(rows: Rows, *, k: int, least: float, console: Console | None = None) -> Found:
    """Neighbors of all rows with finite features. Raises ValueError where there are k of them or fewer."""
    good = np.flatnonzero(rows.valid & np.isfinite(rows.features).all(1))
    x = rows.features[good]
    with check.bar(console) as bar:
        task = bar.add_task("comparing", total=len(x))
        say = lambda done, total: bar.update(task, completed=done)  # noqa: E731
        cosines, near = alike.nearest(x, k=k, say=say)
    pairs, values = alike.pairs(cosines, near, least)
    return Found(rows.index[good], rows.labels[good], x, cosines, near, pairs, values, alike.distance(cosines), least)


def columns(rows: Rows, found: Found) -> dict[str, np.ndarray]:
    """A row for each example: index, path, label, valid, distance, neighbor [n, k] and cosine [n, k].

    Of one without features the neighbors are -1 and the numbers NaN.
    """
    n, k = len(rows.index), found.rows.shape[1]
    place = np.searchsorted(rows.index, found.index)
    distance, cosine, near = np.full(n, np.nan, np.float32), np.full((n, k), np.nan, np.float32), np.full((n, k), -1)
    distance[place], cosine[place], near[place] = found.distance, found.cosines, found.index[found.rows]
    known = {"index": rows.index, "path": rows.path, "label": rows.labels, "valid": rows.valid}
    return {**known, "distance": distance, "neighbor": near, "cosine": cosine}


def pair_columns(rows: Rows, found: Found) -> dict[str, np.ndarray]:
    """A row a pair: cosine, and index, path and label of both."""
    out = {"cosine": found.alike}
    for name, end in zip(("one", "other"), found.pairs.T, strict=True):
        place = np.searchsorted(rows.index, found.index[end])
        out |= {
            f"index_{name}": rows.index[place],
            f"path_{name}": rows.path[place],
            f"label_{name}": rows.labels[place],
        }
    return out
