"""What heads see of an encoder: its pooled vector, its class token, or what its last blocks leave.

A vision transformer's class token behind each of its last blocks, after the final norm, side by side, is DINO's and
DINOv2's; with the mean of the patches of the last block behind it, DINOv2's other half.
"""

import re

import jax.numpy as jnp

from ssl_jax.types import Array, Tree

EACH = "each"
"""One input for every block: its class token and mean patch, without the final norm (BEiT)."""


def options(inputs: tuple[str, ...], spec: dict, depth: int) -> dict[str, int]:
    """What `net.apply` is to be asked for. spec: the network of a recipe. depth: its blocks, 0 where it has none.

    Raises ValueError where it does not have what the inputs are made of.
    """
    if set(inputs) <= {"pool"}:
        return {}
    kind = spec["name"]
    if set(inputs) <= {"cls"} and spec.get("cls_token", False):
        return {}
    if not spec.get("cls_token", False) or not depth:
        raise ValueError(f"its heads see class tokens, and this {kind} has none")
    return {"summaries": depth if EACH in inputs else min(max(map(_blocks, inputs)), depth)}


def read(y: dict[str, Tree], inputs: tuple[str, ...]) -> dict[str, Array]:
    """An encoder's outputs -> {input: float32 [b, d]}, of `EACH` one for every block, "layer_1" and on.

    A network with fewer blocks than an input is of gives those that it has.
    """
    found = {}
    for name in inputs:
        if name == EACH:
            both = y["summaries"].reshape(*y["summaries"].shape[:2], -1)
            found |= {f"layer_{i + 1}": both[:, i] for i in range(both.shape[1])}
        elif name in ("pool", "cls"):
            found[name] = y[name]
        else:
            parts = [y["cls_layers"][:, -_blocks(name) :].reshape(len(y["cls_layers"]), -1)]
            found[name] = jnp.concatenate([*parts, *([y["tokens"].mean(1)] if name.endswith("_mean") else [])], -1)
    return {name: x.astype(jnp.float32) for name, x in found.items()}


def _blocks(name: str) -> int:
    """The number of "cls_4" or of "cls_4_mean"."""
    return int(re.match(r"cls_(\d+)", name)[1])
