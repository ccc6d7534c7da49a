"""The console of a run: a progress bar on a terminal; elsewhere one plain line now and then."""

import math
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ssl_jax.reporting import titles


class Display:
    """A progress bar on a terminal; elsewhere one plain line now and then."""

    def __init__(self, console: Console, start: int, total: int, line_seconds: float):
        self._console, self._total, self._every = console, total, line_seconds
        self._first: tuple[float, int] | None = None  # when the first row came, after the compilation, and its step
        self._said, self._latest, self._bar, self._last = -math.inf, {}, None, None
        if console.is_terminal:
            columns = (BarColumn(24), MofNCompleteColumn(), TextColumn("{task.fields[text]}"))
            self._bar = Progress(*columns, console=console, refresh_per_second=4)
            self._task = self._bar.add_task("", total=total, completed=start, text="the first step is being compiled")
            self._bar.start()

    def row(self, row: dict) -> None:
        now = time.perf_counter()
        self._latest |= row
        self._first = self._first or (now, row["step"])
        begun, first = self._first
        done = row["step"] - first
        left = (now - begun) / done * (self._total - row["step"]) if done > 0 else math.nan
        self._last = summary(self._latest, left)
        if self._bar is not None:
            self._bar.update(self._task, completed=row["step"], text=self._last)
        elif now - self._said >= self._every:
            self._line(now)

    def note(self, sentence: str) -> None:
        self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._last:
            self._line(time.perf_counter())

    def _line(self, now: float) -> None:
        self._console.print(
            f"step {self._latest['step']}/{self._total}  {self._last}", highlight=False, soft_wrap=True, markup=False
        )
        self._said, self._last = now, None


def complain(sentence: str) -> None:
    """Something that a person should know and that does not stop the run, to stderr."""
    print(f"ssl-jax: {sentence}", file=sys.stderr, flush=True)


def summary(row: dict, left: float) -> str:
    """One line about a row: loss, accuracies, images a second, share of waiting for data, seconds left.

    Of recalls there are those of the nearest alone.
    """
    shares = {key: titles.of_share(key) for key in row if "@" not in key or key.endswith("@1")}
    forms = {"loss": "loss {:.4g}", "probe/top1": "probe {:.1%}"}
    forms |= {key: title + " {:.1%}" for key, title in shares.items() if title}
    parts = [form.format(row[key]) for key, form in forms.items() if row.get(key) is not None]
    if "time/images_per_second" in row:
        parts.append(f"{row['time/images_per_second']:,.0f} images/s")
        parts.append(f"data wait {row['time/data_wait']:.0%}")
    if math.isfinite(left):
        minutes, seconds = divmod(round(left), 60)
        hours, minutes = divmod(minutes, 60)
        parts.append((f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{seconds:02d} left")
    return "  ".join(parts)
