"""Which images are the same, or nearly: exact copies by their pixels, near ones by a perceptual hash and a second look.

The hash is pHash, that of the library ImageHash bit by bit: of a gray picture of 32 x 32 pixels the 8 x 8 lowest
frequencies of the cosine transform, each above the median of all or not. Hashes that differ in few bits are found
without comparing all with all (Norouzi, Punjani, Fleet 2012, arXiv:1307.2982): cut in BITS + 1 pieces, two that differ
in at most BITS bits have a piece in common. Hashes of simple pictures collide, so that pairs are looked at again as
pictures of 8 x 8 pixels in color, in units of their own contrast.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import fft, sparse

SIDE, TINY = 32, 8
"""Pixels a side of the pictures that are hashed, and of those that are compared."""
BITS = 10
"""Bits of 64 in which hashes of near duplicates differ at most."""
FEW = 4
"""Bits up to which the light and the colors may differ more."""
DIFFERENCE = {FEW: 0.7, BITS: 0.35}
"""What `difference` of near duplicates is at most, by the bits in which their hashes differ at most.

Looked at in CIFAR-10, whose pairs of so many bits are nearly all of one picture below, and of several above.
"""
LATER = 2048
"""Of images with a piece in common each is compared with so many that come next in brightness: of 100,000, with all."""
PENDING = 2**20
"""Pairs that wait at most before they are put together as groups."""


class Looks(NamedTuple):
    """What is kept of n images. digest: int64 [n], of pixels. hash: uint64 [n]. tiny: float16 [n, 8, 8, c <= 3]."""

    digest: np.ndarray
    hash: np.ndarray
    tiny: np.ndarray


class Group(NamedTuple):
    """Images that belong together. rows: int [k], rising. difference: the least of two of them, 0 of exact copies."""

    rows: np.ndarray
    difference: float


def hashed(gray: np.ndarray) -> np.ndarray:
    """pHash of pictures [n, 32, 32] of any range: uint64 [n], the lowest frequency in the highest bit."""
    if not len(gray):
        return np.zeros(0, np.uint64)
    low = fft.dctn(np.asarray(gray, np.float32), axes=(1, 2))[:, :8, :8].reshape(len(gray), 64)
    return np.packbits(low > np.median(low, 1, keepdims=True), axis=1).view(">u8")[:, 0].astype(np.uint64)


def difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of pictures [n, h, w, c]: root mean square difference by that of two unrelated ones of the same contrast, [n].

    0 of the same picture, about 1 of unrelated ones, in units of no range. Infinite where both are flat and differ.
    """
    a, b = (np.asarray(x, np.float32).reshape(len(x), np.prod(x.shape[1:])) for x in (one, other))
    contrast = a.var(1) + b.var(1)
    apart = np.square(a - b).mean(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(apart > 0, np.sqrt(apart / contrast), 0.0)


def exact(looks: Looks) -> list[Group]:
    """Images of which there are two or more with the same pixels, the largest groups first."""
    order = np.argsort(looks.digest, kind="stable")
    starts = np.flatnonzero(np.diff(looks.digest[order])) + 1
    found = [Group(rows, 0.0) for rows in np.split(order, starts) if len(rows) > 1]
    return sorted(found, key=lambda group: (-len(group.rows), group.rows[0]))


def near(looks: Looks, *, say: Callable[[int, int], None] = lambda done, total: None) -> list[Group]:
    """Images that nearly look the same, the most alike first; of exact copies the first alone is compared.

    Groups are chained: each image is near to another one of its group. Time grows with n * min(n / 57, LATER).
    say: is told how much is done, and of how much.
    """
    _, rows = np.unique(looks.digest, return_index=True)
    rows = rows[np.argsort(looks.tiny[rows].mean((1, 2, 3), dtype=np.float32), kind="stable")]
    hashes, tiny, n = looks.hash[rows], looks.tiny[rows], len(rows)
    group, least, pending = np.arange(n), np.full(n, np.inf, np.float32), []
    edges = np.linspace(0, 64, BITS + 2).astype(np.uint64)
    for number, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        for one, other, bits in _candidates(
            hashes, ((hashes >> low) & np.uint64(2 ** int(high - low) - 1)).astype(np.uint8)
        ):
            fresh = group[one] != group[other]
            one, other, bits = one[fresh], other[fresh], bits[fresh]
            apart = difference(tiny[one], tiny[other])
            alike = apart <= np.where(bits <= FEW, DIFFERENCE[FEW], DIFFERENCE[BITS])
            pending.append(np.stack([one, other])[:, alike])
            for ends in pending[-1]:
                np.minimum.at(least, ends, apart[alike])
            if sum(links.shape[1] for links in pending) > PENDING:
                group, pending = _joined(group, pending), []
        group, pending = _joined(group, pending), []
        say(number + 1, BITS + 1)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    found = [Group(np.sort(rows[part]), float(least[part].min())) for part in members if len(part) > 1]
    return sorted(found, key=lambda each: (each.difference, each.rows[0]))


def _candidates(hashes: np.ndarray, piece: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(first, second, bits): places of hashes with the same piece that differ in at most BITS bits, in many parts."""
    order = np.argsort(piece, kind="stable")  # of one piece in the order that was given, by brightness
    value, there = hashes[order], piece[order]
    for step in range(1, min(LATER + 1, int(np.bincount(piece).max(initial=0)))):
        bits = np.bitwise_count(value[step:] ^ value[:-step])
        close = np.flatnonzero((bits <= BITS) & (there[step:] == there[:-step]))
        if close.size:
            yield order[close], order[close + step], bits[close]


def _joined(group: np.ndarray, links: list[np.ndarray]) -> np.ndarray:
    """Groups int [n] after more of them are linked, [2, k] each."""
    one, other = group[np.concatenate([np.zeros((2, 0), np.int64), *links], 1)]
    graph = sparse.coo_array((np.ones(len(one), bool), (one, other)), (len(group), len(group)))
    return sparse.csgraph.connected_components(graph, directed=False)[1][group]
