"""PCL v2 (Li et al. 2021, arXiv:2005.04966): MoCo v2, and each query finds the prototypes of its clusters as well."""

from ssl_jax.criteria import lenses, prototypes, queued
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.passes import clusters as k_means
from ssl_jax.passes import features, renewal, times
from ssl_jax.types import Card, Examples, Method, Net, Schedule

CARD = Card("PCL v2", "joint embedding", 2021, "arXiv:2005.04966")


def pcl_v2(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    ema_decay: Schedule,
    queue: int = 16384,
    clusters: tuple[int, ...] = (25000, 50000, 100000),
    negatives: int = 16384,
    temperature: float = 0.2,
    warmup: int = 20,
    iterations: int = 20,
) -> Method:
    """Defaults of the official code. warmup: epochs without prototypes; then all images are clustered before each."""
    proto = prototypes.prototypes(examples=examples, clusters=clusters, negatives=negatives, temperature=temperature)
    terms = dict(instances=(1.0, queued.queued(size=queue, temperature=temperature)), prototypes=(1.0, proto))
    sides = dict(ema_decay=ema_decay, arrange=encode.shuffled, shown=encode.apart)
    made = self_distillation(encoder, projector, lenses.at(lenses.total(**terms), name="projection"), **sides)

    def finish(state, rows, key):
        held, options = renewal.held(state), dict(temperature=temperature, iterations=iterations)
        new = prototypes.recluster(key, held["prototypes"], rows, cluster=k_means.of_rows, **options)
        return renewal.with_held(state, {**held, "prototypes": new})

    like, due = lambda s: renewal.held(s)["prototypes"].centroids[0], times.each_epoch(since=warmup)
    collect = features.collecting(encode.taught(encoder, projector), like, finish, examples=examples, due=due)
    return made._replace(passes=(collect,))
