"""The folders are the registries: a constructor exists when a file of the folder defines it."""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable

import ssl_jax
from ssl_jax import spelling


def find(folder: str, name: str, returns: type) -> Callable:
    """The constructor `name` of ssl_jax/<folder>, or the user's own by its import path `package.module:function`.

    returns: the record that constructors of this folder are annotated to return.
    Raises ValueError with the nearest real names.
    """
    if ":" in name:
        return imported(name)
    known = listing(folder, returns)
    if name not in known:
        raise ValueError(spelling.unknown(name, known, f"ssl_jax.{folder}"))
    return known[name]


@functools.cache
def listing(folder: str, returns: type) -> dict[str, Callable]:
    """All constructors of a folder by name, sorted."""
    package = importlib.import_module(f"{ssl_jax.__name__}.{folder}")
    found = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_"):
                if inspect.signature(value).return_annotation is returns:
                    found[name] = value
    return dict(sorted(found.items()))


def imported(path: str) -> Callable:
    """The object at `package.module:name`. Raises ValueError in words where it is not there."""
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of the user's own, which may fail in any way
        reason = f"{type(error).__name__}: {spelling.one_line(error)}"
        raise ValueError(f"cannot import '{path}' ({reason}); write package.module:function") from error
