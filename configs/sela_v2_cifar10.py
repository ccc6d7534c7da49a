"""SeLa-v2 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=sela_v2_cifar10 --workdir=W --config.data.dir=DIR

Origin: `sela_v2_imagenet_r50`; none was published for CIFAR-10.
Changed: what `deepcluster_v2_cifar10` changes, from which it differs in the prototypes, which learn, and in how images
are labeled.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="sela_v2", heads=3, prototypes=100, temperature=0.1, epsilon=0.05)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="swav_projector", hidden=512, out=128),
    )
    c.views = presets.cifar_symmetric()
    c.optimizer = dict(name="adamw", weight_decay=1e-6, groups=(dict(match="prototypes$", unit_norm=1),))
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
