"""PCL v1, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=pcl_v1_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 61.5 % linear top-1 (arXiv:2005.04966, table 3; the code's README).
All settings: the code's main_pcl.py with its defaults and the README's temperature, without the flags of v2: one linear
layer, MoCo v1's views, the rate times 0.1 after 120 and 160 epochs; 25,000, 50,000 and 100,000 clusters of the training
images' center crops before each epoch from the 21st on, 16,384 negatives of both kinds, temperature 0.2, decay 0.999.
Paper and code: the code keeps the best of 5 runs of faiss's k-means on at most 1,000 images a cluster (here one run on
all images).
Differs: bfloat16 in the networks. `groups=8` is the batch norm of 8 GPUs of 32 images each, on any number of devices.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """8 GPUs in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "200 epochs"
    sizes = dict(queue=16384, clusters=(25000, 50000, 100000), negatives=16384)
    c.method = dict(name="pcl_v1", ema_decay=0.999, **sizes, temperature=0.2, warmup=20)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="linear", out=128, dtype="bfloat16"),
    )
    c.views = presets.moco_v1(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="steps", peak=0.03, per=256, at=("120 epochs", "160 epochs"), factor=0.1)
    return c
