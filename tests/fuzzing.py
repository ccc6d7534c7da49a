"""Wrong values for every key of every recipe, up to the door of the compiler: nothing is trained, nothing written.

    python -m tests.fuzzing --json > benchmarks/results/config_fuzz.json

A recipe is resolved, its job built on a few made-up images and its step traced on shapes. Recipes for ImageNet have
their ResNet-50 made a ResNet-10, which has the same keys and traces in a fifth of the time.
"""

import argparse
import contextlib
import functools
import hashlib
import json
import math
import os
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from ssl_jax.config import build, catalog, dry_run, recipes, schema
from ssl_jax.data import memory
from ssl_jax.data.source import Source
from ssl_jax.run.job import Job
from tests import sizes

WRONG = (
    *(None, True, "", "1e-4x", "100000 epochs", 0, -1, 7, 10**12, 10**30, 0.5, -0.5, 1.5, 1e300, math.nan, math.inf),
    *((), {}, (1,), (0.9, 0.1), (0, -1, 2), ("a",), ((1, 2), 3), {"a": 1}, {"name": 5}, {1: 2}, b"12"),
)
"""Values of every type, out of every range: some of them are right for some keys."""
LONG = 60
"""Seconds after which a try hangs."""


class Try(NamedTuple):
    """One value in one place. path: the keys to it, of dicts and tuples."""

    recipe: str
    path: tuple
    value: object

    @property
    def key(self) -> str:
        """The key as on the command line."""
        return ".".join(map(str, self.path))


def distinct(key: str) -> str:
    """The key without its places in tuples."""
    return re.sub(r"\.\d+", ".0", key)


def color() -> Source:
    """64 made-up photos of ten classes."""
    return _made(3)


def gray() -> Source:
    """The same without color."""
    return _made(1)


def numbered() -> Source:
    """The same photos, each with a number to predict."""
    return _made(3)._replace(targets=np.linspace(0, 1, 64, dtype=np.float32)[:, None])


@functools.cache
def _made(channels: int) -> Source:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 32, 32, channels)).astype(np.uint8)
    return memory.arrays(pixels, np.arange(64) % 10, classes=tuple("abcdefghij"))


@functools.cache
def pictured(name: str) -> bool:
    """Whether a recipe trains on images alone, which are made up here; of other parts there is no such data."""
    return all(view.get("of", "image") == "image" for view in recipes.load(name)["views"])


NAMES = [name for name in recipes.names() if pictured(name)]
COUNTED = ("negatives", "background", "clusters", "prototypes", "components")
"""Options of methods of which some want no more than there are examples."""


def few(count: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """32, or as many times 32."""
    return (32,) * len(count) if isinstance(count, tuple) else 32


def base(name: str) -> dict:
    """A resolved recipe on the made-up images."""
    config = schema.resolve(recipes.load(name))
    colors = numbered if catalog.targets(config) else color
    source = gray if sizes.of(config)[2] == 1 else colors
    data = f"tests.fuzzing:{source.__name__}"
    config["data"] = {**config["data"], "train": data, "test": data}
    encoder = config["nets"]["encoder"]
    if encoder.get("depth") == 50:
        config["nets"]["encoder"] = {**encoder, "depth": 10}
    config["method"] = {key: few(value) if key in COUNTED else value for key, value in config["method"].items()}
    return config


def places(node: object, path: tuple = ()) -> Iterator[tuple]:
    """The path of every part of a recipe, leaves and what holds them."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, tuple) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def every() -> list[Try]:
    """The whole product."""
    return [Try(name, path, value) for name in NAMES for path in places(base(name)) for value in WRONG]


def spread(seed: int) -> list[Try]:
    """A try for each distinct key, whatever the place in its tuple, each with its own recipe and value."""
    found: dict[str, list[Try]] = {}
    for each in every():
        found.setdefault(distinct(each.key), []).append(each)
    return [min(tries, key=lambda t: hashlib.md5(f"{seed} {t!r}".encode()).digest()) for tries in found.values()]


def put(node: object, path: tuple, value: object) -> object:
    """A recipe with `value` at `path`."""
    if not path:
        return value
    key, *rest = path
    if isinstance(node, dict):
        return {**node, key: put(node[key], tuple(rest), value)}
    return tuple(put(part, tuple(rest), value) if i == key else part for i, part in enumerate(node))


@contextlib.contextmanager
def in_time(seconds: int) -> Iterator[None]:
    """Raises RuntimeError in the main thread after so many seconds."""

    def late(*_):
        raise RuntimeError(f"no answer in {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(each: Try, *, traced: bool = True) -> str | None:
    """The sentence that refuses the value; None where it is accepted. Any error but a ValueError goes through.

    traced: also traces the step, which takes a second where it depends on the key.
    """
    try:
        with in_time(LONG):
            config = schema.resolve(put(base(each.recipe), each.path, each.value))
            job = build.job(config)
            if traced:
                dry(config, job)
            return None
    except ValueError as error:
        return str(error)


MEMORY: dict[str, object] = {}
"""What a part of a dry run gave or raised, by all that it depends on."""


def dry(config: dict, job: Job) -> None:
    """`dry_run.check`, of which parts that the try has not touched are not traced again."""
    views = job.training.views
    batch = known(lambda: dry_run.views(job.training, job.shapes), config["photometric"], views, job.shapes)
    learner = [*(config[name] for name in ("method", "nets", "chunks", "probe")), job.clock, batch]
    params, state = known(lambda: dry_run.learned(job.method, batch), learner)
    known(
        lambda: dry_run.optimized(job.method, job.optimizer, params),
        config["optimizer"],
        config["lr"],
        job.clock,
        params,
    )
    own = [config["photometric"], config["method"], config["nets"], job.clean.views, job.train.parts]
    known(lambda: dry_run.evaluated(job.method, job.clean, params, state, job.train.parts), own)


def known(part: Callable, *on: object) -> object:
    """part(), or what it gave or raised when all that it depends on was the same."""
    key = hashlib.md5(repr((part.__code__.co_firstlineno, on)).encode()).hexdigest()
    if key not in MEMORY:
        try:
            MEMORY[key] = part()
        except ValueError as error:
            MEMORY[key] = error.with_traceback(None)
    if isinstance(MEMORY[key], ValueError):
        raise MEMORY[key]
    return MEMORY[key]


def fault(each: Try, sentence: str | None) -> str | None:
    """What is wrong with a refusal: it is no single sentence, or names neither the key nor the part that it is in."""
    if sentence is None:
        return None
    names = [part for part in map(str, each.path) if not part.isdecimal()]
    if "\n" in sentence or "Traceback" in sentence:
        return f"{each}: more than one line: {sentence}"
    if names[-1] not in sentence and f"config.{names[0]}" not in sentence:
        return f"{each}: names no key: {sentence}"
    return None


def run(tries: list[Try], *, seconds: float = math.inf, say=lambda line: None) -> dict:
    """The figures of many tries; `faults` is to be empty.

    A step is traced for each method, distinct key and value, not for each recipe of the method and each view again.
    seconds: after these it ends with the tries that it has made.
    """
    counts, faults, start, traced = {"accepted": 0, "refused": 0, "tracebacks": 0}, [], time.perf_counter(), set()
    for number, each in enumerate(tries, 1):
        if time.perf_counter() - start > seconds:
            tries = tries[: number - 1]
            break
        try:
            alike = (base(each.recipe)["method"]["name"], distinct(each.key), repr(each.value))
            sentence = outcome(each, traced=alike not in traced)
            traced.add(alike)
        except Exception as error:
            counts["tracebacks"] += 1
            faults.append(f"{each}: {type(error).__name__}: {str(error)[:300]}")
            say(faults[-1])
            continue
        counts["accepted" if sentence is None else "refused"] += 1
        if wrong := fault(each, sentence):
            faults.append(wrong)
            say(wrong)
        if number % 1000 == 0:
            jax.clear_caches()
            say(f"{number} of {len(tries)}, {time.perf_counter() - start:.0f} s, {counts}")
    keys = {(each.recipe, each.key) for each in tries}
    return {
        "recipes": len({each.recipe for each in tries}),
        "keys": len(keys),
        "distinct_keys": len({distinct(key) for _, key in keys}),
        "values": len(WRONG),
        "tries": len(tries),
        "of_method_key_and_value": len(traced),
        **counts,
        "faults": faults,
        "seconds": round(time.perf_counter() - start),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main() -> None:
    """All tries, or those of some recipes or one in N; prints what it finds to stderr and JSON to stdout."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--recipes", default="", help="a part of their names")
    parser.add_argument("--one-in", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--spread", action="store_true")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end then, in a random order of the tries")
    options = parser.parse_args()
    tries = spread(options.seed) if options.spread else every()
    tries = [each for each in tries if options.recipes in each.recipe][options.seed % options.one_in :: options.one_in]
    if math.isfinite(options.seconds):
        tries.sort(key=lambda each: hashlib.md5(repr(each).encode()).digest())
    result = run(tries, seconds=options.seconds, say=lambda line: os.write(2, f"{line}\n".encode()))
    print(json.dumps(result, indent=1) if options.json else result)


if __name__ == "__main__":
    main()
