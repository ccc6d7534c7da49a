"""SeLa-v2 (Caron et al. 2020, arXiv:2006.09882, appendix): SeLa with what SwAV and DeepCluster-v2 have."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, self_labeled
from ssl_jax.losses.precision import matmul
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.passes import renewal, times, transport
from ssl_jax.types import Card, Examples, Method, Net, Pass

CARD = Card("SeLa-v2", "joint embedding", 2020, "arXiv:2006.09882")


def sela_v2(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    heads: int = 3,
    prototypes: int = 3000,
    temperature: float = 0.1,
    epsilon: float = 0.05,
    tolerance: float = 0.1,
) -> Method:
    """There is no public code: DeepCluster-v2 with prototypes that learn, and SwAV's codes of all images as labels in
    place of k-means. epsilon: of the codes. tolerance: see `transport.labels`. Before each epoch but the first, whose
    loss is zero, the crops are labeled that the last one has left in the bank."""
    ranges.above_zero(epsilon=epsilon, tolerance=tolerance)
    options = dict(heads=heads, prototypes=prototypes, temperature=temperature)
    criterion = self_labeled.remembered(examples=examples, **options)

    def relabel(state, found, key):
        held, columns = renewal.held(state), state.params["criterion"]["prototypes"]
        log_of = lambda own, x: matmul(x, own.astype(x.dtype)) / epsilon  # noqa: E731
        labels = transport.by_heads(log_of, columns, held.bank, tolerance=tolerance)
        return renewal.with_held(state, held._replace(labels=labels))

    labeling = Pass(due=times.each_epoch(since=1), finish=relabel)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"), passes=(labeling,))
