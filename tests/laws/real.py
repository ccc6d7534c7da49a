"""Real images at a size that a test can afford, and a training on them: what laws about learning share."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax import step as steps
from ssl_jax.data.embedded_source import pixels
from ssl_jax.types import Array, Key, Method, Metrics, Pass, TrainState, Tree

SIDE, MEAN, STD = 28, 0.286, 0.353


def images(split: str, count: int) -> Array:
    """The first images of Fashion-MNIST, which come class after class in turn: uint8 [n, 28, 28, 1]."""
    return jnp.asarray(pixels("fashion_mnist", split)[:count])


def labels(count: int) -> np.ndarray:
    """The classes of `images`: int32 [n]."""
    return np.arange(count, dtype=np.int32) % 10


@functools.partial(jax.jit, static_argnames="size")
def whole(rows: Array, *, size: int = SIDE) -> Array:
    """uint8 [n, 28, 28, 1] -> float [n, s, s, 1], normalized: what an encoder is evaluated on."""
    return _normalized(jax.image.resize(rows / 255.0, (rows.shape[0], size, size, 1), "linear"))


@functools.partial(jax.jit, static_argnames=("count", "size", "area"))
def crops(key: Key, rows: Array, *, count: int = 2, size: int = SIDE, area: float = 0.3) -> Array:
    """uint8 [n, 28, 28, 1] -> float [n, v, s, s, 1]: squares of at least `area`, flipped or not, brighter or darker."""

    def one(key, image):
        draws = jax.random.uniform(key, (5,))
        side = SIDE * jnp.sqrt(area + (1 - area) * draws[0])
        scale = size / side
        shape, start = (size, size, 1), draws[1:3] * (SIDE - side)
        y = jax.image.scale_and_translate(image, shape, (0, 1), jnp.stack([scale, scale]), -start * scale, "linear")
        return jnp.where(draws[3] < 0.5, y, y[:, ::-1]) * (0.6 + 0.8 * draws[4])

    keys = jax.random.split(key, (rows.shape[0], count))
    return _normalized(jax.vmap(lambda keys, image: jax.vmap(lambda key: one(key, image))(keys))(keys, rows / 255.0))


def _normalized(x: Array) -> Array:
    return (x - MEAN) / STD


def train(
    method: Method,
    optimizer: optax.GradientTransformation,
    views: Callable[[Key], Array],
    *,
    batch: int,
    epochs: int,
    seed: int = 0,
    options: dict | None = None,
) -> tuple[list[TrainState], Metrics]:
    """The states before the first epoch and after each, and every metric as [steps].

    views: all examples anew, float [n, v, s, s, c]; an epoch is a permutation of them. options: the compiler's.
    The step is the library's own, an epoch of it one scan: what a test waits for is its one compilation.
    """
    key, step = jax.random.key(seed), steps.make_step(method, optimizer, lambda key, batch: batch)
    walk = jax.jit(lambda state, x: jax.lax.scan(lambda s, b: step(s, b, key), state, x), compiler_options=options)
    passes = [jax.jit(one.finish) for one in method.passes]  # of the state alone: what reads data has tests of its own
    data = _epoch(key, views, batch, 0)
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), data)
    start = jax.jit(lambda key: steps.init(method, optimizer, key, shapes), compiler_options=options)
    states, metrics = [start(jax.random.fold_in(key, epochs))], []
    for i in range(epochs):
        state = states[-1]
        for one in passes if i else ():
            state = one(state, (), jax.random.fold_in(key, i))
        state, rows = walk(state, _epoch(key, views, batch, i))
        states.append(state)
        metrics.append(jax.device_get(rows))
    return states, jax.tree.map(lambda *parts: np.concatenate(parts), *metrics)


def fed(method: Method, rows: Array, *, batch: int = 256) -> Method:
    """The method with passes that read these images uint8 [n, 28, 28, 1], whole, as `train` walks over no source."""

    def alone(one: Pass) -> Pass:
        def finish(state, found, key):
            found = one.start(state, key)
            for start in range(0, len(rows), batch):
                x = whole(rows[start : start + batch])[:, None]
                index = jnp.arange(start, start + len(x), dtype=jnp.int32)
                part = {"clean": x, "global": x, "index": index, "real": jnp.ones(len(x), bool)}
                found = one.fold(state, found, part, key)
            return one.finish(state, found, key)

        return one if one.views is None else one._replace(views=None, finish=finish)

    return method._replace(passes=tuple(map(alone, method.passes)))


def _epoch(key: Key, views: Callable, batch: int, number: int) -> Tree:
    """The batches of one epoch, [steps, b, ...]; no labels."""
    place, look = jax.random.split(jax.random.fold_in(key, number))
    x = views(look)
    order = np.asarray(jax.random.permutation(place, x.shape[0])).astype(np.int32)
    order = order[: len(order) // batch * batch].reshape(-1, batch)
    return {"global": x[order], "index": order, "label": np.full_like(order, -1)}
