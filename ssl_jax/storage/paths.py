"""Nested dicts by paths of keys."""

import functools
from typing import Any


def at(tree: dict, path: tuple[str, ...]) -> Any:
    """What lies at a path."""
    return functools.reduce(lambda inner, key: inner[key], path, tree)


def has(tree: dict, path: tuple[str, ...]) -> bool:
    """Whether anything lies at a path."""
    return not path or path[0] in tree and has(tree[path[0]], path[1:])


def replaced(tree: dict, path: tuple[str, ...], value: Any) -> Any:
    """A tree with another value at a path, whose dicts are made where they are missing."""
    return {**tree, path[0]: replaced(tree.get(path[0], {}), path[1:], value)} if path else value
