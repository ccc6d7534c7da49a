"""Local Aggregation (Zhuang et al. 2019, arXiv:1903.12355): near those neighbors that share a cluster."""

import jax.numpy as jnp

from ssl_jax.criteria import aggregated, lenses
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.passes import clusters as k_means
from ssl_jax.passes import renewal, times
from ssl_jax.types import Card, Examples, Method, Net, Pass

CARD = Card("Local Aggregation", "joint embedding", 2019, "arXiv:1903.12355")


def local_aggregation(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    clusters: int = 30000,
    runs: int = 10,
    background: int = 4096,
    form: str = "nce",
    negatives: int = 4096,
    temperature: float = 0.07,
    momentum: float = 0.5,
    warmup: int = 10,
    iterations: int = 20,
) -> Method:
    """Defaults of the official code; one view; projector: `linear`. warmup: epochs of InstDisc, in its `form`; then
    the bank is clustered before each, `runs` times."""
    options = dict(background=background, form=form, negatives=negatives, temperature=temperature, momentum=momentum)
    criterion = aggregated.aggregated(examples=examples, clusters=clusters, runs=runs, **options)

    def regroup(state, found, key):
        held = renewal.held(state)
        groups = k_means.runs_of(key, *held.instances.bank, runs=runs, clusters=clusters, iterations=iterations)
        return renewal.with_held(state, held._replace(groups=groups, clustered=jnp.any(held.instances.bank.written)))

    clustering = Pass(due=times.each_epoch(since=warmup), finish=regroup)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"), passes=(clustering,))
