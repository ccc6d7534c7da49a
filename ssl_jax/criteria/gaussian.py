"""LeJEPA's criterion: views of an image agree, and all together are normally distributed."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import gaussian
from ssl_jax.losses.precision import widen
from ssl_jax.types import Criterion


def lejepa(*, weight: float = 0.05, directions: int = 1024, knots: int = 17, reach: float = 3.0) -> Criterion:
    """LeJEPA (arXiv:2511.08544, section 5; code): (1 - weight) of the views' distances and `weight` of SIGReg.

    student: [b, v, d], not normalized; of the teacher only the number of views w is read, the first w being the global
    ones. Distances are mean squares from the mean of the global views, through which gradients flow, too; SIGReg is
    that of each view over the batch, a mean over the views, on `directions` that are drawn anew at each step. knots,
    reach: of the integral. Metrics: both terms before their weights; "lejepa/sigreg" is about 1.05 where all is well
    and 0.4 b at collapse. `init` raises ValueError for fewer than two views.
    """
    ranges.share(weight=weight)
    ranges.above_zero(directions=directions, reach=reach)
    ranges.at_most(1000, knots=knots)
    if knots < 2:
        raise ValueError(f"knots is {knots}; an integral takes 2 or more")

    def loss(params, state, seen):
        z, w = widen(seen.student), seen.teacher.shape[1]
        apart = jnp.mean((z - jnp.mean(z[:, :w], 1, keepdims=True)) ** 2)
        drawn = jax.random.normal(seen.key, (z.shape[-1], directions), z.dtype)
        each = [gaussian.sliced(z[:, i], drawn, knots=knots, reach=reach) for i in range(z.shape[1])]
        sigreg = sum(each) / len(each)
        metrics = {"lejepa/invariance": apart, "lejepa/sigreg": sigreg}
        return (1 - weight) * apart + weight * sigreg, metrics

    return views.stateless(loss, examples=2, pairs=views.unordered)
