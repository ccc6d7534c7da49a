"""The mesh and where things lie on it. Axes: `data` splits the batch, `fsdp` splits batch and state."""

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXES = ("data", "fsdp")


def make(data: int = -1, fsdp: int = 1, *, devices: list | None = None) -> Mesh:
    """A mesh of data x fsdp devices, of all there are if none are named; -1 takes all that are left.

    Raises ValueError where the product is not the number of devices.
    """
    # By process, so that the block of examples that a process reads is the block that its devices hold: a TPU numbers
    # its chips by their place in the torus, across hosts.
    devices = sorted(jax.devices(), key=lambda d: (d.process_index, d.id)) if devices is None else devices
    n = len(devices)
    if data == -1 and fsdp > 0 and n % fsdp == 0:
        data = n // fsdp
    if data < 1 or fsdp < 1 or data * fsdp != n:
        raise ValueError(f"a mesh of data={data} x fsdp={fsdp} does not cover the {n} devices; use data=-1")
    # Auto: the compiler places what the mathematics does not say. Explicit axes reject plain losses at trace time.
    return Mesh(np.asarray(devices).reshape(data, fsdp), AXES, axis_types=(AxisType.Auto,) * 2)


def local() -> Mesh:
    """The devices of this process, for work that has nothing to do with other processes."""
    return make(devices=jax.local_devices())


def by_example(mesh: Mesh) -> NamedSharding:
    """Axis 0 over all devices: batches."""
    return NamedSharding(mesh, PartitionSpec(AXES))


def replicated(mesh: Mesh) -> NamedSharding:
    """The same on every device."""
    return NamedSharding(mesh, PartitionSpec())


def check_batch(batch: int, mesh: Mesh) -> None:
    """Raises ValueError unless every device gets the same number of examples."""
    if batch % mesh.size:
        near = max(mesh.size, round(batch / mesh.size) * mesh.size)
        raise ValueError(f"batch={batch} does not divide over {mesh.size} devices; use a multiple, such as {near}")
