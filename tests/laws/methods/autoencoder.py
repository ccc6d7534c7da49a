"""A code of four numbers of 16 x 16 images."""

from ssl_jax.methods.autoencoder import autoencoder
from ssl_jax.nets import conv_decoder, heads, strided_conv
from ssl_jax.types import Method

GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    return {
        "encoder": strided_conv.conv_encoder(widths=(4, 8), dtype=dtype),
        "bottleneck": heads.linear(out=4, dtype=dtype),
        "decoder": conv_decoder.conv_decoder(size=16, widths=(8, 4), dtype=dtype),
    }


def learns(examples: int) -> Method:
    decoder = conv_decoder.conv_decoder(size=28, channels=1, widths=(32, 16))
    return autoencoder(strided_conv.conv_encoder(widths=(16, 32, 64)), heads.linear(out=32), decoder)
