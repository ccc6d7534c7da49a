"""Write the features of a dataset, as the encoder of a work directory sees it.

  ssl-jax embed --workdir=runs/quickstart --data=embedded:fashion_mnist/test --out=features.npz
  ssl-jax embed --workdir=runs/byol --data=folder:/data/photos --out=photos.npz --step=1000
  ssl-jax embed --workdir=runs/byol --data='hf:saved?split=test' --out=test.parquet

The file has a row for each example, in the order of the source: "index", "path", "labels" (-1 where there is none),
"valid", and "features" [n, d]. An image that cannot be read has NaN there and valid=False; the last line names it. A
.parquet has the same columns, with "label" (pip install 'ssl_jax[parquet]'). Images are decoded to the channels that
the encoder takes. The same command after an interruption goes on; another one is refused, until you remove what is
there or name another --out. Several processes share the work, each its own parts of the file.
From Python: ssl_jax.load("runs/quickstart").embed(images)["pool"], or .stream("zip:photos.zip", batch=256).
"""

import argparse
import functools

import numpy as np

from ssl_jax import api
from ssl_jax.cli.verbs import _together
from ssl_jax.config import schema
from ssl_jax.data import check
from ssl_jax.features import embedding, encoder
from ssl_jax.reporting import terminal
from ssl_jax.shard import processes

NAMED = 5
"""Unreadable images that the last line names, at most."""
SLOWEST = 7 * 86400.0
"""Seconds that other processes may take for their parts; one that dies ends the others by its heartbeat."""


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax embed`."""
    parser.add_argument("--workdir", required=True, help="the work directory of a run")
    parser.add_argument("--data", required=True, metavar="SOURCE", help="what to embed, as in a recipe's data.train")
    parser.add_argument("--out", required=True, metavar="FILE", help="where to write, .npz or .parquet")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    parser.add_argument("--which", help="student or teacher; what the method itself evaluates if left out")
    parser.add_argument("--batch", type=int, default=256, help="images at a time, over the devices of a process")
    parser.add_argument("--dir", help="where tfds datasets lie; TFDS_DATA_DIR if left out")
    _together.add(parser)


def run(args: argparse.Namespace) -> None:
    """Embeds and writes."""
    if args.batch < 1:
        raise ValueError(f"--batch={args.batch}: take 1 or more images at a time")
    flags = _together.flags(args)
    api.keep_compiled()
    with processes.failing_alone():
        patience = schema.DEFAULTS["processes"]
        processes.start(flags, patience=patience["start"], heartbeat=patience["heartbeat"], shutdown=SLOWEST)
        loaded = encoder.load(args.workdir, step=args.step, which=args.which)
        source = encoder.opened(loaded, args.data, data_dir=args.dir)
        what = {**embedding.request(loaded, source), "--out": args.out}
        alike = {name: str(value) for name, value in what.items() if name != embedding.STAMP}
        processes.agree(alike, seconds=patience["agree"])
        console = terminal.output(quiet=processes.which()[0] > 0)
        with check.bar(console) as bar:
            task = bar.add_task("embedding", total=source.size)
            say = lambda done, total: bar.update(task, completed=done)  # noqa: E731
            share = dict(process=processes.which(), meet=functools.partial(processes.heard, "", seconds=SLOWEST))
            rows = embedding.to_file(loaded, source, args.out, batch=args.batch, say=say, **share)
    if rows is not None:
        where = f"{source.name}, step {loaded.step}, are in {args.out}"
        console.print(f"{len(rows.index)} rows of {where}{exceptions(rows)}", soft_wrap=True, markup=False)


def exceptions(rows: encoder.Rows) -> str:
    """What is to be said of rows without features, and of features that are no numbers; "" where there are none."""
    odd = rows.valid & ~np.isfinite(rows.features).all(1)
    parts = [
        _named(rows, ~rows.valid, "of them unreadable (NaN, valid=False)"),
        _named(rows, odd, "readable with features that are not finite: are the weights damaged? (valid=True)"),
    ]
    return "".join(f", {part}" for part in parts if part)


def _named(rows: encoder.Rows, which: np.ndarray, what: str) -> str:
    names = rows.path[which]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{len(names)} {what}: {', '.join(names[:NAMED])}{more}" if len(names) else ""
