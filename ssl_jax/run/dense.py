"""What features of single places know of foreground and background, in images whose alpha channel is a mask."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.config import dry_run
from ssl_jax.data.sources import Source
from ssl_jax.evals import dense
from ssl_jax.paradigms import encode
from ssl_jax.run import evaluation, protocols
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.tasks import pixels
from ssl_jax.types import Array, TrainState

PIXELS = "patch_pixels"
"""The column of the pixels of a patch themselves."""
LIMIT = 500
"""Images of each set."""
Encoder = Callable[[dict], Array]
"""{group: clean views [b, 1, h, w, 3]} -> features of places, row by row of a square, [b, l, d]."""


def measured(job: Job, program: Program, states: dict[str, Callable[[], TrainState]]) -> dict:
    """{"dense": {column: {"foreground_iou": 0..1, "miou": 0..1}}}: chance, pixels of the patches, and each state.

    Raises ValueError, with the reason, where it cannot be measured.
    """
    if set(job.clean.inputs) != {"image"} or job.test is None or job.train.image.channels != 3:
        raise ValueError("it wants color images alone, with an alpha channel in their files, and a test set of them")

    def of_state(state: TrainState) -> Encoder:
        return lambda views: encode.grid(program.embed(state.params, state.method_state, views))

    places = _places(job, program)
    side = int(np.sqrt(places))
    sets, found = [evaluation.some(source, LIMIT) for source in (job.train, job.test)], {}
    makers = {PIXELS: lambda: lambda views: _patches(next(iter(views.values()))[:, 0], side)}
    makers |= {name: lambda make=make: of_state(make()) for name, make in states.items()}
    for name, make in makers.items():
        encoder = make()
        train, test = (_rows(job, program, source, encoder, places) for source in sets)
        if reason := dense.impossible(train[1]):
            raise ValueError(reason)
        chance = np.full(test[1].size, train[1].mean() > 0.5)
        found.setdefault(evaluation.CHANCE, dense.overlaps(chance, test[1].ravel()))
        found[name] = dense.evaluate(jax.random.key(job.seed), train, test)
    return {protocols.DENSE: found}


def _places(job: Job, program: Program) -> int:
    """How many places an image has. Raises ValueError where there are none, where they are those of no square, and
    where their borders fall between pixels."""
    shown = dry_run.seen_clean(job.clean, job.train.parts, program.devices)
    found = jax.eval_shape(program.embed, program.state.params, program.state.method_state, shown)
    count = jax.eval_shape(encode.grid, found).shape[1]
    side, (height, width) = int(np.sqrt(count)), next(iter(shown.values())).shape[2:4]
    if side * side != count or height % side or width % side or height != width:
        raise ValueError(f"{count} places of {height} x {width} pixels are no square of patches")
    return count


def _rows(job: Job, program: Program, source: Source, encoder: Encoder, places: int) -> tuple[np.ndarray, np.ndarray]:
    """Features float [n, l, d] of images that can be read, and bool [n, l]: more than half of the patch is opaque."""
    (view,) = job.clean.views
    image = source.image._replace(channels=4)

    def embed(views: dict) -> dict:
        shown = views[view.group]
        alpha = _patches(shown[:, 0, ..., 3:], int(np.sqrt(places))).mean(-1, keepdims=True)
        both = jnp.concatenate([encoder({view.group: shown[..., :3]}), alpha / np.iinfo(shown.dtype).max], -1)
        return {"pool": both.reshape(len(both), -1)}

    rows = evaluation.read(job, program, source._replace(parts={**source.parts, "image": image}), embed)
    x = rows.x[rows.valid].reshape(rows.valid.sum(), places, -1)
    return x[..., :-1], x[..., -1] > 0.5


def _patches(images: Array, side: int) -> Array:
    """[b, h, h, c] -> float32 [b, side * side, pixels of a patch and their channels]."""
    return pixels.patchify(jnp.asarray(images, jnp.float32), images.shape[1] // side)
