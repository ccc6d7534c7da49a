"""Colorization, ResNet-50, ImageNet, 100 epochs.

    ssl-jax train --config=colorization_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 40.1 % linear top-1 of a ResNet-50 (VISSL's model zoo), whose recipe is not. The paper (arXiv:1603.08511) has
a VGG with dilated layers, whose features are eighths of the image, and for features an AlexNet, 31.5 % for its best
layer; the code trains on crops of 176 pixels, 40 at a time, for 500,000 steps with Adam.
Bins, targets, weights, gray images, stride, crops, Adam and its decay: the code.
Differs: a ResNet with a decoder of three doublings; 261 bins, which are those of sRGB, and not 313; batch 256 with its
rate by the square root, which falls once, as there; biases and norms are not decayed; bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """A GPU in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "100 epochs"
    c.method = dict(name="colorization")
    c.nets = dict(
        encoder=dict(name="lightness_resnet", depth=50, zero_init=False, dtype="bfloat16"),
        decoder=dict(name="color_decoder", widths=(512, 256, 256), out=261, dtype="bfloat16"),
    )
    c.views = presets.pieces(192, whole=256, gray=0.0, stats=presets.HALF)
    c.clean = presets.evaluate(224, stats=presets.HALF)
    c.optimizer = dict(name="adamw", b1=0.9, b2=0.99, weight_decay=1e-3)
    c.lr = dict(kind="steps", peak=3e-5, per=40, rule="sqrt", factor=1 / 3, at=(0.45,))
    return c
