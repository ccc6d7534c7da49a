"""A run that goes back to a good state: the state is the old one, the batches are new, a restart changes nothing."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax import loop
from ssl_jax.process.exits import Unhealthy
from ssl_jax.process.goodput import Goodput
from ssl_jax.process.stopping import Stop
from ssl_jax.reporting import log
from ssl_jax.run import health
from ssl_jax.run.health import Health, Limits
from ssl_jax.storage.checkpoint import Checkpoints
from tests.faults import faults, tiny

BACK = {"health__collapse": "rollback", "checkpoint__keep": "9"}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Guards that speak within the few steps of a test."""
    monkeypatch.setattr(health, "PATIENCE", 3)
    monkeypatch.setattr(health, "LATE", 2)


def run(fault, folder, duration, **changes):
    """The state after so many steps of the tiny job with a fault."""
    job = fault(tiny.job(tiny.recipe(duration=f"{duration} steps", **{**BACK, **changes})))
    state, step = loop.train(job, loop.compiled(job), str(folder), Goodput(), Stop())
    assert step == duration
    return jax.device_get(state)


def test_the_state_is_the_good_one_and_the_steps_go_on(tmp_path, capsys):
    state = run(faults.collapse_for_a_while, tmp_path, 12)
    # Steps 6, 7 and 8 look collapsed; 3 is the last checkpoint before them; at 9 one is due.
    assert state.step == 12 and state.method_state["updates"] == 3 + (12 - 9)
    assert [row["step"] for row in log.rows(tmp_path)] == list(range(1, 13))
    assert "step 8, as for 3 steps: all embeddings are the same" in capsys.readouterr().out
    with contextlib.closing(Checkpoints(f"{tmp_path}/checkpoints", None)) as saved:
        target = loop.compiled(tiny.job(tiny.recipe(**BACK))).state
        good, taken = saved.restore(3, target), saved.restore(9, target)
        assert saved.guards(9)["rollbacks"] == 1
    jax.tree.map(np.testing.assert_array_equal, good._replace(step=9), taken._replace(step=9))


def test_it_does_not_wait_for_a_checkpoint_to_be_due(tmp_path):
    state = run(lambda job: faults.collapse(job, range(6, 10)), tmp_path, 12, checkpoint__every="4 steps")
    assert state.method_state["updates"] == 4 + (12 - 11)  # seen at 9 and, on every process, two steps later


@pytest.mark.parametrize("stop", [7, 9])
def test_a_restart_changes_nothing(stop, tmp_path):
    straight = run(faults.collapse_for_a_while, tmp_path / "straight", 12)
    run(faults.collapse_for_a_while, tmp_path / "stopped", stop)
    jax.tree.map(np.testing.assert_array_equal, run(faults.collapse_for_a_while, tmp_path / "stopped", 12), straight)
    ours, theirs = (
        [{k: v for k, v in row.items() if not k.startswith("time/")} for row in log.rows(tmp_path / name)]
        for name in ("straight", "stopped")
    )
    assert [row["loss"] for row in ours] == [row["loss"] for row in theirs]


def test_a_collapse_that_comes_again_ends_the_run(tmp_path):
    with pytest.raises(Unhealthy, match=r"the run has gone back 2 times; the last good checkpoint is that of step"):
        run(lambda job: faults.collapse(job, range(5, 100)), tmp_path, 40, health__rollbacks="2")


def test_without_a_good_state_there_is_no_way_back(tmp_path):
    with pytest.raises(Unhealthy, match=r"there is no good checkpoint to go back to; set checkpoint.keep_every"):
        run(faults.collapse, tmp_path, 12)


def test_a_spike_is_gone_back_from_and_forgotten(tmp_path):
    said = []
    words = dict(folder=str(tmp_path), describe=str, say=said.append, steps=lambda: [20, 28, 30], ended=lambda: None)
    guards = Health(Limits(spike="rollback"), **words)
    for step in range(1, 32):
        loss, index = jnp.float32(50.0 if step == 29 else 1.0), jnp.arange(3)
        guards.observe(step, {"loss": loss, "skipped": jnp.float32(0)}, index)
    assert guards.rollback_due(31)
    guards.drain()
    assert guards.rollback_step() == 20 and "step 29: the loss jumped to 50, from 1" in said[0]
    assert (
        guards.rollback_step() is None and guards.state()["spikes"]["seen"] == [] and guards.state()["rollbacks"] == 1
    )
