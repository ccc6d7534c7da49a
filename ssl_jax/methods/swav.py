"""SwAV (Caron et al. 2020, arXiv:2006.09882): predict one crop's balanced cluster code from the other crops."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, swapped
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("SwAV", "joint embedding", 2020, "arXiv:2006.09882")


def swav(
    encoder: Net,
    projector: Net,
    *,
    prototypes: int = 3000,
    temperature: float = 0.1,
    epsilon: float = 0.05,
    iterations: int = 3,
    queue: int = 0,
    queue_start: int = 0,
) -> Method:
    """Defaults of the official main_swav.py; queue: rows a crop (3840 at batch 256), 0 for none, used from the step
    `queue_start` once it is full. The optimizer keeps the prototypes' norms and freezes them in the first epoch.
    """
    ranges.zero_or_more(queue=queue, queue_start=queue_start)
    codes = dict(prototypes=prototypes, temperature=temperature, epsilon=epsilon, iterations=iterations)
    if queue:
        criterion = swapped.swapped_queued(size=queue, start=queue_start, **codes)
    else:
        criterion = swapped.swapped(**codes)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"))
