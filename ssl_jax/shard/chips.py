"""Accelerators by the names that people use, and what one chip can do at best."""

import re
from typing import NamedTuple

from ssl_jax.checks import spelling

GIB = 2**30


class Chip(NamedTuple):
    """One chip: bf16 operations a second, bytes of memory and bytes a second to it, bytes a second to other chips.

    links: both directions of all links together; None where no figure is published. counts: what the number in a name
    such as v4-32 counts for each chip, 2 where it is the cores. compiler: what libtpu calls the chip, "" for others.
    """

    flops: float
    memory: float
    bandwidth: float
    links: float | None
    counts: int = 1
    compiler: str = ""


CHIPS = {
    "v4": Chip(275e12, 32 * GIB, 1228e9, None, 2, "v4"),
    "v5e": Chip(197e12, 16 * GIB, 819e9, 400e9, 1, "v5e"),
    "v5p": Chip(459e12, 95 * GIB, 2765e9, 1200e9, 2, "v5p"),
    "v6e": Chip(918e12, 32 * GIB, 1640e9, 800e9, 1, "v6e"),
    "tpu7x": Chip(2307e12, 192 * GIB, 7380e9, None, 1, "tpu7x"),
    "a100": Chip(312e12, 80e9, 2039e9, 600e9),
    "h100": Chip(989e12, 80e9, 3350e9, 900e9),
    "h200": Chip(989e12, 141e9, 4800e9, 900e9),
}
"""Peaks as Google Cloud's and NVIDIA's pages give them (dense bf16; SXM modules)."""
FLAT = {1: "1x1", 4: "2x2", 8: "2x4", 16: "4x4", 32: "4x8", 64: "8x8", 128: "8x16", 256: "16x16"}
CUBES = {4: "2x2x1", 8: "2x2x2", 16: "2x2x4", 32: "2x4x4", 64: "4x4x4", 128: "4x4x8", 256: "4x8x8", 512: "8x8x8"}
"""Shapes of a whole slice by its number of chips."""


class Topology(NamedTuple):
    """A slice of a pod, or so many GPUs. shape: as libtpu spells it, "v5e:4x4"; "" for GPUs."""

    name: str
    chip: str
    chips: int
    shape: str


def topology(name: str) -> Topology:
    """`v5e-16`, `v4-32`, `v5e:4x4`, `tpu7x:2x2x1`, `h100-8` -> a Topology.

    The number is what Google Cloud writes: cores for v4 and v5p, chips for the others. Raises ValueError with the way
    to write it for an unknown chip, an impossible number or shape.
    """
    found = re.fullmatch(r"([a-z0-9]+?)(?:-(\d+)|:(\d+(?:x\d+)+))?", name)
    kind = found[1] if found else name.partition(":")[0].partition("-")[0]
    if kind not in CHIPS:
        raise ValueError(f"{spelling.unknown(kind, CHIPS, 'the chips')} (a topology is v5e-16, v5e:4x4 or h100-8)")
    chip, shapes = CHIPS[kind], FLAT if kind in ("v5e", "v6e") else CUBES
    if not found:
        raise ValueError(f"'{name}' is no topology; write {kind}-N or, for a TPU, its shape, such as {kind}:2x2")
    if not chip.compiler:
        if not found[2] or int(found[2]) < 1:
            raise ValueError(f"'{name}' is no number of GPUs; write {kind}-8")
        return Topology(name, kind, int(found[2]), "")
    shape = found[3]
    if shape is None:
        count = int(found[2]) // chip.counts if found[2] else min(shapes)
        if count not in shapes or found[2] and int(found[2]) % chip.counts:
            known = ", ".join(f"{kind}-{n * chip.counts}" for n in shapes)
            raise ValueError(f"'{name}' is no whole slice; there are {known}, and shapes such as {kind}:{shapes[16]}")
        shape = shapes[count]
    sides = [int(side) for side in shape.split("x")]
    if len(sides) != len(next(iter(shapes.values())).split("x")):
        raise ValueError(f"'{name}' has {len(sides)} sides; a slice of {kind} is written {kind}:{shapes[16]}")
    chips = 1
    for side in sides:
        chips *= side
    return Topology(name, kind, chips, f"{chip.compiler}:{shape}")
