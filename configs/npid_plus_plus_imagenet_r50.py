"""NPID++, ResNet-50, ImageNet, 800 epochs.

    ssl-jax train --config=npid_plus_plus_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
A recipe of InstDisc (arXiv:1805.01978) with more negatives, a larger batch and a longer run: 59.0 % linear top-1 says
PIRL's paper (arXiv:1912.01991, table 1), 56.7 % VISSL's table of models.
Everything: VISSL (npid++_4nodes_resnet.yaml). Biases are decayed there, scales of batch norm are not.
Differs: the jitter comes after the crop, not before it; bfloat16 in the networks. `groups=32` is the batch norm of its
32 GPUs of 32 images each.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """32 GPUs at VISSL."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 1024
    c.duration = "800 epochs"
    c.method = dict(name="inst_disc", form="nce", negatives=32000, temperature=0.07, momentum=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=32, zero_init=False, dtype="bfloat16"),
        projector=dict(name="linear", out=128, dtype="bfloat16"),
    )
    c.views = presets.moco_v1(224, count=1, scale=(0.08, 1.0), gray=False)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True, groups=(dict(match="norm", weight_decay=0.0),))
    c.lr = dict(kind="cosine", peak=0.12, per=1024, end=1.2e-4)
    return c
