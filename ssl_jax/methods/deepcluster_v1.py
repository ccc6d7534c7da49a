"""DeepCluster (Caron et al. 2018, arXiv:1807.05520): clusters of all images are this epoch's classes."""

import jax

from ssl_jax.criteria import lenses, pseudo_labels
from ssl_jax.losses.contrastive import unit
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.passes import clusters as k_means
from ssl_jax.passes import features, moments, renewal, times
from ssl_jax.types import Card, Examples, Method, Net

CARD = Card("DeepCluster", "joint embedding", 2018, "arXiv:1807.05520")


def deepcluster_v1(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    clusters: int = 10000,
    components: int = 256,
    iterations: int = 20,
) -> Method:
    """Defaults of the official code. components: of the whitened features that are clustered. projector: what stands
    before the last layer and its ReLU, `identity` for a ResNet. That layer, "criterion/", has no momentum in the code.
    """
    criterion = pseudo_labels.pseudo_labels(examples=examples, clusters=clusters, components=components)

    def finish(state, found, key):
        first, second = jax.random.split(key)
        rows = unit(moments.whitened(*found, components))
        labels = k_means.of_rows(first, rows, found.written, clusters=clusters, iterations=iterations).labels
        state = renewal.with_params(state, pseudo_labels.beginning(second, found.rows.shape[1], clusters))
        return renewal.with_held(state, pseudo_labels.relabeled(labels, clusters=clusters))

    row_of = lambda state: state.params["criterion"]["kernel"].T  # noqa: E731
    options = dict(examples=examples, due=times.each_epoch(), kept=features.as_they_are)
    clustering = features.collecting(encode.studied(encoder, projector), row_of, finish, **options)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"), passes=(clustering,))
