"""SeLa (Asano et al. 2020, arXiv:1911.05371): labels that the network spreads evenly over its own clusters."""

import jax

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, self_labeled
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.passes import features, renewal, times, transport
from ssl_jax.types import Card, Examples, Method, Net

CARD = Card("SeLa", "joint embedding", 2020, "arXiv:1911.05371")


def sela(
    encoder: Net,
    projector: Net,
    *,
    examples: Examples,
    heads: int = 10,
    clusters: int = 3000,
    sharpness: float = 25.0,
    optimizations: int = 100,
    tolerance: float = 0.1,
) -> Method:
    """Defaults of the official code. projector: `identity` for a ResNet. sharpness: lambda. optimizations: how often
    all labels are made anew, of training views, ever rarer. tolerance: see `transport.labels`; 0.01 on CIFAR."""
    ranges.above_zero(sharpness=sharpness, optimizations=optimizations, tolerance=tolerance)
    criterion = self_labeled.self_labeled(examples=examples, heads=heads, clusters=clusters)
    log_of = lambda head, x: sharpness * jax.nn.log_softmax(self_labeled.scores(head, x), -1)  # noqa: E731

    def finish(state, found, key):
        labels = transport.by_heads(log_of, state.params["criterion"], found, tolerance=tolerance)
        return renewal.with_held(state, self_labeled.SelfLabeled(labels))

    like, due = lambda s: s.params["criterion"]["kernel"].swapaxes(1, 2), times.ever_rarer(optimizations)
    options = dict(examples=examples, due=due, views="train", kept=features.as_they_are)
    labeling = features.collecting(encode.studied(encoder, projector), like, finish, **options)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"), passes=(labeling,))
