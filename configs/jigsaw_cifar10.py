"""Jigsaw puzzles on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=jigsaw_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10. Four tiles of 14 pixels in cells of 16, in all 24 orders. A harder puzzle, of
smaller tiles: --config.method.grid=3 --config.method.tile=8 --config.method.permutations=100
--config.nets.classifier.out=100.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves a tile, AdamW. No gray images.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 64 images, four tiles each."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 64
    c.duration = "8 epochs"
    c.method = dict(name="jigsaw", grid=2, tile=14, jitter=2, permutations=24)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        classifier=dict(name="late_fusion", piece=(64,), whole=(256,), out=24),
    )
    c.views = presets.mae(32, scale=(0.6, 1.0), stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="1 epoch")
    return c
