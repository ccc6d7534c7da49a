"""A test of whether embeddings are normally distributed, as a loss."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def epps_pulley(x: Array, *, knots: int = 17, reach: float = 3.0) -> Array:
    """n int |mean_i exp(i t x_i) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt over -reach..reach, for each column (LeJEPA,
    arXiv:2511.08544, section 4; code): [m].

    x: [n, m]. The distance of the empirical characteristic function from that of N(0, 1), by the trapezoidal rule on
    `knots` points of 0..reach, doubled. About 1.05 for n draws of N(0, 1), whatever n; about 0.4 n where all x are 0.
    """
    chex.assert_rank(x, 2)
    x = widen(x)
    t = np.linspace(0, reach, knots)
    weights = np.full(knots, 2.0) * reach / (knots - 1)
    weights[[0, -1]] /= 2
    normal = np.exp(-(t**2) / 2)

    @jax.checkpoint
    def one(total: Array, knot: tuple[Array, Array, Array]) -> tuple[Array, None]:
        t, normal, weight = knot
        error = (jnp.mean(jnp.cos(t * x), 0) - normal) ** 2 + jnp.mean(jnp.sin(t * x), 0) ** 2
        return total + weight * error, None

    # One knot after another, as all at once would hold n m knots numbers.
    points = tuple(jnp.asarray(a, x.dtype) for a in (t, normal, weights * normal))
    return len(x) * jax.lax.scan(one, jnp.zeros_like(x[0]), points)[0]


def sliced(x: Array, directions: Array, *, knots: int = 17, reach: float = 3.0) -> Array:
    """SIGReg: the mean of `epps_pulley` over projections on directions (LeJEPA, arXiv:2511.08544, section 4; code).

    x: [n, d], not normalized; directions: [d, m], of any length. 1.05 for x from N(0, I); more for every other.
    """
    chex.assert_rank([x, directions], 2)
    directions = widen(directions)
    directions = directions / jnp.linalg.norm(directions, axis=0, keepdims=True)
    return jnp.mean(epps_pulley(matmul(widen(x), directions), knots=knots, reach=reach))
