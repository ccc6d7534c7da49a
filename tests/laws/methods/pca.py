"""Eight components of 16 x 16 images."""

from ssl_jax.nets import fitted

ARGUMENTS = {"whiten": True}
GROUPS = {"global": (1, 16)}
learns = None


def nets(dtype: str) -> dict:
    return {"encoder": fitted.components(out=8)}
