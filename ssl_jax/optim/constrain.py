"""Constraints on parameters, as gradient transformations: they change the update, which the step then only adds."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ssl_jax.types import Array, Tree


def unit_norm(*, axis: int = 0) -> optax.GradientTransformation:
    """Ends the chain: after the step the vectors along `axis` have length 1, as SwAV's prototypes [d, k] along 0.

    u -> unit(p + u) - p, what `optax.projections` do after a step. The official code (arXiv:2006.09882) normalizes
    before each forward pass, which is the same from the second step on; the first needs unit vectors at the start.
    A vector that would be zero stays zero. Raises ValueError at `init` for a parameter without such an axis.
    """

    def init(params: Tree) -> optax.EmptyState:
        for path, p in jax.tree_util.tree_leaves_with_path(params):
            if not -p.ndim <= axis < p.ndim:
                name = jax.tree_util.keystr(path, simple=True, separator="/")
                raise ValueError(f"unit_norm is {axis}, and {name} has {p.ndim} axes; give one from 0 to {p.ndim - 1}")
        return optax.EmptyState()

    def update(updates: Tree, state: optax.EmptyState, params: Tree | None = None):
        if params is None:
            raise ValueError("unit_norm needs the parameters; call update(updates, state, params)")

        def project(u: Array, p: Array) -> Array:
            moved = p + u
            square = jnp.sum(moved * moved, axis, keepdims=True)
            return moved * jax.lax.rsqrt(jnp.maximum(square, jnp.finfo(square.dtype).tiny)) - p

        return jax.tree.map(project, updates, params), state

    return optax.GradientTransformation(init, update)


class Frozen(NamedTuple):
    """steps: int32, those done so far. inner: the state of the transformation that waits."""

    steps: Array
    inner: Any


def frozen_until(inner: optax.GradientTransformation, steps: int) -> optax.GradientTransformation:
    """`inner` from step `steps` on; before, parameters do not move and momentum and moments stay as at the start.

    Only the counters of schedules go on, so that the rate is that of the run and not of the time since the thaw, as
    where a gradient is set to None in torch (SwAV's prototypes, DINO's last layer). Zero gradients alone would still
    decay and still move with momentum.
    """
    inner = optax.with_extra_args_support(inner)

    def init(params: Tree) -> Frozen:
        return Frozen(jnp.zeros((), jnp.int32), inner.init(params))

    def update(updates: Tree, state: Frozen, params: Tree | None = None, **extra_args):
        frozen = state.steps < steps
        new_updates, new = inner.update(updates, state.inner, params, **extra_args)
        new_updates = jax.tree.map(lambda u: jnp.where(frozen, jnp.zeros_like(u), u), new_updates)

        def keep(old: Any, new: Any) -> Any:
            return new if _is_clock(new) else jnp.where(frozen, old, new)

        kept = jax.tree.map(keep, state.inner, new, is_leaf=_is_clock)
        return new_updates, Frozen(optax.safe_increment(state.steps), kept)

    return optax.GradientTransformationExtraArgs(init, update)


def with_clocks(state: Any, other: Any) -> Any:
    """A transformation's state with the counters of schedules that another state of it has."""
    return jax.tree.map(lambda own, kept: kept if _is_clock(own) else own, state, other, is_leaf=_is_clock)


def _is_clock(node: Any) -> bool:
    """Whether a state is only a schedule's counter: `ScaleByScheduleState` and its like."""
    return getattr(node, "_fields", None) == ("count",)
