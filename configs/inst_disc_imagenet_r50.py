"""InstDisc, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=inst_disc_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 54.0 % linear top-1 (arXiv:1805.01978, table 3).
Batch, SGD, rate and its steps, negatives, temperature, momentum of the bank, head: the paper, section 4.2, and the
official code (every parameter is decayed). form="sampled" is what later codes have found better.
Differs: bfloat16 in the networks. `groups=8` is the batch norm of 8 GPUs of 32 images each.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in VISSL's recipe."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "200 epochs"
    c.method = dict(name="inst_disc", form="nce", negatives=4096, temperature=0.07, momentum=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="linear", out=128, dtype="bfloat16"),
    )
    c.views = presets.moco_v1(224, count=1)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="steps", peak=0.03, per=256, at=("120 epochs", "160 epochs"), factor=0.1)
    return c
