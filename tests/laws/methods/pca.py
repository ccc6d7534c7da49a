"""Eight components of 8 x 8 images."""

from ssl_jax.nets import fitted

ARGUMENTS = {"whiten": True}
GROUPS = {"global": (1, 8)}
learns = None


def nets(dtype: str) -> dict:
    return {"encoder": fitted.components(out=8)}
