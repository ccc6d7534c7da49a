"""What a run is made in: versions, the system, the devices."""

import importlib.metadata
import platform

import jax

from ssl_jax.process import machine

LIBRARIES = ("ssl_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "tensorflow", "tensorflow-cpu")


def of_process() -> dict[str, str]:
    """By name, as texts: Python and the libraries that are installed, the system, and all devices of the run."""
    devices = jax.devices()
    return {
        "devices": f"{len(devices)} x {devices[0].device_kind} ({devices[0].platform})",
        "processes": str(jax.process_count()),
        "cores": str(machine.cores()),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version for name in LIBRARIES if (version := _version(name))},
    }


def _version(name: str) -> str:
    """Of a distribution; "" where it is not installed, as of a checkout that is imported from its folder."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
