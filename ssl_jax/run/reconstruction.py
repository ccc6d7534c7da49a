"""What a method's reconstructions leave of test images, beside principal components and the mean image."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.config import dry_run
from ssl_jax.data.sources import Source
from ssl_jax.losses.likelihood import squared_error
from ssl_jax.passes import moments, rows
from ssl_jax.run import evaluation
from ssl_jax.run.job import Job
from ssl_jax.run.protocols import RECONSTRUCTION
from ssl_jax.shard.program import Program
from ssl_jax.types import Array, TrainState

INPUT = "input"
"""The picture of `Method.draw` that stands beside the one called `RECONSTRUCTION`."""
MEAN, COMPONENTS = "mean_image", "principal_components"
"""The columns of the mean of training images, and of as many of their components as a code has numbers."""
LIMIT = 10_000
"""Training images that these are made of, at most."""
LARGEST = 4096
"""Numbers of an image of which components are found, at most: the time goes with their cube."""
Pictures = Callable[[dict], dict]
"""{group: clean views as the host makes them} -> pictures [b, h, w, c] by title."""
Error = Callable[[dict], Array]
"""Such pictures -> errors [b]."""


def measured(job: Job, program: Program, states: dict[str, Callable[[], TrainState]]) -> dict:
    """{"reconstruction": {column: {"squared_error": of an image, the sum over its numbers, "explained": up to 1}}}

    Columns: the mean of training images, of which the others explain a share; their principal components, as many as
    `embed` has numbers under "latent", where it has such and an image up to `LARGEST`; each state. Errors are means
    over the test set, in the units that the encoder is shown. Where a method corrupts images, it is shown such ones.
    Raises ValueError, with the reason, where it cannot be measured.
    """
    _check(job, program)
    draw, errors = _drawing(job), {}
    for name, make in states.items():
        state = make()
        pictures = functools.partial(draw, state.params, state.method_state)
        columns = {name: lambda shown: squared_error(shown[RECONSTRUCTION], shown[INPUT])}
        if not errors:  # what is reconstructed is the same whatever the state
            columns = _guesses(job, program, pictures) | columns
        errors |= _means(job, program, columns, pictures)
    level = errors[MEAN]
    table = {name: {"squared_error": error, "explained": 1 - error / level} for name, error in errors.items()}
    return {RECONSTRUCTION: table}


def _check(job: Job, program: Program) -> None:
    """Raises ValueError where there is no test set, and no reconstruction of a whole clean image."""
    if job.test is None:
        raise ValueError("it wants a test set")
    key, made = jax.eval_shape(lambda: jax.random.key(0)), {}
    if program.draw is not None:
        made = jax.eval_shape(program.draw, program.state.params, program.state.method_state, program.batch, key)
    if not {INPUT, RECONSTRUCTION} <= set(made.get(RECONSTRUCTION, ())):
        raise ValueError("the method reconstructs no whole images, as autoencoders, PCA, k-means and BigBiGAN do")
    (clean, *_), (view, *_) = job.clean.views, job.training.views
    if clean.size != view.size:
        raise ValueError(f"config.clean shows images of {clean.size} pixels and config.views of {view.size}")


def _drawing(job: Job) -> Callable:
    """(params, method state, clean views as the host makes them) -> pictures of the reconstruction by title."""
    group = job.training.views[0].group

    @jax.jit
    def draw(params, method_state, views):
        (images,) = job.clean.device(jax.random.key(0), views).values()
        return job.method.draw(params, method_state, {group: images}, jax.random.key(job.seed))[RECONSTRUCTION]

    return draw


def _read(job: Job, program: Program, source: Source, of: Callable, pictures: Pictures) -> np.ndarray:
    """What `of` makes of the pictures of each example that can be read: [n, k]."""
    found = evaluation.read(job, program, source, lambda views: {"pool": of(pictures(views))})
    return found.x[found.valid]


def _means(job: Job, program: Program, columns: dict[str, Error], pictures: Pictures) -> dict[str, float]:
    """Means over the test set, which is read once. Raises ValueError where one is not finite."""
    errors = _read(job, program, job.test, lambda shown: jnp.stack([of(shown) for of in columns.values()], 1), pictures)
    values = errors.mean(0, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("reconstructions are not finite")
    return dict(zip(columns, values.tolist(), strict=True))


def _guesses(job: Job, program: Program, pictures: Pictures) -> dict[str, Error]:
    """Errors of what stands beside the method."""
    shown = dry_run.seen_clean(job.clean, job.train.parts, program.devices)
    code = jax.eval_shape(program.embed, program.state.params, program.state.method_state, shown).get("latent")
    x = _read(job, program, evaluation.some(job.train, LIMIT), lambda shown: rows.flat(shown[INPUT]), pictures)
    mean = jnp.mean(x, 0)
    errors = {MEAN: lambda shown: jnp.sum((rows.flat(shown[INPUT]) - mean[None]) ** 2, 1)}
    if code is not None and code.shape[-1] < x.shape[1] <= LARGEST:
        found = moments.joined(moments.none(mean), x, jnp.ones(len(x)))
        columns, _ = moments.principal(found, code.shape[-1])
        errors[COMPONENTS] = lambda shown: moments.unexplained(rows.flat(shown[INPUT]) - mean[None], columns)
    return errors
