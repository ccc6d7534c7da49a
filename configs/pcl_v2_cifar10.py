"""PCL v2 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=pcl_v2_cifar10 --workdir=W --config.data.dir=DIR

Origin: the paper's ImageNet recipe, ResNet-50, 200 epochs, 67.6 % linear: MoCo v2's with 25,000, 50,000 and 100,000
clusters, 16,384 negatives of both kinds, prototypes after 20 epochs.
Changed: 10,000 images, 8 epochs of which the first two have no prototypes, 100, 200 and 400 clusters, and
otherwise what `moco_v2_cifar10` changes.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(
        name="pcl_v2", ema_decay=0.99, queue=4096, clusters=(100, 200, 400), negatives=256, temperature=0.1, warmup=2
    )
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half", groups=8),
        projector=dict(name="moco_v2_projector", hidden=512, out=128),
    )
    c.views = presets.cifar_symmetric_weak()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
