"""Eight patches of six points in clouds of 24."""

from ssl_jax.nets import point_transformer

ARGUMENTS = {}
GROUPS = {"global": (1, 24)}
EXTENT = (3,)
NO_CONTROL = "points are its target: a constant prediction is no small loss"
learns = None  # what it learns is of shapes: tests/features/test_point_encoder.py


def nets(dtype: str) -> dict:
    size = dict(points=6, width=16, layers=2, heads=2, dtype=dtype)
    return {
        "encoder": point_transformer.point_transformer(patches=8, drop_path=0.2, **size),
        "decoder": point_transformer.point_decoder(**size),
    }
