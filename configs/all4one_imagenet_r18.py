"""All4One, ResNet-18, 400 epochs: the authors' recipe of ImageNet-100.

    ssl-jax train --config=all4one_imagenet_r18 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them. The
published run saw a hundred of its classes: name a folder of these by --config.data.train and --config.data.test.
Code: 81.93 % online linear top-1 on ImageNet-100 (arXiv:2303.09417; solo-learn).
All settings: scripts/pretrain/imagenet-100/all4one.yml: LARC with its clip at 1.0 for 128 images on each of 2 GPUs, a
tenth of it for the transformer, decay 1e-5, a warm-up of 10 epochs, averaging from 0.99 to 1. Views: BYOL's, as there.
Differs: a queue of 98304, since the file's 98340 is no multiple of its batch and its code refuses it; bfloat16 in the
networks (float16 there), the norms in float32.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """2 GPUs in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "400 epochs"
    c.method = dict(name="all4one", ema_decay=dict(kind="cosine", start=0.99, end=1.0), queue=98304)
    predictor = dict(name="mlp", widths=(4096, 256), dtype="bfloat16")
    c.nets = dict(
        encoder=dict(name="resnet", depth=18, zero_init=False, dtype="bfloat16"),
        projector=dict(name="mlp", widths=(2048, 2048, 256), last_norm="affine", dtype="bfloat16"),
        predictor=predictor,
        second_predictor=predictor,
        transformer=dict(name="neighbor_transformer", dtype="bfloat16"),
    )
    c.views = presets.byol(224)
    transformer = dict(match="^criterion/transformer/", multiple=0.1)
    c.optimizer = dict(name="larc_clipped", weight_decay=1e-5, groups=(transformer,))
    c.lr = dict(kind="cosine", peak=1.0, per=256, warmup="10 epochs")
    return c
