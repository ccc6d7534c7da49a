"""Orders of a few pieces, and sets of them in which any two have little in common."""

import math

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key


def check(count: int, grid: int) -> None:
    """Raises ValueError where a jigsaw of grid x grid tiles has not so many orders, or more than can be listed."""
    if grid not in (2, 3):
        raise ValueError(f"grid is {grid}; a jigsaw is of 2 x 2 or 3 x 3 tiles, as the orders of more are too many")
    if count > (most := math.factorial(grid**2)):
        raise ValueError(f"permutations is {count}, and {grid**2} tiles have {most} orders; take {most} or fewer")


def every(count: int) -> Array:
    """All orders of 0..count-1 as rows, the least first: int32 [count!, count].

    The digit of a row in the factorial number system is its first element, and the rest is an order of what is left.
    """
    numbers = jnp.arange(math.factorial(count), dtype=jnp.int32)
    rows = jnp.zeros((len(numbers), 0), jnp.int32)
    for size in range(1, count + 1):
        first = (numbers // math.factorial(size - 1) % size)[:, None]
        rows = jnp.concatenate([first, rows + (rows >= first)], 1)
    return rows


def far_apart(key: Key, *, count: int, pieces: int) -> Array:
    """`count` different orders of the pieces, int32 [count, pieces], by greedy search (arXiv:1603.09246, algorithm 1).

    The first is drawn. Each further one has the greatest sum of Hamming distances from those before it; of equals the
    one whose nearest of them is farthest, and of these the least. count: at most pieces!.
    """
    rows = every(pieces)

    def step(i: Array, found: tuple) -> tuple:
        chosen, total, nearest = found
        score = jnp.where(nearest == 0, -1, total * (pieces + 1) + nearest)
        place = jnp.where(i == 0, first, jnp.argmax(score).astype(jnp.int32))
        distance = jnp.sum(rows != rows[place][None], 1, dtype=jnp.int32)
        return chosen.at[i].set(place), total + distance, jnp.minimum(nearest, distance)

    first = jax.random.randint(key, (), 0, len(rows), jnp.int32)
    start = (jnp.zeros(count, jnp.int32), jnp.zeros(len(rows), jnp.int32), jnp.full(len(rows), pieces, jnp.int32))
    return rows[jax.lax.fori_loop(0, count, step, start)[0]]


def chosen(seed: int, *, count: int, pieces: int) -> dict[str, Array]:
    """`far_apart` orders by a seed, and the seed: {"orders": [count, pieces], "seed": []}, int32."""
    found = far_apart(jax.random.key(seed), count=count, pieces=pieces)
    return {"orders": found, "seed": jnp.asarray(seed, jnp.int32)}
