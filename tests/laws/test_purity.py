"""A method is four pure functions: no effects, no memory, no callbacks; the loss reads the state and writes nothing."""

import jax
import jax.extend
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


def test_every_parameter_learns(one):
    """One that does not is a mistake in the wiring; those of a net that none reads are not allowed.

    The second time that a batch is met, since a bank may be empty and labels may be missing before.
    """
    state = one.passed(one.advanced(one.start(1), 1, 0)[0], 1, 0)
    before = jax.device_get(state.params)
    after, _ = one.advanced(state, 1, 0)
    for (path, old), new in zip(
        jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after.params), strict=True
    ):
        assert np.any(old != np.asarray(new)), f"{one.name}: {jax.tree_util.keystr(path)} does not move in a step"


def test_no_gradient_reaches_the_state(one):
    params, state, batch, key, step = started(one)
    floats, others = split(state)

    def of(floats, others):
        value = sum(phase.loss(params, joined(floats, others), batch, key, step)[0] for phase in phases(one.method))
        return value.astype(jnp.float64)

    leaves = jax.tree_util.tree_leaves_with_path(floats)
    graph = jax.make_jaxpr(jax.grad(of))(floats, others).jaxpr
    if all(never(graph, out) for out in graph.outvars):
        return
    grads = jax.jit(jax.grad(of), compiler_options=tiny.UNOPTIMIZED)(floats, others)
    for (path, _), grad in zip(leaves, jax.tree.leaves(grads), strict=True):
        assert not np.any(np.asarray(grad)), f"the loss of {one.name} has a gradient for {jax.tree_util.keystr(path)}"


def phases(method):
    """Whatever has a loss in a step."""
    return (*method.phases, method)


def split(state):
    """What can have a gradient, and the rest, None where the other has a leaf."""
    is_float = lambda a: jnp.issubdtype(a.dtype, jnp.floating)  # noqa: E731
    return tuple(jax.tree.map(lambda a, w=want: a if is_float(a) == w else None, state) for want in (True, False))


def joined(floats, others):
    return jax.tree.map(lambda f, o: o if f is None else f, floats, others, is_leaf=lambda a: a is None)


def never(graph, out) -> bool:
    """Whether an output is zero by construction: what JAX makes of a gradient that no path leads to."""
    if isinstance(out, jax.extend.core.Literal):
        return not np.any(out.val)
    (made,) = [e for e in graph.eqns if out in e.outvars] or [None]
    zero = made and made.primitive.name == "broadcast_in_dim" and isinstance(made.invars[0], jax.extend.core.Literal)
    return bool(zero) and not np.any(made.invars[0].val)
