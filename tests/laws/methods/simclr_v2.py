"""An encoder with selective kernels, and the head of three layers."""

from ssl_jax.methods.simclr_v2 import simclr_v2
from ssl_jax.nets import heads, resnet, sk_resnet
from ssl_jax.types import Method

NO_CONTROL = "its guard is SimCLR's, the other rows of the batch, which has its control"


def nets(dtype: str) -> dict:
    return {
        "encoder": sk_resnet.sk_resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", dtype=dtype),
        "projector": heads.simclr_projector(widths=(16, 16, 8), dtype=dtype),
    }


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return simclr_v2(encoder, heads.simclr_projector(widths=(64, 64, 32)), temperature=0.2)
