"""The machine that runs this process: its cores, and huge pages for those who ask before they start."""

import os
import pathlib
import platform
import sys

TUNABLES, HUGE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"
PAGES = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
