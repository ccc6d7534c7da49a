"""Recipe -> job. The only reader of configs: below this door there are arguments with names."""

import collections.abc
import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import optax

from ssl_jax import durations, recipes, registry, spelling
from ssl_jax.checkpoint import Keep
from ssl_jax.data import sources
from ssl_jax.health import Limits
from ssl_jax.job import Every, Job, Preprocess
from ssl_jax.optim import chain, schedules
from ssl_jax.paradigms import chunks
from ssl_jax.paradigms.monitored import with_monitors
from ssl_jax.paradigms.probe import with_probe
from ssl_jax.types import Examples, Method, Net, Schedule
from ssl_jax.views import compose, compose_device, compose_host

REQUIRED = {
    "data": dict,
    "batch": int,
    "duration": str,
    "method": dict,
    "nets": dict,
    "views": tuple,
    "optimizer": dict,
    "lr": float | dict,
}
DEFAULTS = {
    "seed": 0,
    "photometric": "device",
    "probe": True,
    "mesh": {"data": -1, "fsdp": 1},
    "chunks": 1,
    "processes": {"start": 900.0, "agree": 900.0, "heartbeat": 100.0, "shutdown": 300.0},
    "log": {"every": "10 steps"},
    "checkpoint": {"every": "10 %", "keep": 2, "keep_every": "never", "best": ""},
    "health": Limits()._asdict(),
    "evaluation": {"every": "20 %", "examples": 50_000, "batch": 500},
}
DATA = {"train": "", "test": "", "dir": ""}
SMALL = 96
"""Below this size an image is evaluated whole; from it on, resized by 8/7 and cropped in the centre (256 to 224)."""


def resolve(config: dict) -> dict:
    """The recipe with every default filled in, so that each number of the run has a key that can be overridden.

    Raises ValueError for an unknown key, a missing one, or a value of the wrong type.
    """
    known = {**DEFAULTS, **dict.fromkeys(REQUIRED), "clean": None}
    for key in config:
        if key not in known:
            raise ValueError(spelling.unknown(key, known, "the recipe"))
    missing = [key for key in REQUIRED if key not in config]
    if missing:
        raise ValueError(f"the recipe says nothing of {', '.join(missing)}; every recipe needs {', '.join(REQUIRED)}")
    full = {key: _filled(config.get(key, default), default, key) for key, default in DEFAULTS.items()}
    full |= {key: _typed(config[key], kind, inspect.Parameter.empty, key) for key, kind in REQUIRED.items()}
    full["data"] = _filled(config["data"], DATA, "data")
    full["method"] = _signature(method_of(config), config["method"], "method")
    full["nets"] = {role: _signature(net_of(role, net), net, f"nets.{role}") for role, net in config["nets"].items()}
    full["optimizer"] = optimizer_part(config["optimizer"])
    compose.views(full["views"])
    full["clean"] = config.get("clean") or clean_view(config["views"])
    return recipes.tuples(full)


def optimizer_part(given: dict) -> dict:
    """The optimiser's part of the recipe: options of `chain.make`, and of the rule it names."""
    rule = chain.RULES.get(given.get("name"))
    if rule is None:
        raise ValueError(spelling.unknown(given.get("name", ""), chain.RULES, "the optimizers"))
    shared = [n for n in inspect.signature(chain.make).parameters if n != "options"]
    own = {k: v for k, v in given.items() if k not in shared}
    parts = _signature(chain.make, {k: v for k, v in given.items() if k in shared}, "optimizer")
    return {**parts, **{k: v for k, v in _signature(rule, own, "optimizer").items() if k not in (*parts, "is_vector")}}


def method_of(config: dict) -> Callable:
    """The constructor of the recipe's method."""
    return registry.find("methods", config["method"].get("name", ""), Method)


def net_of(role: str, net: dict) -> Callable:
    """The constructor of a net."""
    if not isinstance(net, dict) or "name" not in net:
        raise ValueError(f"nets.{role} has no name, such as 'resnet'")
    return registry.find("nets", net["name"], Net)


def clean_view(views: tuple) -> tuple:
    """How images are prepared for evaluation: whole or centre-cropped, normalised as the first view is."""
    size = views[0]["size"]
    normalise = [op for op in views[0]["ops"] if op["name"] == "normalise"]
    side = size if size < SMALL else round(size * 8 / 7)
    ops = (dict(name="resize", args=dict(size=side)), dict(name="centre_crop"), *normalise)
    return (dict(group="clean", count=1, size=size, ops=ops),)


def _filled(value: Any, default: Any, path: str) -> Any:
    """`value` with what it leaves out taken from `default`, whose types it must have."""
    if not isinstance(default, dict):
        return _typed(value, type(default), default, path)
    if not isinstance(value, dict):
        raise ValueError(f"config.{path} is {value!r}; it has the parts {', '.join(default)}")
    for key in value:
        if key not in default:
            raise ValueError(spelling.unknown(key, default, f"config.{path}"))
    return {key: _filled(value.get(key, old), old, f"{path}.{key}") for key, old in default.items()}


def _signature(make: Callable, values: dict, path: str) -> dict:
    """The recipe's part for one constructor: its name and its keyword-only options, with their defaults."""
    options = {
        name: p
        for name, p in inspect.signature(make).parameters.items()
        if p.annotation not in (Net, Examples) and p.kind is not p.VAR_KEYWORD and name not in ("clock", "lr", "name")
    }
    for key in values:
        if key not in options and key != "name":
            raise ValueError(spelling.unknown(key, options, f"config.{path}"))
    out = {"name": values["name"]} if "name" in values else {}
    for name, p in options.items():
        if name not in values and p.default is p.empty:
            raise ValueError(f"config.{path} needs {name}")
        given = name in values
        out[name] = _typed(values[name], p.annotation, p.default, f"{path}.{name}") if given else p.default
    return out


def _typed(value: Any, annotation: Any, default: Any, path: str) -> Any:
    """`value` if the annotation allows it; whole numbers may stand for floats. Raises ValueError with an example."""
    allowed = _classes(annotation)
    if not allowed or type(value) in allowed or isinstance(value, allowed) and not isinstance(value, bool):
        return value
    if float in allowed and type(value) is int:
        return float(value)
    names = " or ".join(sorted(c.__name__ if c is not type(None) else "None" for c in allowed))
    example = "" if default in (inspect.Parameter.empty, None) else f", such as {default!r}"
    raise ValueError(f"config.{path} is {value!r}, a {type(value).__name__}; it takes {names}{example}")


def _classes(annotation: Any) -> tuple[type, ...]:
    """The classes that an annotation allows; none where it is a schedule or another thing that checks itself."""
    if isinstance(annotation, types.UnionType):
        parts = [_classes(part) for part in typing.get_args(annotation)]
        return tuple(c for part in parts for c in part) if all(parts) else ()
    found = typing.get_origin(annotation) or annotation
    return (found,) if isinstance(found, type) and found is not collections.abc.Callable else ()


def job(config: dict) -> Job:
    """Everything that a run needs, from a resolved recipe. Opens the data; touches no device."""
    data = config["data"]
    options = {"data_dir": data["dir"] or None}
    train = sources.open(data["train"], **options)
    test = sources.open(data["test"], **options, channels=train.channels) if data["test"] else None
    if config["probe"] and not sources.labelled(train):
        raise ValueError(f"{train.name} has no labels for the online probe to learn from; set config.probe=False")
    clock = durations.run(config["duration"], examples=train.size, batch=config["batch"])
    check(config, clock)
    method, optimizer = method_and_optimizer(config, clock, len(train.classes))
    training, clean = (preprocess(config[key], config["photometric"]) for key in ("views", "clean"))
    return Job(
        config=config,
        digest=recipes.digest(config),
        seed=config["seed"],
        clock=clock,
        method=method,
        optimizer=optimizer,
        logged=logged(config, clock),
        train=train,
        test=test,
        training=training,
        clean=clean,
        shapes=shapes(training, config["batch"], train.channels, train.bits),
        mesh=config["mesh"],
        patience=config["processes"]["agree"],
        every=Every(*(config[key]["every"] for key in ("log", "checkpoint", "evaluation"))),
        keep=keep(config["checkpoint"], clock),
        health=Limits(**config["health"]).checked(),
        evaluation={k: v for k, v in config["evaluation"].items() if k != "every"},
    )


@contextlib.contextmanager
def about(path: str) -> Iterator[None]:
    """A complaint of what is called inside names the part of the recipe that it is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"config.{path}: {error}") from error


def check(config: dict, clock: durations.Clock) -> None:
    """Raises ValueError for a number or a period of the run's course that would be noticed only on the way."""
    if not 0 <= config["seed"] < 2**31:
        raise ValueError(f"config.seed is {config['seed']}; it must be a whole number from 0 to {2**31 - 1}")
    if config["chunks"] < 1 or config["batch"] % config["chunks"]:
        raise ValueError(f"config.chunks is {config['chunks']}; a batch of {config['batch']} needs one of its divisors")
    for part, key in (("checkpoint", "keep"), ("evaluation", "examples"), ("evaluation", "batch")):
        if config[part][key] < 1:
            raise ValueError(f"config.{part}.{key} is {config[part][key]}; it must be 1 or more")
    for part in ("log", "checkpoint", "evaluation"):
        with about(f"{part}.every"):
            durations.due(config[part]["every"], 1, clock)


def method_and_optimizer(
    config: dict, clock: durations.Clock, classes: int
) -> tuple[Method, optax.GradientTransformation]:
    """The method with its probe and monitors, and the optimiser with a group for the probe."""
    make = method_of(config)
    nets, arguments = {}, {}
    for role, net in config["nets"].items():
        with about(f"nets.{role}"):
            nets[role] = chunks.made(net_of(role, net), _options(net), config["chunks"] if role == "encoder" else 1)
    for name, p in inspect.signature(make).parameters.items():
        if p.annotation is Net:
            if name not in nets:
                raise ValueError(f"the method {config['method']['name']} needs nets.{name}")
            arguments[name] = nets.pop(name)
        elif p.annotation is Schedule:
            with about(f"method.{name}"):
                arguments[name] = schedules.named(name, config["method"][name], clock)
        elif p.annotation is Examples:
            arguments[name] = clock.examples
        elif name in config["method"]:
            arguments[name] = config["method"][name]
    if nets:
        roles = [n for n, p in inspect.signature(make).parameters.items() if p.annotation is Net]
        raise ValueError(spelling.unknown(next(iter(nets)), roles, f"the nets of {config['method']['name']}"))
    with about("method"):
        method = with_monitors(make(**arguments))
    options = dict(config["optimizer"])
    if config["probe"]:
        method = with_probe(method, classes)
        probe = dict(match="^probe/", name="adamw", lr=1e-3, weight_decay=0.0)
        options["groups"] = (probe, *options.get("groups", ()))
    with about("lr"):
        schedules.make(config["lr"], clock)
    with about("optimizer"):
        return method, chain.make(lr=config["lr"], clock=clock, **options)


def keep(part: dict, clock: durations.Clock) -> Keep:
    """Which checkpoints stay. Raises ValueError for a duration or a best that cannot be."""
    durations.due(part["keep_every"], 1, clock)
    return Keep(part["keep"], lambda step: durations.due(part["keep_every"], step, clock), part["best"]).checked()


def _options(net: dict) -> dict:
    return {k: v for k, v in net.items() if k != "name"}


def logged(config: dict, clock: durations.Clock) -> dict[str, Schedule]:
    """The schedules whose values belong in the log, by name: every one of the recipe.

    "lr", and its effective peak at this batch as "lr_peak"; "schedule/ema_decay" and the like, those of the method;
    "schedule/weight_decay", and "schedule/groups.0/lr" of a group of parameters, where they are scheduled.
    """
    optimizer, parameters = config["optimizer"], inspect.signature(method_of(config)).parameters
    found = {"lr": config["lr"], "lr_peak": schedules.scale(config["lr"], clock.batch)}
    found |= {f"schedule/{n}": config["method"][n] for n, p in parameters.items() if p.annotation is Schedule}
    for place, part in [("", optimizer), *((f"groups.{i}/", group) for i, group in enumerate(optimizer["groups"]))]:
        scheduled = [name for name in ("lr", "weight_decay") if isinstance(part.get(name), dict)]
        found |= {f"schedule/{place}{name}": part[name] for name in scheduled}
    return {name: schedules.make(spec, clock) for name, spec in found.items()}


def preprocess(views: tuple, photometric: str) -> Preprocess:
    """Views as data -> the host's function and the device's."""
    records = compose.views(views)
    host = compose_host.host(records, photometric=photometric)
    return Preprocess(records, host, compose_device.device(records, photometric=photometric))


def shapes(training: Preprocess, batch: int, channels: int, bits: int) -> dict:
    """ShapeDtypeStructs of one global batch as the host makes it."""
    counts: dict[str, tuple[int, int]] = {}
    for view in training.views:
        counts[view.group] = (counts.get(view.group, (0, 0))[0] + view.count, view.size)
    groups = {
        group: jax.ShapeDtypeStruct((batch, count, size, size, channels), f"uint{bits}")
        for group, (count, size) in counts.items()
    }
    ids = {key: jax.ShapeDtypeStruct((batch,), np.int32) for key in ("index", "label")}
    return groups | ids
