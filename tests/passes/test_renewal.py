"""A layer that begins anew, and an optimizer that has forgotten the old one and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.config import durations
from ssl_jax.optim import chain
from ssl_jax.passes import renewal
from ssl_jax.types import TrainState

CLOCK = durations.Clock(100, 10, 100)
LAST = dict(match="^criterion/", name="sgd", momentum=0.5, lr=dict(kind="cosine", peak=1.0))


@pytest.mark.parametrize("name", ["sgd", "adamw", "larc"])
@pytest.mark.parametrize("groups", [(), (LAST,)])
def test_the_rest_of_the_state_is_as_it_was(name, groups):
    params = {n: {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)} for n in ("encoder", "criterion")}
    optimizer = chain.make(name=name, clock=CLOCK, lr=0.1, groups=groups)
    opt_state = optimizer.init(params)
    for _ in range(3):
        _, opt_state = optimizer.update(jax.tree.map(jnp.ones_like, params), opt_state, params)
    before = TrainState(jnp.zeros((), jnp.int32), params, {"criterion": 1, "stats": 2}, opt_state)
    new = jax.tree.map(lambda a: 5 * a, params["criterion"])
    after = renewal.with_params(before, new)
    np.testing.assert_array_equal(after.params["criterion"]["kernel"], 5)
    assert after.params["encoder"] is params["encoder"] and after.method_state is before.method_state
    assert jax.tree.structure(after.opt_state) == jax.tree.structure(opt_state)
    changed = 0
    for (path, a), b in zip(
        jax.tree_util.tree_leaves_with_path(opt_state), jax.tree.leaves(after.opt_state), strict=True
    ):
        own = "'criterion'" in jax.tree_util.keystr(path)
        assert np.any(a), "the steps have moved every part of it"
        np.testing.assert_array_equal(b, 0 * a if own else a)
        changed += own
    assert changed == 2 * (2 if name == "adamw" and not groups else 1)


def test_what_a_criterion_holds():
    state = TrainState(None, {}, {"criterion": 1, "stats": 2}, ())
    assert renewal.held(state) == 1
    assert renewal.with_held(state, 3).method_state == {"criterion": 3, "stats": 2}
