"""Batches on devices: values, sharding, errors, the end, and closing."""

import itertools
import threading
import time

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from ssl_jax.data import device


def sharding():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    return NamedSharding(mesh, PartitionSpec("data"))


def numbers(b=16):
    for k in itertools.count():
        yield {"x": np.full((b, 2, 3), k, np.uint16), "replaced": np.full(b, -1, np.int32)}


def test_batches_arrive_whole_in_order_and_in_their_dtype():
    with device.put(itertools.islice(numbers(), 5), sharding(), depth=2) as feed:
        batches = list(feed)
    assert len(batches) == 5 and feed.waited > 0
    for k, batch in enumerate(batches):
        assert batch["x"].dtype == np.uint16 and batch["x"].sharding == sharding()
        assert (np.asarray(batch["x"]) == k).all() and isinstance(batch["replaced"], np.ndarray)


def test_an_exception_of_the_stream_reaches_the_reader():
    def broken():
        yield from itertools.islice(numbers(), 2)
        raise OSError("the disk is gone")

    with device.put(broken(), sharding()) as feed:
        assert [int(batch["x"][0, 0, 0]) for batch in itertools.islice(feed, 2)] == [0, 1]
        for _ in range(2):
            with pytest.raises(OSError, match="the disk is gone"):
                next(feed)


def test_a_batch_that_the_devices_cannot_share_is_one_sentence():
    with device.put(numbers(12), sharding()) as feed:
        with pytest.raises(ValueError, match="a batch of 12 .* is not divisible by the 8 devices"):
            next(feed)


def test_closing_ends_the_thread_and_the_stream():
    closed = threading.Event()

    def watched():
        try:
            yield from numbers()
        finally:
            closed.set()

    feed = device.put(watched(), sharding(), depth=1)
    next(feed)
    feed.close()
    feed.close()
    assert closed.is_set() and not [t for t in threading.enumerate() if t.name == "ssl_jax-feed"]
    with pytest.raises(StopIteration):
        next(feed)


def test_no_more_than_depth_batches_are_made_ahead():
    made = []

    def counted():
        for batch in numbers():
            made.append(1)
            yield batch

    with device.put(counted(), sharding(), depth=3) as feed:
        next(feed)
        until = time.monotonic() + 1
        while time.monotonic() < until and len(made) < 5:
            time.sleep(0.01)
        time.sleep(0.1)
        assert len(made) == 5  # one taken, three ready, one in the hand of the thread
