"""What is said of features where there is nothing to score them by: no test set, or no labels."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from ssl_jax import monitors
from ssl_jax.data.sources import Source
from ssl_jax.evals import knn, usable
from ssl_jax.losses import clustering, contrastive
from ssl_jax.run import evaluation
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

PARTNERS = 1024
"""Examples among which a view has to find the other view of its own."""
MONITORS = {
    "effective_rank": monitors.effective_rank,
    "alpha": monitors.spectral_decay,
    "std": monitors.spread,
}
CONSISTENCY = "view_consistency"
NAMES = (CONSISTENCY, *MONITORS)
BASELINE = "random_init_label_free"
"""What the scores of the random network are kept as."""


class Seen(NamedTuple):
    """A part of the training set and its features. x: float32 [n, d]; index: int [n], which examples of `source`."""

    source: Source
    x: np.ndarray
    index: np.ndarray


def measured(
    job: Job, program: Program, state: TrainState, random: Callable[[], TrainState], cached: Callable
) -> tuple[dict, Seen | None]:
    """{"label_free": {name of `NAMES`: {"random_init": ..., "pretrained": ...}}, "not_measured": {...}}, and the
    features of the trained encoder, for pictures; None where they are not finite.

    view_consistency: see `consistency`; the others are `monitors` of features of the training set. random: makes the
    state of the same job before anything was learned. cached: as in `evaluation.final`. Where features are not finite
    there are None and the reason.
    """
    columns, reasons, features = {}, {}, None
    try:
        columns["random_init"] = cached(BASELINE, lambda: baseline(job, program, random())).accuracies
    except ValueError as error:
        columns["random_init"], reasons["random_init"] = dict.fromkeys(NAMES), str(error)
    try:
        features = seen(job, program, state)
        columns["pretrained"] = scores(job, program, state, features)
    except ValueError as error:
        columns["pretrained"], reasons["pretrained"], features = dict.fromkeys(NAMES), str(error), None
    table = {name: {column: values[name] for column, values in columns.items()} for name in NAMES}
    return {"label_free": table, "not_measured": reasons}, features


def baseline(job: Job, program: Program, state: TrainState) -> evaluation.Scores:
    """`scores` of the random network, as they are kept between runs."""
    return evaluation.Scores(scores(job, program, state, seen(job, program, state)), {}, {})


def seen(job: Job, program: Program, state: TrainState) -> Seen:
    """Features of up to `evaluation.MONITORED` training examples that can be read. Raises ValueError where they are not
    finite.
    """
    source = evaluation.some(job.train, min(evaluation.MONITORED, job.evaluation["examples"]))
    rows = evaluation.embedded(job, program, source, state)
    return Seen(source, usable.finite(rows.x[rows.valid], "training examples"), np.flatnonzero(rows.valid))


def scores(job: Job, program: Program, state: TrainState, features: Seen) -> dict[str, float]:
    """By `NAMES`."""
    found = {name: float(monitor(features.x)) for name, monitor in MONITORS.items()}
    return {CONSISTENCY: consistency(job, program, state), **found}


def consistency(job: Job, program: Program, state: TrainState) -> float:
    """The share of examples, of at most `PARTNERS`, for one view of which the nearest other view is their own, 0..1.

    Both views are drawn as training draws its largest ones. Chance is one by the number of examples.
    """
    source = evaluation.some(job.train, PARTNERS)
    one, other = (_views(job, program, state, source, seed) for seed in (0, 1))
    both = one.valid & other.valid
    _, nearest = knn.neighbors(other.x[both], one.x[both], k=1)
    return float(np.mean(nearest[:, 0] == np.arange(both.sum())))


def _views(job: Job, program: Program, state: TrainState, source: Source, seed: int) -> evaluation.Rows:
    """Features of one training view of each example."""
    shown = {}
    for view in job.training.views:
        known = shown.setdefault(view.of, view)
        shown[view.of] = view if np.prod(view.size) > np.prod(known.size) else known

    @jax.jit
    def embed(params, method_state, views, key):
        seen = job.training.device(key, views)
        return job.method.embed(params, method_state, {part: seen[view.group][:, 0] for part, view in shown.items()})

    key = jax.random.key(seed)
    of = lambda views: {"pool": embed(state.params, state.method_state, views, key)["pool"]}  # noqa: E731
    return evaluation.read(job, program, source, of, views=job.training, seed=seed)


def clusters(features: Seen, *, most: int, shown: int) -> list[np.ndarray]:
    """Spherical k-means of the features: for each cluster up to `shown` examples of `features.source`, nearest first.

    Up to `most` clusters, of ten examples or more on average, the largest first; empty ones are left out.
    """
    x = np.asarray(contrastive.unit(features.x))
    k = max(min(most, len(x) // 10), 1)
    centroids, labels = clustering.kmeans(jax.random.key(0), x, np.ones(len(x), bool), clusters=k, iterations=30)
    cosines, labels = x @ np.asarray(centroids).T, np.asarray(labels)
    members = [np.flatnonzero(labels == number) for number in range(k)]
    order = sorted((number for number in range(k) if len(members[number])), key=lambda n: -len(members[n]))
    return [features.index[members[n][np.argsort(-cosines[members[n], n])][:shown]] for n in order]


def neighborhoods(features: Seen, *, queries: int, nearest: int) -> tuple[np.ndarray, np.ndarray]:
    """(int [q], int [q, k]): examples of `features.source` at even distances, and those that are most like them."""
    rows = np.linspace(0, len(features.x) - 1, min(queries, len(features.x))).astype(int)
    rows = np.unique(rows)
    _, found = knn.neighbors(features.x, features.x[rows], k=min(nearest + 1, len(features.x)))
    others = np.stack([[i for i in line if i != row][:nearest] for row, line in zip(rows, found, strict=True)])
    return features.index[rows], features.index[others]
