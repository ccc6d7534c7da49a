"""Pictures of what a method makes of images, in the course of a run: reconstructions, samples, puzzles."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ssl_jax.reporting import pictures
from ssl_jax.types import View

FOLDER = "pictures"


def file(name: str, step: int) -> str:
    """The name of the file of a picture after so many steps."""
    return f"{name}-{step:06d}.png"


def write(
    made: dict[str, dict[str, np.ndarray]], views: Sequence[View], folder: str | os.PathLike, step: int
) -> dict[str, Path]:
    """Writes {picture: {title: images [n, h, w, c]}} in the units of the views; gives {picture: its file}.

    A column has a title and a row an image; of one title alone the images are set into a square.
    """
    out = {}
    for name, titles in made.items():
        images = {title: np.asarray(each, np.float32) for title, each in titles.items()}
        shown = {title: each[:, None] for title, each in images.items()}
        if len(images) == 1:
            shown = {title: square(each) for title, each in images.items()}
        out[name] = Path(folder) / file(name, step)
        title = f"{name.replace('_', ' ').capitalize()}, after {step:,} steps"
        pictures.contact_sheet(shown, out[name], title=title, **normalization(views))
    return out


def square(images: np.ndarray) -> np.ndarray:
    """[n, h, w, c] -> [rows, columns, h, w, c], nearly a square; cells that are left are NaN."""
    columns = int(np.ceil(np.sqrt(len(images))))
    rows = -(-len(images) // columns)
    rest = np.full((rows * columns - len(images), *images.shape[1:]), np.nan, images.dtype)
    return np.concatenate([images, rest]).reshape(rows, columns, *images.shape[1:])


def normalization(views: Sequence[View]) -> dict:
    """The mean and std that images of these views were normalized with, {} where they were not."""
    return next((op.args for view in views for op in view.ops if op.name == "normalize"), {})
