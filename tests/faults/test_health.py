"""The guards: what they say, when they say it, and that they wait for nothing."""

import contextlib
import json
import math
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax import loop
from ssl_jax.process.exits import Unhealthy
from ssl_jax.process.goodput import BUCKETS, Goodput, line
from ssl_jax.process.stopping import Stop
from ssl_jax.reporting import log
from ssl_jax.run import health
from ssl_jax.run.health import Health, Limits, Spikes, collapse
from ssl_jax.storage.checkpoint import Checkpoints
from tests.faults import faults, tiny

INDEX = jnp.arange(3, dtype=jnp.int32)


def run(fault, folder, **changes):
    """(program, state, step, seconds of the buckets) of the tiny job with a fault."""
    job = fault(tiny.job(tiny.recipe(**changes)))
    program, spent, stop = loop.compiled(job), Goodput(), Stop()
    state, step = loop.train(job, program, str(folder), spent, stop)
    return program, state, step, spent.seconds()


def guard(tmp_path, limits, steps=()):
    """A Health and what it says."""
    said, ended = [], []
    made = Health(
        limits,
        folder=str(tmp_path),
        describe=lambda i: f"example {i}",
        say=said.append,
        steps=lambda: list(steps),
        ended=lambda: ended.append(1),
    )
    return made, said, ended


def numbers(**values):
    return {"loss": jnp.float32(1), "skipped": jnp.float32(0), **{k: jnp.float32(v) for k, v in values.items()}}


def test_a_nan_in_a_batch_skips_this_batch_and_names_its_examples(tmp_path, capsys):
    program, state, step, _ = run(faults.nan_in_a_batch, tmp_path)
    rows = log.rows(tmp_path)
    skipped = [row["step"] for row in rows if row["skipped"]]
    assert step == 12 and len(skipped) in (2, 3)  # once an epoch of five steps
    assert [row["loss"] for row in rows if row["skipped"]] == [None] * len(skipped)
    assert int(state.method_state["updates"]) == 12 - len(skipped)  # the method's state was left alone as well
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(state)))
    for where in skipped:
        examples = json.loads((tmp_path / "skipped" / f"{where}.json").read_text())
        assert len(examples) == tiny.BATCH
        assert examples[str(faults.BAD_EXAMPLE)] == f"made up, example {faults.BAD_EXAMPLE}"
    assert [int(p.stem) for p in sorted((tmp_path / "skipped").iterdir(), key=lambda p: int(p.stem))] == skipped
    said = capsys.readouterr().out
    assert f"step {skipped[0]}: loss or gradient not finite, update skipped (1 in a row); batch: made up" in said


def test_nan_gradients_in_a_row_end_the_run_and_name_the_last_good_checkpoint(tmp_path):
    with pytest.raises(Unhealthy, match=r"in 4 steps in a row, 6 to 9; the last good checkpoint is that of step 3"):
        run(faults.nan_in_the_gradient, tmp_path, health__skips="4", duration="40 steps")
    rows = log.rows(tmp_path)
    assert all(row["loss"] is not None for row in rows)  # only the gradients were not finite
    assert [row["skipped"] for row in rows[:5]] == [0] * 5 and rows[5]["skipped"] == 1
    program = loop.compiled(tiny.job(tiny.recipe()))
    with contextlib.closing(Checkpoints(f"{tmp_path}/checkpoints", None)) as saved:
        state = saved.restore(3, program.state)
    assert int(state.method_state["updates"]) == 3


def test_a_collapse_ends_the_run_where_the_recipe_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 4)
    with pytest.raises(Unhealthy, match=r"as for 4 steps: all embeddings are the same: monitor/std is 0.0010"):
        run(faults.collapse, tmp_path, health__collapse="stop")
    assert not (tmp_path / "checkpoints" / "6").exists()  # a collapsed state must not push out a good one


def test_buckets_sum_to_the_wall_time_and_the_run_is_in_them(tmp_path):
    spent = Goodput()
    *_, seconds = run(faults.none, tmp_path)
    assert set(seconds) == set(BUCKETS)
    assert seconds["compile"] > seconds["step"] > 0 and min(seconds["checkpoint"], seconds["evaluation"]) > 0
    assert sum(seconds.values()) <= sum(spent.seconds().values())


def test_steps_that_were_lost_are_counted_apart_when_they_are_done_again(tmp_path):
    *_, seconds = run(faults.none, tmp_path)
    assert seconds["repeated"] == 0
    shutil.rmtree(tmp_path / "checkpoints" / "12")
    *_, seconds = run(faults.none, tmp_path, duration="12 steps")
    assert seconds["repeated"] > 0, "steps 10 to 12 were in the log already"


def test_buckets_by_a_clock_of_our_own():
    now = [10.0]
    spent = Goodput(lambda: now[0])
    now[0] += 1
    with spent.on("step"):
        now[0] += 2
        with spent.on("data wait"):
            now[0] += 4
        now[0] += 8
    now[0] += 16
    seconds = spent.seconds()
    assert (seconds["start-up"], seconds["step"], seconds["data wait"]) == (17, 10, 4)
    assert sum(seconds.values()) == now[0] - 10
    assert line(seconds) == "31 s: start-up 55%, step 32%, data wait 13%"


class NotYet:
    """The number of a step that the device has not finished."""

    def copy_to_host_async(self):
        pass

    def is_ready(self):
        return False

    def __array__(self, *args, **options):
        raise AssertionError("the device was waited for")


def test_nothing_is_waited_for_until_too_much_is_outstanding(tmp_path):
    guarded, said, ended = guard(tmp_path, Limits())
    late = {"loss": NotYet(), "skipped": NotYet()}
    for step in range(1, health.LATE + 1):
        guarded.observe(step, late, INDEX)
    assert not ended
    with pytest.raises(AssertionError, match="waited for"):
        guarded.observe(health.LATE + 1, late, INDEX)


def test_a_good_step_ends_a_row_of_bad_ones(tmp_path):
    guarded, said, ended = guard(tmp_path, Limits(skips=3), steps=(2, 4))
    for step, bad in enumerate((1, 1, 0, 1, 1), 1):
        guarded.observe(step, numbers(skipped=bad), INDEX)
    guarded.drain()
    assert [text.split("(")[1][:1] for text in said] == ["1", "2", "1", "2"] and len(ended) == 5
    assert "batch: example 0, example 1, example 2" in said[0]
    with pytest.raises(Unhealthy, match="4 to 6; the last good checkpoint is that of step 2;"):
        guarded.observe(6, numbers(skipped=1), INDEX)
        guarded.drain()


def test_never_is_never(tmp_path):
    guarded, said, _ = guard(tmp_path, Limits(skips=0))
    for step in range(1, 50):
        guarded.observe(step, numbers(skipped=1), INDEX)
    guarded.drain()
    assert len(said) == 49 and len(list((tmp_path / "skipped").iterdir())) == health.FILES


def test_a_jump_is_said_once_and_a_nan_does_not_hide_the_next(tmp_path):
    spikes = Spikes()
    assert not any(spikes.observe(1 + 0.01 * (i % 3)) for i in range(200))
    assert not any(spikes.observe(x) for x in (math.nan, math.inf))
    assert "jumped to 3, from 1.01" in spikes.observe(3.0)
    assert spikes.observe(3.0) is None and spikes.observe(1.0) is None
    assert spikes.observe(3.0)


@pytest.mark.parametrize("level", [-0.9, 8.3, 1e-3])
def test_a_level_is_one_whatever_its_sign_and_size(level):
    spikes = Spikes()
    assert not any(spikes.observe(level + 0.02 * abs(level) * math.sin(i)) for i in range(200))
    assert not spikes.observe(level - abs(level))  # falling is no spike
    assert spikes.observe(level + abs(level))


def test_the_first_losses_and_a_new_level_are_no_spikes():
    spikes = Spikes()
    assert not any(spikes.observe(float(x)) for x in (0, 100, 0, 1e6))
    for _ in range(200):
        spikes.observe(1.0)
    said = [spikes.observe(5.0) for _ in range(200)]
    assert said[0] and not any(said[1:])
    assert not any(spikes.observe(5.0) for _ in range(50))


def test_a_jump_stops_where_the_recipe_says_so(tmp_path):
    """The loss of step 31 is that of the state after step 30, which is not good then."""
    guarded, *_ = guard(tmp_path, Limits(spike="stop"), steps=(20, 30, 40))
    with pytest.raises(
        Unhealthy, match="step 31: the loss jumped to 9, from 1; the last good checkpoint is that of step 20"
    ):
        for step in range(1, 40):
            guarded.observe(step, numbers(loss=9 if step == 31 else 1), INDEX)
        guarded.drain()


@pytest.mark.parametrize(
    "seen, sentence",
    [
        (
            {"teacher/evenness": 1.0, "teacher/entropy": math.log(64), "loss": math.log(64)},
            "assignments are uniform: loss equals ln K (4.1589)",
        ),
        (
            {"codes/evenness": 0.9999, "codes/entropy": 2.0, "loss": 3.0},
            "assignments are uniform: loss is 3.0000 and ln K (2.0002)",
        ),
        ({"prototypes/used": 1.0, "monitor/std": 0.9}, "all examples are assigned to one prototype"),
        ({"monitor/std": 0.02}, "all embeddings are the same: monitor/std is 0.0200"),
        ({"eval/std": 0.02, "monitor/std": 0.9}, "all embeddings are the same: eval/std is 0.0200"),
        ({"eval/effective_rank": 1.2}, "embeddings lie on one line"),
    ],
)
def test_collapse_is_named(seen, sentence):
    assert collapse(seen).startswith(sentence)


def test_health_is_no_collapse():
    healthy = {"teacher/evenness": 0.7, "codes/evenness": 0.1, "prototypes/used": 3, "monitor/std": 0.5, "loss": 4.1}
    healthy |= {"teacher/entropy": 2.9, "codes/entropy": 0.4}
    assert collapse({**healthy, "eval/effective_rank": 9.0}) is None
    assert collapse({"monitor/std": math.nan, "teacher/evenness": None}) is None and collapse({}) is None


def test_collapse_is_warned_of_once_and_after_its_patience(tmp_path):
    guarded, said, _ = guard(tmp_path, Limits())
    for step in range(1, 3 * health.PATIENCE):
        guarded.observe(step, numbers(**{"monitor/std": 0.5 if step == 10 else 0.01}), INDEX)
    guarded.drain()
    assert len(said) == 1 and said[0].startswith(f"warning: step {10 + health.PATIENCE}, as for")
    guarded.evaluated(7, {"eval/effective_rank": 1.01})
    assert said[1].startswith("warning: step 7: embeddings lie on one line")


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"health.spike": "shout"}, "health.spike='shout': write one of off, warn, stop, rollback"),
        ({"health.rollbacks": "-1"}, "health.rollbacks=-1: write a number from 0"),
        ({"health.skips": "-1"}, "health.skips=-1: write a number from 0"),
        ({"checkpoint.best": "knn"}, "checkpoint.best='knn'"),
        ({"checkpoint.keep_every": "often"}, "'often' is no duration"),
    ],
)
def test_a_guard_that_cannot_be_is_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        tiny.job(tiny.recipe(**changes))
