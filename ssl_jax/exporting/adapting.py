"""Weights of another geometry, made to fit: each only where it is asked for by name."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.nets import positions


def moved_positions(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Learned positions [..., n + h w, d] for another grid, bicubic; n tokens in front keep theirs."""
    side, new = (math.isqrt(v) for v in (value.shape[-2], shape[-2]))
    front = value.shape[-2] - side**2
    if shape[-2] - new**2 != front:
        raise ValueError(f"positions {list(value.shape)} cannot become {list(shape)}: tokens in front differ")
    flat = value.reshape(1, *value.shape[-2:])
    moved = positions.resample(jnp.asarray(flat[:, front:]), (side, side), (new, new))
    return np.concatenate([flat[:, :front], moved], 1).reshape(shape)


def resized_patch(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A kernel [p, p, c, d] for patches of another size, which gives a resized patch the same embedding.

    The least-squares solution of FlexiViT (arXiv:2212.08013, section 3.4), for bilinear resizing.
    """
    old, new = value.shape[0], shape[0]
    basis = np.eye(old * old).reshape(-1, old, old)
    resize = jax.image.resize(basis, (old * old, new, new), "bilinear", antialias=False)
    resize = np.asarray(resize, np.float64).reshape(old * old, new * new).T  # [new², old²]: a patch, resized
    flat = value.reshape(old * old, -1)
    return (np.linalg.pinv(resize.T) @ flat).reshape(new, new, *value.shape[2:]).astype(value.dtype)


def other_channels(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A kernel [k, k, c, d] for another number of channels, which gives images with equal channels the same.

    More channels repeat those that there are in turn, each divided by how often it occurs; with fewer, channel i takes
    the sum of the old channels i, i + new, i + 2 new, ...: in both the sum over all channels stays what it was.
    """
    old, new = value.shape[2], shape[2]
    # [old, new]: ones where the larger number's channels fall on those of the smaller one in turn.
    meets = np.arange(old)[:, None] % new == np.arange(new) % old
    return np.einsum("hwcd,cn->hwnd", value, meets / meets.sum(1, keepdims=True)).astype(value.dtype)


WAYS: dict[str, tuple[tuple[str, ...], Callable]] = {
    "positions": (("pos_embed",), moved_positions),
    "patch": (("patch_embed/kernel",), resized_patch),
    "channels": (("patch_embed/kernel", "stem/conv/kernel"), other_channels),
}
"""What may be adapted: the arrays that it is about, and how."""


def adapter(asked: tuple[str, ...]) -> Callable[[str, np.ndarray, tuple[int, ...]], np.ndarray]:
    """(own name, array, shape that the network wants) -> the array, in that shape where an adaptation was asked for."""

    def adapt(name: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        for way in asked:
            arrays, change = WAYS[way]
            axes = slice(2, 3) if way == "channels" else slice(2)
            if name in arrays and value.shape[axes] != shape[axes]:
                value = change(value, shape)
        return value

    return adapt
