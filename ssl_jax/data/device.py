"""Local numpy batches -> global device arrays, made in a background thread."""

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

Batch = dict[str, Any]


class Feed:
    """An iterator over global batches, a few of which are ready ahead; a context manager, since it owns a thread.

    waited: the seconds that `next` has blocked since the beginning: the time that the data was late.
    """

    def __init__(self, iterator: Iterator[Batch], sharding: Any, *, depth: int, keep: tuple[str, ...]):
        self.waited = 0.0
        self._ready: queue.Queue = queue.Queue(maxsize=depth)
        self._stop = threading.Event()
        arguments = (iterator, sharding, keep)
        self._thread = threading.Thread(target=self._work, args=arguments, name="ssl_jax-feed", daemon=True)
        self._thread.start()

    def __iter__(self) -> "Feed":
        return self

    def __next__(self) -> Batch:
        begin = time.perf_counter()
        kind, value = self._ready.get()
        self.waited += time.perf_counter() - begin
        if kind == "batch":
            return value
        self._ready.put((kind, value))  # Whoever asks again gets the same answer.
        raise value

    def __enter__(self) -> "Feed":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the thread and let go of the batches; safe to call twice."""
        self._stop.set()
        while self._thread.is_alive():
            self._drain()
            self._thread.join(0.02)
        self._drain()
        self._ready.put(("end", StopIteration()))

    def _drain(self) -> None:
        while not self._ready.empty():
            self._ready.get_nowait()

    def _work(self, iterator: Iterator[Batch], sharding: Any, keep: tuple[str, ...]) -> None:
        last: Exception = StopIteration()
        try:
            for batch in iterator:
                if self._stop.is_set():
                    break
                self._ready.put(("batch", _globally(batch, sharding, keep)))
        except Exception as error:  # Whatever it is, it belongs to the thread that asks for batches.
            last = error
        if hasattr(iterator, "close"):
            iterator.close()
        self._ready.put(("end", last))


def put(iterator: Iterator[Batch], sharding: Any, *, depth: int = 2, keep: tuple[str, ...] = ("replaced",)) -> Feed:
    """Turn an iterator of this process's batches into a Feed of global ones, `depth` of them ahead.

    Every array [b_local, ...] becomes a jax array [b, ...] with `sharding`, which splits axis 0 over the devices of all
    processes or of this one alone, in the dtype it has;
    the arrays named in `keep` stay numpy, for this process alone. An exception of the iterator is raised by `next`.
    ValueError, from `next`, where the batch is not divisible by the devices.
    """
    return Feed(iterator, sharding, depth=depth, keep=keep)


def _globally(batch: Batch, sharding: Any, keep: tuple[str, ...]) -> Batch:
    return {name: value if name in keep else _spread(name, value, sharding) for name, value in batch.items()}


def _spread(name: str, value: np.ndarray, sharding: Any) -> jax.Array:
    owners = {device.process_index for device in sharding.device_set}
    shape = (len(value) * len(owners), *value.shape[1:])
    try:
        sharding.shard_shape(shape)
    except ValueError as error:
        raise ValueError(
            f"a batch of {shape[0]} ({name!r}) is not divisible by the {len(sharding.device_set)} devices that share it"
        ) from error
    return jax.make_array_from_process_local_data(sharding, value, shape)
