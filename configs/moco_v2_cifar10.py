"""MoCo v2 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=moco_v2_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 83.8 % k-NN: SGD at 0.06 for a batch of
128, decay 5e-4, cosine without warm-up, a queue of 4096, averaging 0.99, temperature 0.1, batch norm in 8 groups with
shuffled keys. Views: solo-learn's weak symmetric ones.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps; one direction, as in the paper, where the origin is symmetric. For
the origin's run, in a copy of this file: all images, "200 epochs", dict(name="resnet", depth=18, stem="cifar",
groups=8) and dict(name="sgd", weight_decay=5e-4, decay_1d=True) at dict(kind="cosine", peak=0.06, per=128).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="moco_v2", ema_decay=0.99, queue=4096, temperature=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half", groups=8),
        projector=dict(name="moco_v2_projector", hidden=512, out=128),
    )
    c.views = presets.cifar_symmetric_weak()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
