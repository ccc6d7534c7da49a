"""Attention that keeps its logits: autodiff's gradient, and in bfloat16 nothing as large besides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.nets import transformer


def drawn(dtype: str = "float64") -> tuple:
    """Logits [2, 3, 5, 7], values [2, 3, 7, 4], where queries may look, and a bias of all examples."""
    g = np.random.default_rng(0)
    logits, v, bias = (jnp.asarray(g.normal(size=s), dtype) for s in ((2, 3, 5, 7), (2, 3, 7, 4), (1, 3, 5, 7)))
    mask = jnp.asarray(g.random((2, 1, 1, 7)) < 0.7)
    return logits, v, mask.at[..., 0].set(True), bias


def by_loops(logits, v, mask, bias):
    y = np.zeros((2, 3, 5, 4))
    for b, h, q in np.ndindex(2, 3, 5):
        seen = [k for k in range(7) if mask[b, 0, 0, k]]
        weights = np.exp([logits[b, h, q, k] + bias[0, h, q, k] for k in seen])
        y[b, h, q] = sum(w * v[b, h, k] for w, k in zip(weights / weights.sum(), seen, strict=True))
    return y


def test_values_are_those_of_loops(strict):
    given = drawn()
    assert_allclose(transformer.attended(*given), by_loops(*map(np.asarray, given)), atol=1e-12)


@pytest.mark.parametrize("without", [(), ("mask",), ("bias",), ("mask", "bias")])
def test_the_gradient_from_the_logits_is_autodiffs(strict, without):
    logits, v, mask, bias = drawn()
    mask, bias = None if "mask" in without else mask, None if "bias" in without else bias
    dy = jnp.asarray(np.random.default_rng(1).normal(size=(2, 3, 5, 4)))

    def pulled(function):
        y, pull = jax.vjp(lambda logits, v, bias: function(logits, v, mask, bias), logits, v, bias)
        return y, pull(dy)

    (y, slopes), (other, expected) = pulled(transformer._again), pulled(transformer._attended)
    assert_array_equal(y, other)
    jax.tree.map(lambda a, b: assert_allclose(a, b, atol=1e-14), slopes, expected)


def test_bfloat16_keeps_the_logits_and_nothing_as_large_besides():
    logits, v, mask, bias = drawn("float32")
    values, pull = jax.vjp(lambda logits, v: transformer.attended(logits, v, mask, bias), logits, v)
    half = (logits.astype(jnp.bfloat16), v.astype(jnp.bfloat16))
    other, other_pull = jax.vjp(lambda logits, v: transformer.attended(logits, v, mask, bias), *half)
    assert other.dtype == jnp.bfloat16
    assert_allclose(other.astype(jnp.float32), values, atol=0.03)
    dy = jnp.ones_like(values)
    for slope, expected in zip(other_pull(dy.astype(jnp.bfloat16)), pull(dy), strict=True):
        assert_allclose(slope.astype(jnp.float32), expected, atol=0.03)
    assert [a.dtype for a in jax.tree.leaves(other_pull) if a.size == logits.size] == [jnp.bfloat16]
