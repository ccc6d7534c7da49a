"""W-MSE, ResNet-18, ImageNet, 240 epochs: the settings of the code's ImageNet-100 run.

    ssl-jax train --config=w_mse_imagenet_r18 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published in arXiv:2007.06346, whose code has a run of 100 of the classes; the paper's number for all of ImageNet is of
a ResNet-50 and four views (72.56 % linear top-1 after 400 epochs, from memory), of which no settings are in the code.
All settings: the code's README (W-MSE 2, ImageNet-100) and defaults: batch 512, Adam at 2e-3 with a warm-up of 500
steps, times 0.2 at 50 and at 25 epochs before the end, a projector of 1024 and 128, slices of 256; crops of 8 % and
more, strong colors, half of the views blurred. Here they meet all classes, so that an epoch has ten times the steps.
Paper and code: W-MSE 4 has a batch of 256 and four views.
Differs: bfloat16 in the networks (float32 there); the decay of 1e-6 is AdamW's (in the gradient there); crops are
bilinear and come before the colors (bicubic and after them there); the projector's batch norm has each view by itself.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """One GPU in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 512
    c.duration = "240 epochs"
    c.method = dict(name="w_mse", size=256)
    c.nets = dict(
        encoder=dict(name="resnet", depth=18, zero_init=False, dtype="bfloat16"),
        projector=dict(name="mlp", widths=(1024, 128), dtype="bfloat16"),
    )
    c.views = presets.simclr(224)
    c.optimizer = dict(name="adamw", weight_decay=1e-6)
    c.lr = dict(kind="steps", peak=2e-3, factor=0.2, at=("190 epochs", "215 epochs"), warmup="500 steps")
    return c
