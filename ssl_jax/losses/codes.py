"""Cross-entropies of codes, and what codes cost without a network: the anchors of losses that predict them.

All in nats, on codes int [...] of 0..count-1; divided by log 2 they are bits.
"""

import chex
import jax.numpy as jnp

from ssl_jax.losses.precision import widen
from ssl_jax.types import Array


def of_chosen(values: Array, chosen: Array) -> Array:
    """The mean over the chosen places of each sequence, then over the sequences: BERT's (arXiv:1810.04805, section
    3.1) as iGPT's code has it.

    values: [b, l]; chosen: bool [b, l]. A sequence without any counts 0.
    """
    chex.assert_equal_shape([values, chosen])
    values = widen(values)
    counts = jnp.maximum(jnp.sum(chosen, 1), 1).astype(values.dtype)
    return jnp.mean(jnp.sum(jnp.where(chosen, values, 0), 1) / counts)


def entropy(codes: Array, count: int) -> Array:
    """What is paid for codes [...] by whoever knows their frequencies alone: the entropy of all, 0..log(count).

    The loss of a network that has learned nothing but how often each code comes; that of BEiT (arXiv:2106.08254, eq. 1)
    begins at log(count).
    """
    sizes = jnp.zeros(count, jnp.int32).at[codes.reshape(-1)].add(1)  # integers: exact in any order
    shares = sizes.astype(jnp.float32) / codes.size
    return -jnp.sum(jnp.where(sizes > 0, shares * jnp.log(jnp.maximum(shares, 1e-30)), 0))


def copying(codes: Array, neighbors: Array, count: int) -> Array:
    """What is paid by whoever says that a code is its neighbor's, and knows how often this is wrong: per code.

    codes, neighbors: [...]. With a share e of errors it is H(e) + e log(count - 1), the least that a guess can pay
    which gives all other codes the same chance; nats a pixel, which arXiv:1601.06759 (section 5) has as bits.
    """
    chex.assert_equal_shape([codes, neighbors])
    wrong = jnp.mean((codes != neighbors).astype(jnp.float32))
    parts = jnp.stack([wrong, 1 - wrong])
    two = -jnp.sum(jnp.where(parts > 0, parts * jnp.log(jnp.maximum(parts, 1e-30)), 0))
    return two + wrong * jnp.log(jnp.asarray(max(count - 1, 1), jnp.float32))
