"""Batches as a pure function of (seed, step, process): the step number is the data position.

Example number q of this process, counted from the first step, is in the global order at
g = step * batch + process * local + place; g // n is its epoch and the rest goes through an exact permutation of
that epoch, computed per index, so that nothing is skipped or stored at a restart and any number of processes reads
the same global order. Views draw their random numbers from (seed, g). A mix has an order of its own (`Source.order`).

An image that cannot be read, for whatever reason, is replaced by the next one of the dataset that can (index + 1, + 2,
... modulo n), not by the next one of the order, which would put the same image twice into one batch. `index` and
`label` are those of the image that was used; `replaced` is the index that it stands for, -1 for all others. So it is in
training; `sequential` replaces nothing and says which rows are no image's.
"""

import functools
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from ssl_jax.data.encoded import reason, survivors
from ssl_jax.data.source import Source, read_example, read_rows, read_simple, row_of
from ssl_jax.process.machine import cores

CHUNK = 32
"""Examples, at most, whose order is computed in one go and that one thread works off."""
TRIES = 100
"""Successors of an unreadable image that are tried before the stream gives up."""
POSITION = "position"
"""What the place of an example in the global order is called on its way to `_filler`."""
ROUNDS = 16
"""Rounds of the shuffling cipher. With 4, as in `tf.random.experimental.index_shuffle`, the orders of consecutive
epochs of 60,000 examples correlate by 0.9; with 16 they are independent in every test that was made."""


def batches(
    source: Source,
    host: Callable,
    *,
    batch: int,
    seed: int,
    start: int = 0,
    process: tuple[int, int] = (0, 1),
    threads: int | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """The endless stream of training batches from step `start` on, as read-only numpy arrays.

    host: ({part: an image uint8 or uint16 [h, w, c], others raw}, int64 seed [2]) -> {group: [v, ...]}, a tf graph
        function.
    batch: examples of all processes; process: (which, of how many), whose share is the block of that number.
    Yields {group: [b, v, ...], "index": int32 [b], "label": int32 [b], "replaced": int32 [b]} with b the share, and
    "target", float32 [b, k], where the source has numbers to predict.
    Batches run across the borders of epochs, so no remainder is dropped. threads: by default the cores of this process.
    ValueError where the batch cannot be shared out, or where no image can be read.
    """
    local = _share(batch, process, source)
    ordered = source.order or (lambda g, seed: shuffled(g, source.size, seed))

    def plan(q: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        g = q // local * batch + process[0] * local + q % local
        return ordered(g, seed), g, tf.ones_like(g, tf.bool)

    return _iterate(source, host, plan, seed, (start * local, None), local, threads)


def sequential(
    source: Source,
    host: Callable,
    *,
    batch: int,
    process: tuple[int, int] = (0, 1),
    seed: int = 0,
    threads: int | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """Every example once, in the order of the dataset: {group: [b, v, ...], "index": int32 [b], "label": int32 [b],
    "mask": bool [b], "valid": bool [b]}, and "target" as in `batches`.

    The mask is False where the last batch is filled up. Where an image cannot be read, or no views can be made of it,
    its row has zeros, `valid` False, and its own index and label, if that is known without the image. All processes
    yield equally many batches. JPEGs are decoded exactly here, and by the fast transform in `batches`. Random numbers
    of the views come from (seed, index).
    """
    local = _share(batch, process, source)
    count = -(-source.size // batch)

    def plan(q: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        g = q // local * batch + process[0] * local + q % local
        return tf.minimum(g, source.size - 1), g, g < source.size

    return _iterate(source, host, plan, seed, (0, count * local), local, threads)


def nothing(source: Source, host: Callable) -> str:
    """One sentence for a source of which `sequential` gave no valid row: what is wrong with its first examples."""
    first = np.arange(min(source.size, 3))
    return _reason(source, host, first, first, 0, f"none of the {source.size} {source.noun} can be read")


def shuffled(g: tf.Tensor, n: int | tf.Tensor, seed: int, *, salt: int | tf.Tensor = 0) -> tf.Tensor:
    """Positions g of the global order (int64 [k]) -> indices of a dataset of n examples, a permutation each epoch.

    n, salt: one for all, or int64 [k]; each salt has orders of its own.
    """
    # The salt keeps this use of (seed, epoch) apart from the views' use of (seed, g).
    other = tf.broadcast_to(tf.cast(salt, tf.int64) + 0x5EED, tf.shape(g))
    seeds = tf.stack([other, tf.fill(tf.shape(g), tf.constant(seed, tf.int64)), g // n], 1)
    last = tf.cast(n, tf.int64) - 1
    return tf.raw_ops.RandomIndexShuffle(index=g % n, seed=seeds, max_index=last, rounds=ROUNDS)


def _share(batch: int, process: tuple[int, int], source: Source) -> int:
    if source.read is None:
        raise ValueError(f"{source.name} was opened to be read in order, so it cannot be trained on")
    if not source.size:
        raise ValueError(f"{source.name} has no examples")
    which, count = process
    if batch < 1 or batch % count:
        near = max(count, batch - batch % count)
        raise ValueError(f"a batch of {batch} cannot be shared by {count} processes: take a multiple, such as {near}")
    if not 0 <= which < count:
        raise ValueError(f"process {which} is not one of {count}")
    return batch // count


def _iterate(
    source: Source,
    host: Callable,
    plan: Callable,
    seed: int,
    span: tuple[int, int | None],
    local: int,
    threads: int | None,
) -> Iterator[dict[str, np.ndarray]]:
    """Local examples span[0]..span[1]-1 in batches; the graph is built here, so that bad arguments fail at once."""
    threads, training = threads or cores(), span[1] is None
    chunk = _chunk(local)
    chunks = tf.int64.max if training else (span[1] - span[0]) // chunk

    def work(number: tf.Tensor) -> dict[str, tf.Tensor]:
        q = span[0] + number * chunk + tf.range(chunk, dtype=tf.int64)
        index, g, real = plan(q)
        seeds = tf.stack([tf.fill([chunk], tf.constant(seed, tf.int64)), g], 1)
        rows = _rows(source, host, index, seeds, exact=not training)
        return {**rows, POSITION: g} if training else {**rows, "mask": real}

    plainly = tf.autograph.experimental.do_not_convert(work)  # else errors come with pages of its own frames
    examples = tf.data.Dataset.range(chunks).map(plainly, num_parallel_calls=threads, deterministic=True)
    stream = _joined(examples, local // chunk).prefetch(2)
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = threads
    options.threading.max_intra_op_parallelism = 1
    finish = _filler(source, host, seed, threads) if training else lambda item: item
    return _guarded(stream.with_options(options), finish, source, host, plan, seed, span[0], local)


def _chunk(local: int) -> int:
    """The largest divisor of the batch up to CHUNK, so that chunks fill batches; all of it where that is tiny."""
    best = max(size for size in range(1, min(CHUNK, local) + 1) if local % size == 0)
    return best if best >= 8 else local


def _joined(chunks: tf.data.Dataset, count: int) -> tf.data.Dataset:
    """`count` chunks make a batch. `Dataset.rebatch` does the same and logs an error for every slice (TF 2.21)."""
    if count == 1:
        return chunks
    flat = lambda x: tf.reshape(x, [x.shape[0] * x.shape[1], *x.shape[2:]])  # noqa: E731
    return chunks.batch(count, drop_remainder=True).map(lambda batch: tf.nest.map_structure(flat, batch))


def _loader(source: Source, host: Callable, *, exact: bool) -> Callable:
    """(seed, *row of `read_simple`) -> (views, label); the graph fails where these cannot be made."""

    def load(seed: tf.Tensor, *row: tf.Tensor) -> tuple[dict, tf.Tensor]:
        example, label = read_example(source, *row, exact=exact, simple=True)
        views = host(example, seed)
        for name, view in views.items():
            if not view.shape.is_fully_defined():
                raise ValueError(
                    f"the views {name!r} have the shape {view.shape}, which is not fixed: resize or crop them"
                )
        return views, label

    return load


def _loaded(
    source: Source,
    host: Callable,
    seeds: tf.Tensor,
    rows: tuple[tf.Tensor, ...],
    *,
    exact: bool,
    threads: int | None = None,
) -> tuple[tf.Tensor, tuple]:
    """Which of `read_rows` have views, int32 [j], and (views, label) of these."""
    readable, simple = read_simple(source, *rows, exact=exact)
    load = _loader(source, host, exact=exact)
    slots, loaded = survivors(load, tf.gather(seeds, readable), *simple, threads=threads)
    return tf.gather(readable, slots), loaded


def _rows(source: Source, host: Callable, index: tf.Tensor, seeds: tf.Tensor, *, exact: bool) -> dict[str, tf.Tensor]:
    """The views of the examples `index` (int64 [k]), zeros and not "valid" where there are none."""
    rows = read_rows(source, index)
    slots, (views, label) = _loaded(source, host, seeds, rows, exact=exact)
    if source.labels is not None:
        known = tf.gather(tf.constant(source.labels, tf.int32), index)
    else:
        known = tf.fill(index.shape, -1) if source.gather is None else tf.cast(rows[1], tf.int32)

    def placed(x: tf.Tensor) -> tf.Tensor:
        return tf.scatter_nd(slots[:, None], x, [index.shape[0], *x.shape[1:]])

    # A row that cannot be read is rare: where all can, nothing is copied.
    whole = tf.equal(tf.shape(slots)[0], index.shape[0])
    views = tf.cond(whole, lambda: views, lambda: tf.nest.map_structure(placed, views))
    out = {name: tf.ensure_shape(view, [index.shape[0], *view.shape[1:]]) for name, view in views.items()}
    if source.targets is not None:
        out["target"] = tf.gather(tf.constant(source.targets, tf.float32), index)
    label = tf.tensor_scatter_nd_update(known, slots[:, None], tf.cast(label, tf.int32))
    return {**out, "index": tf.cast(index, tf.int32), "label": label, "valid": placed(tf.ones_like(slots, tf.bool))}


def _filler(source: Source, host: Callable, seed: int, threads: int) -> Callable:
    """Batch of `_rows` -> the batch with the next images that can be read in the place of those that cannot.

    Outside the stream's graph: what a graph has in it for the rare case costs it time in every other one.
    """

    @functools.partial(tf.function, autograph=False, reduce_retracing=True)
    def attempt(index: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        return _loaded(source, host, seeds, read_rows(source, index), exact=False, threads=threads)

    def fill(item: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        position, missing = item.pop(POSITION), np.flatnonzero(~item.pop("valid"))
        wanted, replaced = item["index"], np.full_like(item["index"], -1)
        item = {name: array.copy() for name, array in item.items()} if missing.size else item
        for step in range(1, _tries(source) + 1):
            if not missing.size:
                break
            other = (wanted[missing] + step) % source.size
            seeds = np.stack([np.full_like(missing, seed), position[missing]], 1)
            slots, (views, label) = attempt(tf.constant(other, tf.int64), tf.constant(seeds, tf.int64))
            found = missing[slots]
            known = {"label": label, "index": other[slots]}
            known |= {} if source.targets is None else {"target": source.targets[other[slots]]}
            for name, rows in {**views, **known}.items():
                item[name][found] = rows
            replaced[found], missing = wanted[found], np.delete(missing, slots)
        if missing.size:
            raise ValueError(_reason(source, host, wanted[missing], position[missing], seed, _tried(source)))
        return {**item, "replaced": replaced}

    return fill


def _tries(source: Source) -> int:
    return min(TRIES, source.size)


def _tried(source: Source) -> str:
    return f"{_tries(source)} {source.noun} in a row cannot be read"


def _guarded(
    stream: tf.data.Dataset,
    finish: Callable,
    source: Source,
    host: Callable,
    plan: Callable,
    seed: int,
    first: int,
    local: int,
) -> Iterator[dict[str, np.ndarray]]:
    """The batches, finished; a failure of the graph becomes one sentence."""
    done, failed = 0, tf.errors.OpError
    try:
        for item in stream.as_numpy_iterator():
            yield finish(item)
            done += 1
    except failed as error:
        index, g, _ = plan(tf.range(first + done * local, first + (done + 1) * local, dtype=tf.int64))
        raise ValueError(_reason(source, host, index.numpy(), g.numpy(), seed, _tried(source))) from error


def _reason(source: Source, host: Callable, index: np.ndarray, g: np.ndarray, seed: int, tried: str) -> str:
    """Why none of the tries for one of these examples worked: the views' own complaint, else unreadable images."""
    said = ""
    for i, position in zip(index, g, strict=True):
        try:
            example, _ = read_example(source, *row_of(read_rows(source, tf.constant([i], tf.int64)), 0))
        except (tf.errors.OpError, ValueError) as error:
            said = said or f"{source.name}: {tried}, as {source.describe(i)}: {reason(error)}"
            continue
        try:
            host(example, tf.constant([seed, position], tf.int64))
        except (tf.errors.OpError, ValueError) as error:
            shape = f", {'x'.join(map(str, example['image'].shape))}" if "image" in example else ""
            return f"the views cannot be made of {source.describe(i)}{shape}: {reason(error)}"
    return said or f"{source.name}: an example between {index[0]} and {index[-1]} could not be read"
