"""Measure the frozen encoder of a work directory on other datasets.

  ssl-jax transfer --workdir=runs/simclr --suite=simclr12 --config.data.dir=/data/tfds
  ssl-jax transfer --workdir=runs/simclr --data=tfds:dtd --data=folder:/photos --test=0.2
  ssl-jax transfer --workdir=runs/long_tail --data=tfds:cifar10 --against=runs/balanced

Each dataset has a training set, on which a logistic regression is fitted to the frozen features (L-BFGS, its L2 chosen
on a part of it), and a test set, which is read once. Beside the encoder are raw pixels and the same network before
training. Writes transfer.json in the work directory, one entry a dataset, and prints one table.

--data may be repeated, and --test behind it says the test set of the same dataset: a SOURCE, or the share to hold out,
as 0.2. Without --test tfds:NAME has its own splits, and of others a fifth of each class is held out. SOURCE is as in
`ssl-jax data --help`, or the title of a dataset of a suite, as --data=CIFAR-100.

--suite=simclr12 is Food-101, CIFAR-10, CIFAR-100, Birdsnap, SUN397, Stanford Cars, FGVC Aircraft, VOC 2007, DTD, Oxford
Pets, Caltech-101 and Oxford Flowers, each with the metric of its paper: top-1, the mean over classes, or the 11-point
mean average precision of VOC, whose images have several classes. What is not on this machine is reported as absent,
with the way to get it.

--protocol=fine_tune_100 trains the network itself on each dataset, and beside it one from scratch; fine_tune_grid does
so with the rate and decay that do best on a fifth of the training set, SimCLR's protocol, in 114 runs;
--protocol=zero_shot measures an encoder of images and texts by the names of the classes, see `ssl-jax evaluate --help`.

--against=RUN shows the scores of another run beside, from its own transfer.json, and which share of them this run
lacks. Where the run was trained on unequal classes of the same dataset, there are accuracies of the third of the
classes with the most images, of the middle, and of the last.
"""

import argparse

from ssl_jax import api
from ssl_jax.cli.verbs import _together
from ssl_jax.shard import processes


class _Test(argparse.Action):
    """--test belongs to the --data before it."""

    def __call__(self, parser, namespace, values, option_string=None):
        if not namespace.data or namespace.data[-1][1]:
            parser.error(f"--test={values} says the test set of a dataset: write it behind its --data")
        namespace.data[-1] = (namespace.data[-1][0], values)


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax transfer`."""
    parser.add_argument("--workdir", required=True, help="the work directory of a run")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    parser.add_argument("--suite", default="", metavar="NAME", help="a published list of datasets: simclr12")
    parser.add_argument(
        "--data", type=lambda text: (text, ""), action="append", default=[], metavar="SOURCE", help="a dataset"
    )
    parser.add_argument("--test", action=_Test, metavar="SOURCE", help="the test set of the --data before it")
    parser.add_argument("--protocol", metavar="NAMES", help="as of `ssl-jax evaluate`; linear if left out")
    parser.add_argument("--against", default="", metavar="RUN", help="the work directory of another run")
    _together.add(parser)


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Measures a checkpoint on other datasets."""
    changes = changes | ({"evaluation.final": args.protocol} if args.protocol else {})
    options = dict(suite=args.suite, against=args.against, step=args.step)
    with processes.failing_alone():
        api.transfer(args.workdir, args.data, **options, changes=changes, flags=_together.flags(args))
