"""The machine that runs this process: its cores, GPUs and memory; huge pages for those who ask before they start."""

import ctypes
import os
import pathlib
import platform
import re
import sys
import tempfile
import time
from collections.abc import Mapping

TUNABLES, HUGE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"
PAGES = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
MEMORY = ("/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")
DEVICES = pathlib.Path("/dev")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache() -> pathlib.Path:
    """Where this user keeps what can be made again: ~/.cache/ssl_jax; by a user without a home, temporary files."""
    try:
        return pathlib.Path.home() / ".cache" / "ssl_jax"
    except RuntimeError:  # a container's user of a number that nobody has
        return pathlib.Path(tempfile.gettempdir()) / f"ssl_jax_{os.getuid()}"


def gpus(environment: Mapping[str, str]) -> int:
    """The GPUs that this process sees: those of CUDA_VISIBLE_DEVICES or ROCR_VISIBLE_DEVICES, else all of the host.

    None for a process that JAX_PLATFORMS keeps off them.
    """
    platforms = environment.get("JAX_PLATFORMS", "")
    if platforms and not re.search(r"cuda|gpu|rocm", platforms):
        return 0
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        if name in environment:
            return len([part for part in environment[name].split(",") if part.strip() not in ("", "-1")])
    return len([path for path in DEVICES.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)])


def free_memory() -> int:
    """Bytes of memory that this process may still take: those that are free or hold files, within a container's limit.

    0 where the system does not say.
    """
    meminfo, limit, used = (pathlib.Path(path) for path in MEMORY)
    if not meminfo.exists():
        return 0
    found = re.search(r"MemAvailable:\s*(\d+) kB", meminfo.read_text())
    free = int(found[1]) * 1024 if found else 0
    if limit.exists() and used.exists() and (most := limit.read_text().strip()).isdigit():
        free = min(free, max(int(most) - int(used.read_text()), 0))
    return free


def age() -> float:
    """Seconds since this process began, which were spent on loading libraries; 0 where the system does not say."""
    try:
        ticks = int(pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return max(time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"), 0.0)
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0


def release() -> None:
    """Gives the system back what malloc keeps of memory that was freed: glibc keeps most of it, once arrays were."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def start_with_huge_pages() -> None:
    """Starts the command that runs anew, as the same process, with huge pages for malloc; once, and on Linux only.

    A step's temporary arrays are new memory each time, and to fault it in by pages of 4 KiB is a fifth of a small step.
    glibc reads the setting when a process starts, hence the exec. GLIBC_TUNABLES in the environment, whatever it says,
    switches this off.
    """
    if TUNABLES in os.environ or platform.libc_ver()[0] != "glibc":
        return
    if PAGES.exists() and "[madvise]" in PAGES.read_text():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, TUNABLES: HUGE})
