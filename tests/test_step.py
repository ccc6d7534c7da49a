"""The step's promises that no method can break: what is not finite changes nothing; calibration learns nothing."""

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax import step
from tests.laws import tiny


def started(name: str, augment=tiny.augment):
    method, optimizer = tiny.method(name), tiny.optimizer()
    batch = jax.tree.map(jnp.asarray, tiny.batch(name, 0))
    views = jax.eval_shape(augment, jax.random.key(0), batch)
    state = jax.jit(lambda key: step.init(method, optimizer, key, views))(jax.random.key(1))
    return method, optimizer, state, batch


def equal(one, other) -> bool:
    same = jax.tree.map(lambda a, b: np.array_equal(a, b, equal_nan=True), one, other)
    return jax.tree.all(same)


def test_a_batch_that_is_not_finite_changes_nothing_but_the_step():
    def poisoned(key, batch):
        views = tiny.augment(key, batch)
        return {**views, "global": views["global"].at[3, 0, 0, 0, 0].set(jnp.where(batch["label"][0] == 7, jnp.nan, 0))}

    method, optimizer, state, batch = started("moco_v2", poisoned)
    run = jax.jit(step.make_step(method, optimizer, poisoned))
    good, metrics = run(state, batch, jax.random.key(2))
    assert metrics["skipped"] == 0 and not equal(good[1:], state[1:])
    bad, metrics = run(good, {**batch, "label": batch["label"].at[0].set(7)}, jax.random.key(2))
    assert metrics["skipped"] == 1 and equal(bad[1:], good[1:])
    assert int(bad.step) == 2


def test_calibration_moves_batch_statistics_and_no_parameter():
    method, _, state, batch = started("byol")
    calibrate = jax.jit(step.make_calibration(method, tiny.augment))
    calibrated = state
    for _ in range(60):
        calibrated = calibrate(calibrated, batch, jax.random.key(2))
    assert equal(calibrated.params, state.params) and equal(calibrated.opt_state, state.opt_state)
    images = tiny.augment(jax.random.key(5), batch)["global"][:, 0]
    seen = method.embed(calibrated.params, calibrated.method_state, {"image": images})["pool"]
    fresh = method.embed(state.params, state.method_state, {"image": images})["pool"]
    assert not np.allclose(seen, fresh, rtol=0.1)
    mean = calibrated.method_state["stats"]["encoder"]["stem"]["norm"]["mean"]
    again = calibrate(calibrated, batch, jax.random.key(2)).method_state["stats"]["encoder"]["stem"]["norm"]["mean"]
    np.testing.assert_allclose(mean, again, rtol=0.05, atol=0.02)  # they have arrived
