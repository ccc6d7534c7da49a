"""Write the features of a dataset, as the encoder of a work directory sees it.

  ssl-jax embed --workdir=runs/quickstart --data=embedded:fashion_mnist/test --out=features.npz
  ssl-jax embed --workdir=runs/byol --data=folder:/data/photos --out=photos.npz --step=1000

The file holds "features" [n, d] and "labels" [n] (-1 where there is none), in the order of the source; a .parquet has a
row an example, with "features" and "label" (pip install 'ssl_jax[parquet]'). The same command after an interruption
goes on. Several processes share the work, each its own parts of the file.
From Python: ssl_jax.load("runs/quickstart").embed(images)["pool"].
"""

import argparse
import functools

from rich.console import Console

from ssl_jax import api, encoder, schema
from ssl_jax.data import check, sources
from ssl_jax.shard import processes
from ssl_jax.verbs import _together

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
    source = sources.open(args.data, data_dir=args.dir)
    api.keep_compiled()
    with processes.failing_alone():
        patience = schema.DEFAULTS["processes"]
        processes.start(flags, patience=patience["start"], heartbeat=patience["heartbeat"], shutdown=SLOWEST)
        loaded = encoder.load(args.workdir, step=args.step, which=args.which)
        what = {"the checkpoint": f"{loaded.digest} {loaded.step} {loaded.which}", "--data": source.digest}
        processes.agree(what | {"--out": args.out}, seconds=patience["agree"])
        console = Console(quiet=processes.which()[0] > 0)
        with check.bar(console) as bar:
            task = bar.add_task("embedding", total=source.size)
            say = lambda done, total: bar.update(task, completed=done)  # noqa: E731
            share = dict(process=processes.which(), meet=functools.partial(processes.heard, "", seconds=SLOWEST))
            encoder.to_file(loaded, source, args.out, batch=args.batch, say=say, **share)
    console.print(f"{source.size} features of {source.name}, step {loaded.step}, are in {args.out}", soft_wrap=True)
