"""Layer-wise decay of the rate of a transformer, per layer of the scanned stack too: for fine-tuning, and DINOv2."""

import re

import jax.numpy as jnp
import optax

from ssl_jax.optim import leaves
from ssl_jax.types import Array, Tree

EARLY = r"(^|/)(patch\w*|pos\w*|cls\w*|mask\w*|registers?)(/|$)"
"""What comes before the first layer: patch embedding, positions and the added tokens."""


def layer_decay(decay: float, *, early: str = EARLY) -> optax.GradientTransformation:
    """Ends the chain: updates of layer i of n by decay^(n - i), of what is `early` by decay^(n + 1), others by 1.

    As BEiT and MAE fine-tune (arXiv:2106.08254, arXiv:2111.06377 appendix A.1, decay 0.65 to 0.75). Scaling the update
    is scaling the rate, weight decay included. early: a regular expression on the path. Layers are the scanned stack's.
    """

    def update(updates: Tree, state: optax.EmptyState, params: Tree | None = None):
        return leaves.map_paths(lambda path, u, m: u * m, updates, multiples(updates, decay, early=early)), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def multiples(params: Tree, decay: float, *, early: str = EARLY) -> Tree:
    """The multiple of the rate for each parameter: a scalar, or [n, 1, ...] for a stack of n layers.

    Raises ValueError if `params` hold no stack, or stacks of different depth.
    """
    depths = set()
    leaves.map_paths(lambda path, p: depths.add(p.shape[0]) if leaves.stacked(path) else None, params)
    if len(depths) != 1:
        raise ValueError(
            f"layer decay wants one stack of scanned layers (a path with {' or '.join(leaves.SCANNED)}); "
            f"there are stacks of depth {sorted(depths)}"
        )
    depth = depths.pop()

    def multiple(path: str, p: Array) -> Array:
        if leaves.stacked(path):
            powers = decay ** jnp.arange(depth, 0, -1, p.dtype)
            return powers.reshape(depth, *(1,) * (p.ndim - 1))
        return jnp.asarray(decay ** (depth + 1) if re.search(early, path) else 1.0, p.dtype)

    return leaves.map_paths(multiple, params)
