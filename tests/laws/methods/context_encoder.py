"""The middle half of 16 x 16 images, one pixel of it shown."""

from ssl_jax.methods.context_encoder import context_encoder
from ssl_jax.nets import conv_decoder, strided_conv
from ssl_jax.types import Method

ARGUMENTS = {"size": 8, "band": 1, "weight": 0.9}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    return {
        "encoder": strided_conv.conv_encoder(widths=(8, 16), dtype=dtype),
        "bottleneck": strided_conv.bottleneck(out=8, dtype=dtype),
        "decoder": conv_decoder.conv_decoder(size=8, widths=(16, 8), upsampling="transposed", dtype=dtype),
        "discriminator": strided_conv.conv_discriminator(widths=(8, 16), dtype=dtype),
    }


def learns(examples: int) -> Method:
    made = conv_decoder.conv_decoder(size=16, channels=1, widths=(32, 16))
    nets = strided_conv.conv_encoder(widths=(16, 32, 64)), strided_conv.bottleneck(out=64), made
    return context_encoder(*nets, strided_conv.conv_discriminator(widths=(16, 32)), size=16, band=2, weight=0.99)
