"""Noise, and a code of four numbers of 16 x 16 images."""

from ssl_jax.nets import conv_decoder, heads, strided_conv

GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"
learns = None  # pixels, not classes: what it makes of images is compared in tests/paradigms/test_autoencoding.py


def nets(dtype: str) -> dict:
    return {
        "encoder": strided_conv.conv_encoder(widths=(4, 8), dtype=dtype),
        "bottleneck": heads.linear(out=4, dtype=dtype),
        "decoder": conv_decoder.conv_decoder(size=16, widths=(8, 4), dtype=dtype),
    }
