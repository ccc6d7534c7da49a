"""A small ViT, as the paper's second half has it."""

from ssl_jax.nets import vit

NO_CONTROL = "its guards are SimCLR's other rows and BYOL's predictor, which have their controls"


def nets(dtype: str) -> dict:
    return {"encoder": vit.vit(variant=(16, 2, 2, 4), dtype=dtype)}
