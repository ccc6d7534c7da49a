"""Context encoder, the official network for images of 128 pixels, ImageNet.

    ssl-jax train --config=context_encoder_imagenet --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: arXiv:1604.07379, figures 1 and 4. Its features (table 2) are those of an AlexNet with the squared error alone.
Networks, loss, rates, batch, views, color of the hole: the code's train.lua with the arguments of its README
(overlapPred=4, wtl2=0.999, nBottleneck=4000); 25 epochs: its default.
Paper and code: in a band of four pixels, which are shown, the squared error counts ten times in the code.
Differs: initial weights are torch's default, which are normal of std 0.02 there; biases of the layers without a norm
learn, which there are zero.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """One GPU there."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 64
    c.duration = "25 epochs"
    color = tuple(2 * value / 255 - 1 for value in (117, 104, 123))
    c.method = dict(name="context_encoder", size=64, band=4, band_weight=10.0, weight=0.999, color=color)
    c.nets = dict(
        encoder=dict(name="conv_encoder", widths=(64, 64, 128, 256, 512)),
        bottleneck=dict(name="bottleneck", out=4000),
        decoder=dict(name="conv_decoder", size=64, widths=(512, 256, 128, 64), upsampling="transposed", output="tanh"),
        discriminator=dict(name="conv_discriminator", widths=(64, 128, 256, 512)),
    )
    crop = (dict(name="resize", args=dict(size=350)), dict(name="pad_crop", args=dict(padding=0)))
    flip = dict(name="flip", p=0.5)
    c.views = (dict(group="global", count=1, size=128, ops=(*crop, flip, dict(name="normalize", args=presets.HALF))),)
    c.optimizer = dict(name="adamw", b1=0.5, weight_decay=0.0, groups=(dict(match="^discriminator/", lr=2e-4),))
    c.lr = 2e-3
    return c
