"""Stacks of linear heads on one pass of a frozen encoder: one for each rate, all trained at once.

The losses are added up, and no head meets another's gradient, so that each learns what it would alone (DINOv2,
arXiv:2304.07193, trains 13 rates like this).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ssl_jax.config import durations
from ssl_jax.optim import chain, schedules
from ssl_jax.probes.recipes import BATCH, Recipe
from ssl_jax.types import Array, Key, Tree

MOMENTUM = 0.9
"""Of the running statistics of a batch norm, torch's 0.1."""
EPS = 1e-6


class Heads(NamedTuple):
    """All that is learned, and what learning keeps.

    params: {input: {"kernel": [rates, d, classes], "bias": [rates, classes]}}. opt: what the optimizer keeps of each.
    moments: {input: {"mean": [d], "var": [d]}} of the features, {} without a batch norm. step: int32.
    """

    params: Tree
    opt: Tree
    moments: Tree
    step: Array


class Stack(NamedTuple):
    """init: (key, {input: features [b, d]}, of which only shapes are read) -> Heads, the same for each rate.

    learn: (Heads, {input: [b, d]}, labels int [b], -1 for none) -> (Heads, losses {input: [rates]}); jittable.
    predict: (Heads, {input: [b, d]}) -> {input: int [b, rates]}, with the running statistics; jittable.
    """

    init: Callable
    learn: Callable
    predict: Callable


def stack(recipe: Recipe, *, classes: int, clock: durations.Clock) -> Stack:
    """The heads of a recipe for a run of `clock`, whose batch scales the rates."""
    rates = jnp.asarray(recipe.rates, jnp.float32) * (clock.batch / BATCH)
    share = schedules.make(recipe.schedule, clock)

    def optimizer(rate: Array) -> optax.GradientTransformation:
        return chain.make(clock=clock, lr=lambda step: rate * share(step), **recipe.optimizer)

    def init(key: Key, features: dict[str, Array]) -> Heads:
        params, moments = {}, {}
        for name, x in features.items():
            kernel = recipe.std * jax.random.normal(key, (x.shape[-1], classes))
            one = {"kernel": kernel, "bias": jnp.zeros(classes)}
            params[name] = jax.tree.map(lambda a: jnp.repeat(a[None], len(rates), 0), one)
            moments[name] = {"mean": jnp.zeros(x.shape[-1]), "var": jnp.zeros(x.shape[-1])}
        opt = jax.vmap(lambda rate, one: optimizer(rate).init(one), in_axes=(0, 0))
        kept = {name: opt(rates, one) for name, one in params.items()}
        return Heads(params, kept, moments if recipe.normalized else {}, jnp.zeros((), jnp.int32))

    def learn(heads: Heads, features: dict[str, Array], labels: Array) -> tuple[Heads, dict[str, Array]]:
        seen, moments = features, {}
        if recipe.normalized:
            now = {name: _moments(x) for name, x in features.items()}
            moments = jax.tree.map(lambda old, new: MOMENTUM * old + (1 - MOMENTUM) * new, heads.moments, now)
            seen = {name: normalized(x, now[name]) for name, x in features.items()}
        params, opt, losses = {}, {}, {}
        for name, x in seen.items():

            def one(rate: Array, own: Tree, kept: Tree, x: Array = x) -> tuple:
                loss, grads = jax.value_and_grad(cross_entropy)(own, x, labels)
                updates, kept = optimizer(rate).update(grads, kept, own)
                return optax.apply_updates(own, updates), kept, loss

            params[name], opt[name], losses[name] = jax.vmap(one)(rates, heads.params[name], heads.opt[name])
        return Heads(params, opt, moments, heads.step + 1), losses

    def predict(heads: Heads, features: dict[str, Array]) -> dict[str, Array]:
        if recipe.normalized:
            # what the first value, zero, still weighs is divided out, so that short runs have the data's moments
            left = 1 - MOMENTUM ** heads.step.astype(jnp.float32)
            moments = jax.tree.map(lambda a: a / left, heads.moments)
            features = {name: normalized(x, moments[name]) for name, x in features.items()}
        every = jax.vmap(logits, in_axes=(0, None), out_axes=1)
        return {name: every(heads.params[name], x).argmax(-1) for name, x in features.items()}

    return Stack(init, learn, predict)


def logits(head: Tree, x: Array) -> Array:
    """[b, d] -> [b, classes]."""
    return jnp.dot(x, head["kernel"], precision="highest") + head["bias"]


def cross_entropy(head: Tree, x: Array, labels: Array) -> Array:
    """The mean over the examples that have a label; 0 where none has."""
    losses = optax.softmax_cross_entropy_with_integer_labels(logits(head, x), jnp.maximum(labels, 0))
    known = (labels >= 0).astype(losses.dtype)
    return jnp.sum(losses * known) / jnp.maximum(jnp.sum(known), 1)


def normalized(x: Array, moments: Tree) -> Array:
    """Features [b, d] by moments of a batch or of the run, without scale and shift (MAE's, with its eps)."""
    return (x - moments["mean"]) * jax.lax.rsqrt(moments["var"] + EPS)


def _moments(x: Array) -> dict[str, Array]:
    return {"mean": x.mean(0), "var": x.var(0)}
