"""Eight components of 8 x 8 images."""

from ssl_jax.nets import fitted

ARGUMENTS = {"whiten": True}
GROUPS = {"global": (1, 8)}
NO_CONTROL = "no step trains it: its components are those of scikit-learn"
learns = None


def nets(dtype: str) -> dict:
    return {"encoder": fitted.components(out=8)}
