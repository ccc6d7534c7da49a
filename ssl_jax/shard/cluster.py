"""Where several processes of one run find each other, read off the environment. Pure functions; see `processes`."""

import re
from collections.abc import Mapping
from typing import NamedTuple

FLAGS = ("coordinator", "processes", "process")
SLURM = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID")
"""What `srun` sets for each task, and `sbatch` and `salloc` do not."""
PORTS = (61440, 4096)
"""The first port that a coordinator may get, and how many there are: the upper end of what systems leave free."""


class Flags(NamedTuple):
    """What the command line says of processes: HOST:PORT of process 0, how many there are, which this is, its devices.

    The first three belong together. devices: numbers of the local accelerators to use; all of them if left out.
    """

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None
    devices: tuple[int, ...] | None = None


class Start(NamedTuple):
    """How this process joins the others.

    by: flags, slurm, mpi, gke or tpu. coordinator, count, index: None where JAX asks the TPU's own metadata.
    devices: numbers of the local GPUs that this process takes; None for all that it sees.
    """

    by: str
    coordinator: str | None = None
    count: int | None = None
    index: int | None = None
    devices: tuple[int, ...] | None = None


def decide(environment: Mapping[str, str], flags: Flags = Flags(), *, chips: int = 0, gpus: int = 0) -> Start | None:
    """How to start jax.distributed here; None for a process that is alone.

    chips: TPU chips of this host; gpus: those that this process sees. The command line counts first, then SLURM's
    srun, Open MPI's mpirun, and the TPU's own environment. Raises ValueError where what is said does not fit together.
    """
    given = [getattr(flags, name) is not None for name in FLAGS]
    if any(given) and not all(given):
        raise ValueError("--coordinator=HOST:PORT, --processes=N and --process=I belong together: give all three")
    if all(given):
        start = Start("flags", *(getattr(flags, name) for name in FLAGS))
    elif all(name in environment for name in SLURM):
        start = _slurm(environment, gpus)
    elif "OMPI_COMM_WORLD_SIZE" in environment:
        start = _mpi(environment, gpus)
    else:
        start = _tpu(environment) if chips else None
    if start is None or start.count == 1 and start.by != "flags":
        if flags.devices is not None:
            raise ValueError("--local-devices is for one process of several, and this one is alone; leave it out")
        return None
    if start.count is not None and not 0 <= start.index < start.count:
        raise ValueError(f"process {start.index} is not one of {start.count}: they are numbered from 0")
    if start.coordinator is not None and not re.fullmatch(r".+:\d+", start.coordinator):
        raise ValueError(f"'{start.coordinator}' is no address; write HOST:PORT, such as 10.0.0.1:12421")
    return start if flags.devices is None else start._replace(devices=flags.devices)


def _slurm(environment: Mapping[str, str], gpus: int) -> Start:
    count, index, local = (int(environment[name]) for name in SLURM[2:])
    node = int(environment.get("SLURM_NODEID", 0))
    layout = environment.get("SLURM_STEP_TASKS_PER_NODE") or environment.get("SLURM_TASKS_PER_NODE") or str(count)
    tasks = tasks_of_nodes(layout)
    if node >= len(tasks):
        raise ValueError(f"SLURM_NODEID={node} is beyond the nodes of SLURM_STEP_TASKS_PER_NODE={layout}")
    # Two steps of one allocation may run at once, hence the step in the port.
    job, step = environment["SLURM_JOB_ID"], environment.get("SLURM_STEP_ID", "0")
    port = _port(int(job) + (int(step) if step.isdigit() else 0))
    coordinator = (
        environment.get("JAX_COORDINATOR_ADDRESS") or f"{first_host(environment['SLURM_STEP_NODELIST'])}:{port}"
    )
    own = int(environment.get("SLURM_GPUS_PER_TASK", "0").rpartition(":")[2] or 0) == gpus
    return Start("slurm", coordinator, count, index, share(gpus, 1 if own else tasks[node], 0 if own else local))


def _mpi(environment: Mapping[str, str], gpus: int) -> Start:
    """Open MPI 4 tells where its launcher is; 5 no longer does, so that the address must be given there."""
    names = ("SIZE", "RANK", "LOCAL_SIZE", "LOCAL_RANK")
    count, index, tasks, local = (int(environment.get(f"OMPI_COMM_WORLD_{name}", 0)) for name in names)
    coordinator = environment.get("JAX_COORDINATOR_ADDRESS")
    uri = environment.get("OMPI_MCA_orte_hnp_uri", "")
    host = re.search(r"tcp://([^,:]+)|tcp6://\[([^,\]]+)", uri)
    if coordinator is None and host is not None:
        coordinator = f"{host[1] or host[2]}:{_port(int(uri.split('.')[0]) // PORTS[1])}"
    if coordinator is None and count > 1:
        raise ValueError("mpirun does not say where process 0 is: set JAX_COORDINATOR_ADDRESS=HOST:PORT for all ranks")
    return Start("mpi", coordinator, count, index, share(gpus, tasks, local))


def _tpu(environment: Mapping[str, str]) -> Start | None:
    """GKE lists the hosts in the environment; a Cloud TPU VM has them in its metadata, which JAX reads itself."""
    hosts = environment.get("TPU_PROCESS_ADDRESSES") or environment.get("TPU_WORKER_HOSTNAMES")
    if hosts:
        alone = "," not in hosts and int(environment.get("MEGASCALE_NUM_SLICES") or 1) == 1
        return None if alone else Start("gke")
    return None if "TPU_SKIP_MDS_QUERY" in environment else Start("tpu")


def _port(number: int) -> int:
    return PORTS[0] + number % PORTS[1]


def first_host(nodes: str) -> str:
    """The first host of a SLURM list: node[007-012,020],login -> node007."""
    found = re.match(r"([^,\[]*)(?:\[([^\],-]+)[^\]]*\]([^,\[]*))?", nodes)
    return "".join(part or "" for part in found.groups())


def tasks_of_nodes(layout: str) -> list[int]:
    """Tasks of each node from SLURM's text: 8(x2),4 -> [8, 8, 4]."""
    found = [re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part) for part in layout.split(",")]
    if not all(found):
        raise ValueError(f"SLURM_STEP_TASKS_PER_NODE={layout} is not understood: it looks like 8(x2),4")
    return [int(part[1]) for part in found for _ in range(int(part[2] or 1))]


def share(visible: int, tasks: int, local: int) -> tuple[int, ...] | None:
    """Which of the `visible` GPUs the process number `local` of `tasks` on this host takes; None where there are none.

    One task takes all, several take equal blocks. Fewer GPUs than tasks means that each task was given its own.
    """
    if visible == 0:
        return None
    if tasks <= 1 or visible < tasks:
        return tuple(range(visible))
    if visible % tasks:
        raise ValueError(f"{visible} GPUs cannot be shared by {tasks} tasks of a host: start 1 task or {visible}")
    each = visible // tasks
    return tuple(range(local * each, (local + 1) * each))
