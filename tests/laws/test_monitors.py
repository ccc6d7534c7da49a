"""Every method tells how it fares: what exists for it is among its metrics, whoever wrote it."""

import jax
import jax.numpy as jnp
import pytest

from tests.laws import tiny

OWN = {
    "dino": {"teacher/entropy", "prototypes/used"},
    "ibot": {"cls/loss", "patches/loss", "cls/teacher/entropy", "patches/prototypes/used", "patches/hidden"},
    "knowledge_distillation": {"features/loss", "features/teacher/explained", "soft/agreement"},
    "swav": {"codes/entropy", "prototypes/used"},
    "deepcluster_v2": {"prototypes/used"},
}
"""What only some methods have."""


@pytest.mark.parametrize("name", tiny.METHODS)
def test_every_method_says_how_it_fares(name):
    method = tiny.method(name)
    key, step = jax.random.key(0), jnp.zeros((), jnp.int32)
    batch = jax.eval_shape(lambda: tiny.augment(key, jax.tree.map(jnp.asarray, tiny.batch(name, 0))))
    params, state = jax.eval_shape(method.init, key, batch)
    metrics = jax.eval_shape(method.loss, params, state, batch, key, step)[1].metrics
    wanted = {"monitor/std", *OWN.get(name, ())}
    if batch["global"].shape[1] > 1:
        wanted |= {"similarity/positive", "similarity/negative"}
    assert wanted <= set(metrics)
