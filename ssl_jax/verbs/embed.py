"""Write the features of a dataset, as the encoder of a work directory sees it.

  ssl-jax embed --workdir=runs/quickstart --data=embedded:fashion_mnist/test --out=features.npz
  ssl-jax embed --workdir=runs/byol --data=folder:/data/photos --out=photos.npz --step=1000

The file holds "features" [n, d] and "labels" [n] (-1 where there is none), in the order of the source; a .parquet has a
row an example, with "features" and "label" (pip install 'ssl_jax[parquet]'). The same command after an interruption
goes on. From Python: ssl_jax.load("runs/quickstart").embed(images)["pool"].
"""

import argparse

from rich.console import Console

from ssl_jax import api, encoder
from ssl_jax.data import check, sources


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax embed`."""
    parser.add_argument("--workdir", required=True, help="the work directory of a run")
    parser.add_argument("--data", required=True, metavar="SOURCE", help="what to embed, as in a recipe's data.train")
    parser.add_argument("--out", required=True, metavar="FILE", help="where to write, .npz or .parquet")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    parser.add_argument("--which", help="student or teacher; what the method itself evaluates if left out")
    parser.add_argument("--batch", type=int, default=256, help="images at a time, over all devices")
    parser.add_argument("--dir", help="where tfds datasets lie; TFDS_DATA_DIR if left out")


def run(args: argparse.Namespace) -> None:
    """Embeds and writes."""
    if args.batch < 1:
        raise ValueError(f"--batch={args.batch}: take 1 or more images at a time")
    source = sources.open(args.data, data_dir=args.dir)
    api.keep_compiled()
    loaded = encoder.load(args.workdir, step=args.step, which=args.which)
    console = Console()
    with check.bar(console) as bar:
        task = bar.add_task("embedding", total=source.size)
        encoder.to_file(
            loaded, source, args.out, batch=args.batch, say=lambda done, total: bar.update(task, completed=done)
        )
    console.print(f"{source.size} features of {source.name}, step {loaded.step}, are in {args.out}", soft_wrap=True)
