"""The recipe's schema: defaults, types and the signatures of constructors. What it has resolved has every key."""

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from ssl_jax import recipes, registry, spelling
from ssl_jax.health import Limits
from ssl_jax.optim import chain
from ssl_jax.types import Examples, Method, Net
from ssl_jax.views import compose

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
DATA = {"train": "", "test": "", "dir": "", "channels": 0, "bits": 0}
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
