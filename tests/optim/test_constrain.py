"""Constraints: unit vectors stay unit, and what is frozen keeps its state too."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax.optim import constrain


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def unit(x, axis):
    return x / jnp.sqrt(jnp.sum(x**2, axis, keepdims=True))


@pytest.mark.parametrize("axis", [0, 1])
def test_vectors_keep_length_one(axis):
    p = unit(normal(0, 128, 300), axis)
    optimizer = optax.chain(optax.sgd(0.5, 0.9), constrain.unit_norm(axis=axis))
    state = optimizer.init(p)
    for i in range(5):
        updates, state = optimizer.update(normal(i + 1, *p.shape), state, p)
        p = optax.apply_updates(p, updates)
    np.testing.assert_allclose(np.linalg.norm(np.float64(p), axis=axis), 1.0, atol=1e-7)


def test_it_projects_what_the_step_would_have_made(strict):
    p, u = normal(0, 2, 5, 3).astype(jnp.float64)
    new = p + constrain.unit_norm(axis=0).update(u, optax.EmptyState(), p)[0]
    np.testing.assert_allclose(new, unit(p + u, 0), rtol=1e-13)


def test_a_zero_vector_stays_zero():
    p = jnp.zeros((4, 2))
    np.testing.assert_array_equal(constrain.unit_norm(axis=0).update(p, optax.EmptyState(), p)[0], p)


def train(optimizer, p, steps, first=0):
    state, update = optimizer.init(p), jax.jit(optimizer.update)
    states = []
    for i in range(first, first + steps):
        grads = jax.tree.map(lambda x, i=i: jnp.cos(x + i), p)
        updates, state = update(grads, state, p)
        p = optax.apply_updates(p, updates)
        states.append((p, state))
    return states


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_neither_parameter_nor_moments_move_until_the_thaw(name):
    p = normal(0, 5, 4)
    inner = {
        "adamw": optax.adamw(0.1, weight_decay=0.5),
        "sgd": optax.chain(optax.add_decayed_weights(0.5), optax.sgd(0.1, 0.9)),
    }[name]
    states = train(constrain.frozen_until(inner, 3), p, 6)
    for new, state in states[:3]:
        np.testing.assert_array_equal(new, p)
        jax.tree.map(np.testing.assert_array_equal, state.inner, inner.init(p))
    alone = train(inner, p, 3, first=3)
    for (new, state), (want, want_state) in zip(states[3:], alone, strict=True):
        np.testing.assert_allclose(new, want, rtol=1e-6)
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6), state.inner, want_state)


def test_after_the_thaw_the_rate_and_the_decay_are_those_of_the_run():
    rates = jnp.array([1.0, 2.0, 4.0, 8.0])
    inner = optax.chain(
        optax.add_decayed_weights(lambda step: rates[step]),
        optax.trace(0.9),
        optax.scale_by_schedule(lambda step: rates[step]),
    )
    frozen = constrain.frozen_until(inner, 2)
    p, g = jnp.ones((2, 2)), jnp.ones((2, 2))
    state = frozen.init(p)
    seen = []
    for _ in range(4):
        updates, state = frozen.update(g, state, p)
        seen.append(float(updates[0, 0]))
    np.testing.assert_allclose(seen, [0, 0, 4 * (1 + 4), 8 * (0.9 * 5 + 1 + 8)], rtol=1e-6)


def test_a_gradient_that_is_not_finite_does_not_thaw():
    frozen = constrain.frozen_until(optax.adam(0.1), 2)
    p = jnp.ones(3)
    updates, state = frozen.update(p * jnp.nan, frozen.init(p), p)
    np.testing.assert_array_equal(updates, jnp.zeros(3))
    assert all(bool(jnp.all(jnp.isfinite(x))) for x in jax.tree.leaves(state))
