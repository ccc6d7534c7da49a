"""MoCo v1, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=moco_v1_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 60.6 % linear top-1 (arXiv:1911.05722, table 1).
Batch, SGD, rate, decay, steps of the rate, queue, averaging, temperature, augmentation: section 3.3 (every parameter is
decayed); the head is the encoder's last layer, of 128.
Differs: bfloat16 in the networks. `groups=8` is the batch norm of the paper's 8 GPUs of 32 images each, on any number
of devices; the keys are shuffled over these groups, as there.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "200 epochs"
    c.method = dict(name="moco_v1", ema_decay=0.999, queue=65536, temperature=0.07)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="linear", out=128, dtype="bfloat16"),
    )
    c.views = presets.moco_v1(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="steps", peak=0.03, per=256, at=("120 epochs", "160 epochs"), factor=0.1)
    return c
