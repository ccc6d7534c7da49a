"""Weights & Biases and MLflow get what TensorBoard gets, go on in the run that was begun, and never stop a training."""

import importlib
import importlib.util
import io
import json
import struct
import threading

import numpy as np
import pytest
from rich.console import Console

from ssl_jax.cli import main
from ssl_jax.reporting import log, trackers

MADE = {"samples": {"": np.zeros((2, 4, 4, 3), np.float32)}}
CONFIG = {"seed": 3, "views": ({"size": 8},)}


def write(folder, start, senders, until):
    """The log of a few steps, the loss of the second one NaN, with a picture of the last."""
    options = dict(console=Console(file=io.StringIO()), primary=True, trackers=senders)
    with log.Writer(folder, start=start, total=4, batch=8, **options) as out:
        for step in range(start + 1, until + 1):
            out.write(step, {"loss": np.float32(np.nan if step == 2 else step)})
        out.add(until, {"eval/knn": 0.5})
        out.draw(until, MADE, ())


def in_two_parts(folder, name):
    """A run of 4 steps in a tracker, stopped after 3 with a checkpoint of step 2; what was said."""
    said = []
    folder.mkdir(exist_ok=True)
    write(folder, 0, trackers.opened({name: "project"}, str(folder), CONFIG, said.append), 3)
    write(folder, 2, trackers.opened({name: "project"}, str(folder), CONFIG, said.append), 4)
    return said


def records(path):
    """What is in a file of wandb: blocks of 32 KiB as those of LevelDB's log, after 7 bytes."""
    kind = importlib.import_module("wandb.proto.wandb_internal_pb2").Record
    data, at, held = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, size, place = struct.unpack("<IHB", data[at : at + 7])
        held, at = held + data[at + 7 : at + 7 + size], at + 7 + size
        if place in (1, 4):  # whole, or the last part
            yield kind.FromString(held)
            held = b""


def test_wandb_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert in_two_parts(tmp_path, "wandb") == []
    known = json.loads((tmp_path / trackers.FILE).read_text())
    parts = [list(records(path)) for path in sorted(tmp_path.glob("wandb/offline-*/run-*.wandb"))]
    assert len(parts) == 2 and {r.run.run_id for part in parts for r in part if r.run.run_id} == {known["wandb"]}
    rows = [{i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in r.history.item} for r in parts[0]]
    rows = [row for row in rows if row]
    np.testing.assert_equal([(row["_step"], row["loss"]) for row in rows], [(1, 1), (2, np.nan), (3, 3)])
    assert rows[2]["eval/knn"] == 0.5 and rows[2]["samples/width"] > 100 and rows[2]["time/seconds"] > 0
    config = {c.key: json.loads(c.value_json) for r in parts[0] for c in r.run.config.update}
    assert config["seed"] == 3 and config["views"] == [{"size": 8}]
    assert [r.exit.exit_code for r in parts[0] if r.HasField("exit")] == [0]


def test_mlflow_in_a_database(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/m.db")
    monkeypatch.chdir(tmp_path)
    assert in_two_parts(tmp_path / "W", "mlflow") == []
    client, known = mlflow.MlflowClient(), json.loads((tmp_path / "W" / trackers.FILE).read_text())["mlflow"]
    run = client.get_run(known)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "W")
    assert run.data.params == {"seed": "3", "views.0.size": "8"}
    found = {name: [(m.step, m.value) for m in client.get_metric_history(known, name)] for name in ("loss", "eval/knn")}
    np.testing.assert_equal(found["loss"], [(1, 1), (2, np.nan), (3, 3), (4, 4)])  # step 3 came once
    assert found["eval/knn"] == [(3, 0.5), (4, 0.5)]
    assert {a.path.split("+")[2] for a in client.list_artifacts(known, "images")} == {"3", "4"}


class Kept:
    """A tracker that remembers, and may fail or wait."""

    def __init__(self, reached=-1, fails=(), waits=None):
        self.got, self.fails, self.waits = [], fails, waits
        self.tracker = trackers.Tracker("id", reached, self._of("scalars"), self._of("pictures"), self._of("close"))

    def _of(self, what):
        def took(*arguments):
            if self.waits:
                self.waits.wait(20)
            if what in self.fails:
                raise ConnectionError(f"no\nroute for {what}")
            self.got.append((what, arguments[0]))

        return took


def test_what_it_has_is_not_sent_again_and_the_end_is_told(tmp_path):
    kept = Kept(reached=2)
    write(tmp_path, 0, [trackers.Sender("x", lambda: kept.tracker, print)], 4)
    assert [each for each in kept.got if each[0] == "scalars"] == [("scalars", 3), ("scalars", 4)]
    assert ("pictures", 4) in kept.got and kept.got[-1] == ("close", "FINISHED")
    stopped = Kept()
    write(tmp_path / "stopped", 0, [trackers.Sender("x", lambda: stopped.tracker, print)], 2)
    assert stopped.got[-1] == ("close", "KILLED")
    failed = Kept()
    with (
        pytest.raises(RuntimeError),
        log.Writer(
            tmp_path / "failed",
            start=0,
            total=4,
            batch=8,
            trackers=[trackers.Sender("x", lambda: failed.tracker, print)],
        ),
    ):
        raise RuntimeError
    assert failed.got == [("close", "FAILED")]


@pytest.mark.parametrize("fails", [("scalars",), ("pictures",), ("close",)])
def test_a_failure_is_said_once_and_the_log_is_whole(tmp_path, fails):
    said = []
    write(tmp_path, 0, [trackers.Sender("x", lambda: Kept(fails=fails).tracker, said.append)], 4)
    assert said == [f"x fails, and the run goes on without it (ConnectionError: no route for {fails[0]})"]
    assert [row["step"] for row in log.rows(tmp_path)] == [1, 2, 3, 4]


def test_one_that_cannot_be_reached_or_hangs_is_left(monkeypatch, tmp_path):
    said, free = [], threading.Event()
    monkeypatch.setitem(trackers.TRACKERS, "wandb", lambda *_: 1 / 0)
    write(tmp_path, 0, trackers.opened({"wandb": "p"}, str(tmp_path), CONFIG, said.append), 2)
    assert said == ["wandb fails, and the run goes on without it (ZeroDivisionError: division by zero)"]
    assert not (tmp_path / trackers.FILE).exists() and len(log.rows(tmp_path)) == 2
    sender = trackers.Sender("x", lambda: free.wait(20), said.append, opening=0.01)
    sender.scalars(1, {"loss": 1.0})
    sender.close("FINISHED", patience=0.01)
    assert said[1:] == ["x has not taken everything within 0 s, and is not waited for"]
    free.set()


def test_other_processes_have_none(monkeypatch, tmp_path):
    monkeypatch.setattr(trackers.jax, "process_index", lambda: 1)
    assert trackers.opened({"wandb": "p"}, str(tmp_path), CONFIG, print) == []


def test_a_missing_package_is_told_with_its_extra_before_anything_is_written(monkeypatch, tmp_path, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "mlflow" else real(name, *rest)
    )
    assert main.main(["train", "--config=quickstart", f"--workdir={tmp_path}/W", "--config.log.mlflow=ssl"]) == 2
    assert "config.log.mlflow wants the package mlflow: pip install 'ssl_jax[mlflow]'" in capsys.readouterr().err
    assert not (tmp_path / "W").exists()
