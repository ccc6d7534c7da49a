"""The flags by which a verb is one of several processes, for where the environment does not say it."""

import argparse

from ssl_jax.shard.cluster import Flags


def add(parser: argparse.ArgumentParser) -> None:
    """--coordinator, --processes, --process, --local-devices."""
    group = parser.add_argument_group(
        "several processes", "TPU pods, GKE, SLURM's srun and mpirun are recognized; elsewhere say on every host:"
    )
    group.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 runs, and a free port there")
    group.add_argument("--processes", type=int, metavar="N", help="how many processes there are in all")
    group.add_argument("--process", type=int, metavar="I", help="which of them this is, from 0")
    group.add_argument("--local-devices", metavar="0,1", help="the GPUs of this host to use; all if left out")


def flags(args: argparse.Namespace) -> Flags:
    """What the command line said. Raises ValueError for devices that are no numbers."""
    text = args.local_devices
    if text is not None and not all(part.isdigit() for part in text.split(",")):
        raise ValueError(f"--local-devices={text} is no list of numbers; write --local-devices=0,1")
    devices = None if text is None else tuple(int(part) for part in text.split(","))
    return Flags(args.coordinator, args.processes, args.process, devices)
