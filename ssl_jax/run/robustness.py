"""What a linear probe on clean features still knows of distorted test images."""

import functools
from collections.abc import Callable, Iterable

import jax
import numpy as np

from ssl_jax.data.sources import Source
from ssl_jax.evals import linear, raw
from ssl_jax.reporting.display import complain
from ssl_jax.run import evaluation, protocols
from ssl_jax.run.job import Job, Preprocess
from ssl_jax.shard.program import Program
from ssl_jax.types import Op, TrainState
from ssl_jax.views import compose_device, corruptions

EXPONENTS = (0.2, 0.5, 2.0, 5.0)
GRIDS = (2, 4)
LIMIT = 2000
"""Test images that are distorted, drawn evenly."""
CLEAN = "clean"


def distortions(which: tuple[str, ...]) -> dict[str, Op]:
    """{"gamma 0.2": its operation, ...} of names of `protocols.DISTORTED`."""
    corrupted = [(k, s) for k in corruptions.SEVERITIES for s in range(1, 6)]
    made = {
        "gamma": {f"gamma {e:g}": Op("gamma", args={"exponent": e}) for e in EXPONENTS},
        "corruptions": {f"{k} {s}": Op("corrupt", args={"kind": k, "severity": s}) for k, s in corrupted},
        "patches": {f"patches {g}x{g}": Op("shuffle_patches", args={"grid": g}) for g in GRIDS},
    }
    return {title: op for name in which for title, op in made[name].items()}


def asked(job: Job) -> tuple[str, ...]:
    """Those of `protocols.DISTORTED` that the recipe's `evaluation.final` names."""
    return tuple(name for name in protocols.asked(job.evaluation["final"]) if name in protocols.DISTORTED)


def impossible(job: Job) -> str:
    """Why nothing can be measured on a job's test set; "" where it can."""
    if set(job.clean.inputs) != {"image"}:
        return f"images alone can be distorted, and the encoder takes {', '.join(job.clean.inputs)}"
    return "" if evaluation.classifying(job) else "it wants labels in the training and the test set"


Features = Callable[[jax.Array], jax.Array]
"""Normalized images [b, h, w, c] -> [b, d]."""


def encoders(job: Job, states: dict[str, Callable[[], TrainState]]) -> dict[str, Callable[[], Features]]:
    """Pixels, and the network with the weights of each state, made when they are asked for."""
    embed = jax.jit(lambda params, state, images: job.method.embed(params, state, {"image": images})["pool"])

    def of_state(make: Callable[[], TrainState]) -> Features:
        state = make()
        return functools.partial(embed, state.params, state.method_state)

    pixels = {name: functools.partial(jax.jit, features) for name, features in raw.of("image").items()}
    return pixels | {name: functools.partial(of_state, make) for name, make in states.items()}


def final(job: Job, program: Program, states: dict[str, Callable[[], TrainState]]) -> dict:
    """{"robustness": `compared`} of what is asked for; {} unasked, and where it cannot be measured, which is said."""
    which = asked(job)
    if which and (reason := impossible(job)):
        complain(f"{', '.join(which)} not measured: {reason}")
        return {}
    return {"robustness": compared(job, program, states, which)} if which else {}


def measured(job: Job, program: Program, encoder: Features, which: tuple[str, ...]) -> dict[str, float]:
    """{"clean": accuracy, "gamma 0.2": accuracy, ...} in 0..1 on the same up to `LIMIT` test images.

    The probe is fitted on clean training images, as `evals.linear` does. Noise is drawn by the place of the image.
    """
    train, test = (evaluation.some(s, n) for s, n in ((job.train, job.evaluation["examples"]), (job.test, LIMIT)))
    learned = _features(job, program, encoder, train, None)
    ops = {CLEAN: None, **distortions(which)}
    tests = ((title, _features(job, program, encoder, test, op)) for title, op in ops.items())
    return accuracies(job.seed, learned, tests)


def accuracies(
    seed: int, train: tuple[np.ndarray, np.ndarray], tests: Iterable[tuple[str, tuple[np.ndarray, np.ndarray]]]
) -> dict[str, float]:
    """{title: top-1 in 0..1} on several sets of the linear probe that `evals.linear` fits on one.

    train, and what stands behind each title: (features float [n, d], labels int [n]). Examples in classes that train
    lacks take no part.
    """
    x, y = train
    classes, numbers = np.unique(y, return_inverse=True)
    basis, fitted, _ = linear.chosen(jax.random.key(seed), x, numbers.astype(np.int32), classes=len(classes))
    out = {}
    for title, (x, y) in tests:
        known = np.isin(y, classes)
        out[title] = float(np.mean(classes[linear.predict(basis, fitted, x[known])] == y[known]))
    return out


def compared(
    job: Job, program: Program, states: dict[str, Callable[[], TrainState]], which: tuple[str, ...]
) -> dict[str, dict]:
    """{encoder: `drops`} of pixels and of each state."""
    made = encoders(job, states)
    return {name: drops(measured(job, program, make(), which)) for name, make in made.items()}


def drops(scores: dict[str, float]) -> dict[str, dict[str, float]]:
    """{title: {"accuracy", "drop", "relative"}}: what is lost of the clean accuracy, and which share of it."""
    clean = scores[CLEAN]
    return {
        title: {"accuracy": value, "drop": clean - value, "relative": (clean - value) / clean if clean else 0.0}
        for title, value in scores.items()
    }


def _features(job: Job, program: Program, encoder: Features, source: Source, op: Op | None) -> tuple:
    """Features and labels of the examples of a source that can be read and have a label."""
    (view,) = job.clean.views
    made = view._replace(ops=_inserted(view.ops, op))
    device = jax.jit(compose_device.device((made,)))

    def embed(views: dict) -> dict:
        images = device(jax.random.key(0), views)[view.group][:, 0]
        return {"pool": encoder(images)}

    rows = evaluation.read(job, program, source, embed, views=Preprocess((view,), job.clean.host, device))
    kept = rows.valid & (rows.y >= 0)
    return rows.x[kept], rows.y[kept]


def _inserted(ops: tuple[Op, ...], op: Op | None) -> tuple[Op, ...]:
    """The operations with another one before the normalization, which is last."""
    if op is None:
        return ops
    place = len(ops) - (bool(ops) and ops[-1].name == "normalize")
    return (*ops[:place], op, *ops[place:])
