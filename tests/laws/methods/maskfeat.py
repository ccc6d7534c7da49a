"""Patches of one cell."""

from ssl_jax.nets import heads, vit

ARGUMENTS = {"patch": 4, "cell": 4}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "histograms of the image are its target: a constant prediction is no small loss"
learns = None  # it needs more steps than are made there: tests/paradigms/test_masked_modeling.py


def nets(dtype: str) -> dict:
    encoder = vit.vit(variant=(16, 2, 2, 4), drop_path=0.2, mask_token=True, dtype=dtype)
    return {"encoder": encoder, "decoder": heads.linear(out=27, dtype=dtype)}
