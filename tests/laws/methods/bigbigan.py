"""Codes of six numbers of 16 x 16 images, and of as large ones that are made.

Without attention, which devices repeat where every parameter is split: docs/methods/bigbigan.md, "Cost".
"""

from ssl_jax.nets import heads, residual_gan, strided_conv

ARGUMENTS = {"times": 1, "average": 0.9}
GROUPS = {"global": (1, 16)}
NO_CONTROL = (
    "it has no one guard: codes of a point are told from the prior's by the score of codes alone, and images of a "
    "point by that of images"
)
learns = None  # adversaries need thousands of steps, of which that law has two hundred


def nets(dtype: str) -> dict:
    return {
        "encoder": strided_conv.conv_encoder(widths=(4,), dtype=dtype),
        "bottleneck": heads.linear(out=12, dtype=dtype),
        "generator": residual_gan.residual_generator(size=16, widths=(4, 4), dtype=dtype),
        "discriminator": residual_gan.joint_discriminator(widths=(4,), hidden=4, layers=1, dtype=dtype),
    }
