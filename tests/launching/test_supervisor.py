"""The supervisor against a stand-in for gcloud on the PATH, with failures of every kind."""

import json
import pathlib
import stat
import sys

import pytest

from ssl_jax.launching import supervisor
from ssl_jax.launching.command import Run
from ssl_jax.launching.tpu import Tpu

STAND_IN = pathlib.Path(__file__).with_name("gcloud.py")
RUN = Run("r50", "simclr_imagenet_r50", "gs://bucket/r50", {})
WAITS, ACTIVE = ["WAITING_FOR_RESOURCES", "", ""], ["ACTIVE", "", ""]
TRAINS = ["ACTIVE", "", "step 10/100  loss 4.1"]
DONE = ["ACTIVE", "0-1 0\n0-0 0\n", ""]


@pytest.fixture
def play(tmp_path, monkeypatch):
    """A function: scenario -> (exit code, what was said, the calls that changed something)."""
    program, scene = tmp_path / "gcloud", tmp_path / "scene.json"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {STAND_IN} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("GCLOUD_SCENARIO", str(scene))

    def call(*tpus, failures: int = 3, here: bool = False, **more):
        scene.write_text(json.dumps({"tpus": tpus, "made": int(here), "here": here, **more}))
        said = []
        want = Tpu("v5litepod-16", "us-west4-a", capacity="spot")
        pace = supervisor.Pace(poll=0.0, failures=failures)
        code = supervisor.Watch(RUN, want, "/tmp/startup.sh", pace, said.append).until_over()
        calls = scene.with_suffix(".calls").read_text().splitlines()
        deeds = [word for line in calls for word in line.split() if word in ("create", "delete")]
        return code, "\n".join(said), deeds

    return call


def test_a_run_without_trouble(play):
    code, said, deeds = play([WAITS, WAITS, ["PROVISIONING", "", ""], ACTIVE, TRAINS, DONE])
    assert code == 0 and deeds == ["create", "delete"]
    assert "r50: WAITING_FOR_RESOURCES" in said and said.count("WAITING_FOR_RESOURCES") == 1
    assert "step 10/100  loss 4.1" in said and "gs://bucket/r50/result.json" in said


def test_after_each_preemption_another_tpu_is_asked_for(play):
    taken = [ACTIVE, ["SUSPENDED", "", ""]]
    code, said, deeds = play(taken, [["SUSPENDING", "", ""]], taken, taken, [TRAINS, DONE], failures=2)
    assert code == 0 and deeds == ["create", "delete"] * 5, "preemptions are no failures, however many there are"
    assert said.count("preempted") == 4


def test_a_worker_that_gave_up_makes_the_supervisor_try_another_tpu(play):
    code, said, deeds = play([ACTIVE, ["ACTIVE", "0-3 134\n", ""]], [TRAINS, DONE])
    assert code == 0 and deeds == ["create", "delete"] * 2
    assert "worker 0-3 has ended with code 134 (failure 1 of 3)" in said


def test_bad_input_is_not_tried_again(play):
    code, said, deeds = play([ACTIVE, ["ACTIVE", "0-0 134\n0-1 2\n", ""]])
    assert code == 2 and deeds == ["create", "delete"]
    assert "to start it again unchanged is no use" in said


def test_after_k_failures_in_a_row_it_gives_up(play):
    broken = [ACTIVE, ["ACTIVE", "0-0 1\n", ""]]
    code, said, deeds = play(*[broken] * 9, failures=3)
    assert code == 1 and deeds == ["create", "delete"] * 3
    assert "given up after 3 failures in a row" in said and "goes on from gs://bucket/r50" in said


def test_a_run_that_trains_again_has_its_failures_forgiven(play):
    broken = [["ACTIVE", "", "step 10/100"], ["ACTIVE", "0-0 1\n", ""]]
    code, _, deeds = play(*[broken] * 5, [TRAINS, DONE], failures=3)
    assert code == 0 and len(deeds) == 12


def test_refusals_of_quota_count_and_may_pass(play):
    assert play([ACTIVE, DONE], refused=2)[0] == 0
    code, said, deeds = play([ACTIVE, DONE], refused=3)
    assert code == 1 and "RESOURCE_EXHAUSTED" in said and deeds[-4:] == ["create"] * 3 + ["delete"]


def test_failed_requests_and_vanished_tpus_are_failures(play):
    code, said, deeds = play([["FAILED", "", ""]], [ACTIVE, DONE])
    assert code == 0 and "the request is FAILED (failure 1 of 3)" in said and deeds == ["create", "delete"] * 2


def test_a_silent_gcloud_is_asked_again(play):
    code, said, deeds = play([ACTIVE, DONE], silent=7)
    assert code == 0 and said.count("gcloud does not answer (ERROR: (gcloud) Could not reach the network)") == 7
    assert deeds == ["create", "delete"]


def test_a_tpu_that_is_there_is_taken_over(play):
    code, _, deeds = play([ACTIVE, TRAINS, DONE], here=True)
    assert code == 0 and deeds == ["delete"]
