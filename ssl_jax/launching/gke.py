"""A GKE cluster by xpk: every command of a run. Pure functions."""

import pathlib
import shlex
from typing import NamedTuple

from ssl_jax.launching import command
from ssl_jax.launching.command import Command, Run

RESTART = "1,4,74,75"
"""Besides 42 and 127 to 255, after which xpk restarts by itself; the final codes 2 and 3 are in neither."""
GRACE = 120
"""Seconds between SIGTERM and SIGKILL: time to save."""


class Cluster(NamedTuple):
    """Where to run. type: v5litepod-16, tpu7x-16; capacity: on-demand, spot or the name of a reservation.

    image: an image that has ssl-jax installed; None lets xpk put `code` upon python's own image and install it there
    at every start. make: make the cluster first.
    """

    name: str
    type: str
    zone: str
    project: str | None = None
    slices: int = 1
    capacity: str = "on-demand"
    image: str | None = None
    retries: int = 50
    make: bool = False
    code: str | None = None


def _on(cluster: Cluster) -> tuple[str, ...]:
    project = (f"--project={cluster.project}",) if cluster.project else ()
    return (f"--cluster={cluster.name}", f"--zone={cluster.zone}", *project)


def _size(cluster: Cluster) -> tuple[str, ...]:
    return (f"--tpu-type={cluster.type}", f"--num-slices={cluster.slices}")


def start(run: Run, cluster: Cluster) -> list[Command]:
    """Makes the cluster if that is wanted, and puts the run into its queue.

    Raises ValueError for a recipe file that the image would not have.
    """
    capacity = (
        f"--{cluster.capacity}" if cluster.capacity in ("on-demand", "spot") else f"--reservation={cluster.capacity}"
    )
    made = ("xpk", "cluster", "create", *_on(cluster), *_size(cluster), capacity)
    code = cluster.code or str(command.checkout()) if cluster.image is None else None
    argv = shlex.join(command.train(run, _recipe(run, code)))
    image = (f"--docker-image={cluster.image}",)
    if code is not None:
        image = ("--base-docker-image=python:3.12", f"--script-dir={code}")
        argv = f"pip install -q '.[tpu]' && {argv}"
    options = (f"--max-restarts={cluster.retries}", f"--restart-on-exit-codes={RESTART}")
    grace = f"--termination-grace-period-seconds={GRACE}"
    workload = ("xpk", "workload", "create", *_on(cluster), f"--workload={run.name}", *_size(cluster), *image)
    out = [Command("make the cluster", made)] if cluster.make else []
    return [*out, Command("put the run into the queue", (*workload, *options, grace, f"--command={argv}"))]


def _recipe(run: Run, code: str | None) -> str | None:
    file = command.recipe_file(run.config)
    if file is None:
        return None
    inside = code is not None and pathlib.Path(file).resolve().is_relative_to(pathlib.Path(code).resolve())
    if not inside:
        raise ValueError(f"--config={run.config} does not travel with the image; put it into {code or 'the image'}")
    return str(pathlib.Path(file).resolve().relative_to(pathlib.Path(code).resolve())) + run.config[len(file) :]


def follow(run: Run, cluster: Cluster) -> Command:
    """Waits for the end of the run; 125 says that it ended badly."""
    argv = ("xpk", "workload", "list", *_on(cluster), f"--wait-for-job-completion={run.name}")
    return Command("wait for the end (Ctrl-C ends the waiting, not the run)", argv)


def logs(run: Run) -> Command:
    """Prints what process 0 prints: the first pod of the first slice, as JobSet labels it."""
    labels = f"jobset.sigs.k8s.io/jobset-name={run.name},batch.kubernetes.io/job-completion-index=0"
    labels += ",jobset.sigs.k8s.io/job-index=0"
    return Command("what process 0 prints", ("kubectl", "logs", "--follow", "--tail=-1", f"--selector={labels}"))


def delete(run: Run, cluster: Cluster) -> Command:
    """Takes the run out of the cluster."""
    argv = ("xpk", "workload", "delete", *_on(cluster), f"--workload={run.name}", "--force")
    return Command("take the run out of the cluster", argv)
