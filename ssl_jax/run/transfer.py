"""The frozen encoder of a run on other datasets, each with a training and a test set of its own and its paper's metric.

The suite is that of Kornblith et al. 2019 (arXiv:1805.08974, table 1) as SimCLR has it (arXiv:2002.05709, appendix
B.8): a logistic regression on frozen features, its L2 chosen on a part of the training set, and the metric that each
dataset's own paper has.
"""

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ssl_jax.checks import spelling
from ssl_jax.data import classes, sources
from ssl_jax.data.source import digest
from ssl_jax.data.sources import Source
from ssl_jax.run import evaluation, fine_tuning, multilabel, protocols, zero_shot
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

TOP_1, PER_CLASS, MAP = "top-1", "mean per class", "11-point mAP"
KEYS = {TOP_1: "accuracy", PER_CLASS: "mean_per_class", MAP: "map_11_point"}
"""The metrics of the linear probe, and where the details of an evaluation have them."""
SPLITS = ("test", "validation")
"""Of a set of tensorflow_datasets, the first of these that there is, where none is named."""
SHARE = 0.2
"""Held out of a dataset that has no test set and for which none is named."""
DIR = "{dir}"
"""What stands for the folder of datasets in an entry."""
ALL = 2**31 - 1
"""Training images of a dataset that are taken, at most."""


class Entry(NamedTuple):
    """title: what a table calls it. train, test: sources; `DIR` in them is the folder of datasets."""

    title: str
    train: str
    test: str
    metric: str = TOP_1


def _tfds(title: str, name: str, test: str = "test", metric: str = TOP_1, train: str = "train") -> Entry:
    return Entry(title, f"tfds:{name}/{train}", f"tfds:{name}/{test}", metric)


def _folder(title: str, name: str, metric: str = TOP_1) -> Entry:
    return Entry(title, f"folder:{DIR}/{name}/train", f"folder:{DIR}/{name}/test", metric)


SUITES = {
    "simclr12": (
        _tfds("Food-101", "food101", "validation"),
        _tfds("CIFAR-10", "cifar10"),
        _tfds("CIFAR-100", "cifar100"),
        _folder("Birdsnap", "birdsnap"),
        _tfds("SUN397", "sun397/standard-part1-120k"),
        _tfds("Stanford Cars", "cars196"),
        _folder("FGVC Aircraft", "fgvc_aircraft", PER_CLASS),
        _tfds("VOC 2007", "voc/2007", metric=MAP, train="train+validation"),
        _tfds("DTD", "dtd", train="train+validation"),
        _tfds("Oxford Pets", "oxford_iiit_pet", metric=PER_CLASS),
        _tfds("Caltech-101", "caltech101", metric=PER_CLASS),
        _tfds("Oxford Flowers", "oxford_flowers102", metric=PER_CLASS, train="train+validation"),
    )
}


class Pair(NamedTuple):
    """The two sets of an entry, opened; notices: sentences about them."""

    train: Source
    test: Source
    notices: tuple[str, ...]

    @property
    def sets(self) -> dict[str, Source]:
        """By what they are for."""
        return {"train": self.train, "test": self.test}


def folder(job: Job) -> str:
    """Where datasets lie: config.data.dir, else where tensorflow_datasets looks."""
    return job.config["data"]["dir"] or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"


def opened(entry: Entry, job: Job) -> Pair:
    """The sets of an entry, with the channels and bits of the run's. Raises ValueError where one is not there, and
    where they do not fit each other or the encoder."""
    train, test = (sources.open_like(job.train, text, data_dir=folder(job)) for text in _texts(entry, job).values())
    for source in (train, test):
        if lacking := {*without_text(job, source).clean.inputs} - {*source.parts}:
            raise ValueError(f"{source.name} has no {', '.join(sorted(lacking))}, which the encoder takes")
    test, told = classes.alike(train, test)
    both = dict.fromkeys((*train.notices, *test.notices))
    return Pair(train, test, (*both, *told))


def _texts(entry: Entry, job: Job) -> dict[str, str]:
    return {role: text.replace(DIR, folder(job)) for role, text in (("train", entry.train), ("test", entry.test))}


def without_text(job: Job, source: Source) -> Job:
    """The job of an encoder of images and texts as that of its image encoder, for a source that has no texts."""
    if "text" in source.parts or set(job.clean.inputs) != {"image", "text"}:
        return job
    return job._replace(clean=zero_shot.only(job, "image"))


def found(entry: Entry, job: Job) -> Pair | str:
    """The sets of an entry of a suite, or why they are not there and how to get them."""
    try:
        return opened(entry, job)
    except ValueError as error:
        if entry.train.startswith("tfds:"):
            return str(error)
        place = entry.train.partition(":")[2].replace(DIR, folder(job)).rpartition("/")[0]
        return f"{error}; lay it out as {place}/train/CLASS/FILE and {place}/test/CLASS/FILE"


def suite(name: str, more: bool) -> tuple[Entry, ...]:
    """The entries of a suite; none of "", where there are `more` datasets. Raises ValueError for an unknown one."""
    if name and name not in SUITES:
        raise ValueError(spelling.unknown(name, SUITES, "the suites"))
    if not (name or more):
        raise ValueError(f"name datasets to measure on by --data, or a suite by --suite: {', '.join(SUITES)}")
    return SUITES.get(name, ())


def given(data: Sequence[tuple[str, str]], job: Job) -> dict[Entry, Pair]:
    """The datasets that a person names, opened. Raises ValueError where one is not there, and for protocols that do not
    work on features."""
    asked = protocols.asked(job.evaluation["final"])
    can = (protocols.ZERO_SHOT, *protocols.tuned(job.evaluation["final"]))
    if wrong := [name for name in asked if protocols.apart(name) and name not in can]:
        raise ValueError(f"{', '.join(wrong)}: not of other datasets; `ssl-jax evaluate` measures it on the run's own")
    entries = []
    for train, test in data:
        entry = named(train, test, job)
        again = entry.title in [other.title for other in entries]
        entries.append(entry._replace(title=f"{train}, tested on {entry.test}") if again else entry)
    return {entry: opened(entry, job) for entry in entries}


def named(train: str, test: str, job: Job) -> Entry:
    """The entry of a dataset. train: a source, or the title of one in a suite; test: a source, the share of the
    training set to hold out, or "" for its own: of a set of tensorflow_datasets without a split the first of `SPLITS`
    that there is, of others the share `SHARE`. Raises ValueError where the training set is not there.
    """
    known = {entry.title.casefold(): entry for entries in SUITES.values() for entry in entries}
    if train.casefold() in known and not test:
        return known[train.casefold()]
    options = dict(data_dir=job.config["data"]["dir"] or None)
    source = sources.open(train, **options)
    metric, share = TOP_1 if source.multi_hot is None else MAP, SHARE if not test else _number(test)
    if share is None:
        return Entry(train, train, test, metric)
    if not test and source.name != train:  # "/train" was added to it
        for split in SPLITS:
            with contextlib.suppress(ValueError):
                sources.open(f"{train}/{split}", **options)
                return Entry(train, source.name, f"{train}/{split}", metric)
    return Entry(train, f"rest:{share:g}*{train}", f"held:{share:g}*{train}", metric)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def row(
    job: Job,
    program: Program,
    state: TrainState,
    random: Callable[[], TrainState],
    entry: Entry,
    pair: Pair | str,
    known: Callable[[Job], Callable],
    tuned: Callable[..., dict],
) -> dict:
    """{"metric", "scores": {protocol: {column: score}}, "groups", ...} of the encoder on the sets of an entry.

    pair: its sets, or why they are not there, which is "absent" then. random: the untrained network, with the batch
    statistics of the run's own data, as the trained one has them. known: a job -> what keeps the scores of baselines.
    tuned: (a job whose recipe has these data, under=a name for a folder) -> what `tuning.measured` gives.
    "groups": `grouped` accuracies, where there are some. Raises ValueError for sets without labels.
    """
    if isinstance(pair, str):
        return {"absent": pair}
    whole = _beside(entry, pair, job)
    there = without_text(whole, pair.train)
    measure = multilabel.final if multilabel.possible(there) else evaluation.final
    if not (multilabel.possible(there) or evaluation.possible(there)):
        raise ValueError(f"{pair.train.name} and {pair.test.name} have no labels to measure anything by")
    states = {"random_init": random, "pretrained": lambda: state}
    made = measure(there, program, state, random, known(there))
    for more in (zero_shot.measured(job, pair.test, program, states), tuned(whole, under=slug(entry.title))):
        made = protocols.merged(made, more)
    rest = {key: made.pop(key) for key in ("not_measured", "left_out", "details")}
    scores = {name: _by(entry.metric, name, columns, rest["details"]) for name, columns in made.items()}
    groups = grouped(job.train, pair.train, rest["details"])
    cards = {role: {"source": s.name, "digest": s.digest, "examples": s.size} for role, s in pair.sets.items()}
    return {"data": cards, "metric": entry.metric, "scores": scores, **({"groups": groups} if groups else {}), **rest}


def _beside(entry: Entry, pair: Pair, job: Job) -> Job:
    """The job with other data, which its recipe names, too, so that runs of it have them."""
    own = {**job.config["data"], **_texts(entry, job)}
    if "image" in job.train.parts:
        own["channels"] = job.train.image.channels  # which a recipe may leave to its data
    # What the random network is depends on the run's own data, which its kept scores would otherwise not know of.
    config = {**job.config, "calibrated_on": job.train.digest, "data": own}
    return job._replace(train=pair.train, test=pair.test, config=config, notices=())


def slug(title: str) -> str:
    """A name for a folder, of a dataset's title: "tfds_dtd_" of "tfds:dtd", and 8 digits that tell all titles apart."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.casefold()).strip("_")
    return f"{plain[-48:]}_{digest(title)[:8]}"


def _by(metric: str, name: str, columns: dict[str, float | None], details: dict[str, dict]) -> dict[str, float | None]:
    """The columns of a protocol, those of the linear probe and of fine-tuning in the metric of the dataset."""
    if not (name in ("linear", multilabel.LINEAR) or fine_tuning.known(name)) or metric == TOP_1:
        return columns
    known = {column: found.get(name, {}).get(KEYS[metric]) for column, found in details.items()}
    chance = evaluation.CHANCE if metric == PER_CLASS else ""  # what is kept of it is a share of all examples
    return {column: known.get(column, value) for column, value in columns.items() if column != chance}


def grouped(before: Source, train: Source, details: dict[str, dict]) -> dict[str, dict[str, float]]:
    """{"many": {column: accuracy}, "medium": ..., "few": ...}: means over thirds of the classes of the linear probe.

    Thirds by the number of examples that the encoder was trained on, `before`; {} where these are not of the same
    classes, or where no class has twice as many as another.
    """
    if before.labels is None or train.labels is None or before.classes != train.classes or len(train.classes) < 3:
        return {}
    counts = np.bincount(before.labels[before.labels >= 0], minlength=len(train.classes))
    if counts.max() < 2 * counts.min():
        return {}
    there = np.unique(train.labels[train.labels >= 0])  # the probe numbers these
    order = np.argsort(-counts[there], kind="stable")
    thirds = dict(zip(("many", "medium", "few"), np.array_split(order, 3), strict=True))
    shares = {column: found["linear"]["per_class"] for column, found in details.items() if "linear" in found}
    return {name: {column: _mean(share, rows) for column, share in shares.items()} for name, rows in thirds.items()}


def _mean(shares: list[float | None], rows: np.ndarray) -> float | None:
    known = [shares[row] for row in rows if shares[row] is not None]
    return float(np.mean(known)) if known else None


def gap(here: float | None, there: float | None) -> float | None:
    """(there - here) / there: the share of another run's score that this one lacks."""
    return (there - here) / there if here is not None and there else None
