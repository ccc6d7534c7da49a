"""Look at a dataset before a run, or turn it into ArrayRecord shards.

  ssl-jax data check folder:/data/photos
  ssl-jax data check folder:/data/photos --html=photos.html
  ssl-jax data check tfds:cifar10 --dir=/data/tfds --json
  ssl-jax data convert tfds:imagenet2012/train --to=arrayrecord:/data/in1k --short-side=256

SOURCE is embedded:NAME[/SPLIT], tfds:NAME[/SPLIT], folder:PATH, zip:PATTERN, tar:PATTERN, csv:FILE, hf:FOLDER,
parquet:PATTERN, wds:PATTERN[#FIELD], arrayrecord:PATTERN, mix:WEIGHT*SOURCE+WEIGHT*SOURCE, held:SHARE*SOURCE,
rest:SHARE*SOURCE, long_tail:RATIO*SOURCE and balanced:RATIO*SOURCE, or package.module:function:

  'folder:/data/photos?list=train.txt'  the files that a list names: a path a line, and its class behind a tab or blank
  'zip:photos.zip?folder=train'         an archive as it is, or several, 'zip:part-{0..4}.zip'; no compressed tar
  'csv:birds.csv?label=species'         columns path, label, target (numbers to predict), split; table: is the same
  'hf:saved?split=train'                what `datasets` saved by save_to_disk, or a repository's Parquet files
  'parquet:/data/*.parquet?label=kind'  columns are named by image=, label=, target=, where they are not plain
  'mix:3*folder:/data/own+1*zip:b.zip'  training draws three of the first for one of the second; an epoch is as many
                                        draws as there are examples in all, and what reads in order sees each once
  'held:0.1*folder:/data/photos'        a tenth of each class, and 'rest:0.1*folder:/data/photos' what it leaves
  'long_tail:100*tfds:cifar10'          the largest class has 100 times the smallest, in an order of classes that a
                                        seed draws (long_tail:100@SEED*); balanced:100* has as many in equal classes

PATTERN is a file, or a path with braces or stars, and of parquet: a folder. Paths may be gs:// (not of arrayrecord:).
check reads every example once: counts, sizes, channels, turned and corrupt files, and the statistics of each channel,
which are what the presets of views take as stats. convert may be stopped and started again: finished shards stay, if
source and flags are the same and no file of it was touched since.

--html=FILE.html writes the same as one page for a browser, which needs no network, with sample pictures, histograms of
sizes, and exact copies and near duplicates side by side, also where their labels differ; with --json the groups are in
the JSON, too. What a training and a test set have in common: check 'mix:1*folder:TRAIN+1*folder:TEST'.

All but tfds: may hold PNG, JPEG, WebP, BMP, GIF, TIFF, .npy and .npz, JPEG 2000, AVIF, HEIC and DICOM, of any number
of channels. 'folder:PATH?pages=first' or '?pages=channels' says how files of several pages or frames are read, which
are unreadable without it, and '?key=NAME' which array of an .npz is the image; more options follow behind &.

The classes of folder:PATH are the folders directly in PATH, also empty ones. A PATH that holds train, test and the like
is refused: name one of them. Where each class holds its own, as in ModelNet, write 'folder:PATH?split=train'. A link
to a folder that is listed already is left out, with a note.

ImageNet is too large for TFRecord files, tfds's default, which have no random access. Three ways to have it:

  tfds build imagenet2012 --file_format=array_record --data_dir=DIR
    then train with --config.data.dir=DIR
  ssl-jax data convert tfds:imagenet2012/train --dir=DIR --to=arrayrecord:OUT/train
  ssl-jax data convert tfds:imagenet2012/validation --dir=DIR --to=arrayrecord:OUT/validation
    then train with --config.data.train=arrayrecord:OUT/train --config.data.test=arrayrecord:OUT/validation
  the JPEG files as they come, in a folder a class
    then train with --config.data.train=folder:/data/imagenet/train --config.data.test=folder:/data/imagenet/val

--short-side=400 makes the shards smaller and decoding faster, and crops a little softer than the published ones.
"""

import argparse
import json

from etils import epath

from ssl_jax.data import check, convert, sources
from ssl_jax.reporting import data_page, terminal

PREFIX = "arrayrecord:"


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax data`."""
    parser.add_argument("action", choices=("check", "convert"))
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("--dir", help="where tfds datasets lie; TFDS_DATA_DIR if left out")
    parser.add_argument("--channels", type=int, default=0, help="read images with 1, 3 or 4; 0 for those of the files")
    parser.add_argument("--bits", type=int, default=0, help="read images with 8 or 16 bits; 0 for those of the files")
    parser.add_argument("--html", metavar="FILE", help="check: also write a page with pictures and duplicates")
    parser.add_argument("--json", action="store_true", help="check: print JSON and no progress")
    parser.add_argument("--to", metavar="arrayrecord:FOLDER", help="convert: where to write")
    parser.add_argument("--short-side", type=int, metavar="PIXELS", help="convert: larger images are made this small")


def run(args: argparse.Namespace) -> None:
    """Checks or converts. Raises ValueError for a source or a target that cannot be."""
    if args.action == "convert" and not (args.to or "").startswith(PREFIX):
        raise ValueError(f"--to={args.to} is no target; write --to={PREFIX}FOLDER")
    if args.html is not None:
        _check_page(args)
    source = sources.open(args.source, data_dir=args.dir, channels=args.channels, bits=args.bits, scan=True)
    console = terminal.output()
    if not args.json:
        for notice in (*source.notices, *(convert.lost(source) if args.action == "convert" else ())):
            console.print(f"note: {notice}", markup=False, soft_wrap=True)
    if args.action == "convert":
        made = convert.convert(source, args.to.removeprefix(PREFIX), short_side=args.short_side, console=console)
        console.print(json.dumps({k: v for k, v in made.items() if not isinstance(v, list | dict)}, indent=2))
        return
    quiet = None if args.json else console
    if args.html is None:
        report = check.check(source, console=quiet)
    else:
        report, seen = check.examined(source, console=quiet)
        data_page.write(args.html, source, report, seen, console=quiet)
    if args.json:
        print(json.dumps(report, indent=2))
        return
    console.print(check.table(report))
    if args.html is not None:
        console.print(f"page  {args.html}", soft_wrap=True)


def _check_page(args: argparse.Namespace) -> None:
    """Raises ValueError for a page that cannot be, before anything is read."""
    path = epath.Path(args.html)
    if args.action != "check":
        raise ValueError(f"--html={args.html} is a page of what check finds; leave it out of {args.action}")
    if path.suffix not in (".html", ".htm"):
        raise ValueError(f"--html={args.html} is no name of a page; write --html=FILE.html")
    if path.is_dir() or not path.parent.is_dir():
        wrong = path if path.is_dir() else path.parent
        raise ValueError(f"--html={args.html}: {wrong} is {'a' if path.is_dir() else 'no'} folder; name a file in one")
