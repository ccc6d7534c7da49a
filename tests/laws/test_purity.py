"""A method is four pure functions: no effects, no memory, no callbacks; the loss reads the state and writes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.laws import tiny


def started(name):
    method = tiny.method(name)
    batch = tiny.augment(jax.random.key(0), jax.tree.map(jnp.asarray, tiny.batch(name, 0)))
    params, state = jax.jit(method.init)(jax.random.key(1), batch)
    return method, params, state, batch


@pytest.mark.parametrize("name", tiny.METHODS)
def test_traces_are_equal_and_without_effects(name):
    method, params, state, batch = started(name)
    args = (params, state, batch, jax.random.key(2), jnp.zeros((), jnp.int32))
    one, two = jax.make_jaxpr(method.loss)(*args), jax.make_jaxpr(method.loss)(*args)
    assert str(one) == str(two)
    assert not one.effects
    assert "callback" not in str(one)


@pytest.mark.parametrize("name", tiny.METHODS)
def test_no_gradient_reaches_the_state(name):
    method, params, state, batch = started(name)
    floats = jax.tree.map(lambda a: a if jnp.issubdtype(a.dtype, jnp.floating) else None, state)

    def of_state(floats):
        whole = jax.tree.map(lambda f, a: a if f is None else f, floats, state, is_leaf=lambda a: a is None)
        return method.loss(params, whole, batch, jax.random.key(2), jnp.zeros((), jnp.int32))[0]

    grads = jax.jit(jax.grad(of_state))(floats)
    for path, grad in jax.tree_util.tree_leaves_with_path(grads):
        assert not np.any(np.asarray(grad)), f"the loss of {name} has a gradient for state{jax.tree_util.keystr(path)}"


@pytest.mark.parametrize("name", tiny.METHODS)
def test_update_keeps_the_structure(name):
    method, params, state, batch = started(name)
    args = (params, state, batch, jax.random.key(2), jnp.zeros((), jnp.int32))
    _, aux = jax.eval_shape(method.loss, *args)
    new = jax.eval_shape(method.update, state, params, aux.carry, args[-1])
    assert jax.tree.structure(new) == jax.tree.structure(state)
    assert [a.shape for a in jax.tree.leaves(new)] == [a.shape for a in jax.tree.leaves(state)]
    assert [a.dtype for a in jax.tree.leaves(new)] == [a.dtype for a in jax.tree.leaves(state)]


@pytest.mark.parametrize("name", tiny.METHODS)
def test_every_parameter_learns(name):
    """A parameter without gradient is a mistake in the wiring; those of a net that none reads are not allowed."""
    method, params, state, batch = started(name)
    state = jax.tree.map(lambda a: a, state)
    if "criterion" in state and hasattr(state["criterion"], "labels"):  # unlabeled in the first epoch, by design
        held = state["criterion"]
        state["criterion"] = held._replace(labels=jnp.zeros_like(held.labels))
    loss = lambda p: method.loss(p, state, batch, jax.random.key(2), jnp.zeros((), jnp.int32))[0]  # noqa: E731
    grads = jax.jit(jax.grad(loss))(params)
    for path, grad in jax.tree_util.tree_leaves_with_path(grads):
        text = jax.tree_util.keystr(path, simple=True, separator="/")
        assert np.any(np.asarray(grad)), f"{name}: no gradient for {text}"
