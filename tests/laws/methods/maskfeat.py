"""Patches of one cell."""

from ssl_jax.methods.maskfeat import maskfeat
from ssl_jax.nets import heads, vit
from ssl_jax.types import Method

ARGUMENTS = {"patch": 4, "cell": 4}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "histograms of the image are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    encoder = vit.vit(variant=(16, 2, 2, 4), drop_path=0.2, mask_token=True, dtype=dtype)
    return {"encoder": encoder, "decoder": heads.linear(out=27, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean", mask_token=True)
    return maskfeat(encoder, heads.linear(out=9), patch=4, cell=4)
