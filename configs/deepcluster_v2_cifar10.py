"""DeepCluster-v2 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=deepcluster_v2_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR-10 recipe, ResNet-18, 1000 epochs of 50,000 images, 88.85 % online linear: LARC with its
clip at 0.6 for a batch of 256, end 6e-4, decay 1e-6, three heads of 3000 clusters, two crops.
Changed: three heads of 100 clusters for a fifth of the images; batch 128; AdamW at 3e-3 with a warm-up of one epoch,
since LARC gets nowhere in so few steps; 8 epochs, the first of which only fills the bank; a ResNet of three blocks and
a head of a quarter of the width. For the origin's run, in a copy of this file: all images, "1000 epochs",
centroids=3000, dict(name="resnet", depth=18, stem="cifar"), dict(name="larc_clipped", weight_decay=1e-6) at
dict(kind="cosine", peak=0.6, per=256, end_factor=0.001, warmup="11 epochs").
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="deepcluster_v2", heads=3, centroids=100, temperature=0.1, iterations=10)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="swav_projector", hidden=512, out=128),
    )
    c.views = presets.cifar_symmetric()
    c.optimizer = dict(name="adamw", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
