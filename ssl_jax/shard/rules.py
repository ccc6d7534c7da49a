"""Where each leaf of the state lies: one rule for parameters, method state and optimizer state alike."""

import math
import re

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ssl_jax.shard import mesh as meshes
from ssl_jax.types import Placement, Tree

SMALL = 2**14
"""Leaves with fewer elements stay whole: gathering them costs more than holding them."""


def path_of(path: tuple) -> str:
    """A key path as text: `params/encoder/stem/kernel`."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def shardings(mesh: Mesh, shapes: Tree, placement: Placement = ()) -> Tree:
    """A NamedSharding for each leaf of a tree of shapes.

    A leaf that `placement` does not name is split over `fsdp` along its largest axis that divides, if it has at least
    `SMALL` elements.
    """

    def one(path, leaf):
        name = path_of(path)
        said = next((axes for pattern, axes in placement if re.search(pattern, name)), None)
        return by_size(mesh, leaf.shape) if said is None else by_name(mesh, leaf.shape, said)

    return jax.tree_util.tree_map_with_path(one, shapes)


def by_name(mesh: Mesh, shape: tuple[int, ...], axes: tuple[str | None, ...]) -> NamedSharding:
    """Splits the axes called "example" over all devices, or over as many axes of the mesh as divide them."""

    def over(size, axis):
        ways = (meshes.AXES, *((name,) for name in meshes.AXES)) if axis == "example" else ()
        return next((way for way in ways if size % math.prod(mesh.shape[name] for name in way) == 0), None)

    return NamedSharding(mesh, PartitionSpec(*map(over, shape, axes)))


def by_size(mesh: Mesh, shape: tuple[int, ...]) -> NamedSharding:
    """Splits the largest axis that the `fsdp` axis of the mesh divides; small leaves stay whole."""
    n = mesh.shape["fsdp"]
    fits = [i for i, size in enumerate(shape) if size % n == 0]
    if n == 1 or not fits or math.prod(shape) < SMALL:
        return meshes.replicated(mesh)
    axis = max(fits, key=lambda i: shape[i])
    return NamedSharding(mesh, PartitionSpec(*(None,) * axis, "fsdp"))
