"""A job's functions on shapes alone: what cannot be built or computed is a sentence before anything is compiled."""

import contextlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import optax

from ssl_jax import spelling
from ssl_jax.job import Preprocess
from ssl_jax.types import Method
from ssl_jax.views import compose_host


class Read(dict):
    """A batch that remembers which of its entries were looked at."""

    def __init__(self, batch: dict):
        super().__init__(batch)
        self.seen: set[str] = set()

    def __getitem__(self, name: str):
        self.seen.add(name)
        return super().__getitem__(name)


def check(
    method: Method,
    optimizer: optax.GradientTransformation,
    training: Preprocess,
    clean: Preprocess,
    shapes: dict,
) -> None:
    """Traces a step, its views and the evaluation of an image, without a device and without memory.

    shapes: ShapeDtypeStructs of one global batch as the host makes it. Raises ValueError that begins with the part of
    the recipe that fails, and for a group of views that the method never looks at.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    image = next(shapes[view.group] for view in training.views)
    channels, dtype = image.shape[-1], image.dtype
    with _part("config.views cannot be made"):
        compose_host.trace(training.host, channels=channels, dtype=dtype)
        views = jax.eval_shape(training.device, key, shapes)
    on = f"images of {list(views[training.views[0].group].shape[-3:])}"
    with _part(f"config.method and config.nets cannot be built on {on}"):
        params, state = jax.eval_shape(method.init, key, views)
    groups = _trained(method, optimizer, params, state, views, on)
    unused = [view.group for view in training.views if view.group not in groups]
    if unused:
        raise ValueError(
            f"config.views: the method never looks at views of group '{unused[0]}'; take them out of the views"
        )
    with _part("config.clean cannot be evaluated"):
        compose_host.trace(clean.host, channels=channels, dtype=dtype)
        size = clean.views[0].size
        whole = jax.ShapeDtypeStruct((1, 1, size, size, channels), dtype)
        images = jax.eval_shape(clean.device, key, {"clean": whole})["clean"]
        jax.eval_shape(lambda p, s, x: method.embed(p, s, x[:, 0]), params, state, images)


def _trained(method: Method, optimizer, params, state, views: dict, on: str) -> set[str]:
    """A step; gives the groups of views that the loss looked at."""
    key, step = jax.eval_shape(lambda: (jax.random.key(0), jnp.zeros((), jnp.int32)))
    seen = set()

    def loss(params, state, views, key, step):
        batch = Read(views)
        value, aux = method.loss(params, state, batch, key, step)
        seen.update(batch.seen)
        return method.update(state, params, aux.carry, step)

    with _part(f"config.method and config.nets cannot be computed on {on}"):
        jax.eval_shape(loss, params, state, views, key, step)
    with _part("config.optimizer"):
        kept = jax.eval_shape(optimizer.init, params)
        jax.eval_shape(optimizer.update, params, kept, params)
    return seen


@contextlib.contextmanager
def _part(what: str) -> Iterator[None]:
    """What goes wrong inside is said of this part of the recipe; the error itself stays the cause.

    A sentence of ours stands as it is. Of any other error the kind is said too, since it may be a fault of the library:
    with SSL_JAX_TRACEBACK=1 the command shows where it comes from.
    """
    try:
        yield
    except Exception as error:
        words = spelling.one_line(error)
        own = isinstance(error, ValueError) and "\n" not in str(error).partition("\n----")[0]
        raise ValueError(f"{what}: {words if own else f'{type(error).__name__}: {words}'}") from error
