"""When a pass is due."""

from collections.abc import Callable

from ssl_jax.config import durations
from ssl_jax.config.durations import Clock


def at_the_start(step: int, clock: Clock) -> bool:
    """Before the first step, and never again."""
    return step == 0


def each_epoch(since: int = 0) -> Callable[[int, Clock], bool]:
    """Before the first step of each epoch, of which `since` is the first; epochs count from 0."""

    def due(step: int, clock: Clock) -> bool:
        return durations.epochs_done(step, clock) >= since and durations.into_epoch(step, clock) == 0

    return due


def each(steps: int) -> Callable[[int, Clock], bool]:
    """After each so many steps, and not before the first one."""
    return lambda step, clock: step > 0 and step % steps == 0


def ever_rarer(count: int) -> Callable[[int, Clock], bool]:
    """`count` times at the squares of even steps from 0 to 1 of the run: before the first step, then ever rarer.

    The last falls on the end, after which nothing comes (SeLa's code, arXiv:1911.05371).
    """
    last = max(count - 1, 1)

    def due(step: int, clock: Clock) -> bool:
        return any(-(-clock.total * i**2 // last**2) == step for i in range(count))

    return due
