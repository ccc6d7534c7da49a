"""The step's promises that no method can break: what is not finite changes nothing; calibration learns nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssl_jax import step
from ssl_jax.config import durations
from ssl_jax.optim import chain
from ssl_jax.types import Aux, Method, Phase
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


def adversaries(times: int = 1) -> Method:
    """A guess g, a judge j and a state that counts: the judge moves to the guess, and the guess away from the judge."""

    def init(key, batch):
        return {"guess": {"g": jnp.zeros(2)}, "judge": {"j": jnp.ones(2)}}, {
            "judged": jnp.zeros(()),
            "guessed": jnp.zeros(()),
        }

    def judging(params, state, batch, key, step):
        value = jnp.sum((params["judge"]["j"] - params["guess"]["g"]) ** 2)
        return value, Aux({}, batch["x"], {"judge/loss": value, "judge/draw": jax.random.uniform(key)})

    def loss(params, state, batch, key, step):
        value = -jnp.sum((params["judge"]["j"] - params["guess"]["g"]) ** 2) + jnp.sum(batch["x"])
        return value, Aux({}, batch["x"], {"draw": jax.random.uniform(key)})

    def update(state, params, carry, step):
        return {**state, "guessed": state["guessed"] + 1}

    def judged(state, params, carry, step):
        return {**state, "judged": state["judged"] + 1}

    phase = Phase(("judge",), judging, judged, times)
    return Method(init, loss, update, lambda params, state, inputs: {}, {}, phases=(phase,))


def rate(count):
    return 0.25 / (1 + count)


def test_a_phase_moves_its_own_parameters_before_the_loss_moves_the_rest():
    method, optimizer = adversaries(), optax.sgd(rate)
    batch, key = {"x": jnp.zeros(3)}, jax.random.key(0)
    state = step.init(method, optimizer, key, batch)
    run = jax.jit(step.make_step(method, optimizer, lambda key, batch: batch))
    after, metrics = run(state, batch, key)
    judge = 1 - 0.25 * 2 * 1  # towards the guess, which is 0 still
    np.testing.assert_allclose(after.params["judge"]["j"], judge)
    np.testing.assert_allclose(after.params["guess"]["g"], -0.25 * 2 * judge)  # away from the judge that has moved
    assert after.method_state == {"judged": 1, "guessed": 1} and metrics["draw"] != metrics["judge/draw"]
    np.testing.assert_allclose(metrics["loss"], -2 * judge**2, rtol=1e-6)
    parts = [metrics["grad_norm/judge"], metrics["grad_norm/guess"]]
    np.testing.assert_allclose(metrics["grad_norm"], np.hypot(*parts), rtol=1e-6)


def test_schedules_go_by_steps_and_not_by_phases():
    optimizer, batch, key = optax.sgd(rate), {"x": jnp.zeros(3)}, jax.random.key(0)
    method = adversaries(times=2)
    state = step.init(method, optimizer, key, batch)
    run = jax.jit(step.make_step(method, optimizer, lambda key, batch: batch))
    first, metrics = run(state, batch, key)
    np.testing.assert_allclose(first.params["judge"]["j"], 0.25)  # halved twice at the same rate
    second, _ = run(first, batch, key)
    moved = [float(np.asarray(s.params["judge"]["j"] - s.params["guess"]["g"])[0]) for s in (first, second)]
    g = float(first.params["guess"]["g"][0])
    np.testing.assert_allclose(second.params["judge"]["j"], g + moved[0] * 0.75**2, rtol=1e-6)  # at rate(1) both times
    assert second.method_state["judged"] == 4


def test_what_is_not_finite_moves_nothing_from_its_phase_on():
    method, optimizer, key = adversaries(), optax.sgd(rate), jax.random.key(0)
    state = step.init(method, optimizer, key, {"x": jnp.zeros(3)})
    run = jax.jit(step.make_step(method, optimizer, lambda key, batch: batch))
    after, metrics = run(state, {"x": jnp.full(3, jnp.nan)}, key)
    assert metrics["skipped"] == 1 and after.method_state == {"judged": 1, "guessed": 0}
    assert equal(after.params["guess"], state.params["guess"])


def test_groups_of_the_optimizer_are_found_in_every_phase():
    clock = durations.Clock(total=4, batch=2, examples=4)
    groups = ({"match": "^judge", "multiple": 10.0}, {"match": "guess", "multiple": 2.0})
    optimizer = chain.make(name="sgd", clock=clock, lr=0.01, momentum=0.0, groups=groups)
    method, batch, key = adversaries(), {"x": jnp.zeros(3)}, jax.random.key(0)
    state = step.init(method, optimizer, key, batch)
    after, _ = jax.jit(step.make_step(method, optimizer, lambda key, batch: batch))(state, batch, key)
    np.testing.assert_allclose(after.params["judge"]["j"], 0.8, rtol=1e-6)
    np.testing.assert_allclose(after.params["guess"]["g"], -0.02 * 2 * 0.8, rtol=1e-6)


def test_phases_that_cannot_be_are_a_sentence():
    method = adversaries()
    wrong = method._replace(phases=(method.phases[0]._replace(parts=("jugde",)),))
    with pytest.raises(ValueError, match="jugde.*of the parameters guess, judge"):
        step.init(wrong, optax.sgd(0.1), jax.random.key(0), {"x": jnp.zeros(3)})


def test_what_is_drawn_keeps_its_order_and_is_the_same_at_every_step():
    def draw(params, state, batch, key):
        noise = jax.random.normal(key, batch["x"].shape)
        return {"grid": {"truth": batch["x"], "guess": batch["x"] + noise, "also": batch["x"]}}

    made = jax.jit(step.make_draw(adversaries()._replace(draw=draw), lambda key, batch: batch))
    batch = {"x": jnp.arange(40.0).reshape(20, 2, 1, 1)}
    first, again = (made({}, {}, batch, jax.random.key(3))["grid"] for _ in range(2))
    assert list(first) == ["truth", "guess", "also"] and all(len(each) == step.DRAWN for each in first.values())
    assert equal(first, again)
