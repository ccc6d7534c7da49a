"""TrainState <-> disk: asynchronous, atomic, restored onto any mesh. The only reader and writer of checkpoints."""

from typing import Any

import orbax.checkpoint as ocp
from etils import epath

from ssl_jax.types import TrainState


class Checkpoints:
    """The checkpoints of one work directory, newest `keep` kept.

    save returns when the state has been copied off the device; the files appear under `<folder>/<step>` in one
    move when they are complete.
    """

    def __init__(self, folder: str, keep: int):
        if keep < 1:
            raise ValueError(f"checkpoint.keep={keep}: keep at least 1 checkpoint, the newest is where a run goes on")
        policy = ocp.checkpoint_managers.LatestN(keep)
        options = ocp.CheckpointManagerOptions(preservation_policy=policy, enable_async_checkpointing=True)
        self._manager = ocp.CheckpointManager(epath.Path(folder).absolute(), options=options)

    def latest(self) -> int | None:
        """The newest complete step, or None."""
        return self._manager.latest_step()

    def steps(self) -> list[int]:
        """All complete steps, in order."""
        return sorted(self._manager.all_steps())

    def save(self, state: TrainState, step: int) -> None:
        """Starts to save; waits for the save before it. Raises its error, if it had one."""
        self._manager.check_for_errors()
        if step not in self._manager.all_steps():
            self._manager.save(step, args=ocp.args.StandardSave(state))

    def restore(self, step: int, target: Any) -> TrainState:
        """The state at `step`. target: ShapeDtypeStructs with shardings, in the structure of the state.

        Raises ValueError where the checkpoint holds another structure.
        """
        return self._manager.restore(step, args=ocp.args.StandardRestore(target))

    def wait(self) -> None:
        """Until all that was begun is on disk."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits, then lets go of the threads."""
        self._manager.close()
