"""Sets of orders: all of them, and greedy ones far from each other, against loops."""

import itertools

import jax
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ssl_jax.tasks import orders

every = jax.jit(orders.every, static_argnums=0)
far_apart = jax.jit(orders.far_apart, static_argnames=("count", "pieces"))


def distances(rows):
    return (rows[:, None] != rows[None]).sum(-1)


def by_loops(first, count, pieces):
    """The greedy search with lists."""
    every = list(itertools.permutations(range(pieces)))
    found = [every[first]]
    while len(found) < count:
        best, place = None, None
        for row in every:
            apart = [sum(a != b for a, b in zip(row, other, strict=True)) for other in found]
            if min(apart) and (best is None or (sum(apart), min(apart)) > best):
                best, place = (sum(apart), min(apart)), row
        found.append(place)
    return np.array(found)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_every_order_is_there_and_the_least_comes_first(count):
    assert_array_equal(every(count), list(itertools.permutations(range(count))))


@pytest.mark.parametrize("pieces, count", [(4, 24), (5, 12)])
def test_the_greedy_set_is_that_of_loops(pieces, count):
    found = np.asarray(far_apart(jax.random.key(3), count=count, pieces=pieces))
    first = list(itertools.permutations(range(pieces))).index(tuple(found[0]))
    assert_array_equal(found, by_loops(first, count, pieces))
    assert len(np.unique(found, axis=0)) == count


def test_a_hundred_orders_of_nine_tiles_differ_in_most_of_them():
    found = np.asarray(far_apart(jax.random.key(0), count=100, pieces=9))
    assert_array_equal(np.sort(found, 1), np.broadcast_to(np.arange(9), (100, 9)))
    apart = distances(found)[~np.eye(100, dtype=bool)]
    assert apart.min() >= 4 and apart.mean() > 8.05, (apart.min(), apart.mean())
    g = np.random.default_rng(0)
    random = distances(np.stack([g.permutation(9) for _ in range(100)]))[~np.eye(100, dtype=bool)]
    assert apart.mean() > random.mean()


def test_a_set_is_a_function_of_its_seed():
    chosen = jax.jit(orders.chosen, static_argnames=("count", "pieces"))
    one, same, other = (chosen(seed, count=5, pieces=4) for seed in (1, 1, 2))
    assert_array_equal(one["orders"], same["orders"])
    assert np.any(np.asarray(one["orders"] != other["orders"])) and other["seed"] == 2


@pytest.mark.parametrize(
    "count, grid, sentence",
    [(25, 2, "permutations is 25, and 4 tiles have 24 orders; take 24"), (10, 4, "grid is 4; a jigsaw is of 2 x 2 or")],
)
def test_what_has_no_orders_is_a_sentence(count, grid, sentence):
    with pytest.raises(ValueError, match=sentence):
        orders.check(count, grid)
