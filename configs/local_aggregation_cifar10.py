"""Local Aggregation on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=local_aggregation_cifar10 --workdir=W --config.data.dir=DIR

Origin: the paper's ImageNet recipe (`local_aggregation_imagenet_r50`); none was published for CIFAR-10.
Changed: as `inst_disc_cifar10` is small: 10,000 images, 16 epochs of which the first eight are InstDisc's, a ResNet of
three blocks whose stem halves the image, AdamW at 3e-3 with a warm-up of one epoch, the softmax over all images. 300
clusters in three runs, 512 background neighbors, temperature 0.1.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "16 epochs"
    sizes = dict(clusters=300, runs=3, background=512)
    c.method = dict(name="local_aggregation", **sizes, form="full", temperature=0.1, momentum=0.5, warmup=8)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="linear", out=128),
    )
    c.views = presets.moco_v1(32, count=1, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
