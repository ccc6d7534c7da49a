"""Nine patches of four pixels."""

from ssl_jax.methods.relative_patch_position import relative_patch_position
from ssl_jax.nets import resnet
from ssl_jax.nets.late_fusion import late_fusion
from ssl_jax.types import Method

ARGUMENTS = {"patch": 4, "gap": 1, "jitter": 1}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "labels are its target: the same features for all patches are no small loss"


def nets(dtype: str) -> dict:
    return {"classifier": late_fusion(out=8, piece=(), whole=(8,), dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    head = late_fusion(out=8, piece=(), whole=(64,))
    return relative_patch_position(encoder, head, patch=8, gap=1, jitter=1)
