"""The one training step, for every method."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ssl_jax.optim import constrain
from ssl_jax.types import Array, Key, Method, Metrics, Phase, TrainState, Tree

PURPOSES = ("augment", "loss")
"""What randomness a step uses: to augment, and inside the loss. Keys are folded from (seed, step, purpose)."""
DRAWN = 8
"""Examples in a picture."""
NORM = "grad_norm"
"""The metric of all gradients; those of the parts are behind a slash."""


class Turn(NamedTuple):
    """A phase of a step with the optimizer of its parts, whose state has this name; None where it is all there is."""

    name: str | None
    phase: Phase
    optimizer: optax.GradientTransformation

    def state(self, held: Tree) -> Tree:
        """Its part of what optimizers keep."""
        return held if self.name is None else held[self.name]

    def holding(self, held: Tree, own: Tree) -> Tree:
        """What optimizers keep, with its part replaced."""
        return own if self.name is None else {**held, self.name: own}


def turns(method: Method, optimizer: optax.GradientTransformation, params: dict) -> tuple[Turn, ...]:
    """The phases of a step; the last is the method's own loss, for all parameters that no other has.

    Raises ValueError for parts that do not exist, or that two phases have.
    """
    if not method.phases:
        return (Turn(None, Phase(tuple(params), method.loss, method.update), optimizer),)
    taken = [part for phase in method.phases for part in phase.parts]
    if len(set(taken)) < len(taken) or not set(taken) <= set(params):
        raise ValueError(f"phases move {', '.join(taken)}, each once, of the parameters {', '.join(params)}")
    # sorted, as a dict is behind jit, so that the name is the same in every order
    rest = Phase(tuple(part for part in sorted(params) if part not in taken), method.loss, method.update)
    return tuple(
        Turn("+".join(phase.parts), phase, optax.masked(optimizer, {part: part in phase.parts for part in params}))
        for phase in (*method.phases, rest)
    )


def init(method: Method, optimizer: optax.GradientTransformation, key: Key, batch: Tree) -> TrainState:
    """The state before the first step. batch: augmented, or its ShapeDtypeStructs; only shapes are read."""
    zeros = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), batch)  # the compiler drops what runs on them
    params, method_state = method.init(key, zeros)
    return TrainState(jnp.zeros((), jnp.int32), params, method_state, optimized(method, optimizer, params))


def optimized(method: Method, optimizer: optax.GradientTransformation, params: dict) -> Tree:
    """What the optimizer keeps before the first step, for each phase its own."""
    held = {}
    for turn in turns(method, optimizer, params):
        held = turn.holding(held, turn.optimizer.init(params))
    return held


def make_step(method: Method, optimizer: optax.GradientTransformation, augment: Callable) -> Callable:
    """(state, batch of uint8 views, key of the run) -> (state, metrics).

    A non-finite loss or gradient leaves parameters, method state and optimizer state as they were and advances
    the step, so that the batch is not met again; `skipped` is then 1. Of a method with phases those before the one
    that is not finite have moved what is theirs.
    """

    def step(state: TrainState, batch: Tree, key: Key) -> tuple[TrainState, Metrics]:
        augment_key, loss_key = purposes(key, state.step)
        views = augment(augment_key, batch)
        kept, finite, metrics = (state.params, state.method_state, state.opt_state), True, {}
        *before, main = turns(method, optimizer, state.params)
        for place, turn in enumerate(before):
            for time in range(turn.phase.times):
                own = jax.random.fold_in(jax.random.fold_in(loss_key, place), time)
                clocked = time == turn.phase.times - 1
                kept, finite, found = moved(turn, kept, views, own, state.step, finite, clocked=clocked)
                metrics |= found
        kept, finite, found = moved(main, kept, views, loss_key, state.step, finite)
        metrics = {**metrics, **found, "skipped": 1 - finite.astype(jnp.float32)}
        return TrainState(state.step + 1, *kept), metrics | {"grad_norm": total_norm(metrics)}

    return step


def moved(
    turn: Turn, kept: tuple, views: Tree, key: Key, step: Array, finite: Array | bool, *, clocked: bool = True
) -> tuple[tuple, Array, Metrics]:
    """(parameters, method state, optimizers' state) after a phase, whether all was finite so far, and metrics.

    clocked: whether the schedules of its optimizer go on.
    """
    params, method_state, held = kept
    own = {part: params[part] for part in turn.phase.parts}

    def loss(own: dict) -> tuple:
        return turn.phase.loss({**params, **own}, method_state, views, key, step)

    (value, aux), grads = jax.value_and_grad(loss, has_aux=True)(own)
    norms = gradient_norms(grads)
    finite = finite & jnp.isfinite(value) & jnp.isfinite(total_norm(norms))

    def learned(kept: tuple) -> tuple:
        params, method_state, held = kept
        before = turn.state(held)
        updates, after = turn.optimizer.update({**dict.fromkeys(params), **grads}, before, params)
        after = after if clocked else constrain.with_clocks(after, before)
        new = optax.apply_updates(own, {part: updates[part] for part in own})
        params = {**params, **new}
        return params, turn.phase.update(method_state, params, aux.carry, step), turn.holding(held, after)

    # A choice between the old and the new of each leaf would hold both, a bank of the dataset's size included.
    return jax.lax.cond(finite, learned, lambda kept: kept, kept), finite, {"loss": value, **aux.metrics, **norms}


def make_calibration(method: Method, augment: Callable) -> Callable:
    """(state, batch of uint8 views, key of the run) -> the state after a forward pass: no parameter learns.

    What a few of these leave of a fresh state is a random network whose batch statistics are those of the data.
    """

    def calibrate(state: TrainState, batch: Tree, key: Key) -> TrainState:
        augment_key, loss_key = purposes(key, state.step)
        _, aux = method.loss(state.params, state.method_state, augment(augment_key, batch), loss_key, state.step)
        method_state = method.update(state.method_state, state.params, aux.carry, state.step)
        return state._replace(step=state.step + 1, method_state=method_state)

    return calibrate


def make_embed(method: Method, clean: Callable, inputs: Mapping[str, str]) -> Callable:
    """(params, method state, {group: clean views [b, 1, ...] as the host makes them}) -> what `method.embed` gives.

    inputs: for each part of an example that is embedded the group that shows it; of what `method.embed` can do without,
    views may be left out.
    """

    def embed(params: Tree, method_state: Tree, views: dict) -> dict:
        views = clean(jax.random.key(0), views)  # a clean view draws nothing
        given = {part: group for part, group in inputs.items() if group in views}
        return method.embed(params, method_state, {part: views[group][:, 0] for part, group in given.items()})

    return embed


def make_draw(method: Method, augment: Callable) -> Callable:
    """(params, method state, batch of uint8 views, key of the run) -> `method.draw` of the first `DRAWN` examples.

    The draws of views and method are those of the first step, at every step.
    """

    def draw(params: Tree, method_state: Tree, batch: Tree, key: Key) -> dict[str, dict[str, Array]]:
        few = jax.tree.map(lambda a: a[:DRAWN], batch)
        augment_key, loss_key = purposes(key, jnp.zeros((), jnp.int32))
        made = method.draw(params, method_state, augment(augment_key, few), loss_key)
        return {name: OrderedDict(titles) for name, titles in made.items()}  # as jax sorts what is in a plain dict

    return draw


def purposes(key: Key, step: Array) -> Key:
    """One key for each of `PURPOSES` at this step."""
    return jax.random.split(jax.random.fold_in(key, step), len(PURPOSES))


def gradient_norms(grads: Tree) -> Metrics:
    """The norm of each top-level part of the parameters, where it has any."""
    return {f"{NORM}/{name}": optax.tree.norm(part) for name, part in grads.items() if jax.tree.leaves(part)}


def total_norm(metrics: Metrics) -> Array:
    """The norm of all gradients, from those of the parts among the metrics."""
    return jnp.sqrt(sum(n**2 for name, n in metrics.items() if name.startswith(f"{NORM}/")))
