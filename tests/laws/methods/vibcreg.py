"""Two blocks of four features are whitened."""

from ssl_jax.methods.vibcreg import vibcreg
from ssl_jax.nets import iterative_norm, resnet
from ssl_jax.types import Method, Net

ARGUMENTS = {}


def nets(dtype: str) -> dict:
    return {"projector": iterative_norm.vibcreg_projector(widths=(16, 8), blocks=2, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return vibcreg(encoder, iterative_norm.vibcreg_projector(widths=(64, 32), blocks=2))


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    """Behind a head that does not whiten, which would be a second guard."""
    whole, without = (lambda weight=weight: vibcreg(encoder, projector, variance=weight) for weight in (25.0, 0.0))
    return {"variance": (whole, without, "std")}
