"""Five centroids of patches of 4 x 4 pixels of 8 x 8 images."""

from ssl_jax.nets import patch_centroids

ARGUMENTS = {"drawn": 64, "iterations": 3}
GROUPS = {"global": (1, 8)}
NO_CONTROL = "no step trains it: its centroids are those of scikit-learn"
learns = None


def nets(dtype: str) -> dict:
    return {"encoder": patch_centroids.patch_centroids(out=5, patch=4, stride=2)}
