"""A job's functions on shapes alone: what cannot be built or computed is a sentence before anything is compiled."""

import contextlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import optax

from ssl_jax import step
from ssl_jax.checks import spelling
from ssl_jax.data.parts import Part, spec
from ssl_jax.run.job import Preprocess
from ssl_jax.types import Method, TrainState, Tree
from ssl_jax.views import compose, compose_host

KEY = jax.eval_shape(lambda: jax.random.key(0))


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
    parts: dict[str, Part],
) -> None:
    """Traces a step, its views and the evaluation of an example, without a device and without memory.

    shapes: ShapeDtypeStructs of one global batch as the host makes it, of examples that consist of `parts`. Raises
    ValueError that begins with the part of the recipe that fails, and for a group of views that the method never looks
    at.
    """
    batch = views(training, shapes)
    params, state = learned(method, batch)
    opt_state = optimized(method, optimizer, params)
    evaluated(method, clean, params, state, parts)
    whole = TrainState(jax.ShapeDtypeStruct((), jnp.int32), params, state, opt_state)
    ids = {name: batch[name] for name in compose.TAKEN if name in batch}
    shown = jax.eval_shape(clean.device, KEY, seen_clean(clean, parts, ids["index"].shape[0]))
    passed(method, whole, {"train": batch, "clean": {**ids, **shown}})


def views(training: Preprocess, shapes: dict) -> dict:
    """The batch as the method sees it, as shapes; raises as `check`."""
    with part("config.views cannot be made"):
        return jax.eval_shape(training.device, KEY, shapes)


def learned(method: Method, batch: dict) -> tuple[Tree, Tree]:
    """The shapes of parameters and method state, after a loss and an update; raises as `check`."""
    groups = {name: value for name, value in batch.items() if name not in compose.TAKEN and "/" not in name}
    examples, _, *view = next(iter(groups.values())).shape
    what = f"images of {view}" if len(view) == 3 else f"views of {view}"
    parts = f"config.method, config.nets and config.views do not fit a batch of {examples} and {what}"
    seen = set()

    def loss(params, state, batch, key, step):
        read = Read(batch)
        for phase in (*method.phases, method):
            _, aux = phase.loss(params, state, read, key, step)
            state = phase.update(state, params, aux.carry, step)
        seen.update(read.seen)
        return state

    with part(parts):
        params, state = jax.eval_shape(method.init, KEY, batch)
        jax.eval_shape(loss, params, state, batch, KEY, jax.ShapeDtypeStruct((), jnp.int32))
    for unused in groups.keys() - seen:
        raise ValueError(f"config.views: the method never looks at views of group '{unused}'; take them out")
    return params, state


def optimized(method: Method, optimizer: optax.GradientTransformation, params: Tree) -> Tree:
    """The shapes of the optimizer's state, after an update of the parameters; raises as `check`."""
    with part("config.optimizer"):
        state = jax.eval_shape(optimizer.init, params)
        jax.eval_shape(optimizer.update, params, state, params)
        return jax.eval_shape(lambda params: step.optimized(method, optimizer, params), params)


def seen_clean(clean: Preprocess, parts: dict[str, Part], examples: int) -> dict:
    """Clean views of so many examples that consist of `parts`, as the host makes them."""
    made = compose_host.specs(clean.host, {name: spec(each) for name, each in parts.items()})
    return {n: jax.ShapeDtypeStruct((examples, *view.shape), view.dtype.as_numpy_dtype) for n, view in made.items()}


def passed(method: Method, state: TrainState, batches: dict[str, dict]) -> None:
    """The method's passes on shapes; raises as `check`. batches: by the views that a pass may read."""
    real = jax.ShapeDtypeStruct(batches["train"]["index"].shape, bool)
    for number, one in enumerate(method.passes, 1):
        with part(f"config.method: its pass {number} over the data fails"):
            found = jax.eval_shape(one.start, state, KEY)
            if one.views is not None:
                kept = jax.eval_shape(one.fold, state, found, {**batches[one.views], "real": real}, KEY)
                _unchanged(found, kept, "what it finds")
            _unchanged(state, jax.eval_shape(one.finish, state, found, KEY), "the state")


def _unchanged(before: Tree, after: Tree, what: str) -> None:
    """Raises ValueError where a tree has changed its structure, a shape or a type."""
    one, other = (
        {jax.tree_util.keystr(path, simple=True, separator="/"): (a.shape, str(a.dtype)) for path, a in leaves}
        for leaves in map(jax.tree_util.tree_leaves_with_path, (before, after))
    )
    for path in sorted({*one, *other}):
        if one.get(path) != other.get(path):
            raise ValueError(f"{what} has changed at {path}, from {one.get(path)} to {other.get(path)}")


def evaluated(method: Method, clean: Preprocess, params: Tree, state: Tree, parts: dict[str, Part]) -> None:
    """The embedding of a clean view of an example that consists of `parts`; raises as `check`."""
    with part("config.clean cannot be evaluated"):
        shown = seen_clean(clean, parts, 1)
        jax.eval_shape(step.make_embed(method, clean.device, clean.inputs), params, state, shown)


@contextlib.contextmanager
def part(what: str) -> Iterator[None]:
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
