"""A disk that fills up in the middle of a run: a small file system of its own, really full."""

import errno
import subprocess

import jax
import jax.numpy as jnp
import pytest

from ssl_jax.process import exits
from ssl_jax.storage.checkpoint import Checkpoints, Keep
from ssl_jax.types import TrainState
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


def test_arrays_that_find_no_room_are_an_error_of_the_system_and_not_of_the_input(disk):
    large = jax.random.normal(jax.random.key(0), (1536, 1024))  # 6 MiB of noise
    saved = Checkpoints(str(disk / "checkpoints"), Keep(1))
    with pytest.raises(OSError) as found:
        saved.save(TrainState(jnp.asarray(1, jnp.int32), {"kernel": large}, (), ()), 1)
        saved.wait()
    assert found.value.errno == errno.ENOSPC and exits.of(found.value) == exits.IO_FAILED
    assert saved.steps() == []


def test_a_bucket_that_does_not_answer_is_no_damage(tmp_path):
    """TensorStore's words for it are made up here: no bucket can be had."""
    saved = Checkpoints(str(tmp_path), Keep(1))
    with pytest.raises(OSError, match="cannot be reached: UNAVAILABLE"), saved._reading(3, "state"):
        raise ValueError("UNAVAILABLE: Error reading gs://bucket/key: timed out")
