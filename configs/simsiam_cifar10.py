"""SimSiam on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=simsiam_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 81.9 % k-NN: SGD at 0.06 for a batch of
128, decay 5e-4, cosine without warm-up, a projector of two layers of 2048 as in arXiv:2011.10566, appendix D, a
predictor of 512 and 2048 whose rate is constant. Views: solo-learn's weak symmetric ones.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps; heads of a quarter of the width. For the origin's run, in a copy
of this file: all images, "200 epochs", dict(name="resnet", depth=18, stem="cifar"), dict(name="sgd", weight_decay=5e-4,
decay_1d=True) at dict(kind="cosine", peak=0.06, per=128); heads of 2048, a predictor of 512 at a constant rate.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="simsiam")
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="simsiam_projector", widths=(512, 512)),
        predictor=dict(name="simsiam_predictor", hidden=128, out=512),
    )
    c.views = presets.cifar_symmetric_weak()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
