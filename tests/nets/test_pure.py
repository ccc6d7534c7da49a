"""A module becomes two pure functions; options are checked in words."""

import jax
import jax.numpy as jnp
import pytest
from numpy.testing import assert_array_equal

from ssl_jax.nets import heads, options, vit
from tests.nets.drawn import drawn

X = jnp.ones((4, 3)) * jnp.arange(4.0)[:, None]


def test_statistics_change_only_in_training_and_never_in_place():
    net = heads.simclr_projector(widths=(5, 2))
    params, stats = drawn(net, X)
    before = jax.tree.map(jnp.copy, stats)
    _, new = net.apply(params, stats, X, train=True)
    _, same = net.apply(params, stats, X, train=False)
    assert same is stats
    assert jax.tree.structure(new) == jax.tree.structure(stats)
    assert all(bool((a != b).any()) for a, b in zip(jax.tree.leaves(new), jax.tree.leaves(stats), strict=True))
    jax.tree.map(assert_array_equal, before, stats)


def test_without_batch_norm_there_are_no_statistics():
    net = heads.linear(out=2)
    params, stats = net.init(jax.random.key(0), X)
    assert stats == {} and net.apply(params, {}, X, train=True)[1] == {}
    assert type(params) is dict and set(params) == {"linear1"}


def test_tracing_twice_gives_one_program():
    net = vit.vit(variant=(8, 2, 2, 2), drop_path=0.5)
    x = jnp.ones((2, 4, 4, 1))
    params, _ = jax.eval_shape(net.init, jax.random.key(0), x)
    run = lambda p, key: net.apply(p, {}, x, train=True, key=key)  # noqa: E731
    first, second = (jax.make_jaxpr(run)(params, jax.random.key(0)) for _ in range(2))
    assert str(first) == str(second) and not first.effects


def test_names_and_dtypes_are_refused_in_words():
    with pytest.raises(ValueError, match="did you mean bfloat16"):
        options.compute_dtype("bfloat")
    with pytest.raises(ValueError, match="jax_enable_x64"):
        options.compute_dtype("float64")


def test_float64_is_known_under_the_strict_flags(strict):
    assert options.compute_dtype("float64") == jnp.float64
    assert options.at_least_float32(jnp.zeros(1, jnp.bfloat16)).dtype == jnp.float32
    assert options.at_least_float32(jnp.zeros(1, jnp.float64)).dtype == jnp.float64
