"""PCL v2 (Li et al. 2021, arXiv:2005.04966): MoCo v2, and each query finds the prototypes of its clusters as well."""

from ssl_jax.criteria import lenses, prototypes, queued
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.passes import features, times
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
    criterion = lenses.at(lenses.total(**terms), name="projection")
    method = self_distillation(
        encoder, projector, criterion, ema_decay=ema_decay, arrange=encode.shuffled, shown=encode.apart
    )

    def finish(state, rows, key):
        held = state.method_state["criterion"]
        new = prototypes.recluster(key, held["prototypes"], rows, temperature=temperature, iterations=iterations)
        return state._replace(method_state={**state.method_state, "criterion": {**held, "prototypes": new}})

    row_of = lambda state: state.method_state["criterion"]["prototypes"].centroids[0]  # noqa: E731
    options = dict(examples=examples, due=times.each_epoch(since=warmup))
    return method._replace(passes=(features.collecting(encode.taught(encoder, projector), row_of, finish, **options),))
