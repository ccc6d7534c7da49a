"""The protocols of images that have several classes each: one class against the rest, scored by average precision."""

from collections.abc import Callable

import jax
import numpy as np

from ssl_jax.data.sources import Source
from ssl_jax.evals import raw, suite, usable
from ssl_jax.run import evaluation, protocols
from ssl_jax.run.evaluation import CHANCE, Rows, Scores
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

LINEAR = "one_vs_rest"
"""What stands for the linear probe of images of one class."""
REASON = "images have several classes each here, of which one_vs_rest, svm and svm_N are measured"


def possible(job: Job) -> bool:
    """Whether there is a test set, and images of both sets can have several classes."""
    return job.test is not None and job.train.multi_hot is not None and job.test.multi_hot is not None


def unsuited(job: Job) -> dict[str, str]:
    """{protocol: why there is none of it} of those that are asked for by name."""
    by_name = [word for word in suite.words(job.evaluation["final"]) if word not in suite.SETS]
    return {name: REASON for name in by_name if name not in ("linear", *suited(job)) and not protocols.apart(name)}


def suited(job: Job) -> tuple[str, ...]:
    """Those of the asked protocols that there are for several classes; for the linear probe its own form."""
    asked = (LINEAR if name == "linear" else name for name in protocols.asked(job.evaluation["final"]))
    return tuple(dict.fromkeys(name for name in asked if name == LINEAR or name.split("_")[0] == "svm"))


def final(
    job: Job,
    program: Program,
    state: TrainState,
    random: Callable[[], TrainState],
    cached: Callable = lambda name, make: make(),
) -> dict:
    """{"one_vs_rest": {"chance": ..., "raw_pixels": ..., "random_init": ..., "pretrained": ...}, "not_measured": ...}

    As `evaluation.final` of the protocols that are `suited`; "map" and the like of the others are under "details".
    """
    train, which = evaluation.some(job.train, job.evaluation["examples"]), suited(job)

    def of(name: str) -> Scores:
        if name in raw.NAMES:
            return scored(job, train, lambda source: evaluation.unlearned(job, program, source, name), which)
        known = random() if name == "random_init" else state
        return scored(job, train, lambda source: evaluation.embedded(job, program, source, known), which)

    names = (*raw.names(job.clean.inputs), "random_init", "pretrained")
    return evaluation.compared(names, of, cached, which, {CHANCE: chance(job.test, which)}, unsuited(job))


def scored(job: Job, train: Source, read: Callable[[Source], Rows], which: tuple[str, ...]) -> Scores:
    """Scores of the features that `read` makes of training examples and of the test set. Raises ValueError for features
    that are not finite, and where no test example has any of the classes."""
    rows = read(train), read(job.test)
    sides = [(each.x[each.valid], s.multi_hot[each.valid]) for each, s in zip(rows, (train, job.test), strict=True)]
    left_out = {role: {"unreadable": int((~r.valid).sum())} for role, r in zip(("train", "test"), rows, strict=True)}
    for (x, _), role in zip(sides, ("training", "test"), strict=True):
        usable.finite(x, f"examples of the {role} set")
    kept = np.flatnonzero((sides[0][1] == 1).any(0))  # a class without a training example cannot be learned
    (x, y), (test_x, asked) = ((x, known[:, kept]) for x, known in sides)
    names, reasons, scores, details = [train.classes[k] for k in kept], {}, dict.fromkeys(which), {}
    for name in which:
        one = suite.protocol(name)
        if reason := one.module.impossible(y, **one.options, names=names):
            reasons[name] = reason
            continue
        found = one.module.evaluate(jax.random.key(job.seed), (x, y), (test_x, asked), classes=len(kept), **one.options)
        scores[name], details[name] = found[one.score], found
    return Scores(scores, reasons, {role: {k: v for k, v in c.items() if v} for role, c in left_out.items()}, details)


def chance(test: Source, which: tuple[str, ...]) -> dict[str, float]:
    """What a ranking in random order has: the mean over the classes of the share of examples that have them."""
    shares = [float(np.mean(column[column >= 0])) for column in test.multi_hot.T if (column == 1).any()]
    return dict.fromkeys(which, float(np.mean(shares)) if shares else None)
