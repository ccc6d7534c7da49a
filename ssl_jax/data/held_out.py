"""A dataset in two parts: held:0.1*SOURCE, a tenth of its examples, and rest:0.1*SOURCE, all others.

Of which part an example is follows from its index and from its label, and from nothing else: each class has its share
in both parts, and of examples with labels beside others without those with labels alone are held out.
"""

import numpy as np
import tensorflow as tf

from ssl_jax.data.source import Source, subset
from ssl_jax.data.stream import shuffled

KINDS = ("held", "rest")
SEED = 0
"""Of the order in which examples of a class are held out."""


def parted(rest: str, name: str) -> tuple[float, str]:
    """(share, the source's text) of SHARE*SOURCE. Raises ValueError, which begins with `name`, for no share."""
    said, star, text = rest.partition("*")
    try:
        share = float(said)
    except ValueError:
        share = 0.0
    if not (star and text and 0 < share < 1):
        raise ValueError(
            f"{name}: what is held out is SHARE*SOURCE with a share between 0 and 1, as held:0.1*folder:/photos, and "
            "rest:0.1*folder:/photos is what is left"
        )
    return share, text


def part(name: str, source: Source, share: float) -> Source:
    """The part of a source that `name` says, by its kind. Raises ValueError where a part would have no examples, for
    sources without random access, and for those whose examples are no draws of their own: mixes and series.
    """
    if source.order is not None:
        raise ValueError(f"{name}: nothing is held out of a mix; hold a part of each of its sources out")
    if "series" in source.parts:
        raise ValueError(
            f"{name}: windows of a series overlap, so that those held out would be in both parts; it has splits of its "
            f"own, as {source.name}{'&' if '?' in source.name else '?'}split=test"
        )
    chosen = held(source, share)
    count = int(chosen.sum())
    if not 0 < count < source.size:
        raise ValueError(f"{name}: a share of {share:g} of {source.size:,} examples leaves a part with none")
    return subset(source, np.flatnonzero(chosen if name.startswith("held:") else ~chosen))._replace(name=name)


def ordered(size: int, seed: int) -> np.ndarray:
    """int64 [size]: the numbers from 0 in an order that the seed draws."""
    return shuffled(tf.range(size, dtype=tf.int64), size, seed).numpy()


def held(source: Source, share: float) -> np.ndarray:
    """bool [n]: the examples that are held out, the share rounded down."""
    order = ordered(source.size, SEED)
    if source.labels is not None and (source.labels >= 0).any():
        order = order[source.labels[order] >= 0]
        order = order[np.argsort(source.labels[order], kind="stable")]
    chosen = np.zeros(source.size, bool)
    chosen[order[np.diff(np.floor(np.arange(len(order) + 1) * share)) > 0]] = True
    return chosen
