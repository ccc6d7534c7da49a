"""Put a run onto machines: processes here, TPU VMs, GKE, SLURM; and keep it alive there.

  ssl-jax launch local --processes=2 --config=simclr_cifar10 --workdir=runs/c10
  ssl-jax launch tpu --name=r50 --type=v5litepod-16 --zone=us-west4-a --spot \\
      --config=simclr_imagenet_r50 --workdir=gs://bucket/r50 --config.batch=4096
  ssl-jax launch gke --name=r50 --cluster=mine --type=v5litepod-16 --zone=us-west4-a --config=… --workdir=gs://…
  ssl-jax launch slurm --name=r50 --nodes=4 --gpus=8 --config=simclr_imagenet_r50 --workdir=/scratch/r50

--dry-run prints every command and script, and does nothing. `launch tpu` stays and watches: it asks for another TPU
after a preemption, and gives the TPU back at the end; when it is stopped the run goes on, and the same command watches
again. --logs shows what the run prints, --down gives the machines back. docs/first_pod_run.md is the way from nothing.
"""

import argparse
import os
import pathlib
import tempfile

from ssl_jax.launching import command, gke, local, slurm, supervisor, tpu
from ssl_jax.launching.command import Run

DRY_PORT = 12421


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax launch`."""
    parser.add_argument("target", choices=("local", "tpu", "gke", "slurm"))
    parser.add_argument("--config", required=True, help="as for `ssl-jax train`")
    parser.add_argument("--workdir", required=True, help="where everything is written; gs://… for tpu and gke")
    parser.add_argument("--name", help="of the run on the machines; the last part of --workdir if left out")
    parser.add_argument("--dry-run", action="store_true", help="print every command and script, and do nothing")
    parser.add_argument("--logs", action="store_true", help="tpu, gke: show what the run prints")
    parser.add_argument("--down", action="store_true", help="tpu, gke: end the run and give the machines back")
    parser.add_argument("--retries", type=int, help="starts of a failed run after the first; not after bad input")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="local: how many")
    group = parser.add_argument_group("tpu and gke")
    group.add_argument("--type", metavar="v5litepod-16", help="the accelerator type of a slice")
    group.add_argument("--zone", metavar="us-west4-a")
    group.add_argument("--project", help="gcloud's own if left out")
    group.add_argument("--slices", type=int, default=1, metavar="K", help="slices of that type")
    group.add_argument("--spot", action="store_true", help="cheap, and may be taken away at any time")
    group.add_argument("--reserved", nargs="?", const="", metavar="NAME", help="of your reservation; gke: its name")
    group.add_argument("--code", metavar="FOLDER", help="the source tree to send; that of this command if left out")
    group.add_argument("--no-queue", action="store_true", help="tpu: now or not at all, without a queued resource")
    group.add_argument("--runtime", help="tpu: the software version, if not the usual one")
    group.add_argument("--network", help="tpu: the VPC network")
    group.add_argument("--poll", type=float, default=30.0, metavar="SECONDS", help="tpu: between two looks")
    group.add_argument("--failures", type=int, default=5, metavar="K", help="tpu: in a row, after which to give up")
    group.add_argument("--cluster", help="gke: its name")
    group.add_argument("--image", help="gke: a container image that has ssl-jax; made from the code if left out")
    group.add_argument("--make-cluster", action="store_true", help="gke: make the cluster first")
    group = parser.add_argument_group("slurm")
    group.add_argument("--nodes", type=int, default=1, metavar="N")
    group.add_argument("--gpus", type=int, default=8, metavar="N", help="of a node")
    group.add_argument("--tasks", choices=slurm.TASKS, default="gpu", help="a process for each gpu, or one a node")
    group.add_argument("--time", default="24:00:00", help="of a job; the run goes on in the next")
    group.add_argument("--sbatch", action="append", default=[], metavar="OPTION", help="a further line for #SBATCH")


def run(args: argparse.Namespace, changes: dict[str, str]) -> int:
    """Launches, watches, or prints what would be done; gives the exit code of the run."""
    name = args.name or args.workdir.rstrip("/").rpartition("/")[2].lower().replace("_", "-")
    what = Run(name, args.config, args.workdir, changes)
    if args.target != "local":
        command.check(what, remote=args.target in ("tpu", "gke"))
    return {"local": _local, "tpu": _tpu, "gke": _gke, "slurm": _slurm}[args.target](what, args)


def _say(text: str) -> None:
    print(text, flush=True)


def _needed(args: argparse.Namespace, *names: str) -> None:
    missing = [f"--{name}" for name in names if not getattr(args, name)]
    if missing:
        raise ValueError(f"`ssl-jax launch {args.target}` needs {' and '.join(missing)}")


def _given(args: argparse.Namespace) -> dict:
    return {} if args.retries is None else {"retries": args.retries}


def _local(what: Run, args: argparse.Namespace) -> int:
    want = local.Processes(args.processes, **_given(args))
    if args.dry_run:
        _say(command.text(local.commands(what, want, os.environ, DRY_PORT)))
        return 0
    return local.until_over(what, want, _say)


def _tpu(what: Run, args: argparse.Namespace) -> int:
    _needed(args, "type", "zone")
    capacity = "spot" if args.spot else "on-demand" if args.reserved is None else "reserved"
    names = ("type", "zone", "project", "slices", "runtime", "network", "code")
    want = tpu.Tpu(**{n: getattr(args, n) for n in names}, capacity=capacity, queued=not args.no_queue, **_given(args))
    tpu.check(want)
    if args.logs or args.down:
        chosen = tpu.delete(what, want) if args.down else tpu.logs(what, want)
        _say(command.text([chosen]) if args.dry_run else command.execute(chosen))
        return 0
    folder = pathlib.Path(tempfile.gettempdir()) / f"ssl_jax-{what.name}"
    archive, script = str(folder / "code.tar.gz"), folder / "startup.sh"
    if args.dry_run:
        _say(command.text(tpu.life(what, want, archive, str(script))))
        _say(f"\n# {script}\n{tpu.startup(what, want)}")
        return 0
    folder.mkdir(exist_ok=True)
    script.write_text(tpu.startup(what, want))
    for step in tpu.send(what, want, archive):
        command.execute(step)
    try:
        pace = supervisor.Pace(args.poll, args.failures)
        return supervisor.Watch(what, want, str(script), pace, _say).until_over()
    except KeyboardInterrupt:
        _say("no longer watched; the run goes on. The same command watches again; with --down it ends the run")
        return 130


def _gke(what: Run, args: argparse.Namespace) -> int:
    _needed(args, "cluster", "type", "zone")
    if args.reserved == "":
        raise ValueError("xpk wants the name of the reservation: --reserved=NAME")
    names = ("type", "zone", "project", "slices", "image", "code")
    options = {n: getattr(args, n) for n in names} | _given(args)
    capacity = "spot" if args.spot else args.reserved or "on-demand"
    where = gke.Cluster(args.cluster, capacity=capacity, make=args.make_cluster, **options)
    if args.logs or args.down:
        chosen = [gke.delete(what, where) if args.down else gke.logs(what)]
    else:
        chosen = [*gke.start(what, where), gke.follow(what, where)]
    if args.dry_run:
        _say(command.text(chosen if args.logs or args.down else [*chosen, gke.logs(what), gke.delete(what, where)]))
        return 0
    for step in chosen:
        _say(command.execute(step))
    return 0


def _slurm(what: Run, args: argparse.Namespace) -> int:
    if args.logs or args.down:
        raise ValueError(f"SLURM has its own commands: tail -f {what.name}-JOB.log, scancel JOB")
    names = ("nodes", "gpus", "tasks", "time")
    want = slurm.Nodes(**{n: getattr(args, n) for n in names}, options=tuple(args.sbatch), **_given(args))
    path = pathlib.Path(f"{what.name}.sbatch")
    if args.dry_run:
        _say(f"{command.text([slurm.submit(str(path))])}\n\n# {path}\n{slurm.script(what, want)}")
        return 0
    path.write_text(slurm.script(what, want))
    _say(f"job {command.execute(slurm.submit(str(path))).strip()}; its output is {what.name}-JOB.log")
    return 0
