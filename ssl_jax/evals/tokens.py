"""What there is to see in the tokens of a network, one for each place of an image."""

import numpy as np

from ssl_jax.evals import plane

TAILS = (1, 99)
"""Percentiles of a component, over all images, that become 0 and 1."""


def grid(values: np.ndarray) -> np.ndarray:
    """[n, l, ...] of a square image's places, row by row -> [n, s, s, ...]. Raises ValueError unless l = s s."""
    side = int(np.sqrt(values.shape[1]) + 0.5)
    if side * side != values.shape[1]:
        raise ValueError(f"{values.shape[1]} tokens are those of no square image")
    return values.reshape(len(values), side, side, *values.shape[2:])


def colors(tokens: np.ndarray) -> np.ndarray:
    """[n, h, w, d >= 3] -> [n, h, w, 3] in 0..1: the first three principal components of all tokens of all images.

    Red is the first. Oquab et al. 2023 (DINOv2, arXiv:2304.07193, figure 1), here without leaving out the background.
    What is alike has one color, in all images; which color it is means nothing. Raises ValueError for fewer than three
    features or tokens.
    """
    *shape, d = tokens.shape
    if min(d, int(np.prod(shape))) < 3:
        raise ValueError(f"three components need three tokens and features, these are {int(np.prod(shape))} and {d}")
    found = plane.pca(np.asarray(tokens, np.float64).reshape(-1, d), 3)[0]
    low, high = np.percentile(found, TAILS, axis=0)
    return np.clip((found - low) / np.maximum(high - low, 1e-12), 0, 1).reshape(*shape, 3)
