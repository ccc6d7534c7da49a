"""Local Aggregation's criterion: of an image's neighbors in the bank those of its own clusters are drawn nearer."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import instances
from ssl_jax.losses import clustering, contrastive
from ssl_jax.losses.precision import matmul
from ssl_jax.state import bank
from ssl_jax.types import Array, Criterion, Examples, Seen


class Aggregated(NamedTuple):
    """The state: n example of the dataset and padding, h run of k-means.

    instances: InstDisc's, whose bank both losses share. groups: int32 [n, h], the cluster of each example in each run,
    -1 where there is none. clustered: bool [], whether there was a clustering.
    """

    instances: instances.Instances
    groups: Array
    clustered: Array


def aggregated(
    *,
    examples: Examples,
    clusters: int = 30000,
    runs: int = 10,
    background: int = 4096,
    form: str = "nce",
    negatives: int = 4096,
    temperature: float = 0.07,
    momentum: float = 0.5,
) -> Criterion:
    """LA (arXiv:1903.12355, eq. 2 to 4; code): the share that close neighbors have of the background's probability.

    student: [b, 1, d], any norm; batch["index"]: its rows in a dataset of `examples`. Background neighbors are the
    `background` rows of the bank that are most similar, of those that were written; close ones are the examples that
    share one of the `clusters` in one of the `runs`, the example itself among them. Until there are `groups` the loss
    is InstDisc's in its `form`: "nce" with `negatives` in the code's first 10 epochs, which needs many steps; "full"
    learns in few. Metrics: "similarity/positive", with the own row; "neighbors/close", the share of the background that
    is close, 0 until then.
    Raises ValueError for more clusters or background neighbors than examples.
    """
    ranges.above_zero(clusters=clusters, runs=runs, background=background)
    ranges.at_most(1000, runs=runs)
    ranges.no_more_than_examples(examples, clusters=clusters, background=background)
    options = dict(form=form, negatives=negatives, temperature=temperature, momentum=momentum)
    alone = instances.instances(examples=examples, **options)

    def init(key, seen):
        params, state = alone.init(key, seen)
        groups = bank.unlabeled(examples, runs)
        return params, Aggregated(state, groups, jnp.zeros((), bool))

    def among_neighbors(state: Aggregated, seen: Seen):
        query = contrastive.unit(seen.student[:, 0])
        held, index = jax.lax.stop_gradient(state.instances.bank), seen.batch["index"]
        scores = jnp.where(held.written[None], matmul(query, held.rows.T) / temperature, -jnp.inf)
        logits, neighbors = jax.lax.top_k(scores, background)
        own = state.groups[index][:, None]  # [b, 1, h]
        close = jnp.any((state.groups[neighbors] == own) & (own >= 0), -1)
        positive = jnp.mean(jnp.sum(query * held.rows[index], -1))
        metrics = {"similarity/positive": positive, "neighbors/close": jnp.mean(close.astype(logits.dtype))}
        return clustering.local_aggregation(logits, close), metrics

    def loss(params, state, seen):
        def instances_alone(state: Aggregated, seen: Seen):
            value, metrics = alone.loss(params, state.instances, seen)
            return value, {**metrics, "neighbors/close": jnp.zeros_like(value)}

        return jax.lax.cond(state.clustered, among_neighbors, instances_alone, state, seen)

    def update(state, seen):
        return state._replace(instances=alone.update(state.instances, seen))

    placement = tuple((f"instances/{path}", axes) for path, axes in alone.placement)
    return Criterion(init, loss, update, (*placement, ("groups", bank.BY_ROW)))
