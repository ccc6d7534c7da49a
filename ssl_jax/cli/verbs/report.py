"""Show one run, or several side by side, as one page for a browser: curves, scores, pictures, what the encoder sees.

  ssl-jax report runs/quickstart --out=report.html
  ssl-jax report runs/simclr runs/byol runs/mae --out=three.html
  ssl-jax report runs/mine --out=mine.html --data=folder:/other/photos --examples=2000
  ssl-jax report runs/mine --out=mine.html --examples=0      # what lies in the work directory alone

The page opens from a file and needs no server and no network. It has the scores with their baselines, curves of all
that was logged, the views as the network sees them, pictures that the method makes, where the time went, the
environment and the resolved recipe; of several runs also what is different in their recipes.

The newest checkpoint then sees examples of the test set, or of the training set where there is no test set: a map of
the embedding (PCA and t-SNE) with the example where you point, nearest neighbors, the confusion matrix of a linear
probe, where a vision transformer looks, and its patch tokens as colors. --data names another dataset to look at.

A run that has not ended is shown as far as it is, and what cannot be shown is told in a sentence on the page.
Needs plotly and scikit-learn: pip install 'ssl_jax[report]'.
"""

import argparse
import importlib
import os
from collections.abc import Sequence
from types import ModuleType

from etils import epath

from ssl_jax import api
from ssl_jax.checks import spelling
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import classes
from ssl_jax.data.source import Source
from ssl_jax.features import encoder
from ssl_jax.reporting import run_record, terminal

EXAMPLES = 1000
MOST = 10_000
"""Examples in a map, at most: the page holds a thumbnail of each."""


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax report`."""
    parser.add_argument(
        "workdirs", nargs="+", metavar="WORKDIR", help="the work directory of a run; several are compared"
    )
    parser.add_argument("--out", required=True, metavar="FILE.html", help="where to write the page")
    parser.add_argument("--data", metavar="SOURCE", help="a dataset to look at; the run's test set if left out")
    parser.add_argument("--dir", help="where tfds datasets lie; as the run had it if left out")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    parser.add_argument("--which", help="student or teacher; what the method itself evaluates if left out")
    parser.add_argument(
        "--examples", type=int, default=EXAMPLES, help=f"examples in the map ({EXAMPLES}); 0 leaves the encoder out"
    )


def run(args: argparse.Namespace) -> None:
    """Reads, looks, writes and says where."""
    _check(args)
    names = named(args.workdirs)
    configs = [recipes.of_run(workdir) for workdir in args.workdirs]
    runs = [
        run_record.read(workdir, name, config, recipes.flat(config))
        for workdir, name, config in zip(args.workdirs, names, configs, strict=True)
    ]
    page, inspection = (_library(module) for module in ("reporting.run_page", "features.inspection"))
    api.keep_compiled()
    console = terminal.output()
    looked = []
    for workdir, record in zip(args.workdirs, runs, strict=True):
        console.print(f"looking at {workdir}", soft_wrap=True)
        looked.append(_looked(workdir, record.config, args, inspection))
        if isinstance(looked[-1], str) and args.examples:
            console.print(looked[-1], soft_wrap=True)
    out = epath.Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.write(out, runs, looked, console=console)
    console.print(f"{out}  {out.stat().length / 1e6:.1f} MB; open it in a browser", soft_wrap=True)


def named(workdirs: Sequence[str]) -> list[str]:
    """What to call each of them: the last part of the path, or all of it where two would have one name.

    Raises ValueError for a work directory that is named twice.
    """
    paths = [os.path.normpath(workdir) if "://" not in workdir else workdir.rstrip("/") for workdir in workdirs]
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise ValueError(f"{twice[0]} is named twice: name each work directory once")
    last = [os.path.basename(os.path.abspath(path)) if "://" not in path else path.rpartition("/")[2] for path in paths]
    return [name if last.count(name) == 1 else path for name, path in zip(last, paths, strict=True)]


def _check(args: argparse.Namespace) -> None:
    """ValueError for flags that cannot be, before anything is read."""
    if not args.out.endswith((".html", ".htm")):
        raise ValueError(f"--out={args.out}: the report is one page; name a file such as report.html")
    if not 0 <= args.examples <= MOST or 0 < args.examples < 4:
        raise ValueError(f"--examples={args.examples}: take 0, or 4 to {MOST:,} examples")
    if epath.Path(args.out).is_dir():
        raise ValueError(f"--out={args.out} is a folder; name a file such as {args.out}/report.html")


def _library(module: str) -> ModuleType:
    """A module that needs the extra. Raises ValueError where its packages are missing."""
    try:
        return importlib.import_module(f"ssl_jax.{module}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "ssl_jax":
            raise
        raise ValueError(f"a report is made with {package}: pip install 'ssl_jax[report]'") from error


def _looked(workdir: str, config: dict, args: argparse.Namespace, inspection: ModuleType) -> run_record.Looked | str:
    """What the encoder sees, or why it sees nothing."""
    if not args.examples:
        return "The encoder was left out (--examples=0)."
    try:
        config = schema.resolve(config)
        net = encoder.load(workdir, step=args.step, which=args.which)
        train, test, _ = build.opened({**config["data"], **({"dir": args.dir} if args.dir else {})})
        if args.data:
            test = encoder.opened(net, args.data, data_dir=args.dir or config["data"]["dir"] or None)
            train, test = _of_one_kind(train, test)
        return inspection.looked(net, train, test, examples=args.examples)
    except (ValueError, OSError) as error:
        return f"The encoder of {workdir} cannot be looked at: {spelling.one_line(error)}"


def _of_one_kind(train: Source, test: Source) -> tuple[Source | None, Source]:
    """The test set with the classes of the training set; no training set where they have none in common."""
    try:
        return train, classes.alike(train, test)[0]
    except ValueError:
        return None, test
