"""What passes read of a batch and of weights: plain rows."""

from ssl_jax.losses.precision import widen
from ssl_jax.types import Array


def clean(batch: dict) -> Array:
    """The clean images of a pass as rows [b, d]."""
    return flat(batch["clean"][:, 0])


def flat(images: Array) -> Array:
    """[b, h, w, c] as rows [b, d], in at least float32."""
    return widen(images.reshape(images.shape[0], -1))


def columns(kernel: Array) -> Array:
    """[h, w, c, k] as [d, k]."""
    return kernel.reshape(-1, kernel.shape[-1])
