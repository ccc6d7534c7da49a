"""SupCon on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=supcon_cifar10 --workdir=W --config.data.dir=DIR

Origin: the authors' PyTorch code on CIFAR-10, ResNet-50, 1000 epochs of 50,000 images, 96.0 % linear: SGD at 0.5 for a
batch of 1024, decay 1e-4, warm-up of 10 epochs, cosine, a projector of (2048, 128) without batch norm, temperature 0.1.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps; a
projector of 512. It reads the labels of the training set, so its scores are no measure of learning without labels.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="supcon", temperature=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(512, 128), norm="none"),
    )
    c.views = presets.simclr(32, strength=0.5, blur=False, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
