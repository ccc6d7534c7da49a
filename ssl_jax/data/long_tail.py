"""As many classes, unequal shares: long_tail:100*SOURCE, and balanced:100*SOURCE, as many examples in equal shares.

Of K classes in an order that a seed draws, class k has n r^(-k / (K - 1)) examples, rounded down, of the n that the
smallest class of the source has: the exponential profile of Cao et al. 2019 (arXiv:1906.07413, section 4.1). For
CIFAR-10 and r = 100 these are 5000, 2997, 1796, ..., 50. The control has the same number in all (Liu et al. 2021,
arXiv:2110.05025, section 2).
"""

import numpy as np

from ssl_jax.data.held_out import ordered
from ssl_jax.data.source import Source, subset

KINDS = ("long_tail", "balanced")
WAY_OUT = "long_tail:100*tfds:cifar10, or long_tail:100@3*tfds:cifar10 for the order of classes of seed 3"


def parted(rest: str, name: str) -> tuple[float, int, str]:
    """(ratio, seed, the source's text) of RATIO*SOURCE or RATIO@SEED*SOURCE. Raises ValueError, which begins with
    `name`, for a ratio of 1 or less and for a seed that is no whole number."""
    said, star, text = rest.partition("*")
    ratio, at, seed = said.partition("@")
    try:
        number = float(ratio)
    except ValueError:
        number = 0.0
    if not (star and text and 1 < number < np.inf and (seed.isdecimal() or not at)):
        raise ValueError(f"{name}: how many times the largest class has the smallest is a number above 1, as {WAY_OUT}")
    return number, int(seed or 0), text


def profile(most: int, ratio: float, classes: int) -> np.ndarray:
    """int64 [classes], falling from `most` to `most` / `ratio`, rounded down."""
    exact = most * ratio ** (-np.arange(classes) / max(classes - 1, 1))
    return np.floor(exact * (1 + 1e-12)).astype(np.int64)  # what is whole in exact arithmetic stays so


def counts(kind: str, most: int, ratio: float, classes: int) -> np.ndarray:
    """int64 [classes], the examples of each place in the order of classes, for a kind of `KINDS`."""
    long_tail = profile(most, ratio, classes)
    if kind == KINDS[0]:
        return long_tail
    each, rest = divmod(int(long_tail.sum()), classes)
    return each + (np.arange(classes) < rest).astype(np.int64)


def part(name: str, source: Source, ratio: float, seed: int) -> Source:
    """The part of a source that `name` says, by its kind. Raises ValueError for sources without labels of two or more
    classes that are known before the examples are read, without random access, for mixes, and where the smallest
    class of the profile would have no example.
    """
    if source.order is not None:
        raise ValueError(f"{name}: nothing is taken of a mix; take it of each of its sources")
    have = np.bincount(source.labels[source.labels >= 0]) if source.labels is not None else np.zeros(0, np.int64)
    there = np.flatnonzero(have)
    if len(there) < 2:
        raise ValueError(f"{name}: it wants two or more classes, and {source.name} has {len(there)} that are known")
    kept = counts(name.partition(":")[0], int(have[there].min()), ratio, len(there))
    if not kept.min():
        most = int(have[there].min())
        raise ValueError(f"{name}: the smallest class of {source.name} has {most:,} examples, too few for 1/{ratio:g}")
    ranks = dict(zip(there[ordered(len(there), seed)].tolist(), kept.tolist(), strict=True))
    order = ordered(source.size, seed)
    rows = [order[source.labels[order] == label][:count] for label, count in ranks.items()]
    return subset(source, np.sort(np.concatenate(rows)))._replace(name=name)
