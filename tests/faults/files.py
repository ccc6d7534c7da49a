"""Damage to the files of a checkpoint, as disks, kills and people do it."""

import os
import shutil
from pathlib import Path


def data_file(step: Path) -> Path:
    """The largest file of the arrays."""
    return max((p for p in (step / "state").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)


def truncate(step: Path) -> None:
    path = data_file(step)
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(step: Path) -> None:
    path = data_file(step)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def empty_the_folder(step: Path) -> None:
    shutil.rmtree(step)
    step.mkdir()


def empty_every_file(step: Path) -> None:
    for path in (p for p in step.rglob("*") if p.is_file()):
        path.write_bytes(b"")


def half_delete(step: Path) -> None:
    for path in sorted(p for p in step.rglob("*") if p.is_file())[::2]:
        path.unlink()


def lose_the_arrays(step: Path) -> None:
    shutil.rmtree(step / "state" / "d")


def lose_the_manifest(step: Path) -> None:
    shutil.rmtree(step / "manifest")


def garble_the_manifest(step: Path) -> None:
    path = next(p for p in (step / "manifest").rglob("*") if p.is_file())
    path.write_text(path.read_text().replace('"', "", 1))


def take_another_step(step: Path) -> None:
    """The files of an older step under this one's name."""
    older = min((p for p in step.parent.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
    shutil.rmtree(step)
    shutil.copytree(older, step)


ALL = (
    truncate,
    flip_a_bit,
    empty_the_folder,
    empty_every_file,
    half_delete,
    lose_the_arrays,
    lose_the_manifest,
    garble_the_manifest,
    take_another_step,
)
