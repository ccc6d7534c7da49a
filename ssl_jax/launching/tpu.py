"""A Cloud TPU VM, or several slices of them, by gcloud: every command of its life. Pure functions."""

import pathlib
from typing import NamedTuple

from ssl_jax.launching import command, scripts
from ssl_jax.launching.command import Command, Run

RUNTIMES = {
    "v2": "tpu-ubuntu2204-base",
    "v3": "tpu-ubuntu2204-base",
    "v4": "tpu-ubuntu2204-base",
    "v5litepod": "v2-alpha-tpuv5-lite",
    "v5p": "v2-alpha-tpuv5",
    "v6e": "v2-alpha-tpuv6e",
}
"""Software versions for JAX by kind of TPU, from Google's page "TPU software versions"."""
CAPACITY = ("on-demand", "spot", "reserved")
LOG = "/opt/ssl_jax/run.log"


class Tpu(NamedTuple):
    """What to ask for. type: v5litepod-16; capacity: one of `CAPACITY`; queued: through the queue, or at once or never.

    retries: how often a worker starts a failed command again before it reports. code: the source tree to send.
    """

    type: str
    zone: str
    project: str | None = None
    capacity: str = "on-demand"
    slices: int = 1
    queued: bool = True
    runtime: str | None = None
    network: str | None = None
    retries: int = 3
    code: str | None = None


def check(tpu: Tpu) -> None:
    """Raises ValueError for what Google does not offer."""
    kind = tpu.type.partition("-")[0]
    if kind not in RUNTIMES and tpu.runtime is None:
        hint = {"tpu7x": "use `ssl-jax launch gke`", "v5e": "say v5litepod-16"}.get(kind, "or say --runtime")
        raise ValueError(f"--type={tpu.type} is none of {', '.join(f'{k}-N' for k in RUNTIMES)}; {hint}")
    if tpu.slices < 1 or tpu.slices > 1 and not tpu.queued:
        raise ValueError(f"--slices={tpu.slices}: several slices come from the queue only; leave out --no-queue")


def stage(run: Run) -> str:
    """Where the run's code and the workers' exit codes lie."""
    return f"{run.workdir.rstrip('/')}/launch"


def nodes(run: Run, tpu: Tpu) -> list[str]:
    """The names of the slices."""
    return [run.name] if tpu.slices == 1 else [f"{run.name}-{i}" for i in range(tpu.slices)]


def startup(run: Run, tpu: Tpu) -> str:
    """The startup script of every worker."""
    file = command.recipe_file(run.config)
    config = None if file is None else "/opt/ssl_jax/" + pathlib.Path(file).name + run.config[len(file) :]
    values = {"STAGE": stage(run), "COMMAND": command.train(run, config), "RETRIES": str(tpu.retries)}
    return scripts.with_values("startup.sh", values)


def send(run: Run, tpu: Tpu, archive: str) -> list[Command]:
    """Packs the code and puts it, and a recipe that is a file, where the workers fetch it. archive: a local file."""
    code = tpu.code or str(command.checkout())
    leave = (".git", ".venv*", "runs", "build", "dist", "*.egg-info", "__pycache__")
    without = (f"--exclude=./{name}" if name != "__pycache__" else "--exclude=__pycache__" for name in leave)
    pack = ("tar", "-czf", archive, *without, "-C", code, ".")
    to = f"{stage(run)}/files"
    out = [
        Command("pack the code", pack),
        Command("send it", ("gcloud", "storage", "cp", archive, f"{to}/code.tar.gz")),
    ]
    file = command.recipe_file(run.config)
    if file is not None:
        put = ("gcloud", "storage", "cp", file, f"{to}/{pathlib.Path(file).name}")
        out.append(Command("send the recipe", put))
    return out


def _on(tpu: Tpu) -> tuple[str, ...]:
    return (f"--zone={tpu.zone}", *((f"--project={tpu.project}",) if tpu.project else ()))


def forget(run: Run) -> Command:
    """Removes the exit codes of an earlier TPU, so that they are not taken for those of the next."""
    argv = ("gcloud", "storage", "rm", "--recursive", f"{stage(run)}/exits")
    return Command("forget the exit codes of an earlier TPU", argv, may_fail=True)


def create(run: Run, tpu: Tpu, script: str) -> Command:
    """Asks for the TPU. script: a local file with the startup script."""
    kind = tpu.type.partition("-")[0]
    runtime = tpu.runtime or RUNTIMES[kind]
    if tpu.queued:
        name = (f"--node-id={run.name}",)
        if tpu.slices > 1:
            name = (f"--node-count={tpu.slices}", f"--node-prefix={run.name}")
        argv = ("queued-resources", "create", run.name, *name, f"--runtime-version={runtime}")
    else:
        argv = ("tpu-vm", "create", run.name, f"--version={runtime}")
    options = [f"--accelerator-type={tpu.type}", *_on(tpu), f"--metadata-from-file=startup-script={script}"]
    options += ["--scopes=https://www.googleapis.com/auth/cloud-platform"]
    options += [] if tpu.network is None else [f"--network={tpu.network}"]
    options += [] if tpu.capacity == "on-demand" else [f"--{tpu.capacity}"]
    return Command(
        "ask for the TPU; its workers start the run by themselves", ("gcloud", "compute", "tpus", *argv, *options)
    )


def describe(run: Run, tpu: Tpu) -> Command:
    """Prints the state in one word."""
    what, form = ("queued-resources", "value(state.state)") if tpu.queued else ("tpu-vm", "value(state)")
    argv = ("gcloud", "compute", "tpus", what, "describe", run.name, *_on(tpu), f"--format={form}")
    return Command("how far the request is", argv)


def logs(run: Run, tpu: Tpu, offset: int = 0) -> Command:
    """Prints the log of worker 0 from a byte on."""
    show = f"sudo tail -c +{offset + 1} {LOG}"
    on = ("gcloud", "compute", "tpus", "tpu-vm", "ssh", nodes(run, tpu)[0])
    return Command("what worker 0 has printed", (*on, *_on(tpu), "--worker=0", f"--command={show}"), may_fail=True)


def exits(run: Run) -> Command:
    """Prints a line `SLICE-WORKER CODE` for each worker whose run is over."""
    argv = ("gcloud", "storage", "cat", f"{stage(run)}/exits/*")
    return Command("the exit codes of the workers that have ended", argv, may_fail=True)


def delete(run: Run, tpu: Tpu) -> Command:
    """Gives the TPU back, with all that runs on it."""
    what = ("queued-resources", "delete", run.name, "--force") if tpu.queued else ("tpu-vm", "delete", run.name)
    return Command("give the TPU back", ("gcloud", "compute", "tpus", *what, *_on(tpu), "--quiet"))


def life(run: Run, tpu: Tpu, archive: str, script: str) -> list[Command]:
    """All commands of a run in which nothing fails, in order."""
    return [
        *send(run, tpu, archive),
        forget(run),
        create(run, tpu, script),
        describe(run, tpu),
        logs(run, tpu),
        exits(run),
        delete(run, tpu),
    ]
