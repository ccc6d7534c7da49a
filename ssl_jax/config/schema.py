"""The recipe's schema: defaults, types and the signatures of constructors. What it has resolved has every key."""

import inspect
import math
import typing
from collections.abc import Callable
from typing import Any

from ssl_jax.checks import annotations, spelling
from ssl_jax.config import recipes, registry
from ssl_jax.optim import chain
from ssl_jax.run.health import Limits
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
    "log": {"every": "10 steps", "wandb": "", "mlflow": ""},
    "checkpoint": {"every": "10 %", "keep": 2, "keep_every": "never", "best": ""},
    "health": Limits()._asdict(),
    "evaluation": {
        "every": "20 %",
        "during": "knn",
        "validation": "",
        "examples": 50_000,
        "batch": 500,
        "final": "all",
        "prompts": ("a photo of a {}.",),
    },
}
DATA = {"train": "", "test": "", "dir": "", "channels": 0, "bits": 0}
NETS = (Net, Net | None)
"""Annotations of a constructor's parameters that are nets of the recipe; the second may be left out."""
LARGEST = (2**63 - 1, 3.4e38)
"""The largest whole number and the largest other one that a run can hold, in int64 and in float32."""
SMALL = 96
"""Below this size an image is evaluated whole; from it on, resized by 8/7 and cropped in the center (256 to 224)."""


def resolve(config: dict) -> dict:
    """The recipe with every default filled in, so that each number of the run has a key that can be overridden.

    Raises ValueError for an unknown key, a missing one, or a value of the wrong type.
    """
    known = {**DEFAULTS, **dict.fromkeys(REQUIRED), "clean": None, "start": {}}
    if not isinstance(config, dict):
        raise ValueError(f"the recipe is {annotations.shortened(config)} and no dict of keys")
    for key in config:
        if key not in known:
            raise ValueError(spelling.unknown(key, known, "the recipe"))
    missing = [key for key in REQUIRED if key not in config]
    if missing:
        raise ValueError(f"the recipe says nothing of {', '.join(missing)}; every recipe needs {', '.join(REQUIRED)}")
    config = recipes.tuples(config)
    _written(config, "config")
    full = {key: _filled(config.get(key, default), default, key) for key, default in DEFAULTS.items()}
    full |= {key: _typed(config[key], kind, inspect.Parameter.empty, key) for key, kind in REQUIRED.items()}
    full["data"] = _filled(config["data"], DATA, "data")
    full["method"] = _signature(method_of(config), config["method"], "method")
    full["nets"] = {role: _signature(net_of(role, net), net, f"nets.{role}") for role, net in config["nets"].items()}
    full["optimizer"] = optimizer_part(config["optimizer"])
    full["start"] = _start(config.get("start", {}))
    compose.views(full["views"])
    full["clean"] = config["clean"] if config.get("clean") is not None else clean_view(config["views"])
    _check_clean(full["clean"])
    return recipes.tuples(full)


def changed(config: dict, changes: dict[str, str]) -> dict:
    """The resolved recipe with `{"method.temperature": "0.2"}` applied.

    How images are prepared for evaluation follows the views, also changed ones, unless the recipe or a change says it.
    Raises ValueError as `resolve` and `recipes.override` do.
    """
    full = recipes.override(resolve(config), changes)
    own = config.get("clean") is not None or any(path.split(".")[0] == "clean" for path in changes)
    return resolve(full if own else {key: value for key, value in full.items() if key != "clean"})


def _written(value: Any, path: str) -> None:
    """Raises ValueError for what a recipe's file could not keep, or a step not compute with."""
    if isinstance(value, dict | tuple):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict) and not isinstance(key, str):
                raise ValueError(f"{path} has the key {key!r}; keys are texts")
            _written(part, f"{path}.{key}")
    elif not isinstance(value, bool | int | float | str | None):
        shown = annotations.shortened(value)
        raise ValueError(f"{path} is {shown}, a {type(value).__name__}; recipes hold numbers, texts, tuples and dicts")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path} is {value}; it must be a finite number")
    elif isinstance(value, int | float) and abs(value) > LARGEST[isinstance(value, float)]:
        raise ValueError(f"{path} is larger than a run can hold, {annotations.shortened(value)}; give a smaller number")


def _start(given: Any) -> dict[str, str]:
    """The encoders that begin with the weights of a run or a file, and where these are."""
    if not isinstance(given, dict):
        shown = annotations.shortened(given)
        raise ValueError(f"config.start is {shown}; it takes encoders and paths, such as dict(teacher='runs/dino')")
    return {name: _typed(path, str, inspect.Parameter.empty, f"start.{name}") for name, path in given.items()}


def optimizer_part(given: dict) -> dict:
    """The optimizer's part of the recipe: options of `chain.make`, and of the rule it names."""
    rule = _rule(given, "optimizer")
    shared = [n for n in inspect.signature(chain.make).parameters if n != "options"]
    own = {k: v for k, v in given.items() if k not in shared}
    parts = _signature(chain.make, {k: v for k, v in given.items() if k in shared}, "optimizer")
    for i, group in enumerate(parts["groups"]):
        _check_group(group, {**given, **group}, f"optimizer.groups.{i}")
    return {**parts, **{k: v for k, v in _signature(rule, own, "optimizer").items() if k not in parts}}


def _rule(given: dict, path: str) -> Callable:
    name = given.get("name", "")
    if not isinstance(name, str) or name not in chain.RULES:
        raise ValueError(f"config.{path}.name: {spelling.unknown(name, chain.RULES, 'the optimizers')}")
    return chain.RULES[name]


def _check_group(group: dict, with_rest: dict, path: str) -> None:
    """Raises ValueError for a key that neither a group nor its rule has, and a value of the wrong type."""
    fields = {name: kind for name, kind in typing.get_type_hints(chain.Group).items() if name != "options"}
    own = inspect.signature(_rule(with_rest, path)).parameters.values()
    known = {**{p.name: p.annotation for p in own if p.kind is p.KEYWORD_ONLY and p.name != "is_vector"}, **fields}
    if "match" not in group:
        raise ValueError(f"config.{path} has no `match`, a regular expression for the paths of its parameters")
    for name, value in group.items():
        if name not in known:
            raise ValueError(spelling.unknown(name, known, f"config.{path}"))
        _typed(value, known[name], inspect.Parameter.empty, f"{path}.{name}")


def method_of(config: dict) -> Callable:
    """The constructor of the recipe's method."""
    return _named("methods", config["method"], "method", Method)


def net_of(role: str, net: dict) -> Callable:
    """The constructor of a net."""
    if not isinstance(net, dict) or "name" not in net:
        raise ValueError(f"config.nets.{role} has no name, such as 'resnet'")
    return _named("nets", net, f"nets.{role}", Net)


def roles(make: Callable) -> dict[str, bool]:
    """The nets that a method's constructor takes, and whether it needs them."""
    found = inspect.signature(make).parameters.items()
    return {name: p.default is p.empty for name, p in found if p.annotation in NETS}


def _named(folder: str, part: dict, path: str, returns: type) -> Callable:
    name = part.get("name", "")
    if not isinstance(name, str):
        raise ValueError(f"config.{path}.name is {annotations.shortened(name)}; it takes a name of ssl_jax.{folder}")
    try:
        make = registry.find(folder, name, returns)
        inspect.signature(make)
    except (ValueError, TypeError) as error:
        raise ValueError(f"config.{path}.name: {error}") from error
    return make


def clean_view(views: tuple) -> tuple:
    """How images are prepared for evaluation: whole or center-cropped, normalized as the first view is.

    Raises ValueError where the first view shows another part: what of it is to be evaluated cannot be guessed.
    """
    of, size = views[0].get("of", "image"), views[0]["size"]
    if of != "image":
        raise ValueError(f"the recipe needs config.clean, which says how the part '{of}' is prepared for evaluation")
    normalize = [op for op in views[0]["ops"] if op["name"] == "normalize"]
    side = size if size < SMALL else round(size * 8 / 7)
    ops = (dict(name="resize", args=dict(size=side)), dict(name="center_crop"), *normalize)
    return (dict(group="clean", count=1, size=size, ops=ops),)


def _check_clean(clean: Any) -> None:
    """Raises ValueError unless it is one view of the group "clean", or one of each part, with groups of their own."""
    made = compose.views(_typed(clean, tuple, inspect.Parameter.empty, "clean"), path="clean")
    groups, parts = ({getattr(view, key) for view in made} for key in ("group", "of"))
    if len(made) == 1 and groups != {"clean"} or any(view.count != 1 for view in made):
        listed = ", ".join(f"{view.count} of group '{view.group}'" for view in made)
        raise ValueError(f"config.clean has the views {listed}; evaluation takes one, with group='clean' and count=1")
    if len(groups) < len(made) or len(parts) < len(made):
        listed = ", ".join(f"group '{view.group}' of part '{view.of}'" for view in made)
        raise ValueError(f"config.clean has {listed}; evaluation takes one view of each part, with a group of its own")


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
        if p.annotation not in (*NETS, Examples)
        and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        and name not in ("clock", "lr", "name", "is_vector")
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
    example = annotations.EMPTY if default is inspect.Parameter.empty else default
    return annotations.fitted(value, annotation, f"config.{path}", example=example)
