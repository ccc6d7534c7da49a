"""DeepCluster-v2 (Caron et al. 2020, arXiv:2006.09882, appendix): clusters of the last epoch are classes."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import assigned, lenses
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.passes import times
from ssl_jax.types import Card, Examples, Key, Method, Net, Pass, TrainState, Tree

CARD = Card("DeepCluster-v2", "joint embedding", 2020, "arXiv:2006.09882")


def deepcluster_v2(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    heads: int = 3,
    centroids: int = 3000,
    temperature: float = 0.1,
    iterations: int = 10,
) -> Method:
    """Defaults of the official main_deepclusterv2.py.

    The first epoch fills the bank and has no labels, so its loss is zero; the official code makes an extra pass.
    """
    ranges.above_zero(iterations=iterations)
    criterion = assigned.assigned(examples=examples, heads=heads, centroids=centroids, temperature=temperature)

    def recluster(state: TrainState, found: Tree, key: Key) -> TrainState:
        held = assigned.recluster(key, state.method_state["criterion"], iterations=iterations)
        return state._replace(method_state={**state.method_state, "criterion": held})

    clustering = Pass(due=times.each_epoch(since=1), finish=recluster)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"), passes=(clustering,))
