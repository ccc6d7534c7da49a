"""Metrics -> metrics.jsonl, TensorBoard events, trackers and the console."""

import json
import math
import os
import socket
import struct
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from etils import epath
from rich.console import Console
from tensorboardX import RecordWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from ssl_jax.reporting import drawing, terminal
from ssl_jax.reporting.display import Display
from ssl_jax.reporting.trackers import Sender
from ssl_jax.storage import files
from ssl_jax.types import Array, View

FILE = "metrics.jsonl"
EVENTS = "tensorboard"
SYNC_SECONDS = 60.0
"""A remote work directory gets the files this often, and at every flush."""


class Writer:
    """The log of one run: one row a call of `write`, on process 0 only; the other processes' writers do nothing.

    A row is {"step": …, "loss": …, …}; keys under time/ are of the wall clock, everything else is a function of the
    recipe. Metrics are converted one call late, so that the device is never waited for. Rows after `start` steps, which
    a run that was stopped may have left, are cut off first. A remote directory is written through a local one.
    latest: the newest value of each number that is on disk.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        *,
        start: int,
        total: int,
        batch: int,
        trackers: Sequence[Sender] = (),
        primary: bool | None = None,
        console: Console | None = None,
        line_seconds: float = 15.0,
    ):
        """start: steps done before this process; total: of the run; batch: examples a step, over all devices.

        trackers: get the same numbers and pictures. primary: whether this process writes; by default process 0 does.
        line_seconds: between two plain lines where the console is no terminal.
        """
        self._primary = jax.process_index() == 0 if primary is None else primary
        self._pending: tuple[int, dict] | None = None
        self._trackers = trackers
        self.latest: dict[str, float | int | None] = {}
        if not self._primary:
            return
        self._folder = epath.Path(directory)
        self._local = Path(tempfile.mkdtemp(prefix="ssl_jax_log_")) if _remote(self._folder) else Path(directory)
        self._batch, self._total = batch, total
        self._begun = self._last = time.perf_counter()
        self._last_step, self._last_waited, self._synced = start, 0.0, self._begun
        truncate(self._folder / FILE, start)
        self._local.mkdir(parents=True, exist_ok=True)
        if self._local != Path(directory) and (self._folder / FILE).exists():
            (self._local / FILE).write_text((self._folder / FILE).read_text())
        self._file = (self._local / FILE).open("a", encoding="utf-8")
        self._events = _events(self._local / EVENTS, start)
        self._show = Display(console or terminal.output(), start, total, line_seconds)

    def write(self, step: int, metrics: dict[str, Array], *, waited: float = 0.0) -> None:
        """Takes the scalars of one step, still on the device, and puts those of the call before on disk.

        waited: seconds that the loop has waited for data since the writer was made.
        """
        if not self._primary:
            return
        self._write_pending()
        now = time.perf_counter()
        seconds = max(now - self._last, 1e-9)
        rate = (step - self._last_step) * self._batch / seconds
        share = min(max(waited - self._last_waited, 0.0) / seconds, 1.0)
        clock = {"images_per_second": rate, "data_wait": share, "seconds": now - self._begun}
        self._last, self._last_step, self._last_waited = now, step, waited
        self._pending = (step, {**metrics, **{f"time/{k}": float(f"{v:.5g}") for k, v in clock.items()}})

    def add(self, step: int, numbers: dict[str, float]) -> None:
        """Numbers that belong to a step besides its metrics, such as an evaluation's; in its row while it waits."""
        if not self._primary:
            return
        if self._pending and self._pending[0] == step:
            self._pending = (step, {**self._pending[1], **numbers})
        else:
            self._write_pending()
            self._pending = (step, dict(numbers))

    def draw(self, step: int, made: dict[str, dict[str, np.ndarray]], views: Sequence[View]) -> None:
        """Pictures, as `drawing.write` takes them, as files and for TensorBoard; what cannot be drawn is a sentence."""
        if not self._primary:
            return
        try:
            paths = drawing.write(made, views, self._local / drawing.FOLDER, step)
        except Exception as error:  # matplotlib raises of every kind, and the run is worth more than its picture
            self.note(f"step {step}: {', '.join(made)} could not be drawn: {error}")
            return
        values = [Summary.Value(tag=name, image=_encoded(path.read_bytes())) for name, path in paths.items()]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=values))
        self._events.write(event.SerializeToString())
        for tracker in self._trackers:
            tracker.pictures(step, paths)

    def note(self, sentence: str) -> None:
        """A sentence for the reader, above the progress bar."""
        if self._primary:
            self._show.note(sentence)

    def flush(self) -> None:
        """Puts everything so far on disk; waits for the device where its last metrics are not there yet."""
        if not self._primary:
            return
        self._write_pending()
        os.fsync(self._file.fileno())
        self._events.flush()
        self._sync()

    def close(self, failed: bool = False) -> None:
        """Flushes, ends the progress bar, lets go of files and trackers. failed: whether an error ends the run."""
        if not self._primary:
            return
        try:
            self.flush()
        finally:
            self._show.close()
            self._file.close()
            self._events.close()
            ended = self.latest.get("step") == self._total
            for tracker in self._trackers:
                tracker.close("FAILED" if failed else "FINISHED" if ended else "KILLED")
        self._sync()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        self.close(failed=kind is not None)

    def _write_pending(self) -> None:
        """Converts and writes the row that waits."""
        if self._pending is None:
            return
        (step, metrics), self._pending = self._pending, None
        fetched = jax.device_get(list(metrics.values()))
        row = {"step": step, **numbers(dict(zip(metrics, fetched, strict=True)))}
        try:
            self._file.write(json.dumps(row, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise OSError(error.errno, f"cannot write {self._local / FILE}: {error.strerror}") from error
        scalars = {k: math.nan if v is None else v for k, v in row.items() if k != "step"}
        values = [Summary.Value(tag=k, simple_value=v) for k, v in scalars.items()]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=values))
        self._events.write(event.SerializeToString())
        for tracker in self._trackers:
            tracker.scalars(step, scalars)
        self._show.row(row)
        self.latest |= row
        if time.perf_counter() - self._synced > SYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        self._synced = time.perf_counter()
        if not _remote(self._folder):
            return
        for path in [p for p in self._local.rglob("*") if p.is_file()]:
            target = self._folder / path.relative_to(self._local).as_posix()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


def _encoded(png: bytes) -> Summary.Image:
    """A PNG as TensorBoard has it."""
    width, height = struct.unpack(">II", png[16:24])  # of its first chunk
    return Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=png)


def _events(folder: Path, start: int) -> RecordWriter:
    """A new TensorBoard event file; the events of earlier files after `start` steps are declared void.

    The records are written one by one, on this thread: the SummaryWriter's queue and thread cost more than they save.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    out = RecordWriter(os.fspath(folder / f"events.out.tfevents.{now:.6f}.{socket.gethostname()}"))
    out.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
    if start:
        void = Event(wall_time=now, step=start + 1, session_log=SessionLog(status=SessionLog.START))
        out.write(void.SerializeToString())
    return out


def numbers(metrics: dict) -> dict[str, float | int | None]:
    """Scalars as json has them: floats with the digits their precision has, None where a value is not finite.

    Raises ValueError for a metric that is not a scalar.
    """
    out = {}
    for name, value in metrics.items():
        value = np.asarray(value)
        if value.size != 1:
            raise ValueError(f"the metric {name!r} has the shape {value.shape}; metrics are scalars: take its mean")
        value = value.reshape(())
        if value.dtype.kind in "iub":
            out[name] = int(value)
        else:
            wide = float(str(value.astype(np.promote_types(value.dtype, np.float32))))
            out[name] = wide if math.isfinite(wide) else None
    return out


def rows(directory: str | os.PathLike) -> list[dict]:
    """The rows of a work directory's metrics.jsonl, in order; none where there is no such file."""
    path = epath.Path(directory) / FILE
    return [row for row, _ in _parsed(path)] if path.exists() else []


def reached(directory: str | os.PathLike) -> int:
    """The last step that the log has a row of; 0 where there is none."""
    return max((row["step"] for row in rows(directory)), default=0)


def truncate(path: str | os.PathLike, step: int) -> int:
    """Cuts off the rows after `step` steps, and a last line that a killed run left unfinished; returns how many.

    The file is replaced in one move, so that no moment sees half of it. A file that is not there stays so.
    """
    path = epath.Path(path)
    if not path.exists():
        return 0
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for row, line in _parsed(path) if row["step"] <= step]
    if len(kept) < len(lines):
        files.write(path, "".join(kept))
    return len(lines) - len(kept)


def evaluated(directory: str | os.PathLike, step: int) -> bool:
    """Whether the log has numbers of an evaluation at this step."""
    return any(key.startswith("eval/") for row in rows(directory) if row["step"] == step for key in row)


def amend(directory: str | os.PathLike, step: int, numbers: dict[str, float]) -> None:
    """Puts numbers into the row of a step, which is made where there is none, and cuts off what comes after it."""
    path = epath.Path(directory) / FILE
    kept = [row for row in rows(directory) if row["step"] <= step]
    kept = kept if kept and kept[-1]["step"] == step else [*kept, {"step": step}]
    files.write(path, "".join(json.dumps(row) + "\n" for row in [*kept[:-1], {**kept[-1], **numbers}]))


def _parsed(path: epath.Path) -> list[tuple[dict, str]]:
    """Rows with their lines. Raises ValueError for a line that is no row, unless it is the unfinished last one."""
    out = []
    for number, line in enumerate(path.read_text().splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break
        try:
            row = json.loads(line)
            row["step"] + 0
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"line {number} of {path} is not a row of metrics: move the file away") from error
        out.append((row, line))
    return out


def _remote(path: epath.Path) -> bool:
    return "://" in os.fspath(path)
