"""DenseCL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=densecl_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10; this is the recipe of MoCo v2 here (`moco_v2_cifar10`) with a dense head of the
projector's size and DenseCL's weights of the two terms, 0.5 each.
Places: the stem halves the image to 16 x 16 and two of the three stages halve it again, so that a view has 4 x 4. With
four stages (depth=18) it takes stem="cifar" to keep as many; "imagenet" would leave one place, of which the dense term
is MoCo's.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="densecl", ema_decay=0.99, queue=4096, temperature=0.1, dense_weight=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half", groups=8),
        projector=dict(name="moco_v2_projector", hidden=512, out=128),
        dense_projector=dict(name="moco_v2_projector", hidden=512, out=128),
    )
    c.views = presets.cifar_symmetric_weak()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
