"""data2vec on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=data2vec_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Blocks over 39 of 64 patches, as 120 of 196, smooth L1 with a beta of 2, one
linear layer as predictor: the released ImageNet run of arXiv:2202.03555, `data2vec_imagenet_vitb16` here.
Changed: an encoder of 3 layers of 96 with patches of 4 pixels, fixed positions, no drop path and no layer scale; crops
of 0.2 to 1 without colors, AdamW at 1e-3, warm-up of 5 % of the run; 10,000 images, 10 epochs. The targets are the mean
of all layers, each normalized over the places of its image, as data2vec 2.0's (arXiv:2212.07525): normalized over
features they become the mean color of the image in so short a run (docs/measured.md). Averaging 0.99 to 0.999.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    averaging = dict(kind="linear", start=0.99, end=0.999)
    c.method = dict(name="data2vec", ema_decay=averaging, layers=3, hidden=39, instance_norm=True)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4), pool="mean", mask_token=True),
        predictor=dict(name="linear", out=96),
    )
    c.views = presets.mae(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=3.0)
    c.lr = dict(kind="cosine", peak=1e-3, per=128, end=1e-5, warmup="5 %")
    return c
