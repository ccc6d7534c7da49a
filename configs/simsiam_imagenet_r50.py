"""SimSiam, ResNet-50, ImageNet, 100 epochs.

    ssl-jax train --config=simsiam_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 68.1 % linear top-1 (arXiv:2011.10566, table 4), 70.0, 70.8 and 71.3 % for 200, 400 and 800 epochs.
Batch, SGD, rate, decay, heads: section 3; batch 512 is the paper's default (the code's README: 68.3 % at 256). Every
parameter is decayed. The predictor's rate is constant (section 4.2 and code). Augmentation: section 3, MoCo v2's.
Paper and code: the code freezes the bias before the projector's last norm, which has no effect (here there is none),
and moves the rate once an epoch (here every step).
Differs: bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 512
    c.duration = "100 epochs"
    c.method = dict(name="simsiam")
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="simsiam_projector", widths=(2048, 2048, 2048), dtype="bfloat16"),
        predictor=dict(name="simsiam_predictor", hidden=512, out=2048, dtype="bfloat16"),
    )
    c.views = presets.moco_v2(224)
    constant = dict(match="predictor/", lr=dict(kind="constant", peak=0.05, per=256))
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True, groups=(constant,))
    c.lr = dict(kind="cosine", peak=0.05, per=256)
    return c
