"""The folders are the registries: a constructor exists when a file of the folder defines it."""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType

import ssl_jax
from ssl_jax.checks import spelling


def find(folder: str, name: str, returns: type) -> Callable:
    """The constructor `name` of ssl_jax/<folder>, or the user's own by its import path `package.module:function`.

    returns: the record that constructors of this folder are annotated to return. The file that is called as the
    constructor is looked at first, and no other where it has it. Raises ValueError with the nearest real names, and
    where the file of this name cannot be imported.
    """
    if ":" in name:
        return imported(name)
    if name in files(folder):
        try:
            found = constructors(module(folder, name), returns)
        except Exception as error:  # an optional package that is not installed, or a mistake in the file
            raise ValueError(reason(folder, name, error)) from error
        if name in found:
            return found[name]
    known = listing(folder, returns)
    if name not in known:
        raise ValueError("; ".join((spelling.unknown(name, known, f"ssl_jax.{folder}"), *broken(folder))))
    return known[name]


def listing(folder: str, returns: type) -> dict[str, Callable]:
    """All constructors of a folder by name, sorted; of files that can be imported, see `broken`."""
    found = {}
    for each in _modules(folder)[0]:
        found |= constructors(each, returns)
    return dict(sorted(found.items()))


def broken(folder: str) -> list[str]:
    """A sentence for each file of a folder that cannot be imported."""
    return list(_modules(folder)[1])


def files(folder: str) -> list[str]:
    """The names of a folder's modules."""
    package = importlib.import_module(f"{ssl_jax.__name__}.{folder}")
    return [info.name for info in pkgutil.iter_modules(package.__path__)]


def module(folder: str, name: str) -> ModuleType:
    """A module of a folder."""
    return importlib.import_module(f"{ssl_jax.__name__}.{folder}.{name}")


def constructors(module: ModuleType, returns: type) -> dict[str, Callable]:
    """The functions of a module that are annotated to return such a record."""
    own = {n: f for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}
    public = {n: f for n, f in own.items() if not n.startswith("_")}
    return {n: f for n, f in public.items() if inspect.signature(f).return_annotation is returns}


def reason(folder: str, name: str, error: Exception) -> str:
    """Why a file of a folder cannot be imported, in a sentence."""
    said = f"{type(error).__name__}: {spelling.one_line(error)}"
    return f"{ssl_jax.__name__}/{folder}/{name}.py cannot be imported ({said})"


@functools.cache
def _modules(folder: str) -> tuple[tuple[ModuleType, ...], tuple[str, ...]]:
    """The modules of a folder, and sentences about those that cannot be imported."""
    found, sentences = [], []
    for name in files(folder):
        try:
            found.append(module(folder, name))
        except Exception as error:  # one file that fails is no reason to lose the others
            sentences.append(reason(folder, name, error))
    return tuple(found), tuple(sentences)


def imported(path: str) -> Callable:
    """The object at `package.module:name`. Raises ValueError in words where it is not there."""
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of the user's own, which may fail in any way
        reason = f"{type(error).__name__}: {spelling.one_line(error)}"
        raise ValueError(f"cannot import '{path}' ({reason}); write package.module:function") from error
