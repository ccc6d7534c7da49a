"""DeepCluster (v1) on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=deepcluster_v1_cifar10 --workdir=W --config.data.dir=DIR

Origin: the paper's ImageNet recipe (`deepcluster_v1_imagenet_r50`); none was published for CIFAR-10.
Changed: 10,000 images in 100 clusters of 64 components, 16 epochs, a ResNet of three blocks whose stem halves the
image, AdamW at 3e-3 with a warm-up of one epoch; the last layer, which has 78 steps before it begins anew, has SGD
without momentum at 1. Views of MoCo v2, as crops and flips alone leave so small a set too easy.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "16 epochs"
    c.method = dict(name="deepcluster_v1", clusters=100, components=64)
    c.nets = dict(encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"), projector=dict(name="identity"))
    c.views = presets.cifar_symmetric_weak(count=1)
    last = dict(match="^criterion/", name="sgd", momentum=0.0, lr=dict(kind="constant", peak=1.0))
    c.optimizer = dict(name="adamw", weight_decay=1e-5, groups=(last,))
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
