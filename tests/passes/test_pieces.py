"""A fold over pieces of rows is one over all of them, whatever their size."""

import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.passes import pieces
from ssl_jax.state import bank


@pytest.mark.parametrize("at_once", [1, 3, 16, 1000])
def test_all_rows_come_once_and_results_are_in_their_order(at_once):
    x, real = np.random.default_rng(0).normal(size=(37, 2)), np.arange(37) % 5 > 0

    def step(total, part):
        rows, counts = part
        assert len(rows) <= at_once
        return total + jnp.sum(jnp.where(counts[:, None], rows, 0)), {"twice": 2 * rows}

    total, out = pieces.over(step, jnp.zeros(()), (jnp.asarray(x), jnp.asarray(real)), at_once=at_once)
    np.testing.assert_allclose(total, x[real].sum(), rtol=1e-5)
    np.testing.assert_allclose(out["twice"], 2 * x, rtol=1e-6)


def test_the_rows_of_a_bank_are_cut_without_a_rest():
    sizes = []

    def step(held, part):
        sizes.append(len(part))
        return held, None

    rows = bank.padded(1_281_167)
    pieces.over(step, (), jnp.zeros(rows), at_once=1677)
    assert rows % sizes[0] == 0 and sizes[0] <= 1677
