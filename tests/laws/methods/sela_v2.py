"""Two heads of four prototypes, on two large crops and two small ones."""

from ssl_jax.methods.sela_v2 import sela_v2
from ssl_jax.nets import heads, resnet
from ssl_jax.passes import transport
from ssl_jax.types import Method
from tests.laws.methods.sela import unbalanced

ARGUMENTS = {"heads": 2, "prototypes": 4}
GROUPS = {"global": (2, 16), "local": (2, 8)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return sela_v2(encoder, heads.mlp(widths=(64, 32)), examples=examples, heads=2, prototypes=32)


def controls(encoder, projector, predictor) -> dict:
    def made():
        return sela_v2(encoder, projector, examples=1024, heads=2, prototypes=16)

    return {"balance": (made, made, "labels", (transport, "labels", unbalanced))}
