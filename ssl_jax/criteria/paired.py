"""Criteria on what several towers see of one example: an image and its caption, a clip and its sound."""

import itertools
import math

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.losses import contrastive
from ssl_jax.types import Array, Criterion


def paired(*, temperature: float = 0.07, most: float = 100.0) -> Criterion:
    """CLIP (arXiv:2103.00020, section 2.3, figure 3) between each two towers, a mean over these pairs.

    student: {part: [b, v, d]} of two parts or more, any norm; views of a part are compared with all of the other's.
    Parameters: {"log_scale": []}, the logarithm of what cosines are multiplied by. It starts at log(1 / temperature),
    and what is used of it is at most log(most), the paper's 100: at that limit only gradients that lower it pass, so
    that it can come back (the authors clamp the parameter itself after each step). A scalar is never decayed.
    Of one pair with one view each it is the paper's loss; of more towers the full graph of CMC (arXiv:1906.05849,
    section 3.4). `init` raises ValueError for one tower, or one example.
    """
    ranges.above_zero(temperature=temperature, most=most)
    limit = math.log(most)

    def init(key, seen):
        _require(seen.student)
        return {"log_scale": jnp.asarray(min(-math.log(temperature), limit), jnp.float32)}, {}

    def loss(params, state, seen):
        towers = [seen.student[part] for part in sorted(seen.student)]
        scale = jnp.exp(_at_most(params["log_scale"], limit))
        terms = [
            contrastive.paired(a[:, i], b[:, j], scale)
            for a, b in itertools.combinations(towers, 2)
            for i in range(a.shape[1])
            for j in range(b.shape[1])
        ]
        return sum(terms) / len(terms), {"scale": scale}

    return Criterion(init, loss, lambda state, seen: state)


def _require(student: dict[str, Array]) -> None:
    """Raises ValueError where there is nothing to compare, or widths differ."""
    if not isinstance(student, dict) or len(student) < 2:
        raise ValueError("this loss compares two towers or more; give it a net for each part of an example")
    shapes = {part: y.shape for part, y in student.items()}
    if min(shape[0] for shape in shapes.values()) < 2:
        raise ValueError("this loss needs at least 2 examples in a batch, got 1; raise the batch size")
    widths = {part: shape[-1] for part, shape in shapes.items()}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{part} {width}" for part, width in widths.items())
        raise ValueError(f"the towers' projections have different widths ({listed}); give them one")


@jax.custom_vjp
def _at_most(x: Array, limit: float) -> Array:
    """min(x, limit), whose gradient beyond the limit is that of x where it leads back."""
    return jnp.minimum(x, jnp.asarray(limit, x.dtype))


def _forward(x, limit):
    return _at_most(x, limit), (x, jnp.asarray(limit, x.dtype))


def _backward(kept, dy):
    x, limit = kept
    return jnp.where(x < limit, dy, jnp.maximum(dy, 0)), jnp.zeros_like(limit)


_at_most.defvjp(_forward, _backward)
