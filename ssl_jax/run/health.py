"""Guards over the numbers of a run: updates that were skipped, losses that jump, representations that collapse.

They read what the device has already finished and never wait for it, so that they speak a few steps late.
"""

import collections
import json
import math
import statistics
from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import numpy as np
from etils import epath

from ssl_jax.process.exits import Unhealthy
from ssl_jax.types import Array, Metrics

WORDS = ("off", "warn", "stop", "rollback")
LATE = 64
"""Steps whose numbers may be outstanding; only then the oldest are waited for."""
FILES, NAMES = 20, 5
"""Files about skipped batches that one process writes, and names that a sentence has."""
FEW, MANY, FAR = 20, 128, 10.0
"""A spike is judged by the last FEW..MANY losses: FAR of their deviations above the median."""
PATIENCE = 100
"""Steps in a row that must look collapsed."""
FLAT, EVEN, ONE, RANK = 0.03, 0.999, 1.5, 1.5
"""Collapse: a spread below FLAT (cosines of different examples above 0.999), an entropy above EVEN of ln K, fewer than
ONE prototypes in use, an effective rank below RANK."""
ASSIGNED = ("prototypes/used", "teacher/entropy", "teacher/evenness", "codes/entropy", "codes/evenness")
WATCHED = ("loss", "skipped", "monitor/std", *ASSIGNED)


class Limits(NamedTuple):
    """The recipe's part `health`.

    skips: steps in a row with a loss or gradient that is not finite after which the run ends; 0 is never.
    spike, collapse: one of WORDS. rollbacks: how often a run may go back before it ends. step_seconds, other_seconds:
    of the watchdog, which see.
    """

    skips: int = 10
    spike: str = "warn"
    collapse: str = "warn"
    rollbacks: int = 3
    step_seconds: float = 1800.0
    other_seconds: float = 10800.0

    def checked(self) -> "Limits":
        """Itself. Raises ValueError in one sentence where a value cannot be."""
        for name in ("spike", "collapse"):
            word = getattr(self, name)
            if word not in WORDS:
                raise ValueError(f"health.{name}={word!r}: write one of {', '.join(WORDS)}")
        for name in ("skips", "rollbacks", "step_seconds", "other_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"health.{name}={getattr(self, name)}: write a number from 0 on")
        return self


class Spikes:
    """Whether a loss lies far above those before it.

    The level is the median of the last MANY finite losses and the deviation 1.4826 times the median distance from it
    (as for a normal distribution), but 1% of the level at least: half of the losses would have to be bad to move them.
    """

    def __init__(self, seen: Iterable[float] = (), high: bool = False):
        """seen, high: what `state` had."""
        self._seen, self._high = collections.deque(seen, maxlen=MANY), high

    def state(self) -> dict:
        """What it takes to go on with another object."""
        return {"seen": list(self._seen), "high": self._high}

    def observe(self, loss: float) -> str | None:
        """What to say where a row of losses that are too high begins."""
        if not math.isfinite(loss):
            return None
        was, self._high, level = self._high, False, 0.0
        if len(self._seen) >= FEW:
            level = statistics.median(self._seen)
            deviation = 1.4826 * statistics.median(abs(x - level) for x in self._seen)
            self._high = loss > level + FAR * max(deviation, 0.01 * abs(level), 1e-12)
        self._seen.append(loss)
        return f"the loss jumped to {loss:.4g}, from {level:.4g}" if self._high and not was else None


def collapse(numbers: dict[str, float]) -> str | None:
    """What looks collapsed in the numbers of a step or of an evaluation; None where nothing does."""
    known = {k: v for k, v in numbers.items() if v is not None and math.isfinite(v)}
    for side in ("teacher", "codes"):
        if known.get(f"{side}/evenness", 0.0) > EVEN:
            loss, most = known.get("loss", math.nan), known[f"{side}/entropy"] / known[f"{side}/evenness"]
            verb = "equals ln K" if math.isclose(loss, most, rel_tol=0.01) else f"is {loss:.4f} and ln K"
            return f"assignments are uniform: loss {verb} ({most:.4f})"
    if known.get("prototypes/used", math.inf) < ONE:
        return "all examples are assigned to one prototype"
    std = "eval/std" if "eval/std" in known else "monitor/std"
    if known.get(std, 1.0) < FLAT:
        return f"all embeddings are the same: {std} is {known[std]:.4f}, which is 1 at best"
    if known.get("eval/effective_rank", math.inf) < RANK:
        return f"embeddings lie on one line: eval/effective_rank is {known['eval/effective_rank']:.2f}"
    return None


class Health:
    """The guards of one run.

    describe: index of an example -> its name. say: takes a sentence. steps: () -> the steps that are saved, in the end.
    ended: is called for each step that has ended. folder: the work directory; skipped batches are listed there.
    Every function raises Unhealthy where the recipe wants the run to stop.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        folder: str,
        describe: Callable[[int], str],
        say: Callable[[str], None],
        steps: Callable[[], list[int]],
        ended: Callable[[], None],
    ):
        self._limits, self._folder = limits, epath.Path(folder)
        self._describe, self._say, self._steps, self._ended = describe, say, steps, ended
        self._late: collections.deque[tuple[int, Metrics, Array]] = collections.deque()
        self._spikes, self._back = Spikes(), None
        self._row = self._files = self._flat = self._rollbacks = 0

    def state(self) -> dict:
        """What the guards need to go on in another process as they would in this one: JSON, once `drain` is done."""
        counts = {"skipped": self._row, "flat": self._flat, "rollbacks": self._rollbacks}
        return {"spikes": self._spikes.state(), **counts}

    def load_state(self, state: dict) -> None:
        """Goes on from what `state` had; from nothing where it is empty."""
        self._spikes = Spikes(**state.get("spikes", {}))
        self._row, self._flat, self._rollbacks = (state.get(k, 0) for k in ("skipped", "flat", "rollbacks"))

    def observe(self, step: int, metrics: Metrics, index: Array) -> None:
        """Takes the numbers of a step, which may not be there yet, and looks at those that are.

        index: int32 [b], the examples of its batch.
        """
        watched = {name: metrics[name] for name in WATCHED if name in metrics}
        for value in watched.values():
            value.copy_to_host_async()
        self._late.append((step, watched, index))
        while self._late and (len(self._late) > LATE or all(v.is_ready() for v in self._late[0][1].values())):
            self._judge(*self._late.popleft())

    def drain(self) -> None:
        """Waits for all steps and looks at them."""
        while self._late:
            self._judge(*self._late.popleft())

    def rollback_due(self, step: int) -> bool:
        """Whether the run is to go back at this step: the first at which every process has seen why."""
        return self._back is not None and step >= self._back[0] + LATE

    def rollback_step(self) -> int | None:
        """The step whose checkpoint a run is to take up that goes back, once `drain` is done; None where all is well.

        Raises Unhealthy where there is none or the run has gone back too often.
        """
        if self._back is None:
            return None
        _, sentence, before = self._back
        good = [saved for saved in self._steps() if saved < before]
        if not good:
            raise Unhealthy(f"{sentence}; {self._last(before)} to go back to; set checkpoint.keep_every")
        if self._rollbacks >= self._limits.rollbacks:
            raise Unhealthy(f"{sentence}; the run has gone back {self._rollbacks} times; {self._last(before)}")
        self._say(f"{sentence}: goes on from the state of step {max(good)}, with the batches that come next")
        self._spikes, self._back = Spikes(), None
        self._flat, self._rollbacks = 0, self._rollbacks + 1
        return max(good)

    def evaluated(self, step: int, numbers: dict[str, float]) -> None:
        """Looks at the numbers of an evaluation, and at all steps before it; one is enough."""
        self.drain()
        found = collapse({k: v for k, v in numbers.items() if k.startswith("eval/")})
        if found:
            self._act(self._limits.collapse, step, f"step {step}: {found}", step)

    def _judge(self, step: int, watched: Metrics, index: Array) -> None:
        numbers = {name: float(np.asarray(value)) for name, value in watched.items()}
        self._ended()
        if numbers.get("skipped"):
            self._skipped(step, index)
            return
        self._row = 0
        jumped = self._spikes.observe(numbers["loss"])
        if jumped and self._limits.spike != "off":
            self._act(self._limits.spike, step, f"step {step}: {jumped}", step - 1)
        found = collapse(numbers)
        self._flat = self._flat + 1 if found else 0
        if self._flat == PATIENCE:
            sentence = f"step {step}, as for {PATIENCE} steps: {found}"
            self._act(self._limits.collapse, step, sentence, step - PATIENCE)

    def _skipped(self, step: int, index: Array) -> None:
        """Says which batch it was; ends the run where there were too many in a row."""
        self._row += 1
        mine = np.concatenate([np.asarray(shard.data) for shard in index.addressable_shards])
        names = ", ".join(self._describe(int(i)) for i in mine[:NAMES]) + (", …" if mine.size > NAMES else "")
        self._say(f"step {step}: loss or gradient not finite, update skipped ({self._row} in a row); batch: {names}")
        if self._files < FILES:
            self._files += 1
            which = f".{jax.process_index()}" if jax.process_count() > 1 else ""  # each has its share of the batch
            examples = {int(i): self._describe(int(i)) for i in mine}
            (self._folder / "skipped").mkdir(parents=True, exist_ok=True)
            (self._folder / "skipped" / f"{step}{which}.json").write_text(json.dumps(examples, indent=0) + "\n")
        if self._row == self._limits.skips:
            first = step - self._row + 1
            raise Unhealthy(
                f"loss or gradient were not finite in {self._row} steps in a row, {first} to {step}; "
                f"{self._last(first)}; lower the learning rate, or look at the batches in {self._folder}/skipped"
            )

    def _act(self, word: str, step: int, sentence: str, before: int) -> None:
        """step: whose numbers tell it; before: of the state that they are the first to tell it of."""
        if word == "rollback" and self._back is None:
            self._back = (step, sentence, before)
        if word == "stop":
            raise Unhealthy(f"{sentence}; {self._last(before)}")
        if word == "warn":
            self._say(f"warning: {sentence}")

    def _last(self, before: int) -> str:
        """Names the newest checkpoint from before this step."""
        good = [step for step in self._steps() if step < before]
        return f"the last good checkpoint is that of step {max(good)}" if good else "there is no good checkpoint"
