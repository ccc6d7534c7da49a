"""Will it fit, how fast can it be at best, what will it cost: a recipe's real step, compiled for a pod without a chip.

`plan` starts this file as a process of its own for each topology, since the TPU's compiler wants its own environment.
"""

import contextlib
import gzip
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from typing import Any

import jax
from jax.experimental import topologies

from ssl_jax import api
from ssl_jax.config import build, catalog, durations, recipes
from ssl_jax.data import classes, parts, sources
from ssl_jax.shard import chips, operations, program
from ssl_jax.shard import mesh as meshes
from ssl_jax.shard.chips import CHIPS, Topology
from ssl_jax.shard.program import Program

KNOWN = {"imagenet2012": (1281167, 1000, 3), "imagenet1k": (1281167, 1000, 3), "cifar10": (50000, 10, 3)}
"""Examples, classes and channels of datasets that a planner need not have."""
TOO_MUCH = re.compile(
    r"Used ([\d.]+)([GMK]) of ([\d.]+)([GMK]) hbm|([\d.]+)([GMK])\)? exceeds available HBM \(([\d.]+)([GMK])"
)
FAR = 16
"""Times the recipe's batch beyond which no larger one is looked for."""
TRIES = 3
"""Batches that are compiled to confirm one: near the limit a compiler takes several times as long."""
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
QUIET = {
    "JAX_PLATFORMS": "cpu",  # libtpu compiles all the same, and takes no lock that another process would miss
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def plan(
    config: dict, names: list[str], *, utilization: float = 0.4, sizes: tuple | None = None, search: bool = True
) -> list[dict]:
    """One row for each topology; see `row`.

    config: a resolved recipe. utilization: the share of the peak that the hours assume, 0..1. sizes: examples, classes
    and channels of the dataset where it is not there to be opened. search: look for the largest batch, which takes
    two or three times as long. Raises ValueError in one sentence for a topology
    that cannot be, a dataset of unknown size, or a compiler that is not installed.
    """
    if not 0 < utilization <= 1:
        raise ValueError(f"a utilization of {utilization} is no share of the peak; give one such as 0.4")
    slices = [chips.topology(name) for name in names]
    sizes = sizes or dataset(config["data"])
    rows = []
    for slice_ in slices:
        request = {"config": config, "topology": slice_._asdict(), "sizes": sizes, "search": search}
        rows.append(costs(config, slice_, sizes, process(request, slice_), utilization))
    return rows


def dataset(data: dict) -> tuple[int, int, int]:
    """Examples, classes, channels: of the dataset itself, or of one that is known by name."""
    try:
        source = sources.open(data["train"], data_dir=data["dir"] or None)
        seen = [part.channels for name, part in source.parts.items() if name in ("image", "clip", "series")]
        return source.size, classes.count(source), max(seen, default=0)
    except ValueError as error:
        for name, sizes in KNOWN.items():
            if name in data["train"] and "[" not in data["train"]:
                return sizes
        raise ValueError(f"{error}; to plan without the data say --examples=N --classes=N --channels=N") from error


def process(request: dict, slice_: Topology) -> dict:
    """What the process of its own found out."""
    environment = {**os.environ, **QUIET}
    flags = os.environ.get("XLA_FLAGS", "").split()
    environment["XLA_FLAGS"] = " ".join(f for f in flags if not f.startswith("--xla_cpu"))  # some stop libtpu
    if slice_.shape and "TPU_LIBRARY_PATH" not in environment:
        found = importlib.util.find_spec("libtpu")
        if not found:
            raise ValueError(
                f"{slice_.name} needs the TPU's compiler, libtpu: pip install 'ssl_jax[plan]', or name the file of "
                "another installation in TPU_LIBRARY_PATH"
            )
        environment["TPU_LIBRARY_PATH"] = f"{found.submodule_search_locations[0]}/libtpu.so"
    command = [sys.executable, "-m", "ssl_jax.planning"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, env=environment)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no word"]
        raise ValueError(f"the step was not compiled for {slice_.name}: {last[0]}")
    return json.loads(done.stdout.splitlines()[-1])


def costs(config: dict, slice_: Topology, sizes: tuple, found: dict, utilization: float) -> dict[str, Any]:
    """A row: what was found, and seconds a step at best by what binds it, hours and chip-hours of the whole run."""
    chip, clock = CHIPS[slice_.chip], durations.run(config["duration"], examples=sizes[0], batch=config["batch"])
    bounds = {"compute": found["flops"] / slice_.chips / chip.flops}
    if "bytes_accessed" in found:
        # What a compiler counts includes its small memory, which is no bound of this kind.
        bounds["memory"] = found.get("bytes_moved", found["bytes_accessed"]) / chip.bandwidth
    if chip.links and "collectives" in found:
        bounds["links"] = sum(row["bytes"] for row in found["collectives"].values()) / chip.links
    step = max(bounds["compute"] / utilization, *bounds.values())
    hours = clock.total * step / 3600
    return {
        "topology": slice_.name,
        "chips": slice_.chips,
        "memory": int(chip.memory),
        "compiled": bool(slice_.shape),
        **found,
        "bounds": bounds,
        "binds": max(bounds, key=bounds.get),
        "steps": clock.total,
        "epoch_seconds": clock.examples / clock.batch * step,
        "utilization": utilization,
        "hours": hours,
        "chip_hours": hours * slice_.chips,
    }


def row(config: dict, slice_: Topology, sizes: tuple, search: bool) -> dict[str, Any]:
    """Runs in the process of its own: memory, operations and collectives of the step, the largest batch that fits."""
    devices = place(slice_)
    made = program_of(config, sizes, devices)
    found = {"batch": config["batch"], "flops": operations.flops(traced(made).jaxpr.jaxpr)}
    found["state_bytes"] = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(made.state))
    if not slice_.shape:
        return found
    first = compiled(made, devices)
    found |= first
    limit, per_chip = CHIPS[slice_.chip].memory, len(devices) // slice_.chips
    found["fits"] = "peak" in first and first["peak"] * per_chip <= limit
    if search:
        found["largest_batch"] = largest(config, sizes, devices, first, limit / per_chip)
    return found


def place(slice_: Topology) -> list:
    """The devices of a slice, as the compiler knows them; one of this machine's where there is no compiler."""
    if not slice_.shape:
        return jax.devices()[:1]
    options = {"chip_config_name": "megacore"} if slice_.chip == "v4" else {}
    return list(topologies.get_topology_desc(platform="tpu", topology_name=slice_.shape, **options).devices)


def program_of(config: dict, sizes: tuple, devices: list) -> Program:
    """The recipe's program on a mesh of the devices, which need not exist."""
    examples, classes, channels = sizes
    clock = durations.run(config["duration"], examples=examples, batch=config["batch"])
    method, optimizer = build.method_and_optimizer(config, clock, classes)
    training, clean = (build.preprocess(config[key], config["photometric"]) for key in ("views", "clean"))
    known, targets = parts.assumed({view.of for view in training.views}, channels), catalog.targets(config)
    shapes = build.shapes(training, config["batch"], known, targets)
    mesh = meshes.make(**config["mesh"], devices=devices)
    return program.build(method, optimizer, training.device, clean.device, shapes, mesh, inputs=clean.inputs)


def traced(made: Program) -> jax.stages.Traced:
    """The step as JAX sees it before it is compiled."""
    return made.step.trace(made.state, made.batch, jax.eval_shape(lambda: jax.random.key(0)))


def compiled(made: Program, devices: list) -> dict[str, Any]:
    """Bytes on one device: arguments, temporaries, peak; or only what was `needed`, where that is too much.

    bytes_accessed: by the compiler's count; bytes_moved: to and from the large memory, by `operations.moved`.
    """
    found = remembered(traced(made).lower(), devices)
    if "needed" in found:
        return found
    out = {name: found[name] for name in ("arguments", "temporary", "peak", "bytes_accessed", "compiler_flops")}
    if found["text"]:
        out["collectives"] = operations.collectives(found["text"])
        out["bytes_accessed"] += operations.repeated(found["text"])
        out["bytes_moved"] = operations.moved(found["text"])
    return out


def remembered(lowered: jax.stages.Lowered, devices: list) -> dict[str, Any]:
    """What `told` has of a step; from a file where the same compiler has met the same step before.

    JAX's own cache keeps programs, which no chip that is not there can load.
    """
    compiler = f"{devices[0].device_kind} {devices[0].client.platform_version} {devices}"
    key = hashlib.sha256((compiler + lowered.as_text()).encode()).hexdigest()
    path = api.cache() / "plans" / f"{key}.json.gz"
    if path.exists():
        return json.loads(gzip.decompress(path.read_bytes()))
    found = told(lowered)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(gzip.compress(json.dumps(found).encode()))
    fresh.replace(path)
    return found


def told(lowered: jax.stages.Lowered) -> dict[str, Any]:
    """What the compiler tells of a step: bytes of memory, its own counts, its text; or the bytes that are `needed`."""
    try:
        step = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        found = TOO_MUCH.search(str(error))
        if not found:
            raise
        number, unit = (found[1], found[2]) if found[1] else (found[5], found[6])
        return {"needed": float(number) * UNITS[unit]}
    memory, cost = step.memory_analysis(), step.cost_analysis()
    out = {"arguments": memory.argument_size_in_bytes, "temporary": memory.temp_size_in_bytes}
    # Donated arguments are the outputs' memory.
    out["peak"] = out["arguments"] + out["temporary"] + memory.output_size_in_bytes - memory.alias_size_in_bytes
    out |= {"bytes_accessed": cost["bytes accessed"], "compiler_flops": cost["flops"], "text": ""}
    with contextlib.suppress(jax.errors.JaxRuntimeError):  # libtpu does not give the text for every chip
        out["text"] = step.as_text()
    return out


def largest(config: dict, sizes: tuple, devices: list, first: dict, limit: float) -> int | None:
    """The largest batch that is known to fit: a second compilation, the line through both, and a third that confirms.

    Where it does not, since the compiler saves memory in other ways when there is little, what lies in the middle
    between it and what fits, `TRIES` times at most. At most `FAR` times the recipe's. None where a second batch is not
    possible, as with a queue that is no multiple.
    """

    def tried(batch: int) -> dict:
        return compiled(program_of({**config, "batch": batch}, sizes, devices), devices)

    batch = config["batch"]
    other = batch // 2 if "needed" in first else batch * 2
    if other % len(devices):
        return None
    try:
        second = tried(other)
    except ValueError:
        return None
    (b0, m0), (b1, m1) = sorted((b, row.get("peak", row.get("needed"))) for b, row in ((batch, first), (other, second)))
    slope = max((m1 - m0) / (b1 - b0), 1.0)
    guess = min(int(b0 + (limit - m0) / slope), FAR * batch)
    fits = max([b for b, row in ((batch, first), (other, second)) if "peak" in row], default=0)
    for _ in range(TRIES):
        guess = guess // len(devices) * len(devices)
        if guess <= fits:
            break
        if "peak" in tried(guess):
            return guess
        guess = (fits + guess) // 2
    return fits


def main() -> None:
    """A request on standard input, what was found on the last line of standard output."""
    asked = json.loads(sys.stdin.read())
    config, slice_, sizes = recipes.tuples(asked["config"]), Topology(**asked["topology"]), tuple(asked["sizes"])
    print(json.dumps(row(config, slice_, sizes, asked["search"])))


if __name__ == "__main__":
    main()
