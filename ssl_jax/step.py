"""The one training step, for every method."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax

from ssl_jax.types import Array, Key, Method, Metrics, TrainState, Tree

PURPOSES = ("augment", "loss")
"""What randomness a step uses: to augment, and inside the loss. Keys are folded from (seed, step, purpose)."""


def init(method: Method, optimizer: optax.GradientTransformation, key: Key, batch: Tree) -> TrainState:
    """The state before the first step. batch: augmented, or its ShapeDtypeStructs; only shapes are read."""
    zeros = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), batch)  # the compiler drops what runs on them
    params, method_state = method.init(key, zeros)
    return TrainState(jnp.zeros((), jnp.int32), params, method_state, optimizer.init(params))


def make_step(method: Method, optimizer: optax.GradientTransformation, augment: Callable) -> Callable:
    """(state, batch of uint8 views, key of the run) -> (state, metrics).

    A non-finite loss or gradient leaves parameters, method state and optimizer state as they were and advances
    the step, so that the batch is not met again; `skipped` is then 1.
    """

    def step(state: TrainState, batch: Tree, key: Key) -> tuple[TrainState, Metrics]:
        augment_key, loss_key = purposes(key, state.step)
        views = augment(augment_key, batch)
        grad = jax.value_and_grad(method.loss, has_aux=True)
        (loss, aux), grads = grad(state.params, state.method_state, views, loss_key, state.step)
        norms = gradient_norms(grads)
        finite = jnp.isfinite(loss) & jnp.isfinite(norms["grad_norm"])

        def learned(kept: tuple) -> tuple:
            params, method_state, opt_state = kept
            updates, opt_state = optimizer.update(grads, opt_state, params)
            params = optax.apply_updates(params, updates)
            return params, method.update(method_state, params, aux.carry, state.step), opt_state

        # A choice between the old and the new of each leaf would hold both, a bank of the dataset's size included.
        kept = (state.params, state.method_state, state.opt_state)
        new = jax.lax.cond(finite, learned, lambda kept: kept, kept)
        metrics = {"loss": loss, **aux.metrics, **norms, "skipped": 1 - finite.astype(jnp.float32)}
        return TrainState(state.step + 1, *new), metrics

    return step


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

    inputs: for each part of an example that is embedded the group that shows it.
    """

    def embed(params: Tree, method_state: Tree, views: dict) -> dict:
        views = clean(jax.random.key(0), views)  # a clean view draws nothing
        return method.embed(params, method_state, {part: views[group][:, 0] for part, group in inputs.items()})

    return embed


def purposes(key: Key, step: Array) -> Key:
    """One key for each of `PURPOSES` at this step."""
    return jax.random.split(jax.random.fold_in(key, step), len(PURPOSES))


def gradient_norms(grads: Tree) -> Metrics:
    """The global norm, and the norm of each top-level part of the parameters."""
    parts = {f"grad_norm/{name}": optax.tree.norm(part) for name, part in grads.items() if jax.tree.leaves(part)}
    return {"grad_norm": jnp.sqrt(sum(n**2 for n in parts.values())), **parts}
