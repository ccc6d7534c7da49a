"""Four tiles of an image, of which six orders are known."""

from ssl_jax.methods.jigsaw import jigsaw
from ssl_jax.nets import resnet
from ssl_jax.nets.late_fusion import late_fusion
from ssl_jax.types import Method

ARGUMENTS = {"grid": 2, "tile": 6, "jitter": 2, "permutations": 6}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "labels are its target: the same features for all tiles are no small loss"


def nets(dtype: str) -> dict:
    return {"classifier": late_fusion(out=6, piece=(8,), dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return jigsaw(encoder, late_fusion(out=24, piece=(32,)), grid=2, tile=12, jitter=2, permutations=24)
