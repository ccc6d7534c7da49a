"""What a dataset and a machine are, as far as a recipe depends on them."""

from typing import NamedTuple

import jax
from rich.console import Console

from ssl_jax.data import check
from ssl_jax.data.sources import Source, labeled
from ssl_jax.process import machine
from ssl_jax.run.evaluation import some

SEEN = 2000
"""Images that are looked at, at most, for sizes and statistics."""
LEAST = 16
"""Examples below which there is nothing to learn from."""
DECIMALS = 4


class Facts(NamedTuple):
    """A dataset of images.

    side: the median of the short sides, in pixels. bits: of a value, 8 or 16. classes: with labels, 0 for none. mean,
    std: by channel, in units of 0..1. seen: images that were looked at; unreadable: how many of these could not be.
    """

    name: str
    examples: int
    side: int
    channels: int
    bits: int
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    seen: int
    unreadable: int


class Machine(NamedTuple):
    """What a run has. platform: "cpu", "gpu" or "tpu"; memory: bytes that one device has for a step."""

    platform: str
    devices: int
    memory: int


def of(source: Source, console: Console | None = None) -> Facts:
    """What images of a source are; reads up to `SEEN` of them. ValueError for other examples, too few, unreadable."""
    if set(source.parts) != {"image"}:
        raise ValueError(
            f"{source.name} has {' and '.join(source.parts)}; a recipe is made for images alone: `ssl-jax methods` "
            "lists the recipes for others, which --config names"
        )
    if source.size < LEAST:
        raise ValueError(f"{source.name} has {source.size} examples; a recipe is made for {LEAST} or more")
    few = some(source, SEEN)
    report = check.check(few, console=console)
    if not report["readable"]:
        raise ValueError(f"{source.name}: none of the {few.size} images that were looked at can be read")
    return Facts(
        name=source.name,
        examples=source.size,
        side=min(report["height"][1], report["width"][1]),
        channels=source.image.channels,
        bits=source.image.bits,
        classes=len(source.classes) if labeled(source) else 0,
        mean=tuple(round(value, DECIMALS) for value in report["mean"]),
        std=tuple(max(round(value, DECIMALS), 10.0**-DECIMALS) for value in report["std"]),
        seen=few.size,
        unreadable=few.size - report["readable"],
    )


def here() -> Machine:
    """This machine. Of a CPU half of the memory that is free counts, of an accelerator nine tenths of its own."""
    device = jax.local_devices()[0]
    stats = device.memory_stats() or {}
    if device.platform != "cpu" and "bytes_limit" in stats:
        memory = int(0.9 * stats["bytes_limit"])
    else:
        memory = machine.free_memory() // 2 // jax.local_device_count()
    return Machine(device.platform, jax.local_device_count(), memory)
