"""Mean and variance of four numbers of 16 x 16 images."""

from ssl_jax.methods.vae import vae
from ssl_jax.nets import conv_decoder, heads, strided_conv
from ssl_jax.types import Method

ARGUMENTS = {"variance": 400.0, "beta": 0.01}  # sums over pixels are steep for plain gradient steps
GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    return {
        "encoder": strided_conv.conv_encoder(widths=(4, 8), dtype=dtype),
        "bottleneck": heads.linear(out=8, dtype=dtype),
        "decoder": conv_decoder.conv_decoder(size=16, widths=(8, 4), dtype=dtype),
    }


def learns(examples: int) -> Method:
    decoder = conv_decoder.conv_decoder(size=28, channels=1, widths=(32, 16))
    return vae(strided_conv.conv_encoder(widths=(16, 32, 64)), heads.linear(out=64), decoder, variance=0.5)
