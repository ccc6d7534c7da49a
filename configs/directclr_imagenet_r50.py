"""DirectCLR, ResNet-50, ImageNet, 100 epochs.

    ssl-jax train --config=directclr_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 62.7 % linear top-1 (arXiv:2110.09348, table 1; README), where SimCLR has 66.5 % with a projector of two
layers and 51.5 % without one.
All settings: the code's, 360 of 2048 features, Barlow Twins' LARS and views, a rate of 4.8 that ends at a thousandth.
Paper and code: the paper writes SimCLR's loss; the code, and this, looks for partners among the other view alone.
Differs: bfloat16 in the network (float16 there), the loss in float32.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """32 GPUs, 7 hours in the README."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "100 epochs"
    c.method = dict(name="directclr", dims=360, temperature=0.1)
    c.nets = dict(encoder=dict(name="resnet", depth=50, dtype="bfloat16"))
    c.views = presets.byol(224)
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=0.3, per=256, end_factor=0.001, warmup="10 epochs")
    return c
