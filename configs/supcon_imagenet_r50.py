"""SupCon, ResNet-50, ImageNet, 350 epochs.

    ssl-jax train --config=supcon_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 78.7 % top-1 of a classifier on frozen features, with AutoAugment (arXiv:2004.11362, table 3).
Batch, LARS, rate, decay, warm-up, temperature and the projector of one layer: the authors' TensorFlow code
(supcon_imagenet_resnet50.sh), whose loss has the factor that base_temperature=1 gives. It reads the labels of the
training set, so that it is the reference of methods without labels and not one of them.
Differs: SimCLR's views, as there is no AutoAugment; features are not normalized before the projector; biases and norms
are not decayed; bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """128 TPU cores in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 6144
    c.duration = "350 epochs"
    c.method = dict(name="supcon", temperature=0.1, base_temperature=1.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="linear", out=128, bias=False, dtype="bfloat16"),
    )
    c.views = presets.simclr(224)
    c.optimizer = dict(name="lars_rate_then_momentum", weight_decay=1e-3)
    c.lr = dict(kind="cosine", peak=0.4, per=256, warmup="12 epochs")
    return c
