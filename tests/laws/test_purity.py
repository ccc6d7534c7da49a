"""A method is four pure functions: no effects, no memory, no callbacks; the loss reads the state and writes nothing."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from tests.laws import tiny


def started(one):
    """What the loss takes: parameters, method state, batch, key, step."""
    state, rows = one.start(1), jax.tree.map(jnp.asarray, tiny.batch(one.name, 0))
    key = jax.random.key(2)
    return state.params, state.method_state, one.augment(key, rows), key, jnp.zeros((), jnp.int32)


def test_traces_are_equal_and_without_effects(one):
    arguments = started(one)
    first, second = (jax.make_jaxpr(one.method.loss)(*arguments) for _ in range(2))
    assert str(first) == str(second)
    assert not first.effects
    assert "callback" not in str(first)


def test_update_keeps_the_structure(one):
    params, state, batch, key, step = started(one)
    _, aux = jax.eval_shape(one.method.loss, params, state, batch, key, step)
    new = jax.eval_shape(one.method.update, state, params, aux.carry, step)
    assert jax.tree.structure(new) == jax.tree.structure(state)
    assert [a.shape for a in jax.tree.leaves(new)] == [a.shape for a in jax.tree.leaves(state)]
    assert [a.dtype for a in jax.tree.leaves(new)] == [a.dtype for a in jax.tree.leaves(state)]


def test_the_loss_has_a_gradient_for_every_parameter_and_none_for_the_state(one):
    """A parameter without gradient is a mistake in the wiring; those of a net that none reads are not allowed."""
    params, state, batch, key, step = started(one)
    if "criterion" in state and hasattr(state["criterion"], "labels"):  # unlabeled in the first epoch, by design
        held = state["criterion"]
        state = {**state, "criterion": held._replace(labels=jnp.zeros_like(held.labels))}
    floats = jax.tree.map(lambda a: a if jnp.issubdtype(a.dtype, jnp.floating) else None, state)

    def of(loss, params, floats):
        whole = jax.tree.map(lambda f, a: a if f is None else f, floats, state, is_leaf=lambda a: a is None)
        return loss(params, whole, batch, key, step)[0]

    def grads(params, floats):
        """For each parameter that of the loss which moves it, and for the state that of all losses."""
        learned, held = jax.grad(functools.partial(of, one.method.loss), argnums=(0, 1))(params, floats)
        for phase in one.method.phases:
            own, more = jax.grad(functools.partial(of, phase.loss), argnums=(0, 1))(params, floats)
            learned |= {part: own[part] for part in phase.parts}
            held = jax.tree.map(lambda a, b: jnp.abs(a) + jnp.abs(b), held, more)
        return learned, held

    learned, held = jax.jit(grads, compiler_options=tiny.UNOPTIMIZED)(params, floats)
    for path, grad in jax.tree_util.tree_leaves_with_path(learned):
        text = jax.tree_util.keystr(path, simple=True, separator="/")
        assert np.any(np.asarray(grad)), f"{one.name}: no gradient for {text}"
    for path, grad in jax.tree_util.tree_leaves_with_path(held):
        assert not np.any(np.asarray(grad)), (
            f"the loss of {one.name} has a gradient for state{jax.tree_util.keystr(path)}"
        )
