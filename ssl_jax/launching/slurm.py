"""A SLURM cluster: the batch script of a run."""

from typing import NamedTuple

from ssl_jax.launching import command, scripts
from ssl_jax.launching.command import Command, Run

TASKS = ("gpu", "node")
GRACE = 180
"""Seconds before the end of its time that the batch script is told, to save and to go back into the queue."""


class Nodes(NamedTuple):
    """What to ask for. gpus: of each node. tasks: a process for each "gpu" or one for each "node". time: 24:00:00.

    options: further lines for #SBATCH, such as --partition=a100. retries: starts after the first within one job.
    """

    nodes: int = 1
    gpus: int = 8
    tasks: str = "gpu"
    time: str = "24:00:00"
    retries: int = 3
    options: tuple[str, ...] = ()


def script(run: Run, want: Nodes) -> str:
    """The text that sbatch reads. Raises ValueError for numbers that cannot be."""
    if want.nodes < 1 or want.gpus < 1 or want.tasks not in TASKS:
        raise ValueError(f"--nodes={want.nodes}, --gpus={want.gpus}, --tasks={want.tasks}: 1 or more, gpu or node")
    options = (
        f"--job-name={run.name}",
        f"--nodes={want.nodes}",
        f"--ntasks-per-node={want.gpus if want.tasks == 'gpu' else 1}",
        # Not --gpus-per-task: it hides the other GPUs of the node, and those of one run talk to each other.
        f"--gres=gpu:{want.gpus}",
        f"--time={want.time}",
        f"--signal=B:TERM@{GRACE}",
        "--requeue",
        "--open-mode=append",
        f"--output={run.name}-%j.log",
        *want.options,
    )
    values = {"COMMAND": command.train(run), "RETRIES": str(want.retries)}
    return scripts.with_values("slurm.sh", values, above=tuple(f"#SBATCH {option}" for option in options))


def submit(path: str) -> Command:
    """Puts the script into the queue; prints the number of the job."""
    return Command("put the run into the queue", ("sbatch", "--parsable", path))
