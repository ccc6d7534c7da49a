"""What networks ask of their options and of the platform: names from a list, dtypes, the form that suits a CPU."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp

from ssl_jax.checks import spelling

MOST = 2**20
"""Features, tokens or groups, beyond which a network is none that could be computed."""
LAYERS = 1000
"""Layers likewise."""
DTYPES = ("float32", "bfloat16", "float64")
TORCH = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""How torch's linear layers and convolutions start by default: uniform within 1 / sqrt(inputs)."""


def one_of(what: str, value: str, choices: tuple[str, ...]) -> str:
    """`value` if it is one of `choices`; else a ValueError that names the nearest."""
    if value in choices:
        return value
    raise ValueError(spelling.unknown(value, choices, f"the choices of {what}"))


def clips_only(x: jax.Array) -> None:
    """Raises ValueError unless x is [b, t, h, w, c]."""
    if x.ndim != 5:
        raise ValueError(f"a network for clips takes [b, t, h, w, c], not {list(x.shape)}: give images another encoder")


def divided(what: str, width: int, heads: int) -> None:
    """Raises ValueError where the heads of attention have no equal shares of the width."""
    if width % heads:
        raise ValueError(f"a {what} of width {width} cannot be divided among {heads} heads")


def compute_dtype(name: str) -> jnp.dtype:
    """The dtype that a network computes in. Raises ValueError for a name that is none of DTYPES."""
    one_of("dtype", name, DTYPES)
    if name == "float64" and not jax.config.jax_enable_x64:
        raise ValueError('dtype "float64" needs jax.config.update("jax_enable_x64", True) before the network is made')
    return jnp.dtype(name)


def parameter_dtype(dtype: jnp.dtype) -> jnp.dtype:
    """float32, or float64 where the network computes in float64: parameters are never kept in bfloat16."""
    # not jnp.promote_types, which refuses float64 with float32 under strict promotion
    return jnp.dtype("float64" if dtype == jnp.float64 else "float32")


def at_least_float32(x: jax.Array) -> jax.Array:
    """bfloat16 is promoted to float32; float64 stays."""
    return x.astype(parameter_dtype(x.dtype))


def by_platform(plain: Callable, cpu: Callable, x: jax.Array, *more: jax.Array) -> Any:
    """cpu(x, *more) where the program runs on one, else plain(x, *more); chosen while lowering.

    bfloat16 is always plain: CPUs have no products of it.
    """
    if x.dtype == jnp.bfloat16:
        return plain(x, *more)
    return jax.lax.platform_dependent(x, *more, cpu=cpu, default=plain)


def remade(function: Callable) -> Callable:
    """A function of arrays; where the first is bfloat16, its gradient is made from these arrays alone.

    For cheap work between products. Else an accelerator keeps, and a scan stacks for all layers, several arrays in
    float32 for each in bfloat16: a ViT-B/16 took 1.6 times the memory of a step and 1.14 times its seconds (H200).
    float32 stays as it is, as on a CPU the work costs more than the memory.
    """
    again = jax.custom_vjp(function)
    again.defvjp(lambda *a: (function(*a), a), lambda a, dy: jax.vjp(function, *a)[1](dy))

    @wraps(function)
    def chosen(*arrays):
        return again(*arrays) if arrays[0].dtype == jnp.bfloat16 else function(*arrays)

    return chosen
