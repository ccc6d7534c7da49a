"""FroSSL, ResNet-18, ImageNet, 100 epochs.

    ssl-jax train --config=frossl_imagenet_r18 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published in arXiv:2310.02903, whose larger runs are of ImageNet-100; the code has this recipe and no result of it.
All settings: the code's scripts/pretrain/imagenet/frossl.yaml: LARC with its clip at 0.3 for a batch of 256 on each of
2 GPUs, decay 1e-4, a warm-up of 10 epochs, an invariance weight of 2, a projector of 2048, 2048 and 1024. Views:
VICReg's in the paper, each blurred with p 0.5 and solarized with p 0.1.
Paper and code: the paper's first runs of two views centered the features; the code of any number of views, and this,
does not.
Differs: bfloat16 in the networks (float16 there), the norms in float32.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """2 GPUs in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 512
    c.duration = "100 epochs"
    c.method = dict(name="frossl", invariance=2.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=18, zero_init=False, dtype="bfloat16"),
        projector=dict(name="mlp", widths=(2048, 2048, 1024), dtype="bfloat16"),
    )
    c.views = presets.solo_vicreg(224)
    c.optimizer = dict(name="larc_clipped", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=0.3, per=256, warmup="10 epochs")
    return c
