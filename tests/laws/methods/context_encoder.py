"""The middle half of 16 x 16 images, one pixel of it shown."""

from ssl_jax.nets import conv_decoder, strided_conv

ARGUMENTS = {"size": 8, "band": 1, "weight": 0.9}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"
learns = None  # pixels, not classes: what it makes of images is compared in tests/paradigms/test_inpainting.py


def nets(dtype: str) -> dict:
    return {
        "encoder": strided_conv.conv_encoder(widths=(8, 16), dtype=dtype),
        "bottleneck": strided_conv.bottleneck(out=8, dtype=dtype),
        "decoder": conv_decoder.conv_decoder(size=8, widths=(16, 8), upsampling="transposed", dtype=dtype),
        "discriminator": strided_conv.conv_discriminator(widths=(8, 16), dtype=dtype),
    }
