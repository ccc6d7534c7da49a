"""W-MSE on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=w_mse_cifar10 --workdir=W --config.data.dir=DIR

Origin: the code's CIFAR-10 run of W-MSE 2, ResNet-18, 1000 epochs of 50,000 images, 91.55 % linear (arXiv:2007.06346,
table 1): Adam at 3e-3 for a batch of 512, decay 1e-6 in the gradient, a projector of 1024 and 64, slices of 128, the
rate times 0.2 at 50 and at 25 epochs before the end. Views: the code's. Changed: batch 128, which is one slice; AdamW,
a cosine and a warm-up of one epoch; a hidden width of 512 and 32 outputs, 10,000 images, 8 epochs, a ResNet of three
blocks whose stem halves the image. For W-MSE 4: presets.small(count=4).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="w_mse", size=128)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(512, 32)),
    )
    c.views = presets.small()
    c.optimizer = dict(name="adamw", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
