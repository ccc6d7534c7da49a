"""Five clusters of 8 x 8 images."""

from ssl_jax.nets import fitted

ARGUMENTS = {"iterations": 3, "drawn": 12}
GROUPS = {"global": (1, 8)}
NO_CONTROL = "no step trains it: its centroids are those of scikit-learn"
learns = None


def nets(dtype: str) -> dict:
    return {"encoder": fitted.centroids(out=5)}
