"""SimSiam on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=simsiam_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 81.9 % k-NN: SGD at 0.06 for a batch of
128, decay 5e-4, cosine without warm-up, a projector of two layers of 2048 as in arXiv:2011.10566, appendix D, a
predictor of 512 and 2048 whose rate is constant. Views: solo-learn's weak symmetric ones.
Changed: 10,000 images, 6 epochs, a ResNet-10 and heads of a quarter of the width. To undo it:
--config.data.train=tfds:cifar10/train --config.duration="200 epochs" --config.nets.encoder.depth=18
--config.nets.encoder.base=64
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """468 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "6 epochs"
    c.method = dict(name="simsiam")
    c.nets = dict(
        encoder=dict(name="resnet", depth=10, base=16, stem="cifar"),
        projector=dict(name="simsiam_projector", widths=(512, 512)),
        predictor=dict(name="simsiam_predictor", hidden=128, out=512),
    )
    c.views = presets.cifar_symmetric_weak()
    constant = dict(match="predictor/", lr=dict(kind="constant", peak=0.06, per=128))
    c.optimizer = dict(name="sgd", weight_decay=5e-4, decay_1d=True, groups=(constant,))
    c.lr = dict(kind="cosine", peak=0.06, per=128)
    return c
