"""PMSN on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=pmsn_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. This is the recipe of MSN here (`msn_cifar10`) with the prior of lightly's
PMSNLoss, i^(-0.25), and without Sinkhorn on the targets, which would make them uniform again. CIFAR-10's classes are
of one size, so that it has nothing to win here: it is for data whose classes are not.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="pmsn", ema_decay=0.99, target_temperature=0.25, exponent=0.25, drop=0.15, prototypes=256)
    c.nets = dict(
        encoder=dict(name="vit", variant=(96, 3, 4, 4)),
        projector=dict(name="mlp", widths=(512, 512, 128), activation="gelu"),
    )
    crops = dict(focal=2, focal_size=16, focal_scale=(0.05, 0.3))
    c.views = presets.msn(32, **crops, stats=presets.CIFAR10)
    prototypes = dict(match="criterion/prototypes", weight_decay=0.0)
    c.optimizer = dict(name="adamw", weight_decay=0.05, clip_global=3.0, groups=(prototypes,))
    c.lr = dict(kind="cosine", peak=1e-3, per=128, end=1e-6, warmup="1 epoch")
    return c
