"""BYOL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=byol_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 86.9 % k-NN: SGD at 0.06 for a batch of
128, decay 5e-4, cosine without warm-up, heads of 1024 and 256, averaging 0.99 throughout. Views: solo-learn's
asymmetric ones.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps; heads of half the width. For the origin's run, in a copy of this
file: all images, "200 epochs", dict(name="resnet", depth=18, stem="cifar"), dict(name="sgd", weight_decay=5e-4,
decay_1d=True) at dict(kind="cosine", peak=0.06, per=128); heads of 1024 and 256.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="byol", ema_decay=0.99)
    head = dict(name="byol_mlp", hidden=512, out=128)
    c.nets = dict(encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"), projector=head, predictor=head)
    c.views = presets.cifar_asymmetric()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
