"""Fine-tuning a ViT-B/16 on ImageNet, as MAE does it; 83.6 % after 1600 epochs of pre-training.

    ssl-jax train --config=fine_tune_imagenet_vitb16 --config.start.encoder=RUN --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them. RUN: of
mae_imagenet_vitb16, or whatever `ssl-jax import` has made of a file.
Paper: 83.6 % top-1 (arXiv:2111.06377, table 3; settings: table 9 and code).
Optimizer, rate by layer, warm-up, batch, decay, drop path, mixup, cutmix, smoothing: there.
Differs: no RandAugment and no random erasing; the tokens are normalized before their mean is taken, where the code does
so after it; the head begins as `linear` does. bfloat16 in the network.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """100 epochs of batches of 1024."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 1024
    c.duration = "100 epochs"
    c.method = dict(name="supervised_classification", smoothing=0.1, mixup=0.8, cutmix=1.0)
    c.nets = dict(
        encoder=dict(name="vit", variant="B/16", positions="sincos", pool="mean", drop_path=0.1, dtype="bfloat16"),
        classifier=dict(name="linear", out=1000),
    )
    c.views = presets.linear_probe(224)
    c.optimizer = dict(name="adamw", weight_decay=0.05, layer_rate=0.65)
    c.lr = dict(kind="cosine", peak=5e-4, per=256, warmup="5 epochs", end=1e-6)
    return c
