"""Relative patch position on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=relative_patch_position_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10; the guards of the released code (arXiv:1505.05192).
Changed: crops of 60 % of an image or more are enlarged to 48 pixels, which have room for nine patches of 12; 10,000
images, 8 epochs, a ResNet of three blocks whose stem halves a patch, AdamW. Evaluated are images of 48 pixels as well.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 64 images, nine patches each."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 64
    c.duration = "8 epochs"
    c.method = dict(name="relative_patch_position", patch=12, gap=3, jitter=2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        classifier=dict(name="late_fusion", piece=(), whole=(256,), out=8),
    )
    c.views = presets.crop_only(48, scale=(0.6, 1.0), stats=presets.CIFAR10)
    c.clean = presets.evaluate(48, resize=48, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="1 epoch")
    return c
