"""A Swin of two stages whose first has shifted windows; units of two by two patches."""

from ssl_jax.methods.simmim import simmim
from ssl_jax.nets import heads, swin, vit
from ssl_jax.types import Method

ARGUMENTS = {"patch": 2, "mask_unit": 4}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    encoder = swin.swin(variant=(8, (2, 2), (1, 2)), patch=2, window=4, drop_path=0.2, mask_token=True, dtype=dtype)
    return {"encoder": encoder, "decoder": heads.linear(out=48, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean", mask_token=True, mask_std=0.02)
    return simmim(encoder, heads.linear(out=16), patch=4, mask_unit=4)
