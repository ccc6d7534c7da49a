"""Pieces of one picture for several draws, on the host: an operation as in `geometric.py`."""

import tensorflow as tf

from ssl_jax.views import geometric


def jigsaw(seed: tf.Tensor, images: list[tf.Tensor], *, size: int, grid: int = 3, jitter: int = 21) -> list[tf.Tensor]:
    """Different pieces of the first draw's picture, size x size each, in random order (arXiv:1603.09246, section 3.3).

    The grid x grid pieces lie at equal steps, and each is moved by up to `jitter` pixels down and right. PIRL (VISSL):
    pieces of 64 from 255 pixels and a jitter of 21, so that each lies in a cell of its own; oBoW (code): 96 from 256
    and 24, which overlap. Draws share their picture, so that what was done to the others before has no effect; what is
    done later is done to each piece. Raises ValueError for more draws than pieces, and a picture that they do not fit.
    """
    if len(images) > grid**2:
        raise ValueError(
            f"a jigsaw of {grid} x {grid} has {grid**2} pieces, and the views' count is {len(images)}; "
            "lower the count or raise the grid"
        )
    image, needed = images[0], size + jitter
    if any(side is None or side < needed for side in image.shape[:2]):
        known = " x ".join("?" if side is None else str(side) for side in image.shape[:2])
        raise ValueError(
            f"jigsaw cuts pieces of {size} pixels with a jitter of {jitter}, and the picture has {known}; "
            f"crop it to a size of {needed} or more before, as in random_resized_crop with size={3 * needed}"
        )
    steps = [(side - needed) // max(grid - 1, 1) for side in image.shape[:2]]
    draws = geometric.uniform(seed, [grid**2, 3])  # of every piece, so that none depends on how many are shown
    order = tf.argsort(draws[:, 0])[: len(images)]
    cells = tf.stack([order // grid, order % grid], 1)
    moves = tf.cast(tf.floor(tf.gather(draws[:, 1:], order) * (jitter + 1)), tf.int32)
    pieces = [tf.slice(image, tf.concat([at, [0]], 0), [size, size, -1]) for at in tf.unstack(cells * steps + moves)]
    for piece in pieces:
        piece.set_shape([size, size, image.shape[-1]])
    return pieces
