"""TrainState <-> disk: asynchronous, atomic, checked, onto any mesh. The only reader and writer of checkpoints.

A checkpoint is a folder `<step>/` with the items `state`, the arrays, and `manifest`, a JSON file with the checksum of
each array. Both appear in one move when both are complete.
"""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp
from etils import epath

from ssl_jax.storage import paths
from ssl_jax.storage.checksums import checksums, described
from ssl_jax.storage.orbax_words import AWAY, writing
from ssl_jax.types import TrainState

ASIDE = "_damaged"
"""Damaged checkpoints are moved to a folder of the same name with this at its end. Nothing ever deletes them."""


class Damaged(ValueError):
    """A checkpoint that cannot be what was saved. reason: why, in words."""

    def __init__(self, folder: epath.Path, step: int, reason: str):
        super().__init__(f"the checkpoint of step {step} in {folder} is damaged: {reason}")
        self.reason = reason


class Keep(NamedTuple):
    """Which checkpoints stay: the newest `last`, those of steps that are due for good, and the best one.

    due: (step) -> bool. best: "max eval/knn" or "min loss", by the newest value there was when it was saved, or "".
    """

    last: int
    due: Callable[[int], bool] = lambda step: False
    best: str = ""

    def checked(self) -> "Keep":
        """Itself. Raises ValueError in one sentence where it keeps nothing or no best can be told."""
        if self.last < 1:
            raise ValueError(f"checkpoint.keep={self.last}: keep at least 1 checkpoint, where a run goes on")
        if self.best and (self.best.split()[0] not in ("max", "min") or len(self.best.split()) != 2):
            raise ValueError(f"checkpoint.best={self.best!r}: write 'max' or 'min' and a metric, as in 'max eval/knn'")
        return self

    @property
    def metric(self) -> str:
        """The name of the metric that tells the best, or ""."""
        return self.best.split()[1] if self.best else ""

    def chosen(self, steps: Iterable[int], value: Callable[[int], float | None]) -> set[int]:
        """The steps that stay. value: step -> the metric when it was saved; None, NaN and infinities are no values."""
        steps = sorted(steps)
        stay = {*steps[-self.last :], *filter(self.due, steps)}
        if self.best:
            sign = 1 if self.best.startswith("max") else -1
            known = [(sign * v, step) for step in steps if (v := value(step)) is not None and math.isfinite(v)]
            stay |= {max(known)[1]} if known else set()
        return stay


class Checkpoints:
    """The checkpoints of one work directory.

    save returns when the state has been copied off the device; the files appear under `<folder>/<step>` in one
    move when they are complete, and only then older ones are deleted.
    """

    def __init__(self, folder: str, keep: Keep | None, *, heard: Callable[[str], list[str]] = lambda text: [text]):
        """keep: None opens the folder to be read only; a writer clears away what killed saves left.

        heard: what each process of the run says, where this one says a text; without it there is this one alone.
        """
        self._folder, self._keep = epath.Path(folder).absolute(), keep.checked() if keep else None
        self._heard = heard
        self._values: dict[int, float | None] = {}
        options = ocp.CheckpointManagerOptions(
            preservation_policy=self,
            enable_async_checkpointing=True,
            cleanup_tmp_directories=keep is not None,
            read_only=keep is None,
            create=keep is not None,
            lightweight_initialize=True,  # else a damaged file of metadata would end the run here
        )
        self._manager = ocp.CheckpointManager(self._folder, options=options)

    def steps(self) -> list[int]:
        """All complete steps, in order."""
        return sorted(self._manager.all_steps())

    def save(
        self, state: TrainState, step: int, metrics: dict[str, float] | None = None, guards: dict | None = None
    ) -> None:
        """Starts to save; waits for the save before it. Raises its error, if it had one: an OSError.

        metrics: the newest numbers there are; the one that tells the best is kept with the checkpoint. guards: what
        `Health.state` has, as JSON.
        """
        with writing():
            self._manager.check_for_errors()
        if step in self._manager.all_steps():
            return
        self._values[step] = (metrics or {}).get(self._keep.metric)
        manifest = {"arrays": checksums(state), "value": self._values[step], "guards": guards or {}}
        items = ocp.args.Composite(state=ocp.args.StandardSave(state), manifest=ocp.args.JsonSave(manifest))
        with writing():
            self._manager.save(step, args=items)

    def should_preserve(self, checkpoints: Iterable[Any], *, context: Any) -> list[bool]:
        """Orbax's question which of the checkpoints stay."""
        stay = self._keep.chosen((c.step for c in checkpoints), self._value)
        return [c.step in stay for c in checkpoints]

    def restore(self, step: int, target: Any) -> TrainState:
        """The state at `step`. target: ShapeDtypeStructs with shardings, in the structure of the state.

        Raises ValueError where the checkpoint holds another structure, and Damaged, on every process, where it is not
        what was saved. Every process reads by itself, so that one which cannot leaves no other waiting.
        """
        saved, state, reason = {}, None, ""
        try:
            saved = self._manifest(step)["arrays"]
            self._check_structure(step, {path: text.split()[0] for path, text in saved.items()}, described(target))
            state = self._read(step, "state", ocp.StandardCheckpointHandler(), ocp.args.StandardRestore(target))
        except Damaged as error:
            reason = error.reason
        said = self._heard(reason)
        if any(said):
            one = next(number for number, text in enumerate(said) if text)
            raise Damaged(self._folder, step, said[one] + ("" if all(said) else f" by process {one}"))
        self._check_sums(step, state, saved)
        if int(state.step) != step:
            raise Damaged(self._folder, step, f"it is the state of step {int(state.step)}")
        return state

    def contents(self, step: int, sharding: Any, places: Iterable[tuple[str, ...]]) -> dict:
        """What lies at some paths of the state at `step`, as nested dicts, all leaves with `sharding`; no more is read.

        For a reader who need not know the recipe. Raises Damaged where it is not what was saved.
        """
        saved = self._manifest(step)["arrays"]
        place, reader, target = self._folder / str(step) / "state", ocp.PyTreeCheckpointer(), {}
        with self._reading(step, "state"):
            shapes = reader.metadata(place).item_metadata.tree
            for path in places:
                target = paths.replaced(target, path, paths.at(shapes, path))
            target = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=sharding), target)
            how = ocp.checkpoint_utils.construct_restore_args(target)
            state = reader.restore(place, args=ocp.args.PyTreeRestore(target, restore_args=how, partial_restore=True))
        self._check_sums(step, state, saved)
        return state

    def chosen(self, step: int | None) -> int:
        """A step that is there; the newest for None. Raises ValueError with the steps that there are."""
        steps = self.steps()
        if not steps:
            raise ValueError(f"{self._folder.parent} has no checkpoint yet")
        if step is not None and step not in steps:
            there = ", ".join(map(str, steps))
            raise ValueError(f"{self._folder.parent} has no checkpoint of step {step}; there are {there}")
        return steps[-1] if step is None else step

    def resume(self, target: Any, say: Callable[[str], None]) -> tuple[TrainState, int] | None:
        """The newest state that is whole and its step, or None where there is no checkpoint.

        Damaged ones that are newer are moved aside, and named to `say`. Raises ValueError, and moves nothing, where
        there are checkpoints and all are damaged.
        """
        damaged: list[tuple[int, str]] = []
        for step in reversed(self.steps()):
            try:
                state = self.restore(step, target)
            except Damaged as error:
                damaged.append((step, error.reason))
                continue
            for bad, reason in damaged:
                place = self._set_aside(bad)
                say(f"the checkpoint of step {bad} is damaged ({reason}): moved to {place}; step {step} is taken")
            return state, step
        if damaged:
            reasons = "; ".join(f"{step}: {reason}" for step, reason in damaged)
            raise ValueError(f"all checkpoints in {self._folder} are damaged ({reasons}); move it away to start anew")
        return None

    def wait(self) -> None:
        """Until all that was begun is on disk. Raises OSError where it cannot be."""
        with writing():
            self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits, then lets go of the threads. Raises OSError where something could not be written."""
        with writing():
            self._manager.close()

    def _manifest(self, step: int) -> dict:
        found = self._read(step, "manifest", ocp.JsonCheckpointHandler(), ocp.args.JsonRestore())
        arrays = found.get("arrays") if isinstance(found, dict) else None
        if not isinstance(arrays, dict) or not all(isinstance(v, str) and " " in v for v in arrays.values()):
            raise Damaged(self._folder, step, "its manifest lists no checksums")
        return found

    def _read(self, step: int, item: str, handler: Any, args: Any) -> Any:
        """One item. Raises what `_reading` does. The manager would wait for other processes, which may have failed."""
        with self._reading(step, item):
            return handler.restore(self._folder / str(step) / item, args=args)

    @contextlib.contextmanager
    def _reading(self, step: int, item: str) -> Iterator[None]:
        """Raises Damaged for whatever goes wrong within, unless that is the machine's fault and not the file's."""
        try:
            yield
        except (PermissionError, MemoryError, jax.errors.JaxRuntimeError):
            raise
        except Exception as error:  # Orbax and TensorStore raise of every kind for files that are not right
            text = " ".join(str(error).split())
            if text.startswith(AWAY):
                raise OSError(
                    f"the checkpoint of step {step} in {self._folder} cannot be reached: {text[:120]}"
                ) from error
            reason = f"its {item} cannot be read: {text[:120]}{'…' if len(text) > 120 else ''}"
            raise Damaged(self._folder, step, reason) from error

    def _check_sums(self, step: int, state: Any, saved: dict[str, str]) -> None:
        wrong = [path for path, text in checksums(state).items() if saved.get(path) != text]
        if wrong:
            found = f"{len(wrong)} of {len(saved)} arrays differ from their checksums, such as {wrong[0]}"
            raise Damaged(self._folder, step, found)

    def _check_structure(self, step: int, saved: dict[str, str], wanted: dict[str, str]) -> None:
        differing = [p for p in sorted({*saved, *wanted}) if saved.get(p) != wanted.get(p)]
        if differing:
            path = differing[0]
            there, here = saved.get(path, "absent"), wanted.get(path, "absent")
            raise ValueError(
                f"the checkpoint of step {step} in {self._folder} is of another recipe: {len(differing)} arrays "
                f"differ, such as {path}, which is {there} there and {here} here"
            )

    def guards(self, step: int) -> dict:
        """What the guards remembered at `step`; empty where nothing was kept."""
        return self._manifest(step).get("guards") or {}

    def _value(self, step: int) -> float | None:
        """The metric that tells the best, as it was when `step` was saved."""
        if step not in self._values:
            try:
                self._values[step] = self._manifest(step).get("value")
            except Damaged:
                self._values[step] = None
        return self._values[step]

    def _set_aside(self, step: int) -> epath.Path:
        """Moves a checkpoint out of the folder; returns where to."""
        aside = self._folder.parent / f"{self._folder.name}{ASIDE}"
        aside.mkdir(parents=True, exist_ok=True)
        names = (f"{step}{f'.{n}' if n else ''}" for n in range(1000))
        place = next(aside / name for name in names if not (aside / name).exists())
        if jax.process_index() == 0:
            (self._folder / str(step)).rename(place)
        said = self._heard(str(place))  # else another process would still see the step
        self._manager.reload()
        return epath.Path(said[0])
