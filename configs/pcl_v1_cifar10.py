"""PCL v1 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=pcl_v1_cifar10 --workdir=W --config.data.dir=DIR

Origin: the paper's ImageNet recipe (`pcl_v1_imagenet_r50`): MoCo v1's views and head with 25,000, 50,000 and 100,000
clusters, prototypes after 20 epochs.
Changed: what `pcl_v2_cifar10` changes. Differs from that one in the head, one linear layer, and in the views.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    sizes = dict(queue=4096, clusters=(100, 200, 400), negatives=256)
    c.method = dict(name="pcl_v1", ema_decay=0.99, **sizes, temperature=0.1, warmup=2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half", groups=8),
        projector=dict(name="linear", out=128),
    )
    c.views = presets.moco_v1(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
