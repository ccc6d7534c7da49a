"""Passes in a real run: when they come, what they see, what a stop and a restart do to them, a run without a step."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax import loop
from ssl_jax.data import sources
from ssl_jax.passes import times
from ssl_jax.process.goodput import Goodput
from ssl_jax.process.stopping import Stop
from ssl_jax.reporting import log
from ssl_jax.run import passing
from ssl_jax.storage.checkpoint import Checkpoints
from ssl_jax.types import Pass
from tests.faults import tiny

SLOW = {"checkpoint__every": "never", "evaluation__every": "never"}


def walked(views: str, **options) -> Pass:
    """Sums of pixels and indices, a count, a draw: into the method state, in a way that shows their order."""

    def start(state, key):
        return {"pixels": jnp.zeros(()), "index": jnp.zeros((), jnp.int32), "count": jnp.zeros((), jnp.int32)}

    def fold(state, found, batch, key):
        pixels = batch["clean" if views == "clean" else "global"].mean((1, 2, 3, 4))
        real = batch["real"]
        return {
            "pixels": found["pixels"] + jnp.sum(jnp.where(real, pixels, 0)),
            "index": found["index"] + jnp.sum(jnp.where(real, batch["index"], 0)),
            "count": found["count"] + jnp.sum(real),
        }

    def finish(state, found, key):
        held = dict(state.method_state)
        mixed = 0.5 * held["mixed"] + found["pixels"] + jax.random.normal(key)
        found = {**found, "made": held["found"]["made"] + 1}
        return state._replace(method_state={**held, "mixed": mixed, "found": found})

    return Pass(finish=finish, views=views, start=start, fold=fold, **options)


def job(*passes: Pass, **changes):
    """The tiny job, whose method has passes and learns from what they find."""
    made = tiny.job(tiny.recipe(**{**SLOW, **changes}))
    method = made.method

    def init(key, batch):
        params, state = method.init(key, batch)
        zero = jnp.zeros((), jnp.int32)
        found = {"pixels": jnp.zeros(()), "index": zero, "count": zero, "made": zero}
        return params, {**state, "mixed": jnp.zeros(()), "found": found}

    def loss(params, state, batch, key, step):
        value, aux = method.loss(params, state, batch, key, step)
        return value * (1 + 0.1 * jnp.tanh(state["mixed"])), aux

    def update(state, params, carry, step):
        return {**state, **method.update(state, params, carry, step)}

    return made._replace(method=method._replace(init=init, loss=loss, update=update, passes=passes))


def run(made, folder, stop: Stop | None = None):
    """The last state, its step and where the time went."""
    spent = Goodput()
    state, step = loop.train(made, loop.compiled(made), str(folder), spent, stop or Stop())
    return jax.device_get(state), step, spent.seconds()


def found(state) -> dict:
    return state.method_state["found"]


def steps(folder) -> dict[int, int]:
    """The checkpoints that there are, with the turns that each has behind it."""
    with contextlib.closing(Checkpoints(f"{folder}/checkpoints", None)) as saved:
        return {step: saved.guards(step)[loop.PASSED] for step in saved.steps()}


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("views", ["clean", "train"])
@pytest.mark.parametrize("batch", ["8", "16", "500"])
def test_a_pass_sees_every_example_once(views, batch, tmp_path):
    made = job(walked(views, due=times.at_the_start), duration="0 steps", evaluation__batch=batch)
    state, step, spent = run(made._replace(evaluation={"examples": 40, "batch": int(batch)}), tmp_path)
    assert step == 0 and steps(tmp_path) == {0: 1} and spent["passes"] > 0
    assert found(state)["count"] == tiny.EXAMPLES and found(state)["index"] == sum(range(tiny.EXAMPLES))
    if views == "clean":
        images = np.stack(sources.images(made.train, np.arange(tiny.EXAMPLES)))
        np.testing.assert_allclose(found(state)["pixels"], (images / 64 - 2).mean((1, 2, 3)).sum(), rtol=1e-5)


def test_passes_come_when_they_are_due(tmp_path):
    passes = walked("clean", due=times.each_epoch(since=1), times=2), walked("train", due=times.at_the_start)
    state, _, _ = run(job(*passes, duration="12 steps"), tmp_path)  # an epoch is 5 steps
    assert found(state)["made"] == 1 + 2 * 2
    assert steps(tmp_path) == {0: 1, 12: 0}


def test_what_is_drawn_differs_from_turn_to_turn():
    made = job(walked("clean", due=lambda step, clock: True, times=3))
    keys = [
        passing.key_of(jax.random.key(0), step, made.clock, turn)
        for step in range(12)
        for turn in passing.turns(made.method, step, made.clock)
    ]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == 12 * 3


def test_a_run_without_a_step_is_not_repeated_and_goes_on(tmp_path, monkeypatch):
    one = walked("clean", due=times.at_the_start, times=3)
    run(job(one, duration="0 steps"), tmp_path / "a")
    again, _, spent = run(job(one, duration="0 steps"), tmp_path / "a")
    assert found(again)["made"] == 3 and spent["passes"] == 0
    longer, _, spent = run(job(one, duration="7 steps"), tmp_path / "a")
    assert spent["passes"] == 0
    straight, _, _ = run(job(one, duration="7 steps"), tmp_path / "b")
    assert_same(longer, straight)


class StopAt(Stop):
    """Stops when it is asked for the n-th time."""

    def __init__(self, n: int):
        super().__init__()
        self.left = n

    def asked(self) -> bool:
        self.left -= 1
        if self.left == 0:
            self.set()
        return super().asked()


@pytest.mark.parametrize("period", ["5 steps", "never"])
@pytest.mark.parametrize("at", [5 + 1, 5 + 6, 5 + 14])
def test_stopped_in_the_middle_and_never_stopped_are_the_same(at, period, tmp_path):
    """After 5 steps two passes are due, the first twice; each has 5 batches and asks before each."""
    passes = walked("clean", due=times.each_epoch(since=1), times=2), walked("train", due=times.each_epoch(since=1))

    def made():
        return job(*passes, duration="8 steps", checkpoint__every=period)._replace(
            evaluation={"examples": 40, "batch": 8}
        )

    straight, _, _ = run(made(), tmp_path / "straight")
    stopped, step, _ = run(made(), tmp_path / "stopped", StopAt(at))
    assert step == 5 and found(stopped)["made"] == (at - 6) // 5
    assert steps(tmp_path / "stopped")[5] == (0 if period == "5 steps" else (at - 6) // 5)
    resumed, step, _ = run(made(), tmp_path / "stopped")
    assert step == 8
    assert_same(resumed, straight)
    rows = [
        [{k: v for k, v in row.items() if not k.startswith("time/")} for row in log.rows(tmp_path / name)]
        for name in ("straight", "stopped")
    ]
    assert rows[0] == rows[1]


def test_stopped_before_the_first_step_begins_anew(tmp_path):
    passes = walked("clean", due=times.at_the_start, times=3)
    made = job(passes, duration="2 steps")._replace(evaluation={"examples": 40, "batch": 8})
    _, step, _ = run(made, tmp_path / "stopped", StopAt(8))
    assert step == 0 and steps(tmp_path / "stopped") == {}
    resumed, _, _ = run(made, tmp_path / "stopped")
    straight, _, _ = run(made, tmp_path / "straight")
    assert_same(resumed, straight)


def test_a_long_pass_says_how_far_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(passing, "EVERY", 0.0)
    made = job(walked("clean", due=times.at_the_start), duration="0 steps")
    run(made._replace(evaluation={"examples": 40, "batch": 8}), tmp_path)
    assert "pass 1 of 1 over the data: 8 of 40 examples" in capsys.readouterr().out


def test_a_length_of_nothing_is_refused_without_a_pass():
    made = job(duration="3 steps")
    clock = made.clock._replace(total=0)
    with pytest.raises(ValueError, match='config.duration: "0 steps" is no step at all, .* give a longer one'):
        passing.check_length("0 steps", made.method, clock)
