"""A disk that fills up in the middle of a run: a small file system of its own, really full."""

import subprocess

import pytest

from ssl_jax import exits
from tests.faults.test_processes import Child, assert_goes_on_as, committed, rows_now, straight  # noqa: F401


@pytest.fixture
def disk(tmp_path):
    """A file system of 4 MiB. Needs the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", place], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place) -> None:
    """Writes until nothing more fits."""
    with open(place / "filler", "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass


def test_a_full_disk_is_one_sentence_and_the_run_goes_on_when_there_is_room(straight, disk):  # noqa: F811
    workdir, child = disk / "run", Child("slow", disk / "run")
    child.until(lambda: rows_now(workdir) > 3 and committed(workdir))
    fill(disk)
    code, said = child.end()
    assert code == exits.IO_FAILED, said
    last = said.strip().splitlines()[-1]
    assert last == f"ssl-jax: {workdir}: No space left on device"
    assert committed(workdir), "a checkpoint that was whole is gone"
    (disk / "filler").unlink()
    assert_goes_on_as(workdir, straight)
