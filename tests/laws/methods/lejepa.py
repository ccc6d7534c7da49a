"""Two large and two small crops, sixteen directions."""

from ssl_jax.methods.lejepa import lejepa
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method, Net

ARGUMENTS = {"directions": 16}
GROUPS = {"global": (2, 16), "local": (2, 8)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return lejepa(encoder, heads.mlp(widths=(64, 32)), directions=256)


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    whole, without = (lambda w=w: lejepa(encoder, projector, weight=w, directions=64) for w in (0.05, 0.0))
    return {"SIGReg": (whole, without, "std")}
