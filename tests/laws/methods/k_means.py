"""Five clusters of 8 x 8 images."""

from ssl_jax.nets import fitted

ARGUMENTS = {"iterations": 3, "drawn": 12}
GROUPS = {"global": (1, 8)}
learns = None


def nets(dtype: str) -> dict:
    return {"encoder": fitted.centroids(out=5)}
