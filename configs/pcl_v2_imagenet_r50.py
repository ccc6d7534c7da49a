"""PCL v2, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=pcl_v2_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 67.6 % linear top-1 (arXiv:2005.04966, table 3; the code's README).
All settings: the code's main_pcl.py with the README's flags of v2: 25,000, 50,000 and 100,000 clusters of the training
images' center crops before each epoch from the 21st on, 16,384 negatives of both kinds, temperature 0.2, decay 0.999.
Paper and code: the code moves the rate once an epoch (here every step). It keeps the best of 5 runs of faiss's k-means
on at most 1,000 images a cluster (here one run on all images).
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
    c.method = dict(
        name="pcl_v2", ema_decay=0.999, queue=16384, clusters=(25000, 50000, 100000), negatives=16384, warmup=20
    )
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, groups=8, zero_init=False, dtype="bfloat16"),
        projector=dict(name="moco_v2_projector", hidden=2048, out=128, dtype="bfloat16"),
    )
    c.views = presets.moco_v2(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="cosine", peak=0.03, per=256)
    return c
