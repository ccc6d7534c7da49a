"""FastSiam on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=fastsiam_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, four views, 200 epochs of 50,000 images, 90.6 % k-NN: SGD at 0.06 for
a batch of 128, decay 5e-4, cosine without warm-up; a projector of 2048 and a predictor of 512, whose rate is constant.
Views: solo-learn's weak symmetric ones, as SimSiam's here (`simsiam_cifar10`).
Changed: 10,000 images, 4 epochs of four views, which cost as much as 8 of two; a ResNet of three blocks whose stem
halves the image, AdamW at 3e-3 with a warm-up of one epoch, heads of a quarter of the width.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """312 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "4 epochs"
    c.method = dict(name="fastsiam")
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="simsiam_projector", widths=(512, 512)),
        predictor=dict(name="simsiam_predictor", hidden=128, out=512),
    )
    c.views = presets.cifar_symmetric_weak(count=4)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
