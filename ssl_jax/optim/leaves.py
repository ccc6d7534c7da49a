"""What a parameter is to an optimizer: its path, whether it is a vector, whether it is a stack of scanned layers."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from ssl_jax.types import Array, Tree

SCANNED = ("blocks", "layers")
"""The path components below which parameters have a leading layer axis, as in `nets/transformer.py`."""


def map_paths(function: Callable, tree: Tree, *rest: Tree) -> Tree:
    """Each leaf of `tree` as function(path, leaf, ...); the path is its keys joined by "/"."""
    return jax.tree_util.tree_map_with_path(
        lambda path, *leaf: function(jax.tree_util.keystr(path, simple=True, separator="/"), *leaf), tree, *rest
    )


def stacked(path: str) -> bool:
    """Whether the parameter at `path` is a stack [layer, ...], of which each layer is a parameter by itself."""
    return any(part in SCANNED for part in path.split("/"))


def is_vector(path: str, leaf: Any) -> bool:
    """Whether the parameter is a bias or a norm's scale, one-dimensional or less; the layer axis is not counted."""
    return leaf.ndim - stacked(path) <= 1


def mask(is_excluded: Callable[[str, Any], bool]) -> Callable[[Tree], Tree]:
    """A mask for optax: a function of a tree that is True at the leaves that are not excluded."""
    return lambda tree: map_paths(lambda path, leaf: not is_excluded(path, leaf), tree)


def each(function: Callable[[Array, Array], Array], updates: Tree, params: Tree) -> Tree:
    """function(update, parameter) for each parameter by itself; each layer of a stack is one."""

    def one(path: str, update: Array, param: Array) -> Array:
        return jax.vmap(function)(update, param) if stacked(path) else function(update, param)

    return map_paths(one, updates, params)


def each_alone(inner: optax.GradientTransformation) -> optax.GradientTransformation:
    """`inner`, which must have no state, on each parameter as if it were the only one; each layer of a stack is one."""

    def update(updates: Tree, state: optax.EmptyState, params: Tree | None = None):
        def one(update: Array, param: Array) -> Array:
            return inner.update(update, optax.EmptyState(), param)[0]

        return each(one, updates, updates if params is None else params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
