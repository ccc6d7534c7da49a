"""16 x 16 images, each with holes of its own: a square in the middle needs no draws."""

from ssl_jax.nets import conv_decoder, strided_conv

ARGUMENTS = {"size": 16, "band": 0, "hole": "blobs", "weight": 0.9}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"
learns = None  # pixels, not classes: what it makes of images is compared in tests/paradigms/test_inpainting.py


def nets(dtype: str) -> dict:
    return {
        "encoder": strided_conv.conv_encoder(widths=(8, 16), dtype=dtype),
        "bottleneck": strided_conv.bottleneck(out=8, dtype=dtype),
        "decoder": conv_decoder.conv_decoder(size=16, widths=(16, 8), upsampling="transposed", dtype=dtype),
        "discriminator": strided_conv.conv_discriminator(widths=(8, 16), dtype=dtype),
    }
