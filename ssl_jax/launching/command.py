"""Commands as data: shown as text that a person can paste, or run."""

import pathlib
import re
import shlex
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

import ssl_jax

NAME = re.compile(r"[a-z]([-a-z0-9]{0,37}[a-z0-9])?")
"""What Google Cloud and SLURM both take for a name; xpk allows 39 characters."""


class Run(NamedTuple):
    """What is launched. config: as `ssl-jax train` takes it; changes: {"batch": "4096"}."""

    name: str
    config: str
    workdir: str
    changes: dict[str, str]


class Command(NamedTuple):
    """argv, and why. may_fail: whether a failure is an answer and no error, as of the removal of what is not there."""

    why: str
    argv: tuple[str, ...]
    may_fail: bool = False


def text(commands: Sequence[Command]) -> str:
    """Commands as a shell takes them, each below a comment that says what it is for."""
    return "\n".join(f"# {c.why}\n{shlex.join(c.argv)}" + (" || true" if c.may_fail else "") for c in commands)


def execute(command: Command) -> str:
    """Runs a command and gives its output. Raises ValueError in one sentence where it cannot be run or fails."""
    done = attempt(command)
    if done.returncode and not command.may_fail:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        reason = said[-1] if said else f"code {done.returncode}"
        raise ValueError(f"`{shlex.join(command.argv[:5])} …` failed: {reason}")
    return done.stdout


def attempt(command: Command) -> subprocess.CompletedProcess:
    """Runs a command, whatever comes of it. Raises ValueError where the program is not installed."""
    try:
        return subprocess.run(command.argv, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ValueError(
            f"'{command.argv[0]}' is not installed here, or not on the PATH; --dry-run shows what"
        ) from error


def train(run: Run, config: str | None = None) -> tuple[str, ...]:
    """`ssl-jax train …` of a run. config: where the recipe lies on the other machine, if not under its own name."""
    changes = (f"--config.{key}={value}" for key, value in run.changes.items())
    return ("ssl-jax", "train", f"--config={config or run.config}", f"--workdir={run.workdir}", *changes)


def check(run: Run, *, remote: bool = True) -> None:
    """Raises ValueError for a name that is none, or a work directory that other machines cannot reach."""
    if not NAME.fullmatch(run.name):
        raise ValueError(f"--name={run.name}: use up to 39 small letters, digits and '-', a letter first")
    if remote and not run.workdir.startswith("gs://"):
        raise ValueError(
            f"--workdir={run.workdir} is on this machine; the workers need a bucket: gs://BUCKET/{run.name}"
        )


def checkout() -> pathlib.Path:
    """The source tree that this package runs from. Raises ValueError where it was installed without one."""
    root = pathlib.Path(ssl_jax.__file__).parents[1]
    if not (root / "setup.py").exists():
        raise ValueError("ssl_jax was installed without its source tree: say where one lies with --code=FOLDER")
    return root


def recipe_file(config: str) -> str | None:
    """The file that a recipe's text names, without its argument; None for a bare name."""
    path = config.partition(":")[0]
    return path if path.endswith((".py", ".json")) else None
