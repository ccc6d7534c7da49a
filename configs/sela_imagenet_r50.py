"""SeLa, ResNet-50, ImageNet, 400 epochs.

    ssl-jax train --config=sela_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 61.5 % linear top-1 (arXiv:1911.05371; the code's README, R50 10x3k).
All settings: the code's main.py and scripts/resnet.sh: ten linear heads of 3000 clusters, lambda 25, labels made anew
100 times, ever rarer, SGD at 0.08 for a batch of 256, the rate times 0.1 after 150 and 300 epochs and once more after
350, decay 1e-5. Views: crops from 0.08 of the area, MoCo v1's colors; labels are of such views, too.
Paper and code: the code labels in training mode, by the statistics of each batch; here by those of evaluation. It
solves in float64; here in logarithms.
Differs: the ResNet has its norms after the convolutions, where the code's are before; bfloat16 in the networks.
`groups=4` is the batch norm of the code's 4 GPUs.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """4 GPUs in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "400 epochs"
    c.method = dict(name="sela", heads=10, clusters=3000, sharpness=25.0, optimizations=100, tolerance=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=4, zero_init=False, dtype="bfloat16"),
        projector=dict(name="identity"),
    )
    c.views = presets.moco_v1(224, count=1, scale=(0.08, 1.0))
    c.optimizer = dict(name="sgd", weight_decay=1e-5, decay_1d=True)
    c.lr = dict(kind="steps", peak=0.08, per=256, at=("150 epochs", "300 epochs", "350 epochs"), factor=0.1)
    return c
