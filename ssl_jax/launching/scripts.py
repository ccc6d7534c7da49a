"""The shell scripts of launch/, with what they need to know written above them."""

import importlib.util
import pathlib
import shlex

import ssl_jax


def folder() -> pathlib.Path:
    """Where the scripts lie: the installed package ssl_jax.launch, or launch/ of the checkout."""
    found = importlib.util.find_spec("ssl_jax.launch")
    installed = [pathlib.Path(p) for p in found.submodule_search_locations] if found else []
    return next(p for p in (*installed, pathlib.Path(ssl_jax.__file__).parents[1] / "launch") if p.is_dir())


def with_values(name: str, values: dict[str, str | tuple[str, ...]], above: tuple[str, ...] = ()) -> str:
    """A script of the folder below restart.sh and lines that set its variables; tuples become arrays of the shell.

    above: lines that must come right after the first one.
    """
    lines = [
        f"{key}=({shlex.join(value)})" if isinstance(value, tuple) else f"{key}={shlex.quote(value)}"
        for key, value in values.items()
    ]
    bodies = [(folder() / file).read_text() for file in ("restart.sh", name)]
    return "\n".join(["#!/usr/bin/env bash", *above, *lines, *bodies])
