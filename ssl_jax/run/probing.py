"""Linear probes by published recipes (`probes/recipes.py`), trained on augmented images, the encoder frozen."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.config import durations
from ssl_jax.data import classes, device, held_out, stream
from ssl_jax.data.sources import Source, subset
from ssl_jax.exporting import grafting
from ssl_jax.features import encoder as encoders
from ssl_jax.probes import heads, inputs, recipes
from ssl_jax.probes.recipes import Recipe
from ssl_jax.probes.views import augmented
from ssl_jax.reporting.display import complain
from ssl_jax.run import evaluation
from ssl_jax.run.evaluation import CHANCE, Scores
from ssl_jax.run.job import Job, Preprocess
from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import processes
from ssl_jax.shard.program import Program, jit_on
from ssl_jax.types import TrainState
from ssl_jax.views import compose, compose_device, compose_host

VALIDATION = 0.1
"""The share of the training set on which one of several heads is chosen."""


def impossible(job: Job) -> str:
    """Why nothing can be learned from labeled, augmented images; "" where it can."""
    if set(job.clean.inputs) != {"image"}:
        return f"it crops images, and the encoder takes {', '.join(job.clean.inputs)}"
    if not evaluation.classifying(job):
        return "it wants labels in the training and the test set"
    return "" if classes.count(job.train) > 1 else "there is one class"


def measured(
    job: Job,
    program: Program,
    states: dict[str, Callable[[], TrainState]],
    names: tuple[str, ...],
    cached: Callable = lambda name, make: make(),
) -> dict:
    """{protocol: {"chance": ..., encoder: accuracy in 0..1 or None}, "not_measured": ..., "details": {encoder: ...}}.

    states: by the name of an encoder, made when asked for. cached: as in `evaluation.final`, for the random network.
    """
    if not names:
        return {}
    table = {protocol: dict.fromkeys((CHANCE, *states)) for protocol in names}
    why, details = {}, {name: {} for name in states}
    for name, state in states.items():
        once = functools.cache(state)
        for protocol in names:
            make = functools.partial(scores, job, program, once, protocol, of=name)
            try:
                found = cached(f"{name}_{protocol}", make) if name == "random_init" else make()
            except ValueError as error:
                why[protocol] = str(error)
                continue
            table[protocol] |= {CHANCE: found.accuracies[CHANCE], name: found.accuracies[protocol]}
            details[name][protocol] = found.details
    return {**table, "not_measured": why, "details": details}


def scores(job: Job, program: Program, state: Callable[[], TrainState], protocol: str, *, of: str) -> Scores:
    """The test accuracy of a protocol, with that of the most frequent class beside it; details say what was chosen.

    Of several heads the one is tested that is best on `VALIDATION` of the training set, from which none has learned;
    one alone learns from all of it. of: what messages call the encoder. Raises ValueError where nothing can be learned,
    where the encoder has not what the heads see, where there can be no batch, and where no loss ends as a number.
    """
    if reason := impossible(job):
        raise ValueError(reason)
    recipe = recipes.of(protocol)
    learned, validation = _parts(evaluation.some(job.train, job.evaluation["examples"]), recipe)
    clock = durations.run(f"{recipe.epochs} epochs", examples=learned.size, batch=recipe.batch)
    encode = encoder(job, program, state(), recipe)
    few = f"; there are {learned.size:,} to learn from, and {recipes.smaller(protocol)} has smaller batches"
    few = few if learned.size < clock.batch else ""
    complain(f"{protocol}: {clock.total:,} steps of {clock.batch:,} images in front of {of}{few}")
    trained = fitted(job, program, encode, recipe, learned, clock)
    best, details = _chosen(job, program, trained, validation, protocol)
    x, y = answers(job, program, trained, job.test)
    known = np.isin(y, np.flatnonzero(trained.counts))
    if not known.any():
        raise ValueError("there is no test image with a class that training has")
    chance = float(np.mean(y[known] == trained.counts.argmax()))
    details |= {"loss": [float(trained.losses[row][best]) for row in (0, -1)], "n_test": int(known.sum())}
    details |= {"steps": clock.total, "batch": clock.batch, "epochs": recipe.epochs, "n_train": learned.size}
    details |= {"source": recipe.source, "published": recipe.reported}
    return Scores({protocol: float(np.mean(x[known, best] == y[known])), CHANCE: chance}, {}, {}, details)


class Trained(NamedTuple):
    """titles: of the heads. losses: float32 [2, heads], in the first step and in the last. counts: int [classes], how
    often each class was met. answer: (clean views by group) -> {"pool": float32 [b, heads]}, the class each names."""

    titles: tuple[str, ...]
    losses: np.ndarray
    counts: np.ndarray
    answer: Callable


def fitted(
    job: Job, program: Program, encode: Callable, recipe: Recipe, source: Source, clock: durations.Clock
) -> Trained:
    """The heads of a recipe, trained on the labels of a source. encode: see `encoder`.

    A batch is encoded in parts of at most `evaluation.batch` images, and learned from as a whole.
    """
    many, views = classes.count(job.train), _views(job, recipe)
    stack = heads.stack(recipe, classes=many, clock=clock)
    part, mesh = _part(clock.batch, job.evaluation["batch"], program.devices), program.by_example.mesh
    jit = functools.partial(jit_on(mesh), out_shardings=meshes.replicated(mesh))

    def joined(parts: list) -> dict:
        return {name: jnp.concatenate([each[name] for each in parts]) for name in parts[0]}

    def begun(seed: int, parts: list) -> heads.Heads:
        return stack.init(jax.random.key(seed), joined(parts))

    def learned(kept: heads.Heads, counts: jax.Array, parts: list, labels: list) -> tuple:
        y = jnp.concatenate(labels)
        kept, losses = stack.learn(kept, joined(parts), y)
        met = jnp.sum(jax.nn.one_hot(y, many, dtype=jnp.int32), 0)
        return kept, counts + met, jnp.concatenate(list(losses.values()))

    def said(kept: heads.Heads, x: dict) -> jax.Array:
        return jnp.concatenate(list(stack.predict(kept, x).values()), 1).astype(jnp.float32)

    shown, init, learn = encode(views), jit(begun), jit(learned, donate_argnums=(0, 1))
    kept, counts, losses = None, np.zeros(many, np.int32), []
    options = dict(batch=part, seed=job.seed, process=processes.which())
    with device.put(stream.batches(source, views.host, **options), program.by_example) as feed:
        for _ in range(clock.total):
            batches = [next(feed) for _ in range(clock.batch // part)]
            parts = [shown(batch) for batch in batches]
            kept = init(np.int32(job.seed), parts) if kept is None else kept
            kept, counts, loss = learn(kept, counts, parts, [batch["label"] for batch in batches])
            losses = [*losses[:1], loss]
    titles = tuple(f"{name}, rate {rate:g}" for name in kept.params for rate in recipe.rates)
    ends = np.stack([np.asarray(losses[0]), np.asarray(losses[-1])])
    clean, predict = encode(job.clean), jit(said)
    return Trained(titles, ends, np.asarray(counts), lambda batch: {"pool": predict(kept, clean(batch))})


def encoder(job: Job, program: Program, state: TrainState, recipe: Recipe) -> Callable:
    """Views -> (a batch of them as the host makes it -> {input: float32 [b, d]} of the frozen encoder).

    Raises ValueError where it has not what the recipe's heads see.
    """
    place = next(iter(job.method.encoders.values()))
    params, stats = (grafting.held(state, path) for path in (place.params, place.stats))
    depth = len(jax.tree.leaves(params["blocks"])[0]) if "blocks" in params else 0
    options = inputs.options(recipe.inputs, job.config["nets"][place.net], depth)
    net, jit = encoders.network(job.config, place.net), jit_on(program.by_example.mesh)
    weights = (params, stats) if options else (state.params, state.method_state)

    def outputs(views: Preprocess, weights: tuple, batch: jax.Array) -> dict:
        (view,) = views.views
        images = views.device(jax.random.key(0), {view.group: batch})[view.group][:, 0]  # the host has drawn all
        if options:
            return inputs.read(net.apply(*weights, images, train=False, **options)[0], recipe.inputs)
        return inputs.read(job.method.embed(*weights, {"image": images}), recipe.inputs)

    def of(views: Preprocess) -> Callable:
        (view,) = views.views
        made = jit(functools.partial(outputs, views), out_shardings=program.by_example)
        return lambda batch: made(weights, batch[view.group])

    return of


def answers(job: Job, program: Program, trained: Trained, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """What each head says of the examples of a source that can be read and have a label, [n, heads], and the labels."""
    rows = evaluation.read(job, program, source, trained.answer)
    kept = rows.valid & (rows.y >= 0)
    return rows.x[kept], rows.y[kept]


def _views(job: Job, recipe: Recipe) -> Preprocess:
    photometric = job.config["photometric"]
    records = compose.views((augmented(job.config["clean"][0], method=recipe.crop),))
    made = (of(records, photometric=photometric) for of in (compose_host.host, compose_device.device))
    return Preprocess(records, *made)


def _parts(train: Source, recipe: Recipe) -> tuple[Source, Source | None]:
    """What heads learn from, and what one of them is chosen on; None where there is one alone."""
    if len(recipe.rates) * len(recipe.inputs) == 1 and inputs.EACH not in recipe.inputs:
        return train, None
    apart = held_out.held(train, VALIDATION)
    if not apart.any():
        raise ValueError(f"a head is chosen on a tenth of the training images, and there are only {train.size}")
    return subset(train, np.flatnonzero(~apart)), subset(train, np.flatnonzero(apart))


def _chosen(job: Job, program: Program, trained: Trained, validation: Source | None, protocol: str) -> tuple[int, dict]:
    """The place of the best head, and what is to be said of the choice."""
    alive = np.isfinite(trained.losses[-1])
    if not alive.any():
        raise ValueError(f"the loss of every head of {protocol} has diverged")
    if validation is None:
        return 0, {}
    x, y = answers(job, program, trained, validation)
    right = np.where(alive, (x == y[:, None]).mean(0), -1)
    best = int(right.argmax())
    known = {title: float(share) for title, share in zip(trained.titles, right, strict=True) if share >= 0}
    return best, {"chosen": trained.titles[best], "n_validation": len(y), "validation": known}


def _part(batch: int, most: int, devices: int) -> int:
    """Images that are encoded together: the largest part of a batch that divides it and divides over the devices."""
    fitting = [size for size in range(devices, min(batch, most) + 1, devices) if batch % size == 0]
    if not fitting:
        raise ValueError(
            f"a batch of {batch} images has no equal parts of up to {most} that divide over {devices} devices; take a "
            f"multiple of {devices}, the second number behind the name of a probe"
        )
    return fitting[-1]
