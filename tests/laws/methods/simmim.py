"""A Swin of two stages whose first has shifted windows; units of two by two patches."""

from ssl_jax.nets import heads, swin

ARGUMENTS = {"patch": 2, "mask_unit": 4}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"
learns = None  # a random network's frozen features are better after so few steps; its loss is tested in tests/paradigms


def nets(dtype: str) -> dict:
    encoder = swin.swin(variant=(8, (2, 2), (1, 2)), patch=2, window=4, drop_path=0.2, mask_token=True, dtype=dtype)
    return {"encoder": encoder, "decoder": heads.linear(out=48, dtype=dtype)}
