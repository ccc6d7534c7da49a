import io
import json

import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event, SessionLog

from ssl_jax.reporting import display, log


def writer(folder, start=0, total=100, **options):
    options = {"console": Console(file=io.StringIO()), "primary": True, **options}
    return log.Writer(folder, start=start, total=total, batch=32, **options)


def metrics(step):
    return {"loss": jnp.float32(0.1 * step), "probe/top1": jnp.bfloat16(0.5), "skipped": jnp.int32(0)}


def untimed(row):
    return {k: v for k, v in row.items() if not k.startswith("time/")}


def events(folder):
    """All events of all files, read by the format's definition: length, its checksum, data, their checksum."""
    for path in sorted((folder / "tensorboard").iterdir()):
        data, at = path.read_bytes(), 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 8], "little")
            yield Event.FromString(data[at + 12 : at + 12 + size])
            at += 16 + size


def test_one_json_object_a_row_in_order(tmp_path):
    with writer(tmp_path) as out:
        for step in range(1, 6):
            out.write(step, metrics(step))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [untimed(json.loads(line)) for line in lines] == [
        {"step": s, "loss": float(f"{0.1 * s:.1f}"), "probe/top1": 0.5, "skipped": 0} for s in range(1, 6)
    ]
    assert list(json.loads(lines[0]))[:2] == ["step", "loss"]


def test_a_row_is_converted_one_call_late(tmp_path):
    class Late:
        """Stands for a value that the device has not computed yet."""

        asked = False

        def __array__(self, dtype=None, copy=None):
            self.asked = True
            return np.float32(1.0)

    first = Late()
    with writer(tmp_path) as out:
        out.write(1, {"loss": first})
        assert not first.asked and log.rows(tmp_path) == []
        out.write(2, {"loss": Late()})
        assert first.asked and [row["step"] for row in log.rows(tmp_path)] == [1]
        out.flush()
        assert [row["step"] for row in log.rows(tmp_path)] == [1, 2]


def test_what_is_added_to_a_step_shares_its_row(tmp_path):
    with writer(tmp_path) as out:
        out.write(1, metrics(1))
        out.add(1, {"eval/knn": 0.5})
        out.add(3, {"eval/knn": 0.75})
    first, second = log.rows(tmp_path)
    assert first["eval/knn"] == 0.5 and first["loss"] == 0.1
    assert second == {"step": 3, "eval/knn": 0.75}


def test_numbers_keep_their_precision_and_what_is_not_finite_is_null(tmp_path):
    found = log.numbers({"a": jnp.float32(0.1), "b": np.float64(1 / 3), "c": jnp.inf, "d": np.nan, "e": True, "f": [2]})
    assert found == {"a": 0.1, "b": 1 / 3, "c": None, "d": None, "e": 1, "f": 2}
    value = np.float32(1.2345678e-7)
    assert np.float32(log.numbers({"a": value})["a"]) == value


def test_a_metric_that_is_no_scalar_is_a_sentence():
    with pytest.raises(ValueError, match=r"the metric 'loss' has the shape \(3,\)"):
        log.numbers({"loss": jnp.zeros(3)})


def test_speed_and_waiting_are_of_the_time_since_the_row_before(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(log.time, "perf_counter", lambda: now[0])
    with writer(tmp_path) as out:
        now[0] += 2
        out.write(10, {}, waited=1.0)
        now[0] += 4
        out.write(30, {}, waited=2.0)
    first, second = log.rows(tmp_path)
    assert (first["time/images_per_second"], first["time/data_wait"], first["time/seconds"]) == (160, 0.5, 2)
    assert (second["time/images_per_second"], second["time/data_wait"], second["time/seconds"]) == (160, 0.25, 6)


def test_a_restart_leaves_the_rows_of_an_unbroken_run(tmp_path):
    for folder, runs in (("straight", [(0, 8)]), ("broken", [(0, 6), (4, 8)])):
        for start, end in runs:
            with writer(tmp_path / folder, start=start) as out:
                for step in range(start + 1, end + 1):
                    out.write(step, metrics(step))
    straight, broken = (list(map(untimed, log.rows(tmp_path / f))) for f in ("straight", "broken"))
    assert straight == broken and len(straight) == 8


def test_truncate_cuts_rows_and_an_unfinished_line_and_nothing_else(tmp_path):
    path = tmp_path / "metrics.jsonl"
    whole = "".join(json.dumps({"step": s, "loss": s / 7}) + "\n" for s in (1, 2, 2, 3))
    path.write_text(whole + '{"step": 4, "lo')
    assert log.truncate(path, 10) == 1
    assert path.read_text() == whole
    assert log.truncate(path, 2) == 1
    assert [row["step"] for row in log.rows(tmp_path)] == [1, 2, 2]
    assert log.truncate(path, 2) == 0 and log.truncate(tmp_path / "none.jsonl", 2) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_a_broken_row_in_the_middle_is_a_sentence(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\nrubbish\n{"step": 2}\n')
    with pytest.raises(ValueError, match="line 2 of .* is not a row of metrics"):
        log.rows(tmp_path)


def test_tensorboard_gets_the_same_numbers_and_is_told_of_a_restart(tmp_path):
    with writer(tmp_path) as out:
        out.write(1, metrics(1))
        out.write(2, metrics(2))
    with writer(tmp_path, start=1) as out:
        out.write(2, {"loss": jnp.float32(jnp.nan)})
    found = list(events(tmp_path))
    assert [e.file_version for e in found if e.file_version] == ["brain.Event:2"] * 2
    assert [(e.step, e.session_log.status) for e in found if e.HasField("session_log")] == [(2, SessionLog.START)]
    losses = [(e.step, v.simple_value) for e in found for v in e.summary.value if v.tag == "loss"]
    np.testing.assert_allclose(losses, [(1, 0.1), (2, 0.2), (2, np.nan)], rtol=1e-6)


def test_other_processes_write_nothing(tmp_path):
    with writer(tmp_path, primary=False) as out:
        out.write(1, {"loss": object()})
        out.add(1, {"a": 1.0})
        out.note("hello")
        out.flush()
    assert list(tmp_path.iterdir()) == []


def test_a_remote_directory_is_written_through_a_local_one(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "_remote", lambda path: True)
    with writer(tmp_path) as out:
        out.write(1, metrics(1))
        assert not (tmp_path / "metrics.jsonl").exists()
        out.flush()
        assert len(log.rows(tmp_path)) == 1
    with writer(tmp_path, start=1) as out:
        out.write(2, metrics(2))
    assert [row["step"] for row in log.rows(tmp_path)] == [1, 2]
    assert len(list(events(tmp_path))) == 5


def test_where_there_is_no_terminal_lines_are_plain_and_few(tmp_path):
    console = Console(file=io.StringIO(), width=40)
    with writer(tmp_path, console=console, line_seconds=1e9) as out:
        out.note("a [note] that is longer than the console is wide")
        for step in range(1, 101):
            out.write(step, metrics(step), waited=0.0)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "a [note] that is longer than the console is wide"
    assert [line.split()[1] for line in lines[1:]] == ["1/100", "100/100"]
    assert "loss 10  probe 50.0%" in lines[-1] and "images/s" in lines[-1] and "data wait 0%" in lines[-1]


def test_a_terminal_gets_a_bar_with_the_numbers_and_the_time_left(tmp_path):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with writer(tmp_path, console=console, start=40) as out:
        for step in (50, 60):
            out.write(step, metrics(step))
    text = console.file.getvalue()
    assert "60/100" in text and "probe 50.0%" in text and "left" in text


def test_time_left_is_read_as_hours_minutes_and_seconds():
    assert display.summary({}, 3725.0) == "1:02:05 left"
    assert display.summary({"loss": 1.5}, 65.0) == "loss 1.5  1:05 left"
    assert display.summary({"loss": None}, float("nan")) == ""


def test_an_error_in_the_run_still_leaves_its_last_row(tmp_path):
    with pytest.raises(RuntimeError), writer(tmp_path) as out:
        out.write(1, metrics(1))
        raise RuntimeError
    assert len(log.rows(tmp_path)) == 1


def test_numbers_come_late_into_the_row_of_their_step(tmp_path):
    log.amend(tmp_path, 4, {"eval/std": 0.5})  # into a log that is not there yet
    with writer(tmp_path) as out:
        for step in (3, 4, 5):
            out.write(step, {"loss": step})
    assert [log.evaluated(tmp_path, step) for step in (3, 4, 5, 6)] == [False] * 4
    log.amend(tmp_path, 4, {"eval/std": 0.7})
    assert [(row["step"], row["loss"]) for row in log.rows(tmp_path)] == [(3, 3), (4, 4)]
    assert log.rows(tmp_path)[1]["eval/std"] == 0.7 and log.evaluated(tmp_path, 4)
    log.amend(tmp_path, 9, {"eval/std": 0.8})
    assert log.rows(tmp_path)[2] == {"step": 9, "eval/std": 0.8}


def test_tensorboard_gets_the_pictures_and_what_cannot_be_drawn_is_a_sentence(tmp_path):
    said, made = io.StringIO(), {"samples": {"": np.zeros((2, 4, 4, 3), np.float32)}}
    with writer(tmp_path, console=Console(file=said)) as out:
        out.draw(3, made, ())
        out.draw(4, {"broken": {"input": np.zeros((2, 4))}}, ())
    file = tmp_path / "pictures" / "samples-000003.png"
    images = [value for event in events(tmp_path) for value in event.summary.value if value.HasField("image")]
    assert [(value.tag, value.image.encoded_image_string) for value in images] == [("samples", file.read_bytes())]
    assert images[0].image.width > images[0].image.height > 100
    assert "step 4: broken could not be drawn" in said.getvalue()
