"""Frozen features of a job's data, and what can be read off them: in the loop and at the end."""

from collections.abc import Callable

import jax
import numpy as np

from ssl_jax import monitors
from ssl_jax.data import device, stream
from ssl_jax.data.sources import Source, labelled, subset
from ssl_jax.evals import features, knn, suite
from ssl_jax.job import Job
from ssl_jax.shard import processes
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

MONITORED = 4096
"""Embeddings that the monitors look at: `monitors.uniformity` takes the square of them in memory."""
BASELINES = ("raw_pixels", "random_init", "pretrained")
"""What a table compares: the pixels as they are, the encoder before training, the encoder after it."""


def some(source: Source, limit: int) -> Source:
    """The source, or `limit` examples of it where it has more: the same ones at every call."""
    if source.size <= limit:
        return source
    # Drawn, not taken at even distances: the classes of a dataset may come in turn.
    return subset(source, np.sort(jax.random.permutation(jax.random.key(0), source.size)[:limit]))


def possible(job: Job) -> bool:
    """Whether accuracies can be measured: there is a test set, and both sets have labels."""
    return job.test is not None and all(map(labelled, (job.train, job.test)))


def read(
    job: Job, program: Program, source: Source, embed: Callable, check: Callable = bool
) -> tuple[np.ndarray, np.ndarray]:
    """float32 [n, d] features and int32 [n] labels of those images of a source that can be read.

    embed: clean integers [b, 1, h, w, c] -> {"pool": [b, d]}. check: is called before each batch, and may raise.
    Raises ValueError where no image can be read.
    """
    batch = max(job.evaluation["batch"] // program.devices, 1) * program.devices
    local = stream.sequential(source, job.clean.host, batch=batch, process=processes.which())
    # Where one process holds all, nothing is gathered: two programs with collectives in flight can block each other on
    # a CPU, which has fewer threads than they have participants.
    whole = program.whole if processes.several() else lambda tree: tree
    with device.put(local, program.by_example) as batches:
        known = ({k: b[k] for k in ("clean", "label", "mask", "valid")} for b in batches if not check())
        parts = ({"image": b.pop("clean"), **whole(b)} for b in known)
        x, y, valid = features.extract(lambda images: whole({"pool": embed(images)["pool"]}), parts)
    if not valid.any():
        raise ValueError(stream.nothing(source, job.clean.host))
    return x[valid], y[valid]


def embedded(
    job: Job, program: Program, source: Source, state: TrainState, check: Callable = bool
) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features of the frozen encoder, and labels."""
    return read(job, program, source, lambda images: program.embed(state.params, state.method_state, images), check)


def pixels(job: Job, program: Program, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """The clean views themselves, flattened, and labels. Their scale does not matter to any protocol."""
    flat = jax.jit(lambda images: {"pool": images.reshape(images.shape[0], -1).astype(np.float32)})
    return read(job, program, source, flat)


def during(job: Job, program: Program, state: TrainState, check: Callable = bool) -> dict[str, float]:
    """Numbers for the log, while training goes on: `monitors.REPORT`, and kNN accuracy where it can be measured.

    check: is called before each batch, and may raise to end the evaluation.
    """
    x, y = embedded(job, program, some(job.train, job.evaluation["examples"]), state, check)
    few = x[np.linspace(0, len(x) - 1, min(MONITORED, len(x))).astype(int)]
    out = {f"eval/{name}": float(monitor(few)) for name, monitor in monitors.REPORT.items()}
    if possible(job):
        tested, truth = embedded(job, program, job.test, state, check)
        found = knn.evaluate(jax.random.key(job.seed), (x, y), (tested, truth), classes=len(job.train.classes))
        out["eval/knn"] = found["accuracy"]
    return out


def final(job: Job, program: Program, state: TrainState, random: TrainState) -> dict:
    """{"knn": {"raw_pixels": …, "random_init": …, "pretrained": …}, "linear": {…}, "few_shot_10": {…}}

    random: the state of the same job before anything was learned.
    """
    train = some(job.train, job.evaluation["examples"])
    readers = {
        "raw_pixels": lambda source: pixels(job, program, source),
        "random_init": lambda source: embedded(job, program, source, random),
        "pretrained": lambda source: embedded(job, program, source, state),
    }
    columns = {}
    for name in BASELINES:
        key, both = jax.random.key(job.seed), (readers[name](train), readers[name](job.test))
        columns[name] = suite.evaluate(key, *both, classes=len(job.train.classes))
    return {protocol: {name: columns[name][protocol] for name in BASELINES} for protocol in columns[BASELINES[0]]}
