"""Recipes: Python files with `get_config`, found by name or path, overridden by key, kept as JSON."""

import ast
import contextlib
import copy
import hashlib
import importlib.util
import inspect
import json
import pathlib
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

from etils import epath
from ml_collections import ConfigDict

from ssl_jax.checks import spelling

FREE = ("duration", "log", "evaluation", "checkpoint", "mesh", "health", "processes")
"""The parts of a recipe that may change when a run goes on; everything else is the experiment itself."""
RENAMED = {
    "centre_momentum": "center_momentum",
    "centre_crop": "center_crop",
    "colour_jitter": "color_jitter",
    "rand_augment_colour": "rand_augment_color",
    "normalise": "normalize",
    "solarise": "solarize",
    "posterise": "posterize",
    "equalise": "equalize",
}
"""Words of recipes that runs of earlier commits have left -> those of today."""
PLACES = ("data.dir", "data.train", "data.test")
"""Where data lie: free to change too where the digests of the data tell that they are the same."""


def folder() -> pathlib.Path:
    """Where the recipes lie: the installed package ssl_jax.configs, or configs/ of the checkout."""
    return pathlib.Path(importlib.util.find_spec("ssl_jax.configs").submodule_search_locations[0])


def names() -> list[str]:
    """The bare names of all recipes."""
    return sorted(p.stem for p in folder().glob("*.py") if "def get_config" in p.read_text())


def load(text: str) -> dict:
    """A recipe as plain nested dicts and tuples, from `NAME[:arg]`, `FILE.py[:arg]` or a resolved `config.json`.

    Raises ValueError where there is no such recipe, with the nearest names.
    """
    if text.endswith(".json"):
        if not epath.Path(text).exists():
            raise ValueError(f"no recipe file '{text}'")
        try:
            return renamed(tuples(json.loads(epath.Path(text).read_text())))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"the recipe file '{text}' is no JSON: {error}") from error
    name, _, arg = text.partition(":")
    path = pathlib.Path(name)
    if not name.endswith(".py"):
        if name not in names():
            raise ValueError(spelling.unknown(name, names(), "the recipes"))
        path = folder() / f"{name}.py"
    if not path.is_file():
        raise ValueError(f"no recipe file '{name}'; bare names are {', '.join(names())}")
    path = path.absolute()  # as tracebacks have it
    with _told(name, path):
        spec = importlib.util.spec_from_file_location(f"recipe_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    if not callable(getattr(module, "get_config", None)):
        raise ValueError(f"the recipe file '{name}' defines no get_config() or get_config(arg='')")
    variants = bool(inspect.signature(module.get_config).parameters)
    if arg and not variants:
        raise ValueError(f"the recipe '{name}' has no variants: leave out ':{arg}'")
    with _told(name, path):
        made = module.get_config(*([arg] if variants else []))
    if not isinstance(made, dict | ConfigDict):
        what = "nothing: end it with `return c`" if made is None else f"a {type(made).__name__}, not a ConfigDict"
        raise ValueError(f"get_config() of the recipe file '{name}' returns {what}")
    with _told(name, path):
        return plain(made)


@contextlib.contextmanager
def _told(name: str, path: pathlib.Path) -> Iterator[None]:
    """Whatever goes wrong in a recipe's own lines is one sentence with the file, the line and the reason.

    What the recipe itself raises as a ValueError is its own sentence, about its argument.
    """
    try:
        yield
    except SyntaxError as error:
        where = f"line {error.lineno}" if error.filename == str(path) else f"{error.filename}, line {error.lineno}"
        raise ValueError(f"the recipe file '{name}' is no Python ({where}: {error.msg})") from error
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        if isinstance(error, ValueError) and "\n" not in str(error):
            raise
        at = f" in line {lines[-1]}" if lines else ""
        reason = f"{type(error).__name__}: {spelling.one_line(error)}"
        raise ValueError(f"the recipe file '{name}' fails{at} ({reason})") from error


def of_run(workdir: str) -> dict:
    """The resolved recipe that a run has left in its work directory. Raises ValueError where there is none."""
    path = epath.Path(workdir) / "config.json"
    if not path.exists():
        raise ValueError(f"{workdir} is not the work directory of a run: it has no config.json")
    return load(str(path))


def plain(config: ConfigDict | dict) -> dict:
    """Nested plain dicts and tuples, which belong to the caller alone."""
    return tuples(copy.deepcopy(config.to_dict() if isinstance(config, ConfigDict) else config))


def tuples(value: Any) -> Any:
    """Lists as tuples at every depth, as JSON forgets the difference."""
    if isinstance(value, dict | ConfigDict):
        return {k: tuples(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return tuple(tuples(v) for v in value)
    return value


def renamed(value: Any) -> Any:
    """A resolved recipe of an earlier commit in the words of today, see `RENAMED`: its keys and names of operations."""
    if isinstance(value, tuple):
        return tuple(renamed(v) for v in value)
    if not isinstance(value, dict):
        return value
    value = {RENAMED.get(key, key): renamed(v) for key, v in value.items()}
    return value | {"name": RENAMED.get(value["name"], value["name"])} if isinstance(value.get("name"), str) else value


def override(config: dict, changes: dict[str, str]) -> dict:
    """The recipe with `{"method.temperature": "0.2"}` applied, to keys that exist; values are Python literals or text.

    A number in the path is a place in a tuple: `views.0.size`. Raises ValueError with the nearest key.
    """
    for path, text in changes.items():
        config = _set(config, path.split("."), text, "config")
    return config


def _set(node: Any, keys: list[str], text: str, where: str) -> Any:
    if not keys:
        return _parse(text, node)
    key, *rest = keys
    parts = (
        node if isinstance(node, dict) else {str(i): v for i, v in enumerate(node)} if isinstance(node, tuple) else {}
    )
    if key not in parts:
        if not parts:
            raise ValueError(f"{where} is {node!r} and has no part '{key}'")
        raise ValueError(spelling.unknown(key, parts, where))
    parts = {**parts, key: _set(parts[key], rest, text, f"{where}.{key}")}
    return parts if isinstance(node, dict) else tuple(parts.values())


def _parse(text: str, old: Any) -> Any:
    """Text as a literal where it is one (true and false too), unless a text stands there now."""
    if isinstance(old, str):
        return text
    try:
        with warnings.catch_warnings(action="ignore"):  # "1e-4x" is a text; Python would warn of a literal
            return tuples(ast.literal_eval({"true": "True", "false": "False"}.get(text, text)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """{"method.temperature": 0.1, "views.0.size": 32, …}"""
    items = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, tuple) else None
    if items is None or not config:
        return {prefix: config}
    out = {}
    for key, value in items:
        out.update(flat(value, f"{prefix}.{key}" if prefix else str(key)))
    return out


def digest(config: dict) -> str:
    """A short hash of what defines the experiment: all but `FREE`, and a `start` with nothing in it."""
    kept = {k: v for k, v in config.items() if k not in FREE and (k != "start" or v)}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]


def check_same(old: dict, new: dict, workdir: str, *, free: tuple[str, ...] = ()) -> None:
    """Raises ValueError that lists every difference between a work directory's recipe and this one.

    free: keys that may differ, beside `FREE`.
    """
    a, b = ({k: v for k, v in flat(c).items() if k.split(".")[0] not in FREE and k not in free} for c in (old, new))
    differing = [k for k in sorted({*a, *b}) if a.get(k) != b.get(k)]
    if differing:
        listed = "; ".join(f"{k} was {a.get(k)!r}, is {b.get(k)!r}" for k in differing)
        raise ValueError(f"{workdir} holds a run of another recipe ({listed}); use another --workdir or the old recipe")
